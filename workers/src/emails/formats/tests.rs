use shared::money::Currency;

use super::*;

fn formats(locale: &str) -> Rc<Formats> {
    Formats::of(&locale.parse().unwrap()).unwrap()
}

#[test]
fn amounts_are_grouped() {
    let shown = |minor, currency| formats("en").money(Money::from_minor(minor, currency));
    assert_eq!(shown(123_456_789, Currency::EUR), "1,234,567.89 EUR");
    assert_eq!(shown(99_900, Currency::EUR), "999.00 EUR");
    assert_eq!(shown(-100_000, Currency::JPY), "-100,000 JPY");
    assert_eq!(shown(5, Currency::KWD), "0.005 KWD");
}

#[test]
fn times_stand_in_the_readers_zone() {
    let at = DateTime::from_timestamp(1_795_798_800, 0).unwrap();
    let time = |zone| formats("en").time(at, zone);
    assert_eq!(time(Tz::UTC), "Friday, 27 November 2026 at 17:00 (UTC)");
    assert_eq!(time(Tz::Asia__Kolkata), "Friday, 27 November 2026 at 22:30 (Asia/Kolkata)");
}

/// By the CLDR: thousands, decimals, months and the clock.
#[test]
fn every_locale_writes_in_its_own_way() {
    let at = DateTime::from_timestamp(1_795_798_800, 0).unwrap();
    let cases = [
        ("en", "1,234,567.89 EUR", "27 November 2026", "Friday, 27 November 2026 at 18:00"),
        ("en-GB", "1,234,567.89 EUR", "27 November 2026", "Friday, 27 November 2026 at 18:00"),
        ("en-IE", "1,234,567.89 EUR", "27 November 2026", "Friday, 27 November 2026 at 18:00"),
        ("en-US", "1,234,567.89 EUR", "November 27, 2026", "Friday, November 27, 2026 at 6:00\u{202f}PM"),
        ("de", "1.234.567,89 EUR", "27. November 2026", "Freitag, 27. November 2026 um 18:00"),
        ("de-AT", "1\u{a0}234\u{a0}567,89 EUR", "27. November 2026", "Freitag, 27. November 2026 um 18:00"),
        ("de-CH", "1'234'567.89 EUR", "27. November 2026", "Freitag, 27. November 2026 um 18:00"),
    ];
    assert_eq!(cases.len(), market::identity::LOCALES.len(), "every locale that people can choose");
    for (locale, amount, day, time) in cases {
        let formats = formats(locale);
        assert_eq!(formats.money(Money::from_minor(123_456_789, Currency::EUR)), amount, "{locale}");
        assert_eq!(formats.day(at.date_naive()), day, "{locale}");
        assert_eq!(formats.time(at, Tz::Europe__Berlin), format!("{time} (Europe/Berlin)"), "{locale}");
    }
}

/// Once for each thread and locale, not for each mail.
#[test]
fn the_data_of_a_locale_is_found_once() {
    assert!(Rc::ptr_eq(&formats("de"), &formats("de")));
    assert!(!Rc::ptr_eq(&formats("de"), &formats("de-AT")));
}

#[test]
fn a_line_is_one_line() {
    assert_eq!(one_line(" Tractor\r\nBcc: x@y\t\u{85}7 "), "Tractor Bcc: x\u{2060}@y 7");
}
