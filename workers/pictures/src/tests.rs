use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, GenericImageView as _, ImageDecoder as _, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use market::images::model::{Format, Refusal, Shape};
use proptest::prelude::{any, prop, prop_assert, proptest};

use super::{Processed, Variant, process};

fn case(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)).unwrap()
}

fn photograph(orientation: u8) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../../cli/data/photos/landscape_orientation_{orientation}.jpg"));
    std::fs::read(path).unwrap()
}

/// Four quarters of different colours with a gradient: no two of the eight orientations look alike.
fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let fade = u8::try_from(x * 60 / width).unwrap();
        match (x < width / 2, y < height / 2) {
            (true, true) => Rgb([200, fade, 30]),
            (false, true) => Rgb([20, 180, fade]),
            (true, false) => Rgb([fade, 40, 190]),
            (false, false) => Rgb([220, 210, fade]),
        }
    })
}

fn jpeg(image: &RgbImage, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    change(&mut encoder);
    let (width, height) = (image.width().try_into().unwrap(), image.height().try_into().unwrap());
    encoder.encode(image, width, height, ColorType::Rgb).unwrap();
    file
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A TIFF block that contains only the orientation and a place.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    block.extend_from_slice(b"GPS 53.55N 9.99E");
    block
}

/// How a camera stores `shown` in each orientation: TIFF 6.0, tag 274 ("the 0th row is the … side, the 0th column …").
fn stored(shown: &RgbImage, orientation: u8) -> RgbImage {
    let (w, h) = shown.dimensions();
    let place = |column: u32, row: u32| match orientation {
        1 => (column, row),
        2 => (w - 1 - column, row),
        3 => (w - 1 - column, h - 1 - row),
        4 => (column, h - 1 - row),
        5 => (row, column),
        6 => (w - 1 - row, column),
        7 => (w - 1 - row, h - 1 - column),
        _ => (row, h - 1 - column),
    };
    let (width, height) = if orientation < 5 { (w, h) } else { (h, w) };
    RgbImage::from_fn(width, height, |column, row| {
        let (x, y) = place(column, row);
        *shown.get_pixel(x, y)
    })
}

fn variant(processed: &Processed, shape: Shape, width: u32, format: Format) -> &Variant {
    processed.variants.iter().find(|it| it.shape == shape && it.width == width && it.format == format).unwrap()
}

fn pixels(variant: &Variant) -> RgbImage {
    image::load_from_memory(&variant.bytes).unwrap().into_rgb8()
}

/// Mean difference per channel, 0 to 255.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few million at most")]
    let mean = sum as f64 / a.len() as f64;
    mean
}

#[test]
fn four_cameras_one_photograph() {
    let reference = process(&photograph(1)).unwrap();
    let upright = pixels(variant(&reference, Shape::Whole, 160, Format::Webp));
    let upside_down = image::imageops::rotate180(&upright);
    for orientation in [3, 6, 8] {
        let processed = process(&photograph(orientation)).unwrap();
        assert_eq!((processed.width, processed.height), (reference.width, reference.height));
        for format in Format::ALL {
            let picture = pixels(variant(&processed, Shape::Whole, 160, format));
            assert!(difference(&picture, &upright) < 6.0, "orientation {orientation}");
            assert!(difference(&picture, &upside_down) > 30.0);
        }
        let square = pixels(variant(&processed, Shape::Square, 320, Format::Jpeg));
        let expected = pixels(variant(&reference, Shape::Square, 320, Format::Jpeg));
        assert!(difference(&square, &expected) < 6.0);
    }
}

#[test]
fn all_eight_orientations_come_out_upright() {
    let shown = scene(240, 160);
    for orientation in 1..=8 {
        let file = jpeg(&stored(&shown, orientation), |encoder| {
            encoder.add_exif_metadata(&exif(orientation)).unwrap();
        });
        let processed = process(&file).unwrap();
        assert_eq!((processed.width, processed.height), (240, 160));
        for it in &processed.variants {
            let picture = pixels(it);
            let expected = match it.shape {
                Shape::Whole => DynamicImage::from(shown.clone()).thumbnail_exact(it.width, it.height),
                Shape::Square => DynamicImage::from(shown.clone()).crop_imm(40, 0, 160, 160),
            };
            let off = difference(&picture, &expected.into_rgb8());
            assert!(off < 8.0, "orientation {orientation}, {it:?}: {off}", it = (it.shape, it.width));
        }
    }
}

