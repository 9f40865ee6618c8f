//! Decodes JPEGs of four inks, which come from print shops. `image` decodes them into RGB at once, past their profile.

use image::metadata::Orientation;
use image::{DynamicImage, RgbaImage};
use market::images::model::Refusal;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::colour::Channels;
use super::decode::{Picture, check_size, damaged};

/// How a JPEG stores four inks, unless it has fewer colours or cannot be read.
pub(super) fn of(bytes: &[u8]) -> Option<Channels> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().ok()?;
    match (decoder.info()?.components, decoder.input_colorspace()?) {
        (4, ColorSpace::CMYK) => Some(Channels::Cmyk),
        (4, ColorSpace::YCCK) => Some(Channels::Ycck),
        _ => None,
    }
}

/// Decodes the inks as they are stored.
pub(super) fn decode(bytes: &[u8], channels: Channels) -> Result<Picture, Refusal> {
    let stored = if channels == Channels::Ycck { ColorSpace::YCCK } else { ColorSpace::CMYK };
    let options = options().jpeg_set_out_colorspace(stored);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions().ok_or(Refusal::Damaged)?;
    let (width, height) = (side(width)?, side(height)?);
    let size = u64::from(width) * u64::from(height) * 4;
    check_size(width, height, size)?;
    let orientation =
        decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif)).unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile();
    let mut pixels = vec![0; usize::try_from(size).map_err(|_| Refusal::Damaged)?];
    decoder.decode_into(&mut pixels).map_err(|error| damaged(&error))?;
    let pixels = RgbaImage::from_raw(width, height, pixels).ok_or(Refusal::Damaged)?;
    Ok(Picture { pixels: DynamicImage::ImageRgba8(pixels), channels, orientation, profile, animated: false })
}

fn options() -> DecoderOptions {
    // As `image` sets them; the sides are checked by whoever decodes.
    DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX)
}

fn side(pixels: usize) -> Result<u32, Refusal> {
    u32::try_from(pixels).map_err(|_| Refusal::Damaged)
}
