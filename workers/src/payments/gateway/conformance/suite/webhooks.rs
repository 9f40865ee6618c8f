//! What every provider's webhooks promise.

use chrono::TimeDelta;
use market::payments::rules::authenticity;
use market::payments::rules::notice::{self, Notice, Topic};
use market::payments::rules::signature::SignatureError;
use market::payments::{AccountState, Call, CaptureMode, Found, PaymentState};
use shared::clock::Clock;

use super::{eur, unknown};
use crate::payments::gateway::conformance::test_gateway::{TestGateway, WEBHOOK_KEY, Webhook};
use CaptureMode::{Automatic, Manual};

fn check(test: &TestGateway, webhook: &Webhook) -> Result<(), SignatureError> {
    check_as(test, WEBHOOK_KEY, webhook, &webhook.body, TimeDelta::zero())
}

fn check_as(
    test: &TestGateway,
    key: &[u8],
    webhook: &Webhook,
    body: &[u8],
    late: TimeDelta,
) -> Result<(), SignatureError> {
    let signatures: Vec<_> = webhook.signatures.iter().map(String::as_str).collect();
    authenticity::check(test.gateway.provider(), &[key], &signatures, body, Clock::SYSTEM.now() + late)
}

fn read(test: &TestGateway, webhook: &Webhook) -> Notice {
    notice::read(test.gateway.provider(), &webhook.body).unwrap()
}

pub(in crate::payments::gateway::conformance) async fn webhooks_are_signed_and_name_what_they_are_about(
    mut test: TestGateway,
) {
    let payment = test.gateway.charge("a", &test.charge(eur(100), Automatic)).await.unwrap();
    let webhook = test.webhook().await;
    assert_eq!(check(&test, &webhook), Ok(()));
    let notice = read(&test, &webhook);
    assert_eq!((notice.topic, &notice.subject), (Topic::Payment, &payment.reference));
    let refund = test.gateway.refund("b", &payment.reference, eur(100)).await.unwrap();
    let webhook = test.webhook().await;
    assert_eq!(check(&test, &webhook), Ok(()));
    let notice = read(&test, &webhook);
    assert_eq!((notice.topic, notice.subject), (Topic::Disbursement, refund.reference));
    let account = test.gateway.open_account("c", &test.new_account()).await.unwrap();
    test.activate(&account.reference);
    if test.server.tells_of_accounts() {
        let webhook = test.webhook().await;
        assert_eq!(check(&test, &webhook), Ok(()));
        let notice = read(&test, &webhook);
        assert_eq!((notice.topic, &notice.subject), (Topic::Account, &account.reference));
    }
    // Who is not told asks.
    let now = test.gateway.account(&account.reference).await.unwrap().unwrap();
    assert_eq!(now.state, AccountState::Active);
}

pub(in crate::payments::gateway::conformance) async fn duplicate_and_reordered_webhooks_end_in_the_providers_state(
    mut test: TestGateway,
) {
    let told = test.server.webhooks_of_two_captures();
    test.repeat_webhooks(told.try_into().unwrap());
    test.reverse_webhooks(told);
    let payment = test.gateway.charge("a", &test.charge(eur(1000), Manual)).await.unwrap();
    test.gateway.capture("b", &payment.reference, eur(400)).await.unwrap();
    test.gateway.capture("c", &payment.reference, eur(600)).await.unwrap();
    let mut ids = Vec::new();
    let mut kinds = Vec::new();
    for _ in 0..2 * told {
        let webhook = test.webhook().await;
        assert_eq!(check(&test, &webhook), Ok(()));
        let notice = read(&test, &webhook);
        // Whatever comes when: who asks the provider learns the state that it ended in.
        let now = test.gateway.payment(&notice.subject).await.unwrap().unwrap();
        assert_eq!((now.state, now.captured), (PaymentState::Captured, eur(1000)));
        ids.push(notice.event_id.unwrap());
        kinds.push(notice.kind);
    }
    assert_eq!(kinds.last().unwrap(), test.server.held(), "the first one comes last");
    ids.dedup();
    assert_eq!(ids.len(), told, "a repeated webhook has the same id");
}

pub(in crate::payments::gateway::conformance) async fn an_answer_and_a_webhook_that_come_late_change_nothing(
    mut test: TestGateway,
) {
    test.delay(1);
    unknown(&test.impatient.charge("a", &test.charge(eur(1250), Automatic)).await);
    test.until_payments(1).await;
    // Whoever sweeps finds what was done before the provider says anything of it.
    let Some(Found::Payment(found)) = test.gateway.find("a", &Call::Charge).await.unwrap() else {
        panic!("the charge is not found")
    };
    assert_eq!((found.state, found.captured), (PaymentState::Captured, eur(1250)));
    assert_eq!(test.gateway.charge("a", &test.charge(eur(1250), Automatic)).await.unwrap(), found);
    let webhook = test.webhook().await;
    assert_eq!(check(&test, &webhook), Ok(()));
    let notice = read(&test, &webhook);
    assert_eq!((notice.topic, &notice.subject), (Topic::Payment, &found.reference));
    let now = test.gateway.payment(&notice.subject).await.unwrap().unwrap();
    assert_eq!((now, test.payments(), test.disbursements()), (found, 1, 0));
}

pub(in crate::payments::gateway::conformance) async fn a_foreign_signature_is_refused_and_an_old_one_where_a_time_is_signed(
    mut test: TestGateway,
) {
    test.gateway.charge("a", &test.charge(eur(100), Automatic)).await.unwrap();
    let webhook = test.webhook().await;
    let check = |key: &[u8], body: &[u8], late| check_as(&test, key, &webhook, body, TimeDelta::seconds(late));
    assert_eq!(check(WEBHOOK_KEY, &webhook.body, 0), Ok(()));
    assert_eq!(check(b"another", &webhook.body, 0), Err(SignatureError::Foreign));
    assert_eq!(check(WEBHOOK_KEY, b"{}", 0), Err(SignatureError::Foreign));
    let old = if test.server.signs_its_time() { Err(SignatureError::Old) } else { Ok(()) };
    assert_eq!(check(WEBHOOK_KEY, &webhook.body, 400), old);
}