#[test]
fn a_photograph_gets_every_variant_and_none_is_larger() {
    let file = photograph(6);
    let processed = process(&file).unwrap();
    let (width, height) = (processed.width, processed.height);
    assert!(width > height, "a landscape, whatever the camera stored");
    let mut sizes: Vec<_> = processed.variants.iter().map(|it| (it.shape, it.width, it.format)).collect();
    sizes.dedup();
    assert_eq!(sizes.len(), 12);
    for it in &processed.variants {
        assert!(it.width <= width && it.height <= height);
        let decoded = image::load_from_memory(&it.bytes).unwrap();
        assert_eq!(decoded.dimensions(), (it.width, it.height));
        match it.shape {
            Shape::Square => assert_eq!((it.width, it.height), (320, 320)),
            Shape::Whole => assert_eq!(it.height, (height * it.width + width / 2) / width),
        }
    }
    blurhash::decode(&processed.blurhash, 32, 20, 1.0).unwrap();
}

#[test]
fn small_pictures_stay_small() {
    for (width, height) in [(1, 1), (90, 300), (500, 3)] {
        let file = encoded(&scene(width, height).into(), ImageFormat::Png);
        let processed = process(&file).unwrap();
        assert_eq!((processed.width, processed.height), (width, height));
        let largest = processed.variants.iter().map(|it| it.width).max();
        assert_eq!(largest, Some(width));
        let square = processed.variants.iter().find(|it| it.shape == Shape::Square).unwrap();
        assert_eq!(square.width, width.min(height));
    }
}

#[test]
fn nothing_but_pixels_comes_out() {
    let mut profile = moxcms::ColorProfile::new_adobe_rgb();
    profile.copyright = Some(moxcms::ProfileText::PlainString("THE MAKER".to_owned()));
    let file = jpeg(&scene(400, 300), |encoder| {
        encoder.add_exif_metadata(&exif(1)).unwrap();
        encoder.add_icc_profile(&profile.encode().unwrap()).unwrap();
    });
    assert!(contains(&file, b"GPS 53.55N") && contains(&file, b"acsp"));
    for it in process(&file).unwrap().variants {
        assert!(!contains(&it.bytes, b"GPS") && !contains(&it.bytes, b"Exif"));
        let profile = match it.format {
            Format::Webp => WebPDecoder::new(Cursor::new(&it.bytes)).unwrap().icc_profile(),
            Format::Jpeg => JpegDecoder::new(Cursor::new(&it.bytes)).unwrap().icc_profile(),
        };
        assert_eq!(profile.unwrap(), None, "sRGB: {:?}", it.format);
        assert_eq!(pixels(&it).dimensions(), (it.width, it.height));
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

#[test]
fn transparency_stays_in_webp_and_turns_white_in_jpeg() {
    let mut image = image::RgbaImage::from_pixel(200, 200, image::Rgba([250, 0, 0, 255]));
    for (x, _, pixel) in image.enumerate_pixels_mut() {
        if x < 100 {
            pixel.0[3] = 0;
        }
    }
    let processed = process(&encoded(&image.into(), ImageFormat::Png)).unwrap();
    let webp = variant(&processed, Shape::Whole, 200, Format::Webp);
    let decoded = image::load_from_memory(&webp.bytes).unwrap().into_rgba8();
    assert!(decoded.get_pixel(20, 100).0[3] < 5 && decoded.get_pixel(180, 100).0[3] > 250);
    let jpeg = pixels(variant(&processed, Shape::Whole, 200, Format::Jpeg));
    assert!(jpeg.get_pixel(20, 100).0.iter().all(|&it| it > 245));
    assert!(jpeg.get_pixel(180, 100).0[0] > 230 && jpeg.get_pixel(180, 100).0[1] < 20);
}

/// Also what is below transparent pixels, as people have it who cut out the background.
#[test]
fn the_colour_below_transparent_pixels_does_not_show() {
    let processed = process(&case("transparent_red_under.png")).unwrap();
    for it in processed.variants.iter().filter(|it| it.format == Format::Jpeg) {
        let picture = pixels(it);
        let reddish = picture.pixels().filter(|it| it.0[0] > 200 && it.0[1] < 150).count();
        assert_eq!(reddish, 0, "{:?}", (it.shape, it.width));
    }
}

#[test]
fn the_first_frame_of_what_moves_is_shown_and_said_so() {
    let moving = process(&case("anim.webp")).unwrap();
    assert!(moving.animated && !moving.variants.is_empty());
    let mut moving = encoded(&scene(64, 48).into(), ImageFormat::Png);
    // A chunk acTL of one frame before the pixels makes a PNG one that moves.
    let mut control = b"acTL\0\0\0\x01\0\0\0\0".to_vec();
    control.extend_from_slice(&crc32(&control).to_be_bytes());
    control.splice(0..0, 8_u32.to_be_bytes());
    moving.splice(33..33, control);
    assert!(process(&moving).unwrap().animated);
    for still in [case("g16.png"), photograph(1), encoded(&scene(64, 48).into(), ImageFormat::WebP)] {
        assert!(!process(&still).unwrap().animated);
    }
}

#[test]
fn other_pixel_types_are_converted() {
    let shown = DynamicImage::from(scene(300, 200));
    let files = [
        encoded(&shown.to_luma8().into(), ImageFormat::Png),
        encoded(&shown.to_rgb16().into(), ImageFormat::Png),
        encoded(&shown.to_luma_alpha16().into(), ImageFormat::Png),
        encoded(&shown, ImageFormat::WebP),
        jpeg(&scene(300, 200), |encoder| encoder.set_progressive(true)),
    ];
    for file in files {
        assert_eq!(process(&file).unwrap().variants.len(), 6);
    }
}

#[test]
fn jpegs_that_the_decoder_would_garble_are_refused() {
    let separate = |sampling| {
        jpeg(&scene(64, 64), |encoder| {
            encoder.set_sampling_factor(sampling);
            encoder.set_optimized_huffman_tables(true);
        })
    };
    process(&separate(SamplingFactor::R_4_4_4)).unwrap();
    assert_eq!(
        process(&separate(SamplingFactor::R_4_2_0)).unwrap_err(),
        Refusal::UnsupportedType("non-interleaved JPEG")
    );
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_decoding() {
    let png = |width: u32, height: u32| {
        let mut file = encoded(&scene(8, 8).into(), ImageFormat::Png);
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&file[12..29]);
        file[29..33].copy_from_slice(&checksum.to_be_bytes());
        file
    };
    let mut huge_jpeg = jpeg(&scene(8, 8), |_| {});
    let frame = huge_jpeg.windows(2).position(|it| it == [0xFF, 0xC0]).unwrap();
    huge_jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFA, 0, 0xFA, 0]);

    assert_eq!(process(&png(60_000, 60_000)).unwrap_err(), Refusal::TooManyPixels { width: 60_000, height: 60_000 });
    assert_eq!(process(&png(20_000, 10)).unwrap_err(), Refusal::SideTooLong { width: 20_000, height: 10 });
    assert_eq!(process(&huge_jpeg).unwrap_err(), Refusal::TooManyPixels { width: 64_000, height: 64_000 });
    // Within the limits, but the pixels are missing.
    assert_eq!(process(&png(5_000, 5_000)).unwrap_err(), Refusal::Damaged);
    assert_eq!(process(&[]).unwrap_err(), Refusal::Empty);
    assert_eq!(process(&vec![0xFF; 20 * 1024 * 1024 + 1]).unwrap_err(), Refusal::TooLarge);
}

