//! The few bytes of the JPEG, WebP and ICC containers that no crate we use reads or writes.

/// Larger profiles are lookup tables for printers; they would outweigh the small variants.
const MAX_PROFILE_BYTES: usize = 64 * 1024;

/// Whether an ICC profile is well-formed and describes RGB pixels, which is what we encode. A profile for CMYK or grey pixels
/// would turn the picture's colours into nonsense.
pub(super) fn is_rgb_profile(profile: &[u8]) -> bool {
    let announced = profile.first_chunk::<4>().map(|size| u32::from_be_bytes(*size) as usize);
    announced == Some(profile.len())
        && profile.len() <= MAX_PROFILE_BYTES
        && profile.get(16..20) == Some(b"RGB ")
        && profile.get(36..40) == Some(b"acsp")
}

/// What the markers of a JPEG say about it before a decoder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jpeg {
    Sound,
    /// The end-of-image marker is missing. Decoders fill the rest with grey and say nothing.
    Incomplete,
    /// One scan a colour, colours at different resolutions, not progressive: zune-jpeg up to 0.5.15 decodes such a file to
    /// green stripes and says nothing (etemesi254/zune-image#422). Rare enough to be refused until its next release.
    SeparateScans,
}

/// Walks the segments by their length up to the first scan, so that an embedded thumbnail is not taken for the picture; from
/// there on markers cannot appear inside the compressed data (it is byte-stuffed), so the end marker is itself.
pub(super) fn inspect_jpeg(bytes: &[u8]) -> Jpeg {
    const SEQUENTIAL_FRAMES: [u8; 2] = [0xC0, 0xC1];
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut at = 2;
    // Of a sequential frame whose colours differ in resolution: how many colours it has.
    let mut uneven_colours = None;
    loop {
        let (Some(0xFF), Some(&marker)) = (bytes.get(at).copied(), bytes.get(at + 1)) else {
            return Jpeg::Incomplete;
        };
        // Fill bytes before a marker, then markers without a length.
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if matches!(marker, 0x01 | 0xD0..=0xD8) {
            at += 2;
            continue;
        }
        let Some(length) = bytes.get(at + 2..at + 4) else {
            return Jpeg::Incomplete;
        };
        let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        let content = bytes.get(at + 4..end).unwrap_or_default();
        match marker {
            END_OF_IMAGE => return Jpeg::Incomplete,
            START_OF_SCAN if content.first() < uneven_colours.as_ref() => {
                return Jpeg::SeparateScans;
            }
            START_OF_SCAN => break,
            marker if SEQUENTIAL_FRAMES.contains(&marker) => {
                // Precision, height and width come first; a colour is its id, its sampling and its table.
                let mut samplings = content.get(6..).unwrap_or_default().chunks_exact(3).map(|it| it[1]);
                let first = samplings.next();
                if samplings.any(|it| Some(it) != first) {
                    uneven_colours = content.get(5).copied();
                }
            }
            _ => {}
        }
        at = end;
    }
    let ends = bytes[at..].windows(2).any(|pair| pair == [0xFF, END_OF_IMAGE]);
    if ends { Jpeg::Sound } else { Jpeg::Incomplete }
}

/// Puts an ICC profile into a WebP file as libwebp writes it (RIFF container specification, "Extended File Format").
///
/// Returns the file unchanged when it is not one that we know.
pub(super) fn webp_with_profile(webp: &[u8], profile: &[u8], (width, height): (u32, u32), alpha: bool) -> Vec<u8> {
    const HAS_PROFILE: u8 = 0x20;
    const HAS_ALPHA: u8 = 0x10;
    let Some(chunks) = webp.get(12..) else {
        return webp.to_vec();
    };
    let (mut flags, rest) = match chunks.get(..4) {
        // An extended header is 8 bytes of chunk header and 10 of content.
        Some(b"VP8X") if chunks.len() >= 18 => (chunks[8], &chunks[18..]),
        Some(b"VP8 " | b"VP8L") => (if alpha { HAS_ALPHA } else { 0 }, chunks),
        _ => return webp.to_vec(),
    };
    flags |= HAS_PROFILE;

    let mut body = Vec::with_capacity(webp.len() + profile.len() + 64);
    body.extend_from_slice(b"WEBP");
    body.extend_from_slice(b"VP8X");
    body.extend_from_slice(&10_u32.to_le_bytes());
    body.extend_from_slice(&[flags, 0, 0, 0]);
    for side in [width, height] {
        // 24 bits, less one.
        body.extend_from_slice(&side.saturating_sub(1).to_le_bytes()[..3]);
    }
    body.extend_from_slice(b"ICCP");
    body.extend_from_slice(&length_of(profile).to_le_bytes());
    body.extend_from_slice(profile);
    if !profile.len().is_multiple_of(2) {
        body.push(0);
    }
    body.extend_from_slice(rest);

    let mut file = Vec::with_capacity(body.len() + 8);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&length_of(&body).to_le_bytes());
    file.extend_from_slice(&body);
    file
}

/// Both are far below 4 GiB: a profile has at most [`MAX_PROFILE_BYTES`], a variant is smaller than its upload's pixels.
fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
