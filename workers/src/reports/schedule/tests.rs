use chrono::NaiveDate;

use super::*;

fn org(zone: &str, last_day: Option<(i32, u32, u32)>) -> Due {
    Due {
        org: OrgId::generate(),
        zone: zone.to_owned(),
        created_at: "2026-11-18T12:00:00Z".parse().unwrap(),
        last_day: last_day.map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap()),
    }
}

fn first_day(org: &Due, cadence: Cadence, now: &str) -> Option<String> {
    due(org, cadence, now.parse().unwrap()).map(|it| it.first_day().to_string())
}

#[test]
fn a_day_is_due_once_and_only_when_it_has_ended() {
    let day = |org: &Due, now: &str| first_day(org, Cadence::Daily, now);
    let berlin = org("Europe/Berlin", Some((2026, 11, 18)));
    assert_eq!(day(&berlin, "2026-11-19T22:59:59Z"), None, "the 19th has a second to go");
    assert_eq!(day(&berlin, "2026-11-19T23:00:00Z").as_deref(), Some("2026-11-19"));
    let done = org("Europe/Berlin", Some((2026, 11, 19)));
    assert_eq!(day(&done, "2026-11-19T23:00:00Z"), None);
    let fresh = org("Asia/Kolkata", None);
    assert_eq!(day(&fresh, "2026-11-18T18:00:00Z"), None, "it did not exist on the 17th");
    assert_eq!(day(&fresh, "2026-11-18T18:30:00Z").as_deref(), Some("2026-11-18"));
    assert_eq!(day(&org("Mars/Olympus", None), "2026-11-20T00:00:00Z").as_deref(), Some("2026-11-19"));
}

#[test]
fn a_week_and_a_month_are_due_once_and_at_six() {
    let berlin = org("Europe/Berlin", None);
    let week = |org: &Due, now: &str| first_day(org, Cadence::Weekly, now);
    assert_eq!(week(&berlin, "2026-11-23T04:59:59Z"), None, "it did not exist in the week before");
    assert_eq!(week(&berlin, "2026-11-23T05:00:00Z").as_deref(), Some("2026-11-16"));
    assert_eq!(week(&org("Europe/Berlin", Some((2026, 11, 22))), "2026-11-27T05:00:00Z"), None);
    let month = |org: &Due, now: &str| first_day(org, Cadence::Monthly, now);
    assert_eq!(month(&berlin, "2026-12-01T04:59:59Z"), None);
    assert_eq!(month(&berlin, "2026-12-01T05:00:00Z").as_deref(), Some("2026-11-01"));
    assert_eq!(month(&org("Europe/Berlin", Some((2026, 11, 30))), "2026-12-31T05:00:00Z"), None);
}
