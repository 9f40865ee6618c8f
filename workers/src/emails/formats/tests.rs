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

/// One day, days of a month, of a year and of two years.
#[test]
fn days_that_follow_each_other_are_written_as_one_stretch_in_every_locale() {
    let of = |month, day| NaiveDate::from_ymd_opt(2027, month, day).unwrap();
    let stretch = |first: NaiveDate, days| first.iter_days().take(days).collect::<Vec<_>>();
    let all =
        [vec![of(1, 9)], stretch(of(3, 3), 5), stretch(of(4, 28), 31), stretch(of(6, 30), 2), stretch(of(12, 30), 4)];
    let european = "9 January 2027; 3–7 March 2027; 28 April – 28 May 2027; 30 June – 1 July 2027; 30 December 2027 – 2 January 2028";
    let german = "9. Januar 2027; 3.–7. März 2027; 28. April – 28. Mai 2027; 30. Juni – 1. Juli 2027; 30. Dezember 2027 – 2. Januar 2028";
    let austrian = german.replace("Januar", "Jänner");
    let cases = [
        ("en", european),
        ("en-GB", european),
        ("en-IE", european),
        (
            "en-US",
            "January 9, 2027; March 3–7, 2027; April 28 – May 28, 2027; June 30 – July 1, 2027; December 30, 2027 – January 2, 2028",
        ),
        ("de", german),
        ("de-AT", austrian.as_str()),
        ("de-CH", german),
    ];
    assert_eq!(cases.len(), market::identity::LOCALES.len(), "every locale that people can choose");
    for (locale, written) in cases {
        assert_eq!(formats(locale).days(&all.concat()), written, "{locale}");
    }
    assert_eq!(formats("de").days(&[]), "");
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
