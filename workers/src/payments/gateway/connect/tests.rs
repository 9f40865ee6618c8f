use market::payments::Provider;

use super::*;

fn settings(provider: Option<PaymentProvider>, url: &str, key: &str) -> Payments {
    Payments { provider, url: url.to_owned(), key: key.into(), webhook_key: "".into() }
}

#[test]
fn the_settings_name_the_gateway() {
    assert!(connect(&settings(None, "", "")).unwrap().is_none());
    for (provider, expected) in
        [(PaymentProvider::Stripe, Provider::Stripe), (PaymentProvider::Simulator, Provider::Simulator)]
    {
        let gateway = connect(&settings(Some(provider), "https://api.stripe.com", "sk_test")).unwrap().unwrap();
        assert_eq!(gateway.provider(), expected);
    }
}

#[test]
fn a_gateway_without_its_key_is_refused() {
    let error = connect(&settings(Some(PaymentProvider::Stripe), "https://api.stripe.com", "")).unwrap_err();
    assert!(error.to_string().contains("PAYMENTS_KEY"), "{error}");
}
