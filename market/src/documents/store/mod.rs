//! SQL for documents of organisations, the reminders of their expiry, and the files that they leave behind.
//!
//! A document is locked before its upload. That it has expired is computed from its last day and the day that it is where the
//! organisation is, whenever it is read; no job has to have run.
//!
//! How to get this wrong: to delete a file that something else has come to use. A file that is left behind is an upload that nobody
//! can find any more ([`crate::images::store::lock_upload`]), and whoever wants to use one locks it first.

mod files;
mod judge;
mod read;
mod remind;
#[cfg(test)]
mod tests;
mod write;

use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};

use super::model::{DocumentStatus, MOST};
use crate::images::store::ImageError;

pub(crate) use files::leave as leave_file;
pub use files::{leftovers, remove_abandoned, remove_leftover};
pub use judge::decide;
pub use read::{StoredFile, file, get, lock, of_org, waiting};
pub use remind::{expiring, note_reminded};
pub(crate) use write::take_file;
pub use write::{create, remove, replace};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("an organisation has at most {MOST} documents")]
    TooMany,
    #[error("the document is {}", .0.described())]
    Status(DocumentStatus),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Upload(ImageError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("org_documents_number_length", "/number", "must have 1 to 100 characters"),
    ("org_documents_once_per_upload", "/upload", "is the file of another document"),
];

impl From<sqlx::Error> for DocumentError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("org_documents_per_org") {
            return Self::TooMany;
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}
