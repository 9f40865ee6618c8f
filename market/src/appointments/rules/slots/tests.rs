use chrono::Timelike as _;
use proptest::prelude::*;

use super::*;
use crate::appointments::model::{DeliveryHours, WallTime};

fn window(weekday: i16, opens: i16, closes: i16) -> Window {
    Window { weekday, opens: WallTime::of_minute(opens), closes: WallTime::of_minute(closes) }
}

fn hours(zone: &str, slot_minutes: i16, windows: Vec<Window>) -> SiteHours {
    let time_zone = zone.to_owned().try_into().expect("a zone");
    SiteHours {
        time_zone,
        slot_minutes,
        capacity: 2,
        windows,
        deliveries: None,
        closed_days: Vec::new(),
        free_days: 7,
        storage_fees: Vec::new(),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// When slots begin, by the clock on the wall.
fn walls(hours: &SiteHours, on: &str) -> Vec<String> {
    let zone = hours.time_zone.tz();
    let slots = of_day(&Hours::collections(hours), day(on));
    slots.iter().map(|slot| slot.starts_at.with_timezone(&zone).format("%H:%M %z").to_string()).collect()
}

#[test]
fn slots_begin_when_a_window_opens_and_end_before_it_closes() {
    let mut open = hours("Europe/Berlin", 60, vec![window(1, 14 * 60, 16 * 60), window(1, 8 * 60, 10 * 60 + 30)]);
    assert_eq!(walls(&open, "2026-11-30"), ["08:00 +0100", "09:00 +0100", "14:00 +0100", "15:00 +0100"]);
    assert!(walls(&open, "2026-12-01").is_empty(), "a Tuesday");
    open.closed_days.push(day("2026-11-30"));
    assert!(walls(&open, "2026-11-30").is_empty());
}

#[test]
fn an_hour_that_does_not_exist_has_no_slots_and_one_that_exists_twice_has_them_once() {
    let open = hours("Europe/Berlin", 30, vec![window(7, 60, 4 * 60)]);
    assert_eq!(walls(&open, "2026-03-29"), ["01:00 +0100", "03:00 +0200", "03:30 +0200"]);
    let twice = walls(&open, "2026-10-25");
    assert_eq!(twice[..4], ["01:00 +0200", "01:30 +0200", "02:00 +0200", "02:30 +0200"]);
    assert_eq!(twice[4..], ["03:00 +0100", "03:30 +0100"]);
    let long = hours("Europe/Berlin", 120, vec![window(7, 90, 8 * 60)]);
    assert_eq!(walls(&long, "2026-03-29"), ["03:30 +0200", "05:30 +0200"], "the first one would last an hour");
}

#[test]
fn what_is_booked_takes_room_where_it_overlaps() {
    let open = hours("UTC", 60, vec![window(1, 8 * 60, 11 * 60)]);
    let open = Hours::collections(&open);
    let span = |from: &str, to: &str| Span { starts_at: at(from), ends_at: at(to) };
    let booked = [
        span("2026-11-30T08:00:00Z", "2026-11-30T09:00:00Z"),
        // Of a time when slots were otherwise.
        span("2026-11-30T08:30:00Z", "2026-11-30T09:30:00Z"),
    ];
    let days = (day("2026-11-28"), day("2026-12-01"));
    let room = |now: &str| -> Vec<(u32, i64)> {
        free(&open, days, &booked, at(now)).iter().map(|(slot, room)| (slot.starts_at.hour(), *room)).collect()
    };
    assert_eq!(room("2026-11-28T00:00:00Z"), [(9, 1), (10, 2)]);
    assert_eq!(room("2026-11-30T09:00:00Z"), [(10, 2)], "what has begun is over");
    assert_eq!(starting(&open, at("2026-11-30T09:00:00Z")), Some(span("2026-11-30T09:00:00Z", "2026-11-30T10:00:00Z")));
    assert_eq!(starting(&open, at("2026-11-30T09:30:00Z")), None);
}

#[test]
fn deliveries_have_slots_of_their_own_by_the_clock_of_the_site() {
    let mut open = hours("Europe/Berlin", 60, vec![window(1, 8 * 60, 10 * 60)]);
    assert!(Hours::deliveries(&open).is_none() && Hours::of(&open, AppointmentKind::Delivery).is_none());
    let windows = vec![window(2, 8 * 60, 12 * 60)];
    open.deliveries = Some(DeliveryHours { slot_minutes: 120, capacity: 1, windows });
    open.closed_days.push(day("2026-12-08"));
    let begin = |kind, on: &str| -> Vec<DateTime<Utc>> {
        let of_kind = Hours::of(&open, kind).expect("hours");
        of_day(&of_kind, day(on)).iter().map(|slot| slot.starts_at).collect()
    };
    let [eight, nine] = ["2026-11-30T07:00:00Z", "2026-11-30T08:00:00Z"].map(at);
    assert_eq!(begin(AppointmentKind::Collection, "2026-11-30"), [eight, nine]);
    assert!(begin(AppointmentKind::Collection, "2026-12-01").is_empty());
    assert!(begin(AppointmentKind::Delivery, "2026-11-30").is_empty());
    let [eight, ten] = ["2026-12-01T07:00:00Z", "2026-12-01T09:00:00Z"].map(at);
    assert_eq!(begin(AppointmentKind::Delivery, "2026-12-01"), [eight, ten]);
    assert!(begin(AppointmentKind::Delivery, "2026-12-08").is_empty(), "the site is closed");
    let days = (day("2026-12-01"), day("2026-12-01"));
    let room = free(&Hours::deliveries(&open).expect("hours"), days, &[], at("2026-11-28T00:00:00Z"));
    assert_eq!(room.iter().map(|(_, room)| *room).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn hours_say_what_is_wrong_and_where() {
    let bad = |windows| judge_hours(&hours("UTC", 30, windows)).expect_err("refused").pointer;
    assert_eq!(bad(vec![window(0, 0, 60)]), "/windows/0/weekday");
    assert_eq!(bad(vec![window(1, 60, 60)]), "/windows/0/closes");
    assert_eq!(bad(vec![window(1, 60, 180), window(2, 60, 180), window(1, 120, 240)]), "/windows/2/opens");
    assert_eq!(judge_hours(&hours("UTC", 30, vec![window(1, 60, 120), window(1, 120, 180)])), Ok(()));
    assert_eq!(judge_hours(&hours("UTC", 4, Vec::new())).expect_err("refused").pointer, "/slot_minutes");
    let deliveries = |slot_minutes, capacity, windows| {
        let deliveries = Some(DeliveryHours { slot_minutes, capacity, windows });
        judge_hours(&SiteHours { deliveries, ..hours("UTC", 30, vec![window(1, 60, 120)]) })
    };
    assert_eq!(deliveries(30, 1, vec![window(1, 60, 120)]), Ok(()), "one is collected while another is delivered");
    let only = DeliveryHours { slot_minutes: 30, capacity: 1, windows: vec![window(1, 60, 120)] };
    assert_eq!(judge_hours(&SiteHours { deliveries: Some(only), ..hours("UTC", 30, Vec::new()) }), Ok(()));
    for (wrong, pointer) in [
        (deliveries(4, 1, Vec::new()), "/deliveries/slot_minutes"),
        (deliveries(30, 0, Vec::new()), "/deliveries/capacity"),
        (deliveries(30, 1, vec![window(1, 0, 60); 101]), "/deliveries/windows"),
        (deliveries(30, 1, vec![window(1, 0, 60); 2]), "/deliveries/windows/1/opens"),
    ] {
        assert_eq!(wrong.expect_err("refused").pointer, pointer);
    }
    for (text, minute) in [("00:00", Some(0)), ("23:59", Some(1_439)), ("24:00", Some(1_440)), ("24:01", None)] {
        assert_eq!(WallTime::try_from(text.to_owned()).ok().map(WallTime::minute), minute, "{text}");
    }
    for text in ["", "8:00", "08:60", "08:00:00", "-1:00", "+8:00"] {
        assert!(WallTime::try_from(text.to_owned()).is_err(), "{text}");
    }
    assert_eq!(String::from(WallTime::of_minute(485)), "08:05");
}

/// Zones that are put forward and back at odd hours, by half an hour, and over midnight.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
];

proptest! {
    #[test]
    fn slots_never_overlap_and_begin_at_hours_that_exist(
        zone in prop::sample::select(&ZONES[..]),
        first in 0_i64..4_000,
        slot_minutes in 5_i16..=480,
        opens in prop::collection::vec((1_i16..=7, 0_i16..1_440, 1_i16..=1_440), 0..12),
        is_delivered in any::<bool>(),
    ) {
        let mut site = hours(zone, slot_minutes, Vec::new());
        for (weekday, from, to) in opens {
            site.windows.push(window(weekday, from, to));
            if judge_hours(&site).is_err() {
                site.windows.pop();
            }
        }
        if is_delivered {
            let windows = std::mem::take(&mut site.windows);
            site.deliveries = Some(DeliveryHours { slot_minutes, capacity: 2, windows });
            site.slot_minutes = 7;
        }
        let kind = if is_delivered { AppointmentKind::Delivery } else { AppointmentKind::Collection };
        let open = Hours::of(&site, kind).expect("hours");
        let zone = site.time_zone.tz();
        let first = day("2020-01-01") + TimeDelta::days(first);
        let mut last: Option<Span> = None;
        for day in first.iter_days().take(14) {
            for slot in of_day(&open, day) {
                prop_assert_eq!(slot.ends_at - slot.starts_at, TimeDelta::minutes(slot_minutes.into()));
                prop_assert!(last.is_none_or(|last| last.ends_at <= slot.starts_at), "{last:?} and {slot:?}");
                let wall = slot.starts_at.with_timezone(&zone).naive_local();
                prop_assert_eq!(wall.date(), day);
                let minute = i16::try_from(wall.hour() * 60 + wall.minute()).expect("of a day");
                let within = |window: &&Window| {
                    is_on(**window, day)
                        && (window.opens.minute()..=window.closes.minute() - slot_minutes).contains(&minute)
                        && (minute - window.opens.minute()) % slot_minutes == 0
                };
                prop_assert!(open.windows.iter().any(|window| within(&window)), "{slot:?} at {wall}");
                prop_assert_eq!(starting(&open, slot.starts_at), Some(slot));
                last = Some(slot);
            }
        }
    }
}
