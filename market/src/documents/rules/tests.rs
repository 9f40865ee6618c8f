use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn days_of_a_document_are_judged_by_the_day_it_is_handed_in() {
    let today = day("2026-06-15");
    let judged = |issued: &str, expires: &str| {
        judge_days(day(issued), day(expires), today).map_err(|invalid| (invalid.pointer, invalid.message))
    };
    for (issued, expires) in [("2026-06-15", "2026-06-15"), ("1900-01-01", "2199-12-31"), ("2025-01-01", "2027-01-01")]
    {
        assert_eq!(judged(issued, expires), Ok(()), "{issued} to {expires}");
    }
    for (issued, expires, pointer, word) in [
        ("2026-06-16", "2027-01-01", "/issued_on", "today"),
        ("1899-12-31", "2027-01-01", "/issued_on", "1900"),
        ("2026-01-01", "2200-01-01", "/expires_on", "2199"),
        ("2026-05-02", "2026-05-01", "/expires_on", "day of issue"),
        ("2026-01-01", "2026-06-14", "/expires_on", "has passed"),
    ] {
        let (at, message) = judged(issued, expires).unwrap_err();
        assert!(at == pointer && message.contains(word), "{issued} to {expires}: {at} {message}");
    }
}

#[test]
fn what_was_rejected_or_has_expired_is_not_decided_again() {
    use DocumentStatus::{Expired, Pending, Rejected, Verified};
    let verdicts =
        [Pending, Verified, Rejected, Expired].map(|status| (may_decide(status, true), may_decide(status, false)));
    assert_eq!(verdicts, [(true, true), (false, true), (false, false), (false, false)]);
}
