//! Brings the colours of every kind of picture into sRGB, which is what everything takes a file without a profile for.

use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Larger profiles are none of a camera's or a print shop's.
const MAX_PROFILE_BYTES: usize = 4 * 1024 * 1024;

/// What the channels of decoded pixels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    /// Red, green and blue, or grey, with or without transparency.
    Light,
    /// Four inks in the place of red, green, blue and alpha, 255 for none. The standard does not say so; everybody who writes such
    /// files and everybody who shows them agree.
    Cmyk,
    /// The same, with the first three as brightness and colour difference.
    Ycck,
}

/// The picture in sRGB: RGB, or RGBA if any pixel is transparent. A profile that cannot be read, or that is for other channels, counts
/// as none, as in a browser; inks without one are mixed as a browser mixes them.
pub(super) fn to_srgb(image: DynamicImage, channels: Channels, profile: Option<&[u8]>) -> DynamicImage {
    let profile = profile.and_then(read);
    match channels {
        Channels::Light => light(image, profile.as_ref()),
        Channels::Cmyk | Channels::Ycck => inks(image.into_rgba8(), channels, profile.as_ref()).into(),
    }
}

fn read(profile: &[u8]) -> Option<ColorProfile> {
    if profile.len() > MAX_PROFILE_BYTES {
        return None;
    }
    ColorProfile::new_from_slice(profile).inspect_err(|error| tracing::debug!(%error, "profile left out")).ok()
}

fn light(image: DynamicImage, profile: Option<&ColorProfile>) -> DynamicImage {
    let is_transparent = image.color().has_alpha();
    let grey = profile.filter(|it| it.color_space == DataColorSpace::Gray && !image.color().has_color());
    let colour = profile.filter(|it| it.color_space == DataColorSpace::Rgb && image.color().has_color());
    let (width, height) = (image.width(), image.height());
    let converted = if let Some(profile) = grey {
        let pixels = image.to_luma_alpha8().into_raw();
        converted(profile, Layout::GrayAlpha, &pixels, Layout::Rgba, width, height)
            .and_then(|pixels| RgbaImage::from_raw(width, height, pixels))
            .map(DynamicImage::from)
    } else if let Some(profile) = colour {
        let pixels = image.to_rgba8().into_raw();
        converted(profile, Layout::Rgba, &pixels, Layout::Rgba, width, height)
            .and_then(|pixels| RgbaImage::from_raw(width, height, pixels))
            .map(DynamicImage::from)
    } else {
        None
    };
    let image = converted.unwrap_or(image);
    if !is_transparent {
        return image.into_rgb8().into();
    }
    let pixels = image.into_rgba8();
    if pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        DynamicImage::ImageRgba8(pixels).into_rgb8().into()
    } else {
        pixels.into()
    }
}

fn inks(stored: RgbaImage, channels: Channels, profile: Option<&ColorProfile>) -> RgbImage {
    let (width, height) = (stored.width(), stored.height());
    let mut stored = stored.into_raw();
    if channels == Channels::Ycck {
        for pixel in stored.as_chunks_mut::<4>().0 {
            let [y, cb, cr, _] = *pixel;
            let [c, m, y] = complement(y, cb, cr);
            pixel[..3].copy_from_slice(&[c, m, y]);
        }
    }
    if let Some(profile) = profile.filter(|it| it.color_space == DataColorSpace::Cmyk) {
        // A profile counts the ink, the file what is left of the paper.
        let ink: Vec<u8> = stored.iter().map(|it| u8::MAX - it).collect();
        let pixels = converted(profile, Layout::Rgba, &ink, Layout::Rgb, width, height);
        if let Some(image) = pixels.and_then(|pixels| RgbImage::from_raw(width, height, pixels)) {
            return image;
        }
    }
    RgbImage::from_fn(width, height, |x, y| {
        let at = (y as usize * width as usize + x as usize) * 4;
        let over = |ink: usize| {
            let mixed = (u16::from(stored[at + ink]) * u16::from(stored[at + 3]) + 127) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        image::Rgb([over(0), over(1), over(2)])
    })
}

/// Red, green and blue of a brightness and two differences (ITU-T T.871), each taken from 255.
fn complement(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    // In 65536ths: 1.402, 0.344136, 0.714136, 1.772.
    let red = y + ((91_881 * cr + 32_768) >> 16);
    let green = y - ((22_553 * cb + 46_802 * cr + 32_768) >> 16);
    let blue = y + ((116_130 * cb + 32_768) >> 16);
    [red, green, blue].map(|it| u8::try_from(255 - it.clamp(0, 255)).unwrap_or_default())
}

/// The pixels in sRGB, unless the profile does not allow for it.
fn converted(
    profile: &ColorProfile,
    from: Layout,
    pixels: &[u8],
    to: Layout,
    width: u32,
    height: u32,
) -> Option<Vec<u8>> {
    let mut srgb = vec![0; width as usize * height as usize * to.channels()];
    profile
        .create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default())
        .and_then(|transform| transform.transform(pixels, &mut srgb))
        .inspect_err(|error| tracing::debug!(%error, "profile left out"))
        .ok()?;
    Some(srgb)
}

#[cfg(test)]
mod tests;
