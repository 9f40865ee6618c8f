//! How often bidders are told that they were outbid.

use super::*;

/// The end of the auction, from which everything is reckoned.
const END: i64 = DAY;

fn decided(notified: Option<i64>, now: i64) -> Notice {
    decide_notice(notified.map(second), second(END), second(now))
}

#[test]
fn an_outbid_bidder_is_notified_at_most_once_in_ten_minutes() {
    assert_eq!(decided(None, 1_000), Notice::Now);
    assert_eq!(decided(Some(1_000), 1_001), Notice::At(second(1_600)));
    assert_eq!(decided(Some(1_000), 1_599), Notice::At(second(1_600)));
    assert_eq!(decided(Some(1_000), 1_600), Notice::Now);
}

#[test]
fn what_waits_when_the_last_hour_begins_is_told_then() {
    let last_hour = END - 3_600;
    assert_eq!(decided(Some(last_hour - 60), last_hour - 30), Notice::At(second(last_hour)));
    assert_eq!(decided(Some(last_hour - 60), last_hour), Notice::Now);
    // Whoever was told in the last hour was told of everything before.
    assert_eq!(decided(Some(last_hour), last_hour), Notice::Notified);
    assert_eq!(decided(Some(last_hour + 10), last_hour + 1_000), Notice::Notified);
    assert!(is_last_hour(second(END), second(last_hour)) && !is_last_hour(second(END), second(last_hour - 1)));
}
