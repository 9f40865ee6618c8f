use super::*;

use Provider::{Mollie, Simulator, Stripe};

const PROVIDERS: [Provider; 3] = [Stripe, Mollie, Simulator];

fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, currency.parse().unwrap()).unwrap()
}

#[test]
fn amounts_are_sent_as_each_provider_counts() {
    for (amount, currency, [stripe, mollie, simulator]) in [
        ("12.50", "EUR", [Some(1250); 3]),
        ("1250", "JPY", [Some(1250); 3]),
        ("1.250", "KWD", [Some(1250), None, Some(1250)]),
        ("5", "ISK", [Some(500), Some(5), Some(5)]),
        ("5.00", "TWD", [Some(500); 3]),
        ("5.00", "MGA", [Some(5), None, Some(500)]),
        ("5.00", "INR", [Some(500), None, Some(500)]),
    ] {
        let amount = money(amount, currency);
        let currency = amount.currency();
        for (provider, minor) in PROVIDERS.into_iter().zip([stripe, mollie, simulator]) {
            let refused = AmountError::Currency { currency };
            assert_eq!(to_provider(provider, amount), minor.ok_or(refused), "{provider:?} {amount}");
            if let Some(minor) = minor {
                assert_eq!(from_provider(provider, minor, currency), Ok(amount), "{provider:?} {amount}");
            }
        }
    }
}

#[test]
fn an_amount_that_a_provider_cannot_take_is_refused_and_never_rounded() {
    for (amount, currency) in [("5.124", "KWD"), ("5.50", "MGA")] {
        let amount = money(amount, currency);
        assert_eq!(to_provider(Stripe, amount), Err(AmountError::TooPrecise { amount }));
    }
    for currency in ["UGX", "IQD", "LYD"] {
        let currency: Currency = currency.parse().unwrap();
        let amount = Money::from_minor(1000, currency);
        assert_eq!(to_provider(Stripe, amount), Err(AmountError::Currency { currency }));
        assert_eq!(to_provider(Simulator, amount), Ok(1000));
    }
    let isk: Currency = "ISK".parse().unwrap();
    assert_eq!(from_provider(Stripe, 550, isk), Err(AmountError::Answer { minor: 550, currency: isk }));
    let amount = Money::from_minor(i64::MAX, isk);
    assert_eq!(to_provider(Stripe, amount), Err(AmountError::Range { amount }));
}

#[test]
fn mollie_takes_no_currency_of_three_digits_and_counts_as_iso_does() {
    for currency in Currency::all() {
        match to_provider(Mollie, Money::from_minor(123_000, currency)) {
            Ok(minor) => assert!(minor == 123_000 && currency.exponent() < 3, "{currency}"),
            Err(error) => assert_eq!(error, AmountError::Currency { currency }),
        }
    }
    for code in MOLLIE {
        assert!(code.parse::<Currency>().is_ok(), "{code}");
    }
}

#[test]
fn every_currency_comes_back_as_it_was_sent() {
    for currency in Currency::all() {
        let amount = Money::from_minor(123_000, currency);
        for provider in PROVIDERS {
            match to_provider(provider, amount) {
                Ok(minor) => assert_eq!(from_provider(provider, minor, currency), Ok(amount)),
                Err(error) => assert_eq!(error, AmountError::Currency { currency }),
            }
        }
    }
}
