//! What only looks.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::acts::platform;
use super::book::{Book, Onboarding, Part, Payment, Reply, Transfer, link, missing, problem};

/// The parameters of a request.
pub(super) type Query = HashMap<String, String>;

const MAX_LIMIT: usize = 250;

pub(super) fn read(book: &Book, path: &[&str], query: &Query, is_test: bool) -> Reply {
    let is_of_mode = query.get("testmode").is_some_and(|mode| mode == "true") == is_test;
    match path {
        ["payments"] => page(book.payments.iter().rev().map(Payment::show), "payments", path, query),
        ["payments", id] => found(book.payments.iter().find(|payment| payment.id == *id).map(Payment::show)),
        ["payments", id, "captures"] => {
            of_payment(book, id, &book.captures, &|part| part.show("capture", "succeeded"), path, query)
        }
        ["payments", id, "refunds"] => {
            of_payment(book, id, &book.refunds, &|part| part.show("refund", "refunded"), path, query)
        }
        ["payments", id, "refunds", refund] => {
            let refund = book.refunds.iter().find(|part| part.payment == *id && part.id == *refund);
            found(refund.map(|part| part.show("refund", "refunded")))
        }
        ["connect", "balance-transfers"] if is_of_mode => {
            let transfers = book.transfers.iter().rev().map(|transfer| transfer.show(true));
            page(transfers, "connect_balance_transfers", path, query)
        }
        ["connect", "balance-transfers", id] if is_of_mode => {
            let transfer: Option<&Transfer> = book.transfers.iter().find(|transfer| transfer.id == *id);
            found(transfer.map(|transfer| transfer.show(true)))
        }
        ["clients", id] => found(book.clients.get(*id).map(|onboarding| client(id, *onboarding, query))),
        ["organizations", "me"] => platform(),
        _ => missing(),
    }
}

fn found(thing: Option<Value>) -> Reply {
    thing.map_or_else(missing, |thing| (StatusCode::OK, thing))
}

fn of_payment(
    book: &Book,
    id: &str,
    parts: &[Part],
    show: &dyn Fn(&Part) -> Value,
    path: &[&str],
    query: &Query,
) -> Reply {
    if !book.payments.iter().any(|payment| payment.id == id) {
        return missing();
    }
    let name = path.last().copied().unwrap_or_default();
    page(parts.iter().rev().filter(|part| part.payment == id).map(show), name, path, query)
}

/// A connected organisation, with what was asked for.
fn client(id: &str, onboarding: Onboarding, query: &Query) -> Value {
    let is_wanted = |name: &str| query.get("embed").is_some_and(|names| names.split(',').any(|one| one == name));
    let is_done = onboarding == Onboarding::Completed;
    let status = match onboarding {
        Onboarding::NeedsData => "needs-data",
        Onboarding::InReview => "in-review",
        Onboarding::Completed => "completed",
    };
    let mut shown = json!({ "resource": "client", "id": id, "_links": { "self": link(&format!("clients/{id}")) } });
    if is_wanted("onboarding") {
        shown["_embedded"]["onboarding"] = json!({
            "resource": "onboarding",
            "name": "Seller",
            "status": status,
            "canReceivePayments": is_done,
            "canReceiveSettlements": is_done,
        });
    }
    if is_wanted("capabilities") {
        let wanted = if onboarding == Onboarding::NeedsData {
            vec![json!({ "id": "legal-representatives", "dueDate": null, "status": "requested" })]
        } else {
            vec![]
        };
        shown["_embedded"]["capabilities"] = json!([{
            "resource": "capability",
            "name": "settlements",
            "status": if is_done { "enabled" } else { "pending" },
            "statusReason": if is_done { None } else { Some("onboarding-information-needed") },
            "requirements": wanted,
        }]);
    }
    shown
}

/// A list as Mollie answers it: the items from the one called `from`, at most `limit`.
fn page(items: impl Iterator<Item = Value>, name: &str, path: &[&str], query: &Query) -> Reply {
    let limit = query.get("limit").map_or(Some(50), |limit| limit.parse().ok());
    let Some(limit) = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit)) else {
        return problem(StatusCode::BAD_REQUEST, "Bad Request", "Invalid limit", Some("limit"));
    };
    let items: Vec<Value> = items.collect();
    let start = match query.get("from") {
        None => Some(0),
        Some(from) => items.iter().position(|item| item["id"] == **from),
    };
    let Some(start) = start else {
        return problem(StatusCode::BAD_REQUEST, "Bad Request", "Invalid cursor value", Some("from"));
    };
    let rest = &items[start..];
    let next = rest.get(limit).and_then(|item| item["id"].as_str());
    let next = next.map(|id| link(&format!("{}?from={id}&limit={limit}", path.join("/"))));
    let shown = &rest[..rest.len().min(limit)];
    let body = json!({
        "count": shown.len(),
        "_embedded": { name: shown },
        "_links": { "self": link(&path.join("/")), "previous": null, "next": next },
    });
    (StatusCode::OK, body)
}
