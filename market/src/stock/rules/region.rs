//! Which region may lie in which.

use std::ops::RangeInclusive;

use shared::invalid::Invalid;

use crate::stock::model::{NewRegion, RegionKind};

/// The radius of a body, in metres: from a rock to beyond the largest planet that is known.
const RADIUS_M: RangeInclusive<f64> = 1.0..=1_000_000_000.0;

/// Refuses a region that cannot lie in one of this kind, `above`, or in none.
pub fn placed(new: &NewRegion, above: Option<RegionKind>) -> Result<(), Invalid> {
    let invalid = |pointer: &str, message: &str| Err(Invalid::new(pointer, message));
    let is_word = |c: u8| c.is_ascii_digit() || c.is_ascii_lowercase() || c == b'-';
    if new.slug.is_empty() || !new.slug.bytes().all(is_word) {
        return invalid("/slug", "must have lower-case letters, digits and hyphens");
    }
    match (new.kind, above) {
        (RegionKind::Body, Some(_)) => return invalid("/parent_id", "a body lies in no other region"),
        (RegionKind::Body, None) => {}
        (_, None) => return invalid("/parent_id", "is missing: only a body lies in no other region"),
        (kind, Some(above)) if kind <= above => return invalid("/kind", "must be smaller than the region above"),
        (_, Some(_)) => {}
    }
    match (new.kind, new.radius_m) {
        (RegionKind::Body, Some(radius)) if RADIUS_M.contains(&radius) => Ok(()),
        (RegionKind::Body, _) => invalid("/radius_m", "must lie between 1 and 1000000000"),
        (_, Some(_)) => invalid("/radius_m", "only a body has one"),
        (_, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
