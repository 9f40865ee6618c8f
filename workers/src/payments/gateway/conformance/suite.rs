//! What every gateway promises.

use chrono::TimeDelta;
use futures::future::join_all;
use market::payments::{
    AccountState, Call, CaptureMode, Disbursement, DisbursementState, Found, PaymentState, ProviderRef,
};
use shared::clock::Clock;
use shared::money::{Currency, Money};
use shared::testing::NetworkFault;

use super::test_gateway::{KEY, TestGateway, WEBHOOK_KEY};
use crate::payments::gateway::{AmountError, GatewayError};
use CaptureMode::{Automatic, Manual};

mod waiting;
mod webhooks;

pub(super) use waiting::{
    a_charge_that_its_buyer_has_to_confirm_says_where, a_charge_that_waits_is_made_once_when_its_reply_is_lost,
    what_waits_for_its_buyer_is_cancelled_where_the_provider_can,
};
pub(super) use webhooks::{
    a_foreign_signature_is_refused_and_an_old_one_where_a_time_is_signed,
    an_answer_and_a_webhook_that_come_late_change_nothing, duplicate_and_reordered_webhooks_end_in_the_providers_state,
    webhooks_are_signed_and_name_what_they_are_about,
};

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: &Result<T, GatewayError>) {
    assert!(matches!(result, Err(GatewayError::Refused { .. })), "{result:?}");
}

#[track_caller]
fn unknown<T: std::fmt::Debug>(result: &Result<T, GatewayError>) {
    assert!(matches!(result, Err(GatewayError::Unknown { .. })), "{result:?}");
}

pub(super) async fn the_same_key_charges_once(test: TestGateway) {
    let first = test.gateway.charge("a", &test.charge(eur(1250), Automatic)).await.unwrap();
    assert_eq!((first.state, first.amount, first.captured), (PaymentState::Captured, eur(1250), eur(1250)));
    for _ in 0..3 {
        assert_eq!(test.gateway.charge("a", &test.charge(eur(1250), Automatic)).await.unwrap(), first);
    }
    assert_eq!(test.payments(), 1);
    test.gateway.charge("b", &test.charge(eur(1250), Automatic)).await.unwrap();
    assert_eq!(test.payments(), 2);
}

