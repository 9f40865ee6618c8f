//! The photographs that lots are shown with; `cli/data/photos/README.md` names their source.

use market::images::model::{Format, widths_for};

/// A JPEG file.
#[derive(Debug)]
pub(crate) struct Photo {
    pub(crate) bytes: &'static [u8],
    /// In pixels, as people see it.
    width: u32,
}

macro_rules! photo {
    ($name:literal, $width:literal) => {
        Photo { bytes: include_bytes!(concat!("../../data/photos/lots/", $name)), width: $width }
    };
}

/// Four views, each stored as by a camera held another way: all must be shown upright.
static PHOTOS: [Photo; 4] =
    [photo!("whole.jpg", 960), photo!("left.jpg", 960), photo!("middle.jpg", 960), photo!("right.jpg", 960)];

/// How many photographs a lot has.
const EACH: usize = 1;

/// The photographs of the lot at `place`.
pub(crate) fn of_lot(place: usize) -> impl Iterator<Item = &'static Photo> {
    PHOTOS.iter().cycle().skip(place % PHOTOS.len()).take(EACH)
}

/// How many files are made from the photographs of `lots` lots: each width and the square, in each
/// format.
pub(crate) fn variants(lots: usize) -> u64 {
    let of = |photo: &Photo| ((widths_for(photo.width).len() + 1) * Format::ALL.len()) as u64;
    (0..lots).flat_map(of_lot).map(of).sum()
}

#[cfg(test)]
mod tests;
