use shared::money::Currency;

use super::*;

#[test]
fn amounts_are_grouped() {
    let shown = |minor, currency| money(Money::from_minor(minor, currency));
    assert_eq!(shown(123_456_789, Currency::EUR), "1,234,567.89 EUR");
    assert_eq!(shown(99_900, Currency::EUR), "999.00 EUR");
    assert_eq!(shown(-100_000, Currency::JPY), "-100,000 JPY");
    assert_eq!(shown(5, Currency::KWD), "0.005 KWD");
}

#[test]
fn times_stand_in_the_readers_zone() {
    let at = DateTime::from_timestamp(1_795_798_800, 0).unwrap();
    assert_eq!(time(at, Tz::UTC), "Friday, 27 November 2026, 17:00 (UTC)");
    assert_eq!(time(at, Tz::Asia__Kolkata), "Friday, 27 November 2026, 22:30 (Asia/Kolkata)");
}

#[test]
fn a_line_is_one_line() {
    assert_eq!(one_line(" Tractor\r\nBcc: x@y\t\u{85}7 "), "Tractor Bcc: x\u{2060}@y 7");
}
