use chrono::NaiveDate;

use super::*;

#[test]
fn a_day_is_due_once_and_only_when_it_has_ended() {
    let seller = |zone: &str, last_day: Option<(i32, u32, u32)>| Seller {
        org: OrgId::generate(),
        zone: zone.to_owned(),
        created_at: "2026-11-18T12:00:00Z".parse().unwrap(),
        last_day: last_day.map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap()),
    };
    let day = |seller: &Seller, now: &str| due(seller, now.parse().unwrap()).map(|it| it.first_day().to_string());
    let berlin = seller("Europe/Berlin", Some((2026, 11, 18)));
    assert_eq!(day(&berlin, "2026-11-19T22:59:59Z"), None, "the 19th has a second to go");
    assert_eq!(day(&berlin, "2026-11-19T23:00:00Z").as_deref(), Some("2026-11-19"));
    let done = seller("Europe/Berlin", Some((2026, 11, 19)));
    assert_eq!(day(&done, "2026-11-19T23:00:00Z"), None);
    let fresh = seller("Asia/Kolkata", None);
    assert_eq!(day(&fresh, "2026-11-18T18:00:00Z"), None, "it did not exist on the 17th");
    assert_eq!(day(&fresh, "2026-11-18T18:30:00Z").as_deref(), Some("2026-11-18"));
    assert_eq!(day(&seller("Mars/Olympus", None), "2026-11-20T00:00:00Z").as_deref(), Some("2026-11-19"));
}
