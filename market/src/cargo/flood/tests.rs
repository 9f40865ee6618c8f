use std::collections::{HashMap, HashSet};

use super::*;
use crate::cargo::{Bounds, EventType, ShipmentStatus};

fn plan(seed: u64, events: u64, shipments: u32) -> Plan {
    Plan { seed, events, shipments, tag: "flood-1".to_owned(), at: super::super::testing::now() }
}

/// What is sent at first, what is sent afterwards, and the record.
fn played(plan: Plan) -> (Vec<CargoEvent>, Vec<CargoEvent>, Record) {
    let mut flood = Flood::new(plan);
    let mut sent = Vec::new();
    loop {
        let batch = flood.batch(700);
        if batch.is_empty() {
            break;
        }
        sent.extend(batch);
    }
    let changed = flood.changed();
    (sent, changed, flood.record())
}

#[test]
fn the_same_seed_makes_the_same_flood() {
    let json = |seed| {
        let (sent, changed, record) = played(plan(seed, 3_000, 100));
        serde_json::to_string(&(sent, changed, record.standings)).unwrap()
    };
    assert_eq!(json(1), json(1));
    assert_ne!(json(1), json(2));
}

#[test]
fn as_many_events_are_sent_as_were_asked_for_whatever_their_number() {
    for (events, shipments) in [(0, 5), (1, 5), (7, 5), (1_000, 1), (5_003, 200), (20_000, 400)] {
        let (sent, changed, record) = played(plan(3, events, shipments));
        assert_eq!((sent.len() + changed.len()) as u64, events, "{events} of {shipments}");
        assert_eq!(record.sent, events);
    }
}

/// The record, found out once more from what is sent, in the plainest way.
#[test]
fn the_record_is_what_the_rules_say_of_what_is_sent() {
    let plan = plan(1, 20_000, 400);
    let (sent, changed, record) = played(plan.clone());
    let bounds = Bounds::at(plan.at);
    let (mut kept, mut refused) = (HashMap::new(), HashSet::new());
    for event in sent.iter().chain(&changed) {
        let key = (event.source.clone(), event.source_event_id.clone());
        let faults = bounds.check(event);
        if faults.is_empty() {
            kept.entry(key).or_insert_with(|| event.clone());
        } else {
            assert!(faults.iter().all(super::super::Fault::is_of_time), "{faults:?}");
            assert!(refused.insert(key), "an impossible event comes once");
        }
    }
    assert_eq!((record.stored, record.quarantined), (kept.len() as u64, refused.len() as u64));
    let mut shipments: BTreeMap<String, Vec<StoredEvent>> = BTreeMap::new();
    for event in kept.into_values() {
        let stored = StoredEvent { id: 0, recorded_at: plan.at, event };
        shipments.entry(stored.event.shipment.clone()).or_default().push(stored);
    }
    let standings: BTreeMap<_, _> =
        shipments.iter().map(|(shipment, events)| (shipment.clone(), standing(events, plan.at))).collect();
    assert_eq!(standings, record.standings);
}

#[test]
fn everything_that_carriers_do_happens_in_it() {
    let plan = plan(1, 20_000, 400);
    let (sent, changed, record) = played(plan.clone());
    let mut names = HashSet::new();
    let repeats = sent.iter().filter(|event| !names.insert((&event.source, &event.source_event_id))).count();
    let corrections: HashSet<_> =
        sent.iter().filter(|event| event.corrects.is_some()).map(|one| &one.source_event_id).collect();
    let of_corrections = sent.iter().filter(|event| event.corrects.as_ref().is_some_and(|id| corrections.contains(id)));
    let ahead = sent.iter().filter(|event| event.kind == EventType::Actual && event.occurred_at > plan.at);
    let mut latest = HashMap::new();
    let late = sent.iter().filter(|event| {
        let before = latest.insert(&event.shipment, event.occurred_at);
        before.is_some_and(|before| before > event.occurred_at)
    });
    let counts = [
        ("repeats", repeats),
        ("changed", changed.len()),
        ("corrections", corrections.len()),
        ("of corrections", of_corrections.count()),
        ("ahead", ahead.count()),
        ("late", late.count()),
    ];
    assert!(counts.iter().all(|(_, count)| *count > 30), "{counts:?}");
    assert!(record.quarantined > 5, "{}", record.quarantined);
    let ends: HashSet<_> = record.standings.values().filter_map(|one| one.status).collect();
    for status in
        [ShipmentStatus::Delivered, ShipmentStatus::Returned, ShipmentStatus::Cancelled, ShipmentStatus::InTransit]
    {
        assert!(ends.contains(&status), "no shipment ends {status:?}");
    }
}

/// What is wrong is noticed: a log that kept the last event of a name, or counted what is corrected or ahead, would differ.
#[test]
fn a_log_that_breaks_a_rule_ends_elsewhere() {
    let plan = plan(1, 20_000, 400);
    let (sent, changed, record) = played(plan.clone());
    let stands = |events: &[CargoEvent], last_wins: bool| {
        let mut shipments: BTreeMap<&str, HashMap<(&str, &str), &CargoEvent>> = BTreeMap::new();
        for event in events.iter().filter(|event| Bounds::at(plan.at).check(event).is_empty()) {
            let kept = shipments.entry(&event.shipment).or_default();
            let key = (event.source.as_str(), event.source_event_id.as_str());
            if last_wins {
                kept.insert(key, event);
            } else {
                kept.entry(key).or_insert(event);
            }
        }
        let standing = |events: HashMap<_, &CargoEvent>| {
            let stored =
                events.into_values().map(|event| StoredEvent { id: 0, recorded_at: plan.at, event: event.clone() });
            standing(&stored.collect::<Vec<_>>(), plan.at)
        };
        shipments
            .into_iter()
            .map(|(shipment, events)| (shipment.to_owned(), standing(events)))
            .collect::<BTreeMap<_, _>>()
    };
    let all = [sent.as_slice(), &changed].concat();
    assert_eq!(stands(&all, false), record.standings);
    assert_ne!(stands(&all, true), record.standings, "the last one of a name wins");
    let uncorrected: Vec<_> = sent.iter().cloned().map(|event| CargoEvent { corrects: None, ..event }).collect();
    assert_ne!(stands(&uncorrected, false), record.standings, "what is corrected counts");
    let early: Vec<_> =
        sent.iter().cloned().map(|event| CargoEvent { occurred_at: event.occurred_at.min(plan.at), ..event }).collect();
    assert_ne!(stands(&early, false), record.standings, "what is ahead counts");
}
