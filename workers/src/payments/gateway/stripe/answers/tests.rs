use serde_json::{Value, json};

use super::*;

fn intent(status: &str, received: i64) -> Payment {
    let answer = json!({
        "id": "pi_1", "status": status, "amount": 1000, "amount_received": received, "currency": "eur",
        "latest_charge": { "amount_refunded": 0 },
        "last_payment_error": { "code": "card_declined", "decline_code": "insufficient_funds" },
    });
    serde_json::from_value::<IntentAnswer>(answer).unwrap().read().unwrap()
}

#[test]
fn an_intent_is_in_the_state_that_its_money_is_in() {
    for (status, received, state) in [
        ("requires_payment_method", 0, PaymentState::Failed),
        ("requires_confirmation", 0, PaymentState::Pending),
        ("requires_action", 0, PaymentState::Pending),
        ("processing", 0, PaymentState::Pending),
        ("requires_capture", 0, PaymentState::Authorised),
        ("requires_capture", 400, PaymentState::Captured),
        ("succeeded", 1000, PaymentState::Captured),
        ("canceled", 0, PaymentState::Cancelled),
        // What was captured before the rest was let go stays captured.
        ("canceled", 400, PaymentState::Captured),
    ] {
        assert_eq!(intent(status, received).state, state, "{status} {received}");
    }
}

#[test]
fn only_a_failed_payment_says_why_and_in_the_words_of_the_bank() {
    assert_eq!(intent("requires_payment_method", 0).failure.as_deref(), Some("insufficient_funds"));
    assert_eq!(intent("succeeded", 1000).failure, None);
}

#[test]
fn a_state_that_is_not_known_is_not_guessed() {
    let answer = json!({ "id": "pi_1", "status": "new", "amount": 1, "amount_received": 0, "currency": "eur" });
    assert!(serde_json::from_value::<IntentAnswer>(answer).is_err());
}

#[test]
fn what_was_refunded_is_never_guessed() {
    let read = |received: i64| {
        let answer = json!({
            "id": "pi_1", "status": "succeeded", "amount": 1000, "amount_received": received, "currency": "eur",
            "latest_charge": "ch_1",
        });
        serde_json::from_value::<IntentAnswer>(answer).unwrap().read()
    };
    assert!(matches!(read(1000), Err(GatewayError::Unknown { .. })));
    assert!(read(0).is_ok(), "nothing was taken");
}

#[test]
fn a_problem_is_read_whatever_it_shows_besides() {
    for (error, code) in [
        (json!({ "type": "card_error", "code": "card_declined", "payment_intent": { "id": 1 } }), "card_declined"),
        (json!({ "type": "idempotency_error", "message": "…" }), "idempotency_error"),
        (json!({}), "no_code"),
    ] {
        let failure: Failure = serde_json::from_value(json!({ "error": error })).unwrap();
        assert_eq!(failure.error.code(), code);
    }
}

fn account(changed: &Value) -> Account {
    let mut answer = json!({
        "id": "acct_1", "payouts_enabled": true, "details_submitted": true, "capabilities": { "transfers": "active" },
        "requirements": { "currently_due": ["external_account"], "disabled_reason": null },
    });
    for (name, value) in changed.as_object().unwrap() {
        answer[name] = value.clone();
    }
    serde_json::from_value::<AccountAnswer>(answer).unwrap().read()
}

#[test]
fn an_account_is_active_when_money_gets_in_and_out() {
    for (changed, state) in [
        (json!({}), AccountState::Active),
        (json!({ "payouts_enabled": false }), AccountState::Restricted),
        (json!({ "capabilities": { "transfers": "pending" } }), AccountState::Restricted),
        (json!({ "capabilities": {} }), AccountState::Restricted),
        (json!({ "capabilities": null, "requirements": null }), AccountState::Restricted),
        (json!({ "payouts_enabled": false, "details_submitted": false }), AccountState::Pending),
        (json!({ "requirements": { "disabled_reason": "rejected.fraud" } }), AccountState::Closed),
    ] {
        assert_eq!(account(&changed).state, state, "{changed}");
    }
    assert_eq!(account(&json!({})).requirements, ["external_account"]);
}

#[test]
fn money_that_came_back_was_not_paid() {
    for (status, state) in [
        ("pending", DisbursementState::Pending),
        ("in_transit", DisbursementState::Pending),
        ("paid", DisbursementState::Done),
        ("failed", DisbursementState::Failed),
        ("canceled", DisbursementState::Failed),
    ] {
        let payout = json!({ "id": "po_1", "status": status, "amount": 1, "currency": "eur" });
        let payout = serde_json::from_value::<PayoutAnswer>(payout).unwrap().read("acct_1").unwrap();
        assert_eq!((payout.state, &*payout.reference.0), (state, "acct_1/po_1"));
    }
    for (status, state) in [
        (None, DisbursementState::Pending),
        (Some("pending"), DisbursementState::Pending),
        (Some("requires_action"), DisbursementState::Pending),
        (Some("succeeded"), DisbursementState::Done),
        (Some("failed"), DisbursementState::Failed),
        (Some("canceled"), DisbursementState::Failed),
    ] {
        let refund = json!({ "id": "re_1", "status": status, "amount": 1, "currency": "eur", "metadata": null });
        assert_eq!(serde_json::from_value::<RefundAnswer>(refund).unwrap().read().unwrap().state, state);
    }
    for (reversed, state) in [(false, DisbursementState::Done), (true, DisbursementState::Failed)] {
        let transfer = json!({ "id": "tr_1", "reversed": reversed, "amount": 1, "currency": "eur" });
        assert_eq!(serde_json::from_value::<TransferAnswer>(transfer).unwrap().read().unwrap().state, state);
    }
}

#[test]
fn amounts_are_read_as_stripe_counts() {
    let transfer = json!({ "id": "tr_1", "reversed": false, "amount": 100, "currency": "isk" });
    let transfer = serde_json::from_value::<TransferAnswer>(transfer).unwrap().read().unwrap();
    assert_eq!(transfer.amount, Money::from_minor(1, "ISK".parse().unwrap()));
}
