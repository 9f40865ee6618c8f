//! Photographs.

mod delete_image;
mod delete_replaced;
mod process_image;
mod purge_uploads;
mod reprocess_images;

pub use delete_image::DeleteImage;
pub use delete_replaced::DeleteReplaced;
pub use process_image::ProcessImage;
pub use purge_uploads::PurgeUploads;
pub use reprocess_images::ReprocessImages;
