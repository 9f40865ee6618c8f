use super::*;

use Provider::{Adyen, Simulator, Stripe};

const PROVIDERS: [Provider; 3] = [Stripe, Adyen, Simulator];

fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, currency.parse().unwrap()).unwrap()
}

#[test]
fn amounts_are_sent_as_each_provider_counts() {
    for (amount, currency, [stripe, adyen, simulator]) in [
        ("12.50", "EUR", [1250, 1250, 1250]),
        ("1250", "JPY", [1250, 1250, 1250]),
        ("1.250", "KWD", [1250, 1250, 1250]),
        ("5", "ISK", [500, 500, 5]),
        ("5", "CLP", [5, 500, 5]),
        ("5.00", "IDR", [500, 5, 500]),
        ("5.00", "CVE", [500, 5, 500]),
        ("5.00", "MGA", [5, 500, 500]),
    ] {
        let amount = money(amount, currency);
        for (provider, minor) in PROVIDERS.into_iter().zip([stripe, adyen, simulator]) {
            assert_eq!(to_provider(provider, amount), Ok(minor), "{provider:?} {amount}");
            assert_eq!(from_provider(provider, minor, amount.currency()), Ok(amount), "{provider:?} {amount}");
        }
    }
}

#[test]
fn an_amount_that_a_provider_cannot_take_is_refused_and_never_rounded() {
    for (provider, amount, currency) in
        [(Stripe, "5.124", "KWD"), (Stripe, "5.50", "MGA"), (Adyen, "5.50", "IDR"), (Adyen, "0.01", "CVE")]
    {
        let amount = money(amount, currency);
        assert_eq!(to_provider(provider, amount), Err(AmountError::TooPrecise { amount }));
    }
    for currency in ["UGX", "IQD", "LYD"] {
        let currency: Currency = currency.parse().unwrap();
        let amount = Money::from_minor(1000, currency);
        assert_eq!(to_provider(Stripe, amount), Err(AmountError::Currency { currency }));
        assert_eq!(to_provider(Simulator, amount), Ok(1000));
    }
    let isk: Currency = "ISK".parse().unwrap();
    assert_eq!(from_provider(Adyen, 550, isk), Err(AmountError::Answer { minor: 550, currency: isk }));
    let amount = Money::from_minor(i64::MAX, isk);
    assert_eq!(to_provider(Adyen, amount), Err(AmountError::Range { amount }));
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
