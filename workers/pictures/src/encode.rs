//! Encodes pixels into files. Both encoders write the pixels and nothing else: a file without a profile is sRGB.

use image::{DynamicImage, RgbaImage};
use jpeg_encoder::{ColorType, Encoder as JpegEncoder, SamplingFactor};
use market::images::model::{Format, Refusal};

/// Chosen by eye on photographs of machines: lettering on a type plate stays readable.
const WEBP_QUALITY: f32 = 78.0;
/// 0 to 6. The library's usual 4 takes more than twice the time for files that are 4 % smaller.
const WEBP_EFFORT: i32 = 2;
const JPEG_QUALITY: u8 = 80;

/// Encodes an RGB or RGBA picture.
pub(super) fn encode(image: &DynamicImage, format: Format) -> Result<Vec<u8>, Refusal> {
    match format {
        Format::Webp => webp(image),
        Format::Jpeg => jpeg(image),
    }
}

fn webp(image: &DynamicImage) -> Result<Vec<u8>, Refusal> {
    let (width, height) = (image.width(), image.height());
    let encoder = match image {
        DynamicImage::ImageRgba8(pixels) => webp::Encoder::from_rgba(pixels, width, height),
        DynamicImage::ImageRgb8(pixels) => webp::Encoder::from_rgb(pixels, width, height),
        _ => return Err(internal("pixels of an unexpected type")),
    };
    let mut settings = webp::WebPConfig::new().map_err(|()| internal("webp: another version of the library"))?;
    settings.quality = WEBP_QUALITY;
    settings.method = WEBP_EFFORT;
    let file = encoder.encode_advanced(&settings).map_err(|error| internal(&format!("webp: {error:?}")))?;
    Ok(file.to_vec())
}

fn jpeg(image: &DynamicImage) -> Result<Vec<u8>, Refusal> {
    let flattened;
    let pixels = match image {
        DynamicImage::ImageRgb8(pixels) => pixels.as_raw(),
        DynamicImage::ImageRgba8(pixels) => {
            flattened = on_white(pixels);
            &flattened
        }
        _ => return Err(internal("pixels of an unexpected type")),
    };
    let side = |it: u32| u16::try_from(it).map_err(|_| internal("a side beyond JPEG's limit"));
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // `set_optimized_huffman_tables` without this would write one scan per colour, which not every
    // decoder reads correctly.
    encoder.set_progressive(true);
    encoder
        .encode(pixels, side(image.width())?, side(image.height())?, ColorType::Rgb)
        .map_err(|error| internal(&format!("jpeg: {error}")))?;
    Ok(file)
}

/// Puts the picture on a white background, as JPEG has no transparency.
fn on_white(pixels: &RgbaImage) -> Vec<u8> {
    let over = |channel: u8, alpha: u8| {
        let alpha = u16::from(alpha);
        let mixed = (u16::from(channel) * alpha + 255 * (255 - alpha) + 127) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    pixels
        .pixels()
        .flat_map(|pixel| {
            let [r, g, b, a] = pixel.0;
            [over(r, a), over(g, a), over(b, a)]
        })
        .collect()
}

/// If an encoder fails on sound pixels of a checked size, it is our fault; the picture is refused
/// rather than retried for ever, and the log says why.
pub(super) fn internal(reason: &str) -> Refusal {
    tracing::error!(reason, "a checked picture could not be encoded");
    Refusal::Damaged
}
