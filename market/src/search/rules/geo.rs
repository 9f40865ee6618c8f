//! Boxes of latitude and longitude around a place, for an index to look in before distances are measured.

/// Degrees, both inclusive; `west` is never above `east`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
}

/// Rounding must not leave out what lies on the edge.
const SLACK: f64 = 1e-9;

/// Areas that together hold every point within `distance_m` of a place on a sphere of `radius_m`: one, or two where the
/// date line runs through.
#[must_use]
pub fn around(latitude: f64, longitude: f64, distance_m: f64, radius_m: f64) -> Vec<Area> {
    let angle = (distance_m / radius_m).min(std::f64::consts::PI);
    let reach = angle.to_degrees() + SLACK;
    let (south, north) = ((latitude - reach).max(-90.0), (latitude + reach).min(90.0));
    // Around a pole every meridian is near.
    if south <= -90.0 || north >= 90.0 {
        return vec![Area { south, north, west: -180.0, east: 180.0 }];
    }
    // The meridians that touch the circle; the circle holds no pole, so that the angle is below 90 degrees.
    let aside = (angle.sin() / latitude.to_radians().cos()).min(1.0).asin().to_degrees() + SLACK;
    // Near a pole the slack counts for more.
    let aside = aside + SLACK / latitude.to_radians().cos();
    if aside >= 180.0 {
        return vec![Area { south, north, west: -180.0, east: 180.0 }];
    }
    let (west, east) = (longitude - aside, longitude + aside);
    let area = |west, east| Area { south, north, west, east };
    if west < -180.0 {
        vec![area(west + 360.0, 180.0), area(-180.0, east)]
    } else if east > 180.0 {
        vec![area(west, 180.0), area(-180.0, east - 360.0)]
    } else {
        vec![area(west, east)]
    }
}

#[cfg(test)]
mod tests;
