//! Documents of organisations: owners are reminded before they expire, and files that no document has any more are deleted.

mod act;
pub mod mail;
mod remind_documents;
mod sweep_documents;

pub use act::remind;
pub use remind_documents::RemindDocuments;
pub use sweep_documents::SweepDocuments;
