//! The life of one shipment, as several sources report it.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::value::RawValue;

use super::Plan;
use crate::cargo::model::{CargoEvent, EventType, Position, ShipmentStatus};

/// Who reports. Only the first one counts its events.
const SOURCES: [&str; 3] = ["flood-hub", "flood-gps", "flood-van"];

/// What is sent of one shipment.
pub(super) struct Journey {
    pub(super) shipment: String,
    /// In no order that counts.
    pub(super) sent: Vec<CargoEvent>,
    /// Events of `distinct` that say something else.
    pub(super) changed: Vec<CargoEvent>,
    /// What the log should have in the end.
    pub(super) distinct: Vec<CargoEvent>,
    /// How many of those sent are impossible.
    pub(super) quarantined: u64,
}

/// What becomes of one of the events that a shipment has.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    New,
    Again,
    Changed,
    Impossible,
}

impl Turn {
    fn drawn(rng: &mut StdRng) -> Self {
        match rng.random_range(0..1000) {
            0..100 => Self::Again,
            100..120 => Self::Changed,
            120 => Self::Impossible,
            _ => Self::New,
        }
    }
}

/// How a shipment ends, if it does.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Delivered,
    Returned,
    Cancelled,
    UnderWay,
}

impl Fate {
    fn drawn(rng: &mut StdRng) -> Self {
        match rng.random_range(0..100) {
            0..70 => Self::Delivered,
            70..76 => Self::Returned,
            76..82 => Self::Cancelled,
            _ => Self::UnderWay,
        }
    }
}

