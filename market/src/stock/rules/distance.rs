//! Distances on the surface of a body, the same as `distance_m` in the database.

/// A place on a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    pub body: &'a str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// Metres along the surface of a sphere of `radius_m`, by the haversine formula; absent between two bodies.
#[must_use]
pub fn distance_m(a: Point<'_>, b: Point<'_>, radius_m: f64) -> Option<f64> {
    if a.body != b.body {
        return None;
    }
    let (north_a, north_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let by_latitude = ((north_b - north_a) / 2.0).sin().powi(2);
    let by_longitude = ((b.longitude - a.longitude).to_radians() / 2.0).sin().powi(2);
    let half_chord = (north_a.cos() * north_b.cos()).mul_add(by_longitude, by_latitude).sqrt();
    // Rounding may take it past 1 between antipodes.
    Some(2.0 * radius_m * half_chord.min(1.0).asin())
}

#[cfg(test)]
mod tests;
