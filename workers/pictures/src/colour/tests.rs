//! Colours beside those of ImageMagick with Little CMS: what we make is compared in ΔE by CIEDE2000, where 1 is about what an eye can
//! tell apart on two patches side by side.

use std::path::Path;
use std::process::Command;

use image::{Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use moxcms::ColorProfile;
use proptest::prelude::{any, prop, proptest};

use super::*;
use crate::decode::decode;
use crate::scale::to_display;

/// Debian's libgs-common.
const PROFILES: &str = "/usr/share/color/icc/ghostscript";

/// Every hue from white to black, in small steps.
fn hues() -> RgbImage {
    RgbImage::from_fn(480, 320, |x, y| {
        let channel = |shift: u32| {
            let place = (x + shift) % 480;
            let saw = if place < 240 { place } else { 479 - place };
            let lit = saw.saturating_sub(40).min(160) * 255 / 160;
            let mixed = if y < 160 { 255 - (255 - lit) * y / 160 } else { lit * (319 - y) / 160 };
            u8::try_from(mixed.min(255)).unwrap()
        };
        Rgb([channel(0), channel(160), channel(320)])
    })
}

fn jpeg(pixels: &[u8], colour: ColorType, profile: Option<&[u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 98);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).unwrap();
    }
    encoder.encode(pixels, 480, 320, colour).unwrap();
    file
}

/// Runs ImageMagick on a file.
fn convert(file: &[u8], arguments: &[&str], output: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::write(&source, file).unwrap();
    let result = Command::new("convert").arg(&source).args(arguments).arg(output).output();
    let result = result.expect("ImageMagick is not installed: `./dev test` with any filter does so");
    assert!(result.status.success(), "convert {arguments:?}: {}", String::from_utf8_lossy(&result.stderr));
    result.stdout
}

/// As a browser would show it, by others.
fn reference(file: &[u8], has_profile: bool) -> RgbImage {
    let srgb = format!("{PROFILES}/srgb.icc");
    let arguments: &[&str] = if has_profile { &["-profile", &srgb] } else { &["-colorspace", "sRGB"] };
    let arguments = [&["-auto-orient"], arguments, &["-depth", "8"]].concat();
    image::load_from_memory(&convert(file, &arguments, "png24:-")).unwrap().into_rgb8()
}

#[test]
fn colours_are_those_that_imagemagick_shows() {
    let shown = hues();
    let grey: Vec<u8> = shown.pixels().map(|it| it.0[1]).collect();
    let srgb = format!("{PROFILES}/srgb.icc");
    let cmyk_profile = std::fs::read(format!("{PROFILES}/default_cmyk.icc")).expect("libgs-common is installed");
    let source = jpeg(&shown, ColorType::Rgb, None);
    let to_cmyk = ["-profile", &srgb, "-profile", &format!("{PROFILES}/default_cmyk.icc"), "-quality", "98"];
    let printed = convert(&source, &to_cmyk, "jpg:-");
    let inks = convert(&source, &["-colorspace", "CMYK", "-depth", "8"], "cmyk:-");
    let encode = |profile: ColorProfile| profile.encode().unwrap();
    let (p3, adobe, wide, gamma) = (
        encode(ColorProfile::new_display_p3()),
        encode(ColorProfile::new_adobe_rgb()),
        encode(ColorProfile::new_pro_photo_rgb()),
        encode(ColorProfile::new_gray_with_gamma(1.8)),
    );
    // The inks are lookup tables, between whose entries each library goes its own way.
    for (name, file, has_profile, mean, worst) in [
        ("untagged", source, false, 0.5, 2.0),
        ("Display P3", jpeg(&shown, ColorType::Rgb, Some(&p3)), true, 0.5, 2.0),
        ("Adobe RGB", jpeg(&shown, ColorType::Rgb, Some(&adobe)), true, 0.5, 2.0),
        ("ProPhoto RGB", jpeg(&shown, ColorType::Rgb, Some(&wide)), true, 0.5, 2.0),
        ("grey with a gamma of 1.8", jpeg(&grey, ColorType::Luma, Some(&gamma)), true, 0.5, 2.0),
        ("CMYK with a profile", printed, true, 1.0, 3.0),
        ("YCCK with a profile", jpeg(&inks, ColorType::CmykAsYcck, Some(&cmyk_profile)), true, 1.0, 3.0),
        ("CMYK without a profile", jpeg(&inks, ColorType::Cmyk, None), false, 0.5, 2.0),
        ("YCCK without a profile", jpeg(&inks, ColorType::CmykAsYcck, None), false, 0.5, 2.0),
        (
            "cmyk.jpg",
            std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cmyk.jpg")).unwrap(),
            false,
            0.5,
            2.0,
        ),
        (
            "g16.png",
            std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/g16.png")).unwrap(),
            false,
            0.5,
            2.0,
        ),
    ] {
        let ours = to_display(decode(&file).unwrap(), 2048).unwrap().into_rgb8();
        let theirs = reference(&file, has_profile);
        assert_eq!(ours.dimensions(), theirs.dimensions(), "{name}");
        let mut off: Vec<f64> = ours.pixels().zip(theirs.pixels()).map(|(a, b)| difference(lab(*a), lab(*b))).collect();
        off.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousand pixels")]
        let average = off.iter().sum::<f64>() / off.len() as f64;
        let (most, largest) = (off[off.len() * 99 / 100], off[off.len() - 1]);
        println!("{name}: ΔE {average:.2} on average, {most:.2} for 99 of 100 pixels, {largest:.2} at worst");
        assert!(average <= mean && most <= worst, "{name}: {average:.2}, {most:.2}");
    }
}

