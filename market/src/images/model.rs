//! Limits, variants and refusals.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId, UserId};
use utoipa::ToSchema;

use crate::chat::model::{FILE_TYPES, PDF};
use crate::ids::{ImageId, ListingId};
use crate::imports::model::{self as imports, CSV};

shared::id!(
    /// Names one presigned upload.
    UploadId
);

/// By which recipe the files of a picture are made: rises with every change to sizes, formats, qualities or colours. Pictures of an older
/// one are made anew by `images.reprocess`.
///
/// 1: the colour profile was passed on. 2: everything is sRGB.
pub const RECIPE: i16 = 2;
/// How long an address works that a picture's owner gets for a file.
pub const ADDRESS_VALID_FOR: Duration = Duration::from_hours(6);
/// The largest upload, in bytes.
pub const MAX_BYTES: u64 = 20 * 1024 * 1024;
/// The most pixels in a picture (50 megapixels), known from its header before anything is decoded.
pub const MAX_PIXELS: u64 = 50_000_000;
/// The longest side in pixels: the largest that WebP can store.
pub const MAX_SIDE: u32 = 16_383;
/// Widths in pixels that a picture is offered in. None is larger than the picture itself.
pub const WIDTHS: [u32; 5] = [160, 320, 640, 1280, 2048];
/// Side of the square thumbnail in pixels.
pub const THUMBNAIL_SIDE: u32 = 320;

/// A format that we store variants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ImageFormat)]
pub enum Format {
    Webp,
    Jpeg,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Webp, Self::Jpeg];

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
        }
    }
}

/// What a variant shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ImageShape)]
pub enum Shape {
    /// The whole picture.
    Whole,
    /// The middle square of it.
    Square,
}

/// What may be uploaded: photographs, files to import, and documents.
pub const UPLOAD_TYPES: [&str; 5] = ["image/jpeg", "image/png", "image/webp", CSV, PDF];

/// The largest upload of a type, in bytes.
#[must_use]
pub fn max_bytes(content_type: &str) -> u64 {
    if FILE_TYPES.contains(&content_type) { imports::MAX_BYTES } else { MAX_BYTES }
}

/// A photograph or a file on its way: somebody has the address to send it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    pub org: OrgId,
    pub created_by: UserId,
    pub content_type: String,
    /// In bytes, exactly.
    pub size: u64,
    pub object_key: String,
    /// What it is called where it comes from.
    pub file_name: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub completed: bool,
    /// It expired some time ago: what was sent may be purged at any moment.
    pub late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ImageStatus)]
pub enum Status {
    Uploaded,
    Processing,
    Ready,
    Rejected,
    /// Shown to nobody; its objects are being removed.
    Deleting,
}

/// A picture as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub id: ImageId,
    pub org: OrgId,
    pub listing: Option<ListingId>,
    pub status: Status,
    pub refusal_code: Option<String>,
    pub refusal: Option<String>,
    /// In pixels, once it is ready.
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub blurhash: Option<String>,
    /// By which its files are made.
    pub recipe: i16,
    /// The upload moves; its first frame is shown.
    pub animated: bool,
    pub job: Option<JobId>,
    /// The key of the upload itself, which is shown to nobody.
    pub original_key: String,
    pub created_at: DateTime<Utc>,
}

/// One file of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVariant {
    pub shape: Shape,
    pub format: Format,
    pub width: i32,
    pub height: i32,
    pub bytes: i64,
    pub object_key: String,
}

impl StoredVariant {
    /// What its address ends with.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object_key.rsplit('/').next().unwrap_or_default()
    }
}

/// What is known about a picture once it has been processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub checksum: [u8; 32],
    pub width: i32,
    pub height: i32,
    pub blurhash: String,
    pub animated: bool,
    pub variants: Vec<StoredVariant>,
}

/// The key of an upload's object.
pub fn upload_key(upload: UploadId) -> String {
    format!("uploads/{upload}")
}

/// The key of a variant's object. A picture that is processed again by the same recipe writes the same keys; by another one it writes
/// others, so that what is behind an address never changes.
pub fn variant_key(image: ImageId, shape: Shape, width: u32, format: Format) -> String {
    let extension = format.extension();
    match shape {
        Shape::Whole => format!("images/{image}/{width}.{RECIPE}.{extension}"),
        Shape::Square => format!("images/{image}/square.{RECIPE}.{extension}"),
    }
}

/// Whether two names of files mean the same size and format of a picture, made by whichever recipes. The first one had no number.
#[must_use]
pub fn same_file(one: &str, other: &str) -> bool {
    fn parts(name: &str) -> Option<(&str, &str)> {
        let (size, rest) = name.split_once('.')?;
        match rest.split_once('.') {
            None => Some((size, rest)),
            Some((recipe, format)) => recipe.parse::<i16>().is_ok().then_some((size, format)),
        }
    }
    parts(one).is_some() && parts(one) == parts(other)
}

/// The widths stored for a picture `width` pixels wide: each of [`WIDTHS`], but capped at its own
/// width, which is therefore among them unless it exceeds the largest.
pub fn widths_for(width: u32) -> Vec<u32> {
    let mut widths: Vec<u32> = WIDTHS.iter().map(|&it| it.min(width.max(1))).collect();
    widths.dedup();
    widths
}

/// Why a picture is refused. The text is for the person who sent it, the code for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {} MB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("{0} files are not accepted: send a JPEG, PNG or WebP picture")]
    UnsupportedType(&'static str),
    #[error("the picture is {width} × {height} pixels, more than {} megapixels", MAX_PIXELS / 1_000_000)]
    TooManyPixels { width: u32, height: u32 },
    #[error("the picture is {width} × {height} pixels: a side may have {MAX_SIDE} at most")]
    SideTooLong { width: u32, height: u32 },
    #[error("the picture is damaged or incomplete")]
    Damaged,
    #[error("the uploaded file is gone: send it again")]
    Missing,
}

impl Refusal {
    /// Stable, for the API and the database.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::UnsupportedType(_) => "unsupported_type",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::SideTooLong { .. } => "side_too_long",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
        }
    }
}

#[cfg(test)]
mod tests;
