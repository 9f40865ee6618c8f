//! Decodes untrusted bytes into pixels, with the cheapest checks first.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, Limits};
use market::images::model::{MAX_BYTES, MAX_PIXELS, MAX_SIDE, Refusal};

use super::colour::Channels;
use super::container::{self, Jpeg};
use super::inks;

/// The most memory that decoded pixels may take: [`MAX_PIXELS`] with four channels of 8 bits. A
/// picture with 16 bits per channel reaches it with fewer pixels.
pub(super) const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;
/// The most memory for a decoder's buffers, besides the pixels.
const MAX_DECODER_BYTES: u64 = 64 * 1024 * 1024;

/// A decoded picture as the camera stored it.
pub(super) struct Picture {
    pub(super) pixels: DynamicImage,
    pub(super) channels: Channels,
    pub(super) orientation: Orientation,
    /// The colour profile that came with it, unread.
    pub(super) profile: Option<Vec<u8>>,
    /// The file moves, and these are the pixels of its first frame.
    pub(super) animated: bool,
}

impl Picture {
    /// Width and height after the orientation is applied.
    pub(super) fn displayed_size(&self) -> (u32, u32) {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        if self.is_on_its_side() { (height, width) } else { (width, height) }
    }

    /// Whether the stored rows are the columns that people see.
    pub(super) const fn is_on_its_side(&self) -> bool {
        matches!(
            self.orientation,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        )
    }
}

/// The types that we decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Jpeg,
    Png,
    Webp,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    match sniff(bytes)? {
        Type::Jpeg => match container::inspect_jpeg(bytes) {
            Jpeg::Sound => match inks::of(bytes) {
                Some(channels) => inks::decode(bytes, channels),
                None => pixels(JpegDecoder::new(Cursor::new(bytes)), |_| false),
            },
            Jpeg::Incomplete => Err(Refusal::Damaged),
            Jpeg::SeparateScans => Err(Refusal::UnsupportedType("non-interleaved JPEG")),
        },
        // These limits already apply while the header is read: compressed text chunks come before
        // the pixels.
        Type::Png => {
            pixels(PngDecoder::with_limits(Cursor::new(bytes), limits()), |png| png.is_apng().unwrap_or(false))
        }
        Type::Webp => pixels(WebPDecoder::new(Cursor::new(bytes)), WebPDecoder::has_animation),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES + MAX_DECODER_BYTES);
    limits
}

/// The type, from the first bytes alone.
fn sniff(bytes: &[u8]) -> Result<Type, Refusal> {
    if bytes.starts_with(b"\xFF\xD8\xFF") {
        return Ok(Type::Jpeg);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
        return Ok(Type::Png);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(Type::Webp);
    }
    Err(Refusal::UnsupportedType(name_of(bytes)))
}

/// A name for what was sent instead, so that the person knows what to do about it.
fn name_of(bytes: &[u8]) -> &'static str {
    const BINARY: [(&[u8], &str); 6] = [
        (b"GIF8", "GIF"),
        (b"BM", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"%PDF", "PDF"),
        (b"PK\x03\x04", "ZIP"),
    ];
    if let Some((_, name)) = BINARY.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return name;
    }
    match (bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => return "AVIF",
        (Some(b"ftyp"), Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1")) => return "HEIC",
        (Some(b"ftyp"), _) => return "video",
        _ => {}
    }
    let start = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).to_ascii_lowercase();
    if start.contains("<svg") {
        "SVG"
    } else if start.contains("<html") || start.contains("<!doctype") || start.contains("<script") {
        "HTML"
    } else {
        "such"
    }
}

/// Reads the header, checks what it promises, then decodes. Only the first frame of an animated
/// picture is used: it shows the goods, and a moving photograph helps nobody to judge them.
fn pixels<D: ImageDecoder>(
    opened: image::ImageResult<D>,
    is_animated: impl FnOnce(&D) -> bool,
) -> Result<Picture, Refusal> {
    let mut decoder = opened.map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoder.total_bytes())?;
    let animated = is_animated(&decoder);
    decoder.set_limits(limits()).map_err(|error| damaged(&error))?;
    // Damaged metadata is not a reason to refuse sound pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let pixels = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    Ok(Picture { pixels, channels: Channels::Light, orientation, profile, animated })
}

/// Checks what a header promises: sides, and the bytes of the decoded pixels.
pub(super) fn check_size(width: u32, height: u32, bytes: u64) -> Result<(), Refusal> {
    if width == 0 || height == 0 {
        return Err(Refusal::Damaged);
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS || bytes > MAX_DECODED_BYTES {
        return Err(Refusal::TooManyPixels { width, height });
    }
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Refusal::SideTooLong { width, height });
    }
    Ok(())
}

pub(super) fn damaged(error: &dyn std::error::Error) -> Refusal {
    tracing::debug!(%error, "picture refused");
    Refusal::Damaged
}

#[cfg(test)]
mod tests;
