//! How many units can be kept for somebody, or be moved away.

/// Grants `wanted` units if so many are available; otherwise says how many are.
pub const fn grant(available: i64, wanted: i64) -> Result<(), i64> {
    if wanted <= available { Ok(()) } else { Err(if available > 0 { available } else { 0 }) }
}

/// A count that people give: by how much, or what there is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    By(i64),
    To(i64),
}

impl Count {
    /// By how much `on_hand` changes.
    #[must_use]
    pub const fn delta(self, on_hand: i64) -> i64 {
        match self {
            Self::By(delta) => delta,
            Self::To(count) => count.saturating_sub(on_hand),
        }
    }
}

/// What becomes of units that are quarantined: so many can be sold, or are not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Release(i64),
    WriteOff(i64),
}

#[cfg(test)]
mod tests;
