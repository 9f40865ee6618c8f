use market::payments::Provider;

use super::*;

const PUBLIC: &str = "https://tradeyard.example";

fn settings(provider: Option<PaymentProvider>, url: &str, key: &str) -> Payments {
    Payments { provider, url: url.to_owned(), key: key.into(), webhook_key: "".into() }
}

#[test]
fn the_settings_name_the_gateway() {
    assert!(connect(&settings(None, "", ""), PUBLIC).unwrap().is_none());
    for (provider, expected) in [
        (PaymentProvider::Stripe, Provider::Stripe),
        (PaymentProvider::Mollie, Provider::Mollie),
        (PaymentProvider::Simulator, Provider::Simulator),
    ] {
        let gateway = connect(&settings(Some(provider), "https://api.stripe.com", "sk_test"), PUBLIC).unwrap().unwrap();
        assert_eq!(gateway.provider(), expected);
    }
}

#[test]
fn a_gateway_without_its_key_is_refused() {
    let error = connect(&settings(Some(PaymentProvider::Stripe), "https://api.stripe.com", ""), PUBLIC).unwrap_err();
    assert!(error.to_string().contains("PAYMENTS_KEY"), "{error}");
}

#[test]
fn mollie_is_told_only_of_webhooks_that_it_can_reach() {
    let of = |public: &str| addresses(public.parse().unwrap()).webhooks.map(|url| url.to_string());
    assert_eq!(of(PUBLIC).as_deref(), Some("https://tradeyard.example/v1/webhooks/mollie"));
    assert_eq!(of("http://127.0.0.1:7300"), None);
}

#[test]
fn buyers_come_back_to_an_address() {
    let simulator = settings(Some(PaymentProvider::Simulator), "http://127.0.0.1:7327", "key");
    let error = connect(&simulator, "tradeyard").unwrap_err();
    assert!(error.to_string().contains("PUBLIC_URL"), "{error}");
}
