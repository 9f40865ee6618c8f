use serde_json::{Value, json};

use super::*;

fn payment(changed: &Value) -> Payment {
    let mut answer = json!({
        "id": "tr_1", "status": "paid", "amount": { "currency": "EUR", "value": "10.00" },
        "createdAt": "2024-03-20T09:13:37+00:00",
    });
    for (name, value) in changed.as_object().unwrap() {
        answer[name] = value.clone();
    }
    serde_json::from_value::<PaymentAnswer>(answer).unwrap().read().unwrap()
}

fn eur(value: &str) -> Value {
    json!({ "currency": "EUR", "value": value })
}

#[test]
fn a_payment_is_in_the_state_that_its_money_is_in() {
    for (status, captured, state, taken) in [
        ("open", None, PaymentState::Pending, 0),
        ("pending", None, PaymentState::Pending, 0),
        ("authorized", Some("0.00"), PaymentState::Authorised, 0),
        ("authorized", Some("4.00"), PaymentState::Captured, 400),
        ("paid", Some("4.00"), PaymentState::Captured, 400),
        ("paid", None, PaymentState::Captured, 1000),
        ("canceled", None, PaymentState::Cancelled, 0),
        ("expired", None, PaymentState::Failed, 0),
        ("failed", None, PaymentState::Failed, 0),
    ] {
        let captured = captured.map(eur);
        let read = payment(&json!({ "status": status, "amountCaptured": captured }));
        assert_eq!((read.state, read.captured.minor()), (state, taken), "{status} {captured:?}");
    }
    assert_eq!(payment(&json!({ "amountRefunded": eur("2.50") })).refunded.minor(), 250);
}

#[test]
fn only_a_failed_payment_says_why_and_in_the_words_of_the_bank() {
    let details = json!({ "failureReason": "insufficient_funds" });
    let of_bank = payment(&json!({ "status": "failed", "details": details }));
    assert_eq!(of_bank.failure.as_deref(), Some("insufficient_funds"));
    let of_terminal =
        payment(&json!({ "status": "failed", "statusReason": { "code": "do_not_honor", "message": "…" } }));
    assert_eq!(of_terminal.failure.as_deref(), Some("do_not_honor"));
    assert_eq!(payment(&json!({ "status": "expired" })).failure.as_deref(), Some("expired"));
    assert_eq!(payment(&json!({ "details": details })).failure, None);
}

#[test]
fn what_is_not_known_is_not_guessed() {
    for (name, value) in [
        ("status", json!("new")),
        ("amount", json!({ "currency": "EUR", "value": "10.001" })),
        ("amount", json!({ "currency": "???", "value": "10.00" })),
        ("amount", json!({ "currency": "EUR", "value": 10 })),
        ("createdAt", json!("yesterday")),
    ] {
        let mut answer =
            json!({ "id": "tr_1", "status": "paid", "amount": eur("10.00"), "createdAt": "2024-03-20T09:13:37+00:00" });
        assert!(serde_json::from_value::<PaymentAnswer>(answer.clone()).is_ok());
        answer[name] = value;
        assert!(serde_json::from_value::<PaymentAnswer>(answer).is_err(), "{name}");
    }
    let answer = json!({
        "id": "tr_1", "status": "paid", "amount": eur("10.00"), "createdAt": "2024-03-20T09:13:37+00:00",
        "amountRefunded": { "currency": "USD", "value": "1.00" },
    });
    assert!(serde_json::from_value::<PaymentAnswer>(answer).unwrap().read().is_err(), "refunded in another currency");
}

#[test]
fn metadata_of_others_is_passed_over() {
    for metadata in [json!(null), json!("{\"tradeyard_key\":\"a\"}"), json!({ "tradeyard_key": 1 }), json!([1])] {
        let answer = json!({ "amount": eur("1.00"), "metadata": metadata });
        assert_eq!(serde_json::from_value::<CaptureAnswer>(answer).unwrap().key(), None, "{metadata}");
    }
    let answer = json!({ "amount": eur("1.00"), "metadata": { "tradeyard_key": "a" } });
    assert_eq!(serde_json::from_value::<CaptureAnswer>(answer).unwrap().key(), Some("a"));
}

#[test]
fn a_problem_says_which_field_is_at_fault() {
    for (problem, code) in [
        (
            json!({ "status": 422, "title": "Unprocessable Entity", "detail": "…", "field": "amount" }),
            "unprocessable_entity:amount",
        ),
        (json!({ "status": 404, "title": "Not Found", "detail": "…" }), "not_found"),
    ] {
        assert_eq!(serde_json::from_value::<Problem>(problem).unwrap().code(), code);
    }
}

#[test]
fn a_page_names_the_first_item_of_the_next_one_and_no_address_of_it_is_followed() {
    let page = |next: Value| {
        let page = json!({ "_embedded": { "payments": [1, 2] }, "_links": { "next": next } });
        serde_json::from_value::<Page<i64>>(page).unwrap()
    };
    let next = json!({ "href": "https://elsewhere.example/v2/payments?limit=5&from=tr_2", "type": "…" });
    assert_eq!(page(next).next().as_deref(), Some("tr_2"));
    assert_eq!(page(json!(null)).next(), None);
    assert_eq!(page(json!(null)).items().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn an_organisation_is_active_when_money_gets_out() {
    let wanted = json!([
        { "name": "payments", "requirements": [{ "id": "of-payments" }] },
        { "name": "settlements", "requirements": [{ "id": "bank-account" }] },
    ]);
    for (status, gets_out, capabilities, state, requirements) in [
        ("needs-data", false, json!([]), AccountState::Pending, vec!["needs-data"]),
        ("needs-data", false, wanted.clone(), AccountState::Pending, vec!["bank-account"]),
        ("in-review", false, json!([]), AccountState::Pending, vec![]),
        ("completed", true, json!([]), AccountState::Active, vec![]),
        ("completed", false, wanted, AccountState::Restricted, vec!["bank-account"]),
    ] {
        let onboarding = json!({ "status": status, "canReceivePayments": true, "canReceiveSettlements": gets_out });
        let answer = json!({ "id": "org_1", "_embedded": { "onboarding": onboarding, "capabilities": capabilities } });
        let read = serde_json::from_value::<ClientAnswer>(answer).unwrap().read();
        let reference = ProviderRef("org_1".to_owned());
        let requirements = requirements.into_iter().map(str::to_owned).collect();
        assert_eq!(read, Account { reference, state, requirements }, "{status}");
    }
}
