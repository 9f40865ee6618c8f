//! Photographs that people upload become the pictures that pages show: [`pictures`] makes them, [`ImageSlots`] bounds how many are
//! made at a time.
//!
//! How to get this wrong: let a cancelled job free its slot while its thread still holds the pixels.

mod delete_image;
mod delete_replaced;
mod image_slots;
mod process_image;
mod purge_uploads;
mod reprocess_images;
#[cfg(test)]
mod tests;

pub use image_slots::{ImageSlots, ProcessError, Slot};
