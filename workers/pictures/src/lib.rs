//! Turns an uploaded photograph into the pictures that pages show.
//!
//! [`process`] is pure: bytes in, variants or a [`Refusal`] out. An upload is hostile until proven
//! otherwise, so the order matters: size, then the first bytes (never the file's name or declared
//! type), then the header's dimensions, and only then are pixels decoded. The variants are encoded
//! afresh in sRGB, and nothing else of the original survives.
//!
//! Whoever changes what comes out of a picture (sizes, formats, qualities, colours) raises [`market::images::model::RECIPE`]: what is
//! stored is then made anew.
//!
//! Memory: one picture takes at most [`decode::MAX_DECODED_BYTES`] for its pixels, up to twice that while a progressive JPEG
//! is decoded, plus 20 MB of input; it is shrunk before it is turned or converted. The caller
//! bounds how many are processed at a time.
//!
//! A package of its own, since the decoders' generic code is compiled where it is used, and is unbearably slow without
//! optimisation: everything else is compiled faster without.
//!
//! How to get this wrong: decode before checking the header's size; trust a `Content-Type`; apply the orientation to the
//! thumbnail but not to the rest.

mod colour;
mod container;
mod decode;
mod encode;
mod inks;
mod scale;

#[cfg(test)]
mod tests;

use image::DynamicImage;
use market::images::model::{Format, Refusal, Shape, THUMBNAIL_SIDE, widths_for};

/// Everything that one upload becomes.
#[derive(Debug)]
pub struct Processed {
    /// In pixels, as people see it (after the orientation is applied).
    pub width: u32,
    pub height: u32,
    /// A few characters that a page can draw while the picture loads.
    pub blurhash: String,
    /// The upload moves; its first frame is shown.
    pub animated: bool,
    pub variants: Vec<Variant>,
}

/// One encoded file.
#[derive(Debug)]
pub struct Variant {
    pub shape: Shape,
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// Checks, decodes and encodes one upload. CPU-bound: up to a few seconds for a large photograph.
pub fn process(bytes: &[u8]) -> Result<Processed, Refusal> {
    let picture = decode::decode(bytes)?;
    let (width, height) = picture.displayed_size();
    let animated = picture.animated;

    let widths = widths_for(width);
    let mut variants = Vec::with_capacity((widths.len() + 1) * Format::ALL.len());
    let mut add = |image: &DynamicImage, shape: Shape| -> Result<(), Refusal> {
        for format in Format::ALL {
            variants.push(Variant {
                shape,
                format,
                width: image.width(),
                height: image.height(),
                bytes: encode::encode(image, format)?,
            });
        }
        Ok(())
    };

    // From large to small, each made from the one before: a tenth of the work of starting from the
    // original every time, and no visible difference with Lanczos.
    let mut current = scale::to_display(picture, widths.last().copied().unwrap_or(width))?;
    let mut thumbnail = None;
    for &target in widths.iter().rev() {
        // Computed from the picture's own size: rounding must not add up from step to step.
        let target_height = scale::scaled(height, target, width);
        if target < current.width() {
            // The square is cut while the shorter edge still has all its pixels.
            if thumbnail.is_none() && target.min(target_height) < THUMBNAIL_SIDE {
                thumbnail = Some(scale::square(&current, THUMBNAIL_SIDE)?);
            }
            current = scale::to_size(&current, target, target_height)?;
        }
        add(&current, Shape::Whole)?;
    }
    let thumbnail = match thumbnail {
        Some(thumbnail) => thumbnail,
        None => scale::square(&current, THUMBNAIL_SIDE)?,
    };
    add(&thumbnail, Shape::Square)?;
    let blurhash = scale::blurhash(&current)?;
    Ok(Processed { width, height, blurhash, animated, variants })
}
