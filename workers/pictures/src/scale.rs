//! Shrinking, turning and cutting. Nothing here enlarges.

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;
use market::images::model::Refusal;

use super::colour::{self, Channels};
use super::decode::Picture;
use super::encode::internal;

/// The picture as people see it, at most `width` pixels wide, in sRGB: RGB, or RGBA if any pixel is transparent.
///
/// The picture is shrunk before it is converted and turned: the large one is never copied.
pub(super) fn to_display(picture: Picture, width: u32) -> Result<DynamicImage, Refusal> {
    let (shown_width, shown_height) = picture.displayed_size();
    let on_its_side = picture.is_on_its_side();
    let Picture { pixels, channels, orientation, profile, .. } = picture;
    let mut image = if width < shown_width {
        let height = scaled(shown_height, width, shown_width);
        let (w, h) = if on_its_side { (height, width) } else { (width, height) };
        // Of inks, the fourth channel is black and not how opaque the others are.
        resize(&pixels, w, h, &options().use_alpha(channels == Channels::Light))?
    } else {
        pixels
    };
    image = colour::to_srgb(image, channels, profile.as_deref());
    image.apply_orientation(orientation);
    Ok(image)
}

/// The picture at a smaller size.
pub(super) fn to_size(image: &DynamicImage, width: u32, height: u32) -> Result<DynamicImage, Refusal> {
    resize(image, width, height, &options())
}

/// The square in the middle, with a side of at most `side` pixels.
pub(super) fn square(image: &DynamicImage, side: u32) -> Result<DynamicImage, Refusal> {
    let side = side.min(image.width()).min(image.height());
    resize(image, side, side, &options().fit_into_destination(Some((0.5, 0.5))))
}

/// The hash described at <https://blurha.sh>, with 4 by 3 components: the longer edge gets more.
pub(super) fn blurhash(image: &DynamicImage) -> Result<String, Refusal> {
    // The hash has a dozen components; more pixels than this would only make it more expensive.
    const SIDE: u32 = 64;
    let (width, height) = (image.width(), image.height());
    let (x, y) = if width >= height { (4, 3) } else { (3, 4) };
    let small = resize(image, width.min(SIDE), height.min(SIDE), &options())?.into_rgba8();
    blurhash::encode(x, y, small.width(), small.height(), &small)
        .map_err(|error| internal(&format!("blurhash: {error}")))
}

fn options() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
}

/// `side` × `to` ÷ `from`, rounded, at least one pixel.
pub(super) fn scaled(side: u32, to: u32, from: u32) -> u32 {
    let (side, to, from) = (u64::from(side), u64::from(to), u64::from(from.max(1)));
    u32::try_from((side * to + from / 2) / from).unwrap_or(u32::MAX).max(1)
}

/// Resizes pixels of any type the decoders yield, keeping the type.
fn resize(image: &DynamicImage, width: u32, height: u32, options: &ResizeOptions) -> Result<DynamicImage, Refusal> {
    let mut resized = DynamicImage::new(width, height, image.color());
    Resizer::new().resize(image, &mut resized, options).map_err(|error| internal(&format!("resize: {error}")))?;
    Ok(resized)
}
