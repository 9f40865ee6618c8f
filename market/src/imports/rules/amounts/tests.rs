use super::*;

fn eur(cell: &str, separator: Separator) -> Result<i64, String> {
    money(cell, Currency::EUR, separator).map(Money::minor).map_err(|error| error.to_string())
}

#[test]
fn commas_begin_fractions_where_they_do_not_separate_cells() {
    for separator in [Separator::Semicolon, Separator::Tab] {
        for (cell, cents) in [
            ("1,50", 150),
            ("1.234,50", 123_450),
            ("-1.234.567,5", -123_456_750),
            ("1234", 123_400),
            ("1.50", 150),
            ("1.5", 150),
            ("1.234.567", 123_456_700),
            ("0,05", 5),
        ] {
            assert_eq!(eur(cell, separator), Ok(cents), "{cell}");
        }
        for cell in [
            "1,2,3",
            "1.23,50",
            "1234.567,50",
            "1,",
            ",5",
            "1.2.3",
            "1.234.56",
            ".5",
            "1,-5",
            "--1",
            "1 000,00",
            "1'000",
        ] {
            assert!(eur(cell, separator).is_err(), "{cell}");
        }
        let ambiguous = "\"1.234\" can be read in two ways: write it without separators of thousands";
        assert_eq!(eur("1.234", separator), Err(ambiguous.to_owned()));
    }
    assert_eq!(eur("1.50", Separator::Comma), Ok(150));
    for cell in ["1,50", "1,234.50", "1.234.567"] {
        assert!(eur(cell, Separator::Comma).is_err(), "{cell}");
    }
}

#[test]
fn amounts_keep_to_their_currency() {
    let of = |cell: &str, currency| money(cell, currency, Separator::Comma).map(Money::minor);
    let too_precise = |currency, exponent| Err(NotANumber::Money(MoneyError::TooPrecise { currency, exponent }));
    assert_eq!(of("500", Currency::JPY), Ok(500));
    assert_eq!(of("500.50", Currency::JPY), too_precise(Currency::JPY, 0));
    assert_eq!(of("1.234", Currency::KWD), Ok(1_234));
    assert_eq!(of("1.2345", Currency::KWD), too_precise(Currency::KWD, 3));
    assert_eq!(of("-0.00", Currency::EUR), Err(NotANumber::Money(MoneyError::Malformed)));
    assert_eq!(of("92233720368547758.08", Currency::EUR), Err(NotANumber::Money(MoneyError::Overflow)));
    assert_eq!(money("1,2345", Currency::KWD, Separator::Tab).map(Money::minor), too_precise(Currency::KWD, 3));
}

#[test]
fn whole_numbers_have_digits_and_a_sign_alone() {
    for (cell, number) in [("0", 0), ("12", 12), ("-3", -3), ("+3", 3), ("007", 7), ("9223372036854775807", i64::MAX)] {
        assert_eq!(whole(cell), Ok(number), "{cell}");
    }
    for cell in ["", "-", "+", "1.0", "1,000", "1.000", "1e3", "0x1", "١", "1 ", "--1"] {
        assert!(matches!(whole(cell), Err(NotANumber::NotWhole)), "{cell}");
    }
    assert_eq!(whole("9223372036854775808"), Err(NotANumber::OutOfRange));
}