#[test]
fn profiles_that_are_none_or_of_other_channels_count_as_none() {
    let shown = DynamicImage::from(hues());
    let grey = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    for profile in [&b""[..], &b"acsp"[..], &p3[..p3.len() / 2], &grey, &vec![7; MAX_PROFILE_BYTES + 1]] {
        assert_eq!(to_srgb(shown.clone(), Channels::Light, Some(profile)), shown);
    }
    assert_ne!(to_srgb(shown.clone(), Channels::Light, Some(&p3)), shown);
    let luma = DynamicImage::from(shown.to_luma8());
    assert_eq!(to_srgb(luma.clone(), Channels::Light, Some(&p3)), luma.into_rgb8().into());
}

#[test]
fn transparency_stays_while_colours_change() {
    let mut pixels = shown_with_alpha();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let converted = to_srgb(pixels.clone().into(), Channels::Light, Some(&p3)).into_rgba8();
    assert!(converted.pixels().zip(pixels.pixels()).all(|(a, b)| a.0[3] == b.0[3]));
    pixels.pixels_mut().for_each(|it| it.0[3] = u8::MAX);
    assert!(matches!(to_srgb(pixels.into(), Channels::Light, Some(&p3)), DynamicImage::ImageRgb8(_)));
}

fn shown_with_alpha() -> RgbaImage {
    let mut pixels = DynamicImage::from(hues()).into_rgba8();
    pixels.enumerate_pixels_mut().for_each(|(x, _, it)| it.0[3] = x.to_le_bytes()[0]);
    pixels
}

proptest! {
    #[test]
    fn damaged_profiles_never_panic(
        which in 0_usize..3,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let cmyk = std::fs::read(format!("{PROFILES}/default_cmyk.icc")).unwrap();
        let mut profile = match which {
            0 => ColorProfile::new_display_p3().encode().unwrap(),
            1 => ColorProfile::new_gray_with_gamma(2.2).encode().unwrap(),
            _ => cmyk,
        };
        let head = profile.len().min(600);
        for (place, byte) in damage {
            // In the head, where the shape of the tables is; the tables themselves are any numbers.
            profile[place.index(head)] = byte;
        }
        let pixels = DynamicImage::from(RgbaImage::from_pixel(4, 4, image::Rgba([9, 80, 200, 128])));
        to_srgb(pixels.clone(), Channels::Light, Some(&profile));
        to_srgb(DynamicImage::from(pixels.to_luma8()), Channels::Light, Some(&profile));
        to_srgb(pixels, Channels::Cmyk, Some(&profile));
    }
}

/// CIE L*a*b* of a colour in sRGB, by the white of D65.
#[expect(clippy::many_single_char_names, reason = "everybody calls them so")]
fn lab(colour: Rgb<u8>) -> [f64; 3] {
    let [r, g, b] = colour.0.map(|it| {
        let it = f64::from(it) / 255.0;
        if it <= 0.04045 { it / 12.92 } else { ((it + 0.055) / 1.055).powf(2.4) }
    });
    let f = |it: f64| if it > 216.0 / 24_389.0 { it.cbrt() } else { (it * 24_389.0 / 27.0 + 16.0) / 116.0 };
    let x = f((0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47);
    let y = f(0.212_672_9 * r + 0.715_152_2 * g + 0.072_175_0 * b);
    let z = f((0.019_333_9 * r + 0.119_192_0 * g + 0.950_304_1 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000, as Sharma, Wu and Dalal write it down (2005).
#[expect(clippy::many_single_char_names, reason = "the paper's own names")]
fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let pow7 = |it: f64| (it.powi(7) / (it.powi(7) + 25.0_f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - pow7(f64::midpoint(a1.hypot(b1), a2.hypot(b2))));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let dh = match h2 - h1 {
        _ if grey => 0.0,
        it if it > 180.0 => it - 360.0,
        it if it < -180.0 => it + 360.0,
        it => it,
    };
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh_ = 2.0 * (c1 * c2).sqrt() * (dh / 2.0).to_radians().sin();
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let h = match h1 + h2 {
        it if grey => it,
        it if (h1 - h2).abs() <= 180.0 => it / 2.0,
        it if it < 360.0 => it / 2.0 + 180.0,
        it => it / 2.0 - 180.0,
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0) - 0.20 * cos(4.0 * h - 63.0);
    let turn = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rt = -(2.0 * turn).to_radians().sin() * 2.0 * pow7(c);
    let (l, c, h) = (dl / sl, dc / sc, dh_ / sh);
    (l * l + c * c + h * h + rt * c * h).sqrt()
}

/// Pairs 1, 7, 13, 17, 24 and 33 of the paper's table 1.
#[test]
fn the_difference_is_that_of_the_paper() {
    for (one, other, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, -0.0010, 2.4900], [50.0, 0.0009, -2.4900], 4.8045),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([50.0, 2.5, 0.0], [50.0, 3.2592, 0.3350], 1.0000),
        ([6.7747, -0.2908, -2.4247], [5.8714, -0.0985, -2.2286], 0.6377),
    ] {
        let found = difference(one, other);
        assert!((found - expected).abs() < 0.0001, "{found} for {expected}");
    }
}
