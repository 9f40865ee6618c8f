//! What changes something.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::amount::Amount;
use super::book::{Book, Event, Onboarding, Part, Payment, Reply, Transfer, id, invalid, missing, problem};
use super::{Desk, PLATFORM};
use crate::payments::{challenge, now};

/// Two refunds of one amount within this time are taken for one that was sent twice.
const IN_SHORT_SUCCESSION: TimeDelta = TimeDelta::seconds(10);

pub(super) fn act(desk: &Desk, book: &mut Book, method: &Method, path: &[&str], body: &Value) -> Reply {
    match path {
        ["payments", id] if method == Method::DELETE => cancel(book, id),
        _ if method == Method::DELETE => missing(),
        ["payments"] => charge(desk, book, body),
        ["payments", id, "captures"] => capture(book, id, body),
        ["payments", id, "refunds"] => refund(book, id, body),
        ["payments", id, "release-authorization"] => release(book, id),
        ["connect", "balance-transfers"] if body["testmode"].as_bool().unwrap_or_default() == desk.is_test() => {
            transfer(book, body)
        }
        ["connect", "balance-transfers"] => invalid("testmode", "This token is not of this mode"),
        _ => missing(),
    }
}

fn charge(desk: &Desk, book: &mut Book, body: &Value) -> Reply {
    let Some(description) = body["description"].as_str() else {
        return invalid("description", "The description is missing");
    };
    let Some(amount) = Amount::read(&body["amount"]) else { return not_an_amount() };
    let is_recurring = body["sequenceType"] == "recurring";
    if is_recurring && !(body["customerId"].is_string() && body["mandateId"].is_string()) {
        return invalid("customerId", "A recurring payment needs a customer and a mandate");
    }
    if !is_recurring && !body["redirectUrl"].is_string() {
        return invalid("redirectUrl", "The redirect URL is missing");
    }
    let name = id("tr");
    let mut payment = Payment {
        id: name.clone(),
        status: "open",
        amount,
        captured: 0,
        refunded: 0,
        is_manual: body["captureMode"] == "manual",
        is_cancelable: body["cardToken"] != super::FIXED,
        failure: None,
        description: description.to_owned(),
        metadata: body["metadata"].clone(),
        webhook_url: body["webhookUrl"].as_str().map(str::to_owned),
        checkout: challenge::address(desk.addr, &name),
        back: body["redirectUrl"].as_str().unwrap_or_default().to_owned(),
        created: now(),
    };
    if is_recurring {
        let declined = body["customerId"].as_str().is_some_and(|customer| super::DECLINED.starts_with(customer));
        payment.decide(if declined { Err("insufficient_funds") } else { Ok(()) });
    }
    *book.balances.entry(payment.amount.currency.clone()).or_default() += payment.taken();
    let shown = payment.show();
    let is_decided = payment.status != "open";
    book.payments.push(payment);
    if is_decided {
        book.moved(&name);
    }
    (StatusCode::CREATED, shown)
}

fn capture(book: &mut Book, of: &str, body: &Value) -> Reply {
    let Some(payment) = book.payment(of) else { return missing() };
    if payment.status != "authorized" {
        return invalid("payment", "The payment is not authorized");
    }
    let Some(amount) = Amount::read(&body["amount"]).filter(|amount| amount.currency == payment.amount.currency) else {
        return not_an_amount();
    };
    if amount.minor > payment.amount.minor - payment.captured {
        return invalid("amount.value", "The amount is higher than what is authorized");
    }
    payment.captured += amount.minor;
    let is_last = payment.captured == payment.amount.minor;
    if is_last {
        payment.status = "paid";
    }
    *book.balances.entry(amount.currency.clone()).or_default() += amount.minor;
    let part = part("cpt", of, amount, body);
    let shown = part.show("capture", "pending");
    book.captures.push(part);
    // While a part is still held, the payment stays what it was, and nobody is told.
    if is_last {
        book.moved(of);
    }
    (StatusCode::CREATED, shown)
}