/// The checksum that PNG uses (polynomial of ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    })
}

fn samples() -> [Vec<u8>; 4] {
    let shown = scene(64, 48);
    [
        jpeg(&shown, |encoder| {
            encoder.add_exif_metadata(&exif(6)).unwrap();
        }),
        jpeg(&shown, |encoder| encoder.set_progressive(true)),
        encoded(&shown.clone().into(), ImageFormat::Png),
        webp::Encoder::from_rgb(&shown, 64, 48).encode(80.0).to_vec(),
    ]
}

#[test]
fn cut_off_files_are_refused() {
    for file in samples() {
        process(&file).unwrap();
        for length in (0..file.len() * 9 / 10).step_by(7) {
            let refusal = process(&file[..length]).unwrap_err();
            assert!(
                matches!(refusal, Refusal::Damaged | Refusal::Empty | Refusal::UnsupportedType(_)),
                "{length} of {}: {refusal}",
                file.len()
            );
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(kind in 0_usize..5, tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let start: &[u8] = [
            &b""[..],
            b"\xFF\xD8\xFF\xE0\0\x10JFIF\0",
            b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR",
            b"RIFF\xFF\0\0\0WEBPVP8 ",
            b"RIFF\xFF\0\0\0WEBPVP8X",
        ][kind];
        let file = [start, &tail].concat();
        prop_assert!(process(&file).is_err());
    }

    #[test]
    fn damaged_files_never_panic(
        sample in 0_usize..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut file = samples()[sample].clone();
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        // Some damage only changes colours: both outcomes are fine, a panic is not.
        if let Ok(processed) = process(&file) {
            for it in processed.variants {
                prop_assert!(image::load_from_memory(&it.bytes).is_ok());
            }
        }
    }
}
