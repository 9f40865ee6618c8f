//! Charges that wait for their buyer, whose bank asks.

use market::payments::{Call, CaptureMode, Payment, PaymentState};

use super::{eur, payment, refused, unknown};
use crate::payments::gateway::GatewayError;
use crate::payments::gateway::conformance::test_gateway::{BACK, TestGateway};
use CaptureMode::Automatic;

pub(in crate::payments::gateway::conformance) async fn a_charge_that_its_buyer_has_to_confirm_says_where(
    test: TestGateway,
) {
    for (key, passed, state, captured) in
        [("a", true, PaymentState::Captured, eur(100)), ("b", false, PaymentState::Failed, eur(0))]
    {
        let opened = challenged(&test, key).await.unwrap();
        assert_eq!((opened.state, opened.captured), (PaymentState::Pending, eur(0)));
        let page = opened.confirm_at.clone().unwrap();
        let again = test.gateway.payment(&opened.reference).await.unwrap().unwrap();
        assert_eq!((again.state, again.confirm_at), (PaymentState::Pending, Some(page.clone())));
        refused(&test.gateway.refund("too early", &opened.reference, eur(1)).await);
        assert_eq!(test.answer(&page, passed).await, BACK);
        let decided = test.gateway.payment(&opened.reference).await.unwrap().unwrap();
        assert_eq!((decided.state, decided.captured, decided.confirm_at), (state, captured, None));
        assert_eq!(decided.failure.is_some(), !passed);
    }
}

pub(in crate::payments::gateway::conformance) async fn a_charge_that_waits_is_made_once_when_its_reply_is_lost(
    test: TestGateway,
) {
    test.break_replies(1);
    unknown(&challenged(&test, "a").await);
    // Not every provider finds it by its key before it has taken money: whoever asks for it again gets the one that is there.
    let found = test.gateway.find("a", &Call::Charge).await.unwrap();
    let opened = challenged(&test, "a").await.unwrap();
    assert_eq!((opened.state, test.payments()), (PaymentState::Pending, 1));
    if let Some(found) = found {
        assert_eq!(payment(Some(found)).reference, opened.reference);
    }
    // And the buyer's answer is heard by its name, whatever the key says.
    test.answer(&opened.confirm_at.unwrap(), false).await;
    let decided = test.gateway.payment(&opened.reference).await.unwrap().unwrap();
    assert_eq!((decided.state, test.payments()), (PaymentState::Failed, 1));
}

pub(in crate::payments::gateway::conformance) async fn what_waits_for_its_buyer_is_cancelled_where_the_provider_can(
    test: TestGateway,
) {
    let waiting = challenged(&test, "a").await.unwrap();
    let of = &waiting.reference;
    for _ in 0..2 {
        assert_eq!(test.gateway.cancel("b", of).await.unwrap().state, PaymentState::Cancelled);
    }
    let now = test.gateway.payment(of).await.unwrap().unwrap();
    assert_eq!((now.state, now.captured, now.confirm_at), (PaymentState::Cancelled, eur(0), None));
    // Whoever has confirmed it first has paid.
    let confirmed = challenged(&test, "c").await.unwrap();
    test.answer(&confirmed.confirm_at.unwrap(), true).await;
    refused(&test.gateway.cancel("d", &confirmed.reference).await);
    let now = test.gateway.payment(&confirmed.reference).await.unwrap().unwrap();
    assert_eq!((now.state, now.captured), (PaymentState::Captured, eur(100)));
}

/// Charges somebody whose bank first asks them.
async fn challenged(test: &TestGateway, key: &str) -> Result<Payment, GatewayError> {
    let mut new = test.charge(eur(100), Automatic);
    new.method = test.server.challenged().to_owned();
    test.gateway.charge(key, &new).await
}