fn release(book: &mut Book, of: &str) -> Reply {
    let Some(payment) = book.payment(of) else { return missing() };
    if payment.status != "authorized" {
        return invalid("payment", "The payment is not authorized");
    }
    payment.status = if payment.captured > 0 { "paid" } else { "canceled" };
    book.moved(of);
    (StatusCode::ACCEPTED, Value::Null)
}

fn cancel(book: &mut Book, of: &str) -> Reply {
    let Some(payment) = book.payment(of) else { return missing() };
    if payment.status != "open" || !payment.is_cancelable {
        let detail = "The payment cannot be canceled";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity", detail, None);
    }
    payment.status = "canceled";
    let shown = payment.show();
    book.moved(of);
    (StatusCode::OK, shown)
}

fn refund(book: &mut Book, of: &str, body: &Value) -> Reply {
    let recent = now() - IN_SHORT_SUCCESSION;
    let Some(payment) = book.payments.iter_mut().find(|payment| payment.id == of) else { return missing() };
    let Some(amount) = Amount::read(&body["amount"]).filter(|amount| amount.currency == payment.amount.currency) else {
        return not_an_amount();
    };
    let is_twin = |refund: &Part| refund.payment == of && refund.amount == amount && refund.created > recent;
    if book.refunds.iter().any(is_twin) {
        return problem(StatusCode::CONFLICT, "Conflict", "A duplicate refund has been detected", None);
    }
    if amount.minor > payment.taken() - payment.refunded {
        return invalid("amount.value", "The amount is higher than the remaining amount");
    }
    payment.refunded += amount.minor;
    *book.balances.entry(amount.currency.clone()).or_default() -= amount.minor;
    let refund = part("re", of, amount, body);
    let shown = refund.show("refund", "pending");
    book.events.push(Event {
        kind: "refund.refunded".to_owned(),
        entity: refund.show("refund", "refunded"),
        classic: payment.webhook_url.clone().map(|url| (url, of.to_owned())),
    });
    book.refunds.push(refund);
    (StatusCode::CREATED, shown)
}

fn part(prefix: &str, of: &str, amount: Amount, body: &Value) -> Part {
    Part { id: id(prefix), payment: of.to_owned(), amount, metadata: body["metadata"].clone(), created: now() }
}

fn transfer(book: &mut Book, body: &Value) -> Reply {
    let Some(amount) = Amount::read(&body["amount"]) else { return not_an_amount() };
    let Some(description) = body["description"].as_str() else {
        return invalid("description", "The description is missing");
    };
    if body["source"]["id"] != PLATFORM {
        return invalid("source.id", "The source is not the organization of the token");
    }
    let to = body["destination"]["id"].as_str().unwrap_or_default().to_owned();
    let Some(onboarding) = book.clients.get(&to) else {
        return invalid("destination.id", "The destination is not connected");
    };
    let balance = book.balances.entry(amount.currency.clone()).or_default();
    // Whether it moves is decided later, and said by its status.
    let reason = if *onboarding != Onboarding::Completed {
        "destination_not_allowed"
    } else if amount.minor > *balance {
        "insufficient_funds"
    } else {
        *balance -= amount.minor;
        "success"
    };
    let transfer = Transfer {
        id: id("cbtr"),
        to,
        amount,
        description: description.to_owned(),
        reason,
        metadata: body["metadata"].clone(),
        created: now(),
    };
    let state = if reason == "success" { "succeeded" } else { "failed" };
    let kind = format!("connect-balance-transfer.{state}");
    book.events.push(Event { kind, entity: transfer.show(true), classic: None });
    let shown = transfer.show(false);
    book.transfers.push(transfer);
    (StatusCode::CREATED, shown)
}

fn not_an_amount() -> Reply {
    invalid("amount", "The amount contains an invalid value")
}

/// The platform's own organisation.
pub(super) fn platform() -> Reply {
    (StatusCode::OK, json!({ "resource": "organization", "id": PLATFORM, "name": "Platform" }))
}
