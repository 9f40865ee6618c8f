use std::path::Path;

use futures::future::join_all;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::*;

const SIDE: u16 = 7_008;

/// A JPEG of nearly as many pixels as are accepted: one row of blocks again and again, so that the test itself needs no memory for
/// them.
fn largest() -> Vec<u8> {
    let row = image::RgbImage::from_fn(SIDE.into(), 16, |x, y| {
        image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0] * 9, x.to_le_bytes()[1] * 8])
    });
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 60);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // Every row begins anew.
    encoder.set_restart_interval(SIDE / 16);
    encoder.encode(&row, SIDE, 16, ColorType::Rgb).unwrap();
    let marker = |wanted: u8| file.windows(2).position(|it| it == [0xFF, wanted]).unwrap();
    let (frame, scan) = (marker(0xC0), marker(0xDA));
    let begins = scan + 2 + usize::from(u16::from_be_bytes([file[scan + 2], file[scan + 3]]));
    let blocks = file[begins..file.len() - 2].to_vec();
    file.truncate(begins);
    file[frame + 5..frame + 7].copy_from_slice(&SIDE.to_be_bytes());
    for row in 0..SIDE / 16 {
        if row > 0 {
            file.extend_from_slice(&[0xFF, 0xD0 + u8::try_from((row - 1) % 8).unwrap()]);
        }
        file.extend_from_slice(&blocks);
    }
    file.extend_from_slice(&[0xFF, 0xD9]);
    file
}

/// In kilobytes, from a line of what Linux says about this process.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    line.trim_end_matches("kB").trim_matches([' ', ':', '\t']).parse().unwrap()
}

/// How far the process grows, in kilobytes, while so many of these come to so many slots at once.
async fn growth(slots: usize, file: &Arc<Vec<u8>>, count: usize) -> u64 {
    let slots = ImageSlots::new(slots);
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS");
    let outcomes = (0..count).map(|_| {
        let (slots, file) = (slots.clone(), Arc::clone(file));
        tokio::spawn(async move {
            let slot = slots.slot().await.unwrap();
            // As a worker does, who fetches the bytes when it has a slot.
            slot.process(file.to_vec()).await.map(|it| it.variants.len())
        })
    });
    for outcome in join_all(outcomes).await {
        match outcome.unwrap() {
            Ok(variants) => assert_eq!(variants, 12),
            Err(error) => assert!(matches!(error, ProcessError::Refused(Refusal::TooManyPixels { .. })), "{error}"),
        }
    }
    memory("VmHWM").saturating_sub(before)
}

/// Nextest runs each test in a process of its own; the figures would mean nothing otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_take_the_memory_of_the_slots() {
    let bomb = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/data/bomb12k.png");
    let bombs = growth(2, &Arc::new(std::fs::read(bomb).unwrap()), 8).await;
    println!("eight PNGs of 12,000 x 12,000 pixels at once: {} MB", bombs / 1024);
    assert!(bombs < 32 * 1024, "refused by their header: {bombs} kB");

    let file = Arc::new(largest());
    growth(1, &file, 1).await;
    let one = growth(1, &file, 1).await;
    let eight = growth(2, &file, 8).await;
    println!("49 megapixels: one {} MB, eight in two slots {} MB", one / 1024, eight / 1024);
    let cap = 600 * 1024;
    assert!(one < cap, "more than a slot is said to take: {one} kB");
    // What an allocator keeps of a picture for the next one is counted as well: three of them for two slots, never eight.
    assert!(eight < 2 * cap && eight < 3 * one, "{eight} kB for two slots of {one} kB");
}
