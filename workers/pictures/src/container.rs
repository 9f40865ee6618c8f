//! What the markers of a JPEG say about a picture.

use bytes::Bytes;
use img_parts::jpeg::markers::{EOI, SOF0, SOF1, SOS};

/// What the markers of a JPEG say about it before a decoder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jpeg {
    Sound,
    /// The end-of-image marker is missing. Decoders fill the rest with grey, without an error.
    Incomplete,
    /// One scan per colour, colours at different resolutions, not progressive: zune-jpeg up to
    /// 0.5.15 decodes such a file into green stripes without an error (etemesi254/zune-image#422).
    /// Rare enough to be refused until its next release.
    SeparateScans,
}

/// Looks at the segments up to the first scan, so that an embedded thumbnail is not taken for the
/// picture. After that, the compressed data cannot contain markers (it is byte-stuffed), so an end
/// marker is a real one.
pub(super) fn inspect_jpeg(bytes: &[u8]) -> Jpeg {
    let Ok(jpeg) = img_parts::jpeg::Jpeg::from_bytes(Bytes::copy_from_slice(bytes)) else {
        return Jpeg::Incomplete;
    };
    let Some(scan) = jpeg.segment_by_marker(SOS) else { return Jpeg::Incomplete };
    let frame = jpeg.segments().iter().find(|segment| matches!(segment.marker(), SOF0 | SOF1));
    if scan.contents().first() < frame.and_then(|frame| uneven_colours(frame.contents())).as_ref() {
        return Jpeg::SeparateScans;
    }
    // What follows the scan's header is the rest of the file.
    let rest = bytes.len().saturating_sub(scan.len_with_entropy() - scan.len());
    let ends = bytes[rest..].windows(2).any(|pair| pair == [0xFF, EOI]);
    if ends { Jpeg::Sound } else { Jpeg::Incomplete }
}

/// The number of colours in a frame, if they differ in resolution.
fn uneven_colours(frame: &[u8]) -> Option<u8> {
    // Precision, height and width come first, then the id, the sampling and the table of each
    // colour.
    let mut samplings = frame.get(6..)?.chunks_exact(3).map(|colour| colour[1]);
    let first = samplings.next();
    samplings.any(|it| Some(it) != first).then(|| frame[5])
}

#[cfg(test)]
mod tests;