pub(super) async fn the_same_key_at_once_charges_once(test: TestGateway) {
    for round in 1..=20 {
        let key = format!("key {round}");
        let new = test.charge(eur(100), Automatic);
        let answers = join_all((0..4).map(|_| test.gateway.charge(&key, &new))).await;
        let made = test.gateway.charge(&key, &new).await.unwrap();
        for answer in answers {
            match answer {
                Ok(payment) => assert_eq!(payment, made),
                // While one is under way, the provider may want to be asked again.
                Err(GatewayError::Busy { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(test.payments(), round);
    }
}

pub(super) async fn a_key_is_refused_for_anything_else(test: TestGateway) {
    let payment = test.gateway.charge("a", &test.charge(eur(100), Automatic)).await.unwrap();
    refused(&test.gateway.charge("a", &test.charge(eur(200), Automatic)).await);
    refused(&test.gateway.refund("a", &payment.reference, eur(100)).await);
    assert_eq!((test.payments(), test.disbursements()), (1, 0));
}

pub(super) async fn a_declined_charge_is_an_answer(test: TestGateway) {
    let mut new = test.charge(eur(100), Automatic);
    new.method = test.server.declined().to_owned();
    let payment = test.gateway.charge("a", &new).await.unwrap();
    assert_eq!((payment.state, payment.captured), (PaymentState::Failed, eur(0)));
    assert!(payment.failure.is_some());
    refused(&test.gateway.refund("b", &payment.reference, eur(1)).await);
}

pub(super) async fn a_time_out_after_success_is_found_not_repeated(test: TestGateway) {
    test.proxy.set(NetworkFault::DropAnswers);
    unknown(&test.impatient.charge("a", &test.charge(eur(1250), Automatic)).await);
    test.until_payments(1).await;
    test.proxy.set(NetworkFault::None);
    test.proxy.cut();
    let Some(Found::Payment(payment)) = test.gateway.find("a", &Call::Charge).await.unwrap() else {
        panic!("the charge is not found")
    };
    assert_eq!((payment.state, payment.captured), (PaymentState::Captured, eur(1250)));
    assert_eq!(test.payments(), 1);
    // Who asks for it again all the same gets the one that is there.
    assert_eq!(test.gateway.charge("a", &test.charge(eur(1250), Automatic)).await.unwrap(), payment);
    assert_eq!(test.payments(), 1);
}

pub(super) async fn every_reply_lost_once_charges_once(test: TestGateway) {
    let gateway = &test.gateway;
    test.break_replies(1);
    unknown(&gateway.charge("charge", &test.charge(eur(1000), Manual)).await);
    let payment = payment(gateway.find("charge", &Call::Charge).await.unwrap());
    let of = &payment.reference;
    assert_eq!(payment.state, PaymentState::Authorised);

    test.break_replies(1);
    unknown(&gateway.capture("capture", of, eur(600)).await);
    assert_eq!(self::payment(gateway.find("capture", &Call::Capture(of.clone())).await.unwrap()).captured, eur(600));

    test.break_replies(1);
    unknown(&gateway.refund("refund", of, eur(100)).await);
    assert_eq!(
        disbursement(gateway.find("refund", &Call::Refund(of.clone())).await.unwrap()),
        (DisbursementState::Done, eur(100))
    );

    let account = if gateway.provider().opens_accounts() {
        test.break_replies(1);
        unknown(&gateway.open_account("account", &test.new_account()).await);
        let Some(Found::Account(account)) = gateway.find("account", &Call::OpenAccount).await.unwrap() else {
            panic!("no account")
        };
        account
    } else {
        gateway.open_account("account", &test.new_account()).await.unwrap()
    };
    test.activate(&account.reference);

    test.break_replies(1);
    unknown(&gateway.transfer("transfer", &account.reference, eur(500)).await);
    assert_eq!(
        disbursement(gateway.find("transfer", &Call::Transfer(account.reference.clone())).await.unwrap()),
        (DisbursementState::Done, eur(500))
    );

    let pays_out = gateway.provider().pays_out_on_request();
    if pays_out {
        test.break_replies(1);
        unknown(&gateway.payout("payout", &account.reference, eur(500)).await);
        assert_eq!(
            disbursement(gateway.find("payout", &Call::Payout(account.reference.clone())).await.unwrap()),
            (DisbursementState::Done, eur(500))
        );
    }

    // And each once more with its key: nothing happens twice.
    gateway.charge("charge", &test.charge(eur(1000), Manual)).await.unwrap();
    gateway.capture("capture", of, eur(600)).await.unwrap();
    gateway.refund("refund", of, eur(100)).await.unwrap();
    gateway.transfer("transfer", &account.reference, eur(500)).await.unwrap();
    if pays_out {
        gateway.payout("payout", &account.reference, eur(500)).await.unwrap();
    }
    let now = gateway.payment(of).await.unwrap().unwrap();
    assert_eq!((now.captured, now.refunded), (eur(600), eur(100)));
    assert_eq!((test.payments(), test.disbursements()), (1, 2 + usize::from(pays_out)));
}

pub(super) async fn a_broken_reply_is_unknown_and_a_failed_server_too(test: TestGateway) {
    test.break_replies(1);
    unknown(&test.gateway.charge("a", &test.charge(eur(100), Automatic)).await);
    assert_eq!(test.payments(), 1);
    test.fail(1);
    unknown(&test.gateway.charge("b", &test.charge(eur(100), Automatic)).await);
    assert_eq!(test.gateway.find("b", &Call::Charge).await.unwrap(), None);
    assert_eq!(test.payments(), 1);
}

pub(super) async fn a_busy_provider_says_when_to_come_back(test: TestGateway) {
    test.busy(1);
    let busy = test.gateway.charge("a", &test.charge(eur(100), Automatic)).await;
    assert!(matches!(busy, Err(GatewayError::Busy { after }) if !after.is_zero()), "{busy:?}");
    assert_eq!(test.payments(), 0);
    test.gateway.charge("a", &test.charge(eur(100), Automatic)).await.unwrap();
}

pub(super) async fn a_provider_that_cannot_be_reached_is_unknown(test: TestGateway) {
    for fault in [NetworkFault::Refuse, NetworkFault::Silence] {
        test.proxy.set(fault);
        unknown(&test.impatient.charge("a", &test.charge(eur(100), Automatic)).await);
        unknown(&test.impatient.find("a", &Call::Charge).await);
        unknown(&test.impatient.payment(&ProviderRef("pay_1".to_owned())).await);
    }
}

pub(super) async fn a_wrong_key_is_denied_and_fails_no_payment(test: TestGateway) {
    let denied = test.stranger.charge("a", &test.charge(eur(100), Automatic)).await;
    assert!(matches!(denied, Err(GatewayError::Denied { .. })), "{denied:?}");
    let denied = test.stranger.find("a", &Call::Charge).await;
    assert!(matches!(denied, Err(GatewayError::Denied { .. })), "{denied:?}");
    test.gateway.charge("a", &test.charge(eur(100), Automatic)).await.unwrap();
}

pub(super) async fn parts_are_captured_and_refunded_up_to_the_amount(test: TestGateway) {
    let gateway = &test.gateway;
    let payment = gateway.charge("a", &test.charge(eur(1000), Manual)).await.unwrap();
    assert_eq!((payment.state, payment.captured), (PaymentState::Authorised, eur(0)));
    let of = &payment.reference;
    refused(&gateway.refund("too early", of, eur(1)).await);
    assert_eq!(gateway.capture("b", of, eur(400)).await.unwrap().captured, eur(400));
    refused(&gateway.capture("too much", of, eur(601)).await);
    assert_eq!(gateway.capture("c", of, eur(600)).await.unwrap().captured, eur(1000));
    refused(&gateway.capture("once more", of, eur(1)).await);
    for (key, part) in [("d", 300), ("e", 700)] {
        let refund = gateway.refund(key, of, eur(part)).await.unwrap();
        assert_eq!(refund.amount, eur(part));
        let now = gateway.disbursement(&refund.reference).await.unwrap().unwrap();
        assert_eq!(now.state, DisbursementState::Done);
    }
    refused(&gateway.refund("one too many", of, eur(1)).await);
    refused(&gateway.refund("nothing", of, eur(0)).await);
    let now = gateway.payment(of).await.unwrap().unwrap();
    assert_eq!((now.captured, now.refunded), (eur(1000), eur(1000)));
}

pub(super) async fn a_part_in_another_currency_is_refused(test: TestGateway) {
    let usd = |minor| Money::from_minor(minor, Currency::USD);
    let held = test.gateway.charge("a", &test.charge(eur(1000), Manual)).await.unwrap();
    refused(&test.gateway.capture("b", &held.reference, usd(400)).await);
    let taken = test.gateway.charge("c", &test.charge(eur(1000), Automatic)).await.unwrap();
    refused(&test.gateway.refund("d", &taken.reference, usd(400)).await);
    let now = test.gateway.payment(&held.reference).await.unwrap().unwrap();
    assert_eq!((now.captured, test.disbursements()), (eur(0), 0));
}

pub(super) async fn what_is_held_is_cancelled_once(test: TestGateway) {
    let gateway = &test.gateway;
    let payment = gateway.charge("a", &test.charge(eur(1000), Manual)).await.unwrap();
    let of = &payment.reference;
    assert_eq!(gateway.cancel("b", of).await.unwrap().state, PaymentState::Cancelled);
    assert_eq!(gateway.cancel("b", of).await.unwrap().state, PaymentState::Cancelled);
    refused(&gateway.capture("c", of, eur(1)).await);
    let taken = gateway.charge("d", &test.charge(eur(1000), Automatic)).await.unwrap();
    refused(&gateway.cancel("e", &taken.reference).await);
}

pub(super) async fn three_decimals_and_none_are_sent_as_the_provider_counts_or_not_at_all(test: TestGateway) {
    for (amount, currency) in [("1250", Currency::JPY), ("1.250", Currency::KWD), ("12.50", Currency::EUR)] {
        let amount = Money::parse(amount, currency).unwrap();
        let charged = test.gateway.charge(currency.code(), &test.charge(amount, Automatic)).await;
        if !test.server.takes(currency) {
            // Nothing is rounded, and nothing is sent.
            assert!(matches!(charged, Err(GatewayError::NotPayable(AmountError::Currency { .. }))), "{charged:?}");
            continue;
        }
        let payment = charged.unwrap();
        assert_eq!((payment.amount, payment.captured), (amount, amount));
        let now = test.gateway.payment(&payment.reference).await.unwrap().unwrap();
        assert_eq!((now.amount, now.captured), (amount, amount));
    }
}

pub(super) async fn money_goes_to_an_account_and_out_of_it_once_it_is_active(test: TestGateway) {
    let gateway = &test.gateway;
    gateway.charge("a", &test.charge(eur(1000), Automatic)).await.unwrap();
    let account = gateway.open_account("b", &test.new_account()).await.unwrap();
    assert_eq!(account.state, AccountState::Pending);
    assert!(!account.requirements.is_empty());
    let to = &account.reference;
    stays(&test, gateway.transfer("too early as well", to, eur(900)).await).await;
    refused(&gateway.payout("too early", to, eur(1)).await);
    test.activate(to);
    let now = gateway.account(to).await.unwrap().unwrap();
    assert_eq!((now.state, now.requirements), (AccountState::Active, vec![]));
    stays(&test, gateway.transfer("more than there is", to, eur(1001)).await).await;
    let moved = gateway.transfer("c", to, eur(900)).await.unwrap();
    let moved = gateway.disbursement(&moved.reference).await.unwrap().unwrap();
    assert_eq!((moved.state, moved.amount), (DisbursementState::Done, eur(900)));
    if !gateway.provider().pays_out_on_request() {
        refused(&gateway.payout("of itself", to, eur(900)).await);
        assert_eq!(gateway.find("of itself", &Call::Payout(to.clone())).await.unwrap(), None);
        assert_eq!(test.disbursements(), 1);
        return;
    }
    refused(&gateway.payout("too much", to, eur(901)).await);
    let payout = gateway.payout("d", to, eur(900)).await.unwrap();
    assert_eq!(gateway.disbursement(&payout.reference).await.unwrap().unwrap().amount, eur(900));
    refused(&gateway.payout("once more", to, eur(1)).await);
}

/// A transfer that moves nothing: it is refused, or has failed when it is read.
async fn stays(test: &TestGateway, transferred: Result<Disbursement, GatewayError>) {
    if let Ok(made) = transferred {
        let now = test.gateway.disbursement(&made.reference).await.unwrap().unwrap();
        assert_eq!(now.state, DisbursementState::Failed);
    } else {
        refused(&transferred);
    }
}

pub(super) async fn payments_are_listed_page_by_page(test: TestGateway) {
    let mut made = Vec::new();
    for key in ["a", "b", "c", "d", "e"] {
        made.push(test.gateway.charge(key, &test.charge(eur(100), Automatic)).await.unwrap());
    }
    let now = Clock::SYSTEM.now();
    let period = now - TimeDelta::hours(1)..now + TimeDelta::hours(1);
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|payment: &market::payments::Payment| &payment.reference);
        let page = test.gateway.list(&period, after, 2).await.unwrap();
        assert!(page.payments.len() <= 2);
        listed.extend(page.payments);
        if !page.more {
            break;
        }
    }
    // Each provider lists in its own order.
    listed.sort_by(|one, other| one.reference.cmp(&other.reference));
    made.sort_by(|one, other| one.reference.cmp(&other.reference));
    assert_eq!(listed, made);
    for other in [period.end..period.end + TimeDelta::hours(1), period.start - TimeDelta::hours(1)..period.start] {
        let page = test.gateway.list(&other, None, 2).await.unwrap();
        assert_eq!((page.payments, page.more), (vec![], false));
    }
}

pub(super) async fn what_nobody_made_is_not_found(test: TestGateway) {
    let nobody = ProviderRef("x/../y?z=%2F".to_owned());
    assert_eq!(test.gateway.payment(&nobody).await.unwrap(), None);
    assert_eq!(test.gateway.disbursement(&nobody).await.unwrap(), None);
    assert_eq!(test.gateway.account(&nobody).await.unwrap(), None);
    assert_eq!(test.gateway.find("never used", &Call::Charge).await.unwrap(), None);
    refused(&test.gateway.capture("a", &nobody, eur(1)).await);
    for call in [
        Call::Capture(nobody.clone()),
        Call::Cancel(nobody.clone()),
        Call::Refund(nobody.clone()),
        Call::Transfer(nobody.clone()),
        Call::Payout(nobody.clone()),
        Call::OpenAccount,
    ] {
        assert_eq!(test.gateway.find("a", &call).await.unwrap(), None, "{call:?}");
    }
}

pub(super) async fn no_key_of_a_provider_is_shown(test: TestGateway) {
    let shown = format!("{:?} {:?}", test.gateway, test.server);
    assert!(!shown.contains(KEY), "{shown}");
    assert!(!shown.contains(std::str::from_utf8(WEBHOOK_KEY).unwrap()), "{shown}");
    test.proxy.set(NetworkFault::Refuse);
    let error = test.impatient.charge(KEY, &test.charge(eur(100), Automatic)).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
}

#[track_caller]
fn payment(found: Option<Found>) -> market::payments::Payment {
    let Some(Found::Payment(payment)) = found else { panic!("found {found:?}") };
    payment
}

#[track_caller]
fn disbursement(found: Option<Found>) -> (DisbursementState, Money) {
    let Some(Found::Disbursement(disbursement)) = found else { panic!("found {found:?}") };
    (disbursement.state, disbursement.amount)
}
