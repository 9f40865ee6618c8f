//! Which events another one has taken back.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::counts_from;
use crate::cargo::model::CargoEvent;

/// For each event of a shipment, whether it has not been taken back.
///
/// An event is taken back when one that corrects it holds itself: correcting a correction makes the first event hold again.
/// Only events of the same source correct each other. An event that waits takes back nothing yet. Events that correct each
/// other in a circle, which nothing outside of it breaks, all do not hold: none of them says which to believe.
pub(super) fn uncorrected(events: &[&CargoEvent], now: DateTime<Utc>) -> Vec<bool> {
    let mut places = HashMap::new();
    for (place, event) in events.iter().enumerate() {
        // The log has each event once; of copies in other lists, the first one stands for all.
        places.entry((event.source.as_str(), event.source_event_id.as_str())).or_insert(place);
    }
    let is_first = |place: usize| {
        let event = events[place];
        places.get(&(event.source.as_str(), event.source_event_id.as_str())) == Some(&place)
    };
    let target = |place: usize| {
        let event = events[place];
        let corrects = event.corrects.as_deref().filter(|_| counts_from(event, now).is_none())?;
        places.get(&(event.source.as_str(), corrects)).copied()
    };

    // From the events that nobody corrects to those that they correct: each has one target at most.
    let mut open = vec![0_usize; events.len()];
    for corrected in (0..events.len()).filter(|place| is_first(*place)).filter_map(target) {
        open[corrected] += 1;
    }
    let mut holds = vec![false; events.len()];
    let mut decided = vec![false; events.len()];
    let mut next: Vec<usize> = (0..events.len()).filter(|place| is_first(*place) && open[*place] == 0).collect();
    for place in &next {
        (holds[*place], decided[*place]) = (true, true);
    }
    while let Some(place) = next.pop() {
        let Some(corrected) = target(place).filter(|corrected| !decided[*corrected]) else { continue };
        open[corrected] -= 1;
        if holds[place] || open[corrected] == 0 {
            (holds[corrected], decided[corrected]) = (!holds[place], true);
            next.push(corrected);
        }
    }
    holds
}