/// Makes the events of a shipment; the same seed and number make the same ones.
pub(super) fn journey(plan: &Plan, number: u32) -> Journey {
    let mut rng = StdRng::seed_from_u64(plan.seed ^ u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let shipments = u64::from(plan.shipments.max(1));
    let count = plan.events / shipments + u64::from(u64::from(number) < plan.events % shipments);
    let first = [Turn::New].into_iter().filter(|_| count > 0);
    let turns: Vec<Turn> = first.chain((1..count).map(|_| Turn::drawn(&mut rng))).collect();
    let shipment = format!("{}-{number}", plan.tag);
    let new = turns.iter().filter(|turn| **turn == Turn::New).count();
    let life = Life::drawn(&mut rng, plan.at, new);
    let mut journey = Journey { shipment, sent: Vec::new(), changed: Vec::new(), distinct: Vec::new(), quarantined: 0 };
    for turn in turns {
        if turn == Turn::New {
            let event = life.event(&mut rng, &journey);
            journey.sent.push(event.clone());
            journey.distinct.push(event);
            continue;
        }
        // The first turn of all made one.
        let known = journey.distinct[rng.random_range(0..journey.distinct.len())].clone();
        match turn {
            Turn::Changed => journey.changed.push(changed(known)),
            Turn::Impossible => {
                let event = impossible(&mut rng, plan.at, known, journey.quarantined);
                journey.quarantined += 1;
                journey.sent.push(event);
            }
            Turn::Again | Turn::New => journey.sent.push(known),
        }
    }
    journey
}

/// The same event at another time and with another status: if it counted, the shipment would stand elsewhere.
fn changed(event: CargoEvent) -> CargoEvent {
    let status = match event.status {
        Some(ShipmentStatus::Delivered) => ShipmentStatus::Exception,
        _ => ShipmentStatus::Delivered,
    };
    CargoEvent { occurred_at: event.occurred_at - TimeDelta::minutes(61), status: Some(status), ..event }
}

/// An event of its own with a time that no clock has said rightly.
fn impossible(rng: &mut StdRng, at: DateTime<Utc>, event: CargoEvent, nth: u64) -> CargoEvent {
    let seconds = TimeDelta::seconds(rng.random_range(0..1_000_000));
    let occurred_at = match rng.random_range(0..3) {
        0 => DateTime::UNIX_EPOCH + seconds,
        1 => at - TimeDelta::days(900) - seconds,
        // Beyond what any type of event may say.
        _ => at + TimeDelta::days(900) + seconds,
    };
    CargoEvent { source_event_id: format!("{}-x{nth}", event.shipment), corrects: None, occurred_at, ..event }
}

/// What happens to a shipment, before anybody reports it.
struct Life {
    at: DateTime<Utc>,
    fate: Fate,
    /// How many events tell of it.
    events: usize,
    begins: DateTime<Utc>,
    /// The time between two events.
    step: TimeDelta,
    /// Where it begins, and how far it gets with each event.
    from: (f64, f64),
    each: (f64, f64),
}

impl Life {
    fn drawn(rng: &mut StdRng, at: DateTime<Utc>, events: usize) -> Self {
        let length = TimeDelta::seconds(rng.random_range(86_400..20 * 86_400));
        let parts = i32::try_from(events).unwrap_or(i32::MAX).max(1);
        Self {
            at,
            fate: Fate::drawn(rng),
            events,
            // Over for half an hour, so that no event of it is ahead by itself.
            begins: at - length - TimeDelta::minutes(30),
            // Whole milliseconds: whatever is finer is not kept.
            step: TimeDelta::milliseconds(length.num_milliseconds() / i64::from(parts)),
            from: (rng.random_range(36.0..60.0), rng.random_range(-9.0..30.0)),
            each: (rng.random_range(-0.01..0.01), rng.random_range(-0.01..0.01)),
        }
    }

    /// The next event, after those that there are.
    fn event(&self, rng: &mut StdRng, journey: &Journey) -> CargoEvent {
        let nth = journey.distinct.len();
        let place = i32::try_from(nth).unwrap_or(i32::MAX);
        // Of two events of one moment the sequence or the status decides.
        let moment = if rng.random_ratio(1, 50) { place.saturating_sub(1) } else { place };
        let mut event = CargoEvent {
            source: SOURCES[rng.random_range(0..SOURCES.len())].to_owned(),
            source_event_id: format!("{}-{nth}", journey.shipment),
            sequence: 0,
            shipment: journey.shipment.clone(),
            kind: EventType::Actual,
            status: self.status(rng, nth),
            occurred_at: self.begins + self.step * moment,
            position: Some(self.position(place)).filter(|_| rng.random_ratio(3, 5)),
            corrects: None,
            payload: None,
        };
        match rng.random_range(0..100) {
            0..4 => event.kind = EventType::Planned,
            4..10 => event.kind = EventType::Estimated,
            // A clock that is hours ahead.
            10 => event.occurred_at = self.at + TimeDelta::minutes(rng.random_range(120..1200)),
            11..16 => correct(rng, &mut event, &journey.distinct),
            _ => {}
        }
        if event.kind != EventType::Actual {
            event.occurred_at = self.at + TimeDelta::minutes(rng.random_range(-9_000..40_000));
        }
        if event.source == SOURCES[0] {
            event.sequence = i64::from(place);
        }
        if rng.random_ratio(1, 10) {
            let payload = format!(r#"{{"temperature_c":{},"door":"shut"}}"#, rng.random_range(-25..30));
            event.payload = RawValue::from_string(payload).ok();
        }
        if event.status.is_none() && event.position.is_none() {
            event.position = Some(self.position(place));
        }
        event
    }

    fn status(&self, rng: &mut StdRng, nth: usize) -> Option<ShipmentStatus> {
        use ShipmentStatus::{
            AttemptFailed, Cancelled, Delivered, Exception, InTransit, OutForDelivery, Pending, PickedUp, Returned,
        };
        let left = self.events - nth.min(self.events);
        match (self.fate, nth, left) {
            (_, 0, _) => Some(Pending),
            (Fate::Cancelled, 1, _) => Some(Cancelled),
            (Fate::Cancelled, ..) => None,
            (Fate::Delivered, _, 1) => Some(Delivered),
            (Fate::Returned, _, 1) => Some(Returned),
            (_, 1, _) => Some(PickedUp),
            (Fate::Delivered, _, 2) => Some(OutForDelivery),
            _ => match rng.random_range(0..20) {
                0 => Some(AttemptFailed),
                1 => Some(Exception),
                2..12 => Some(InTransit),
                _ => None,
            },
        }
    }

    fn position(&self, place: i32) -> Position {
        // As trackers send it, to ten metres.
        let rounded = |degrees: f64| (degrees * 1e4).round() / 1e4;
        let at = |from: f64, each: f64| rounded(from + each * f64::from(place % 1000));
        Position { latitude: at(self.from.0, self.each.0), longitude: at(self.from.1, self.each.1) }
    }
}

/// Lets an event correct an earlier one; a third of them correct a correction, if there is one.
fn correct(rng: &mut StdRng, event: &mut CargoEvent, earlier: &[CargoEvent]) {
    let corrections: Vec<&CargoEvent> = earlier.iter().filter(|one| one.corrects.is_some()).collect();
    let one = if !corrections.is_empty() && rng.random_ratio(1, 3) {
        Some(corrections[rng.random_range(0..corrections.len())])
    } else if earlier.is_empty() {
        None
    } else {
        Some(&earlier[rng.random_range(0..earlier.len())])
    };
    if let Some(one) = one {
        // Nobody corrects what others have said.
        one.source.clone_into(&mut event.source);
        event.corrects = Some(one.source_event_id.clone());
    }
}
