//! Photographs.

mod delete_image;
mod process_image;
mod purge_uploads;

pub use delete_image::DeleteImage;
pub use process_image::ProcessImage;
pub use purge_uploads::PurgeUploads;
