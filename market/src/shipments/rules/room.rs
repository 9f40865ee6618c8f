//! How much is on a vehicle at once.

use chrono::{DateTime, Utc};

use super::ShipmentRefusal;

/// What a shipment takes up on a vehicle, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub from: DateTime<Utc>,
    /// It is gone then.
    pub until: DateTime<Utc>,
    pub weight_g: i64,
    pub volume_ml: i64,
}

/// A time in which the vehicle is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// What a vehicle can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub weight_g: i64,
    pub volume_ml: i64,
}

/// Whether a vehicle with these loads can carry one more: at no moment is more on it than it can carry, and it is not away.
pub fn judge(room: Room, loads: &[Load], away: &[Away], new: Load) -> Result<(), ShipmentRefusal> {
    if let Some(&Away { from, until }) = away.iter().find(|away| away.from < new.until && new.from < away.until) {
        return Err(ShipmentRefusal::InMaintenance { from, until });
    }
    // Weight and volume only grow when something is loaded.
    let begins = loads.iter().map(|load| load.from).filter(|at| (new.from..new.until).contains(at)).chain([new.from]);
    let (weight, volume) =
        begins.map(|at| on_it(loads, at)).fold((0, 0), |most, now| (most.0.max(now.0), most.1.max(now.1)));
    over(room, weight + new.weight_g, volume + new.volume_ml)
}

/// Whether a vehicle can carry its loads, whenever that is.
pub fn judge_all(room: Room, loads: &[Load]) -> Result<(), ShipmentRefusal> {
    loads.iter().try_for_each(|load| {
        let (weight, volume) = on_it(loads, load.from);
        over(room, weight, volume)
    })
}

fn on_it(loads: &[Load], at: DateTime<Utc>) -> (i64, i64) {
    let then = loads.iter().filter(|load| load.from <= at && at < load.until);
    then.fold((0, 0), |(weight, volume), load| (weight + load.weight_g, volume + load.volume_ml))
}

fn over(room: Room, weight: i64, volume: i64) -> Result<(), ShipmentRefusal> {
    if weight <= room.weight_g && volume <= room.volume_ml {
        return Ok(());
    }
    let (weight_over_g, volume_over_ml) = ((weight - room.weight_g).max(0), (volume - room.volume_ml).max(0));
    Err(ShipmentRefusal::VehicleFull { weight_over_g, volume_over_ml })
}

#[cfg(test)]
mod tests;
