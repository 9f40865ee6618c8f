//! What Mollie knows, and how it shows it.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::amount::Amount;
use crate::payments::now;

/// A status and what the body says.
pub(super) type Reply = (StatusCode, Value);

#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) amount: Amount,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) is_manual: bool,
    /// Whether it can be cancelled while it is open.
    pub(super) is_cancelable: bool,
    pub(super) failure: Option<&'static str>,
    pub(super) description: String,
    pub(super) metadata: Value,
    /// Where classic webhooks about it go.
    pub(super) webhook_url: Option<String>,
    /// The page at which the buyer confirms it.
    pub(super) checkout: String,
    /// Where the buyer comes back to.
    pub(super) back: String,
    pub(super) created: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) payment: String,
    pub(super) amount: Amount,
    pub(super) metadata: Value,
    pub(super) created: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(super) struct Transfer {
    pub(super) id: String,
    pub(super) to: String,
    pub(super) amount: Amount,
    pub(super) description: String,
    /// `success`, or why nothing moved.
    pub(super) reason: &'static str,
    pub(super) metadata: Value,
    pub(super) created: DateTime<Utc>,
}

/// How far Mollie knows a connected organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onboarding {
    NeedsData,
    InReview,
    Completed,
}

/// Something that happened.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) entity: Value,
    /// The address and the payment of a classic webhook.
    pub(super) classic: Option<(String, String)>,
}

/// Everything, for as long as the process lives; each in the order in which it was made.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) payments: Vec<Payment>,
    pub(super) captures: Vec<Part>,
    pub(super) refunds: Vec<Part>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) clients: BTreeMap<String, Onboarding>,
    /// The platform's own.
    pub(super) balances: HashMap<String, i64>,
    /// What was answered to each key.
    pub(super) keys: HashMap<String, Reply>,
    /// What has happened and is not in the outbox yet.
    pub(super) events: Vec<Event>,
}

impl Book {
    pub(super) fn payment(&mut self, id: &str) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.id == id)
    }

    pub(super) fn connect(&mut self) -> String {
        let id = format!("org_{}", 1_000_000 + self.clients.len());
        self.clients.insert(id.clone(), Onboarding::NeedsData);
        id
    }

    pub(super) fn set_account(&mut self, id: &str, onboarding: Onboarding) -> bool {
        self.clients.get_mut(id).is_some_and(|client| {
            *client = onboarding;
            true
        })
    }

    /// Takes the buyer's answer to their bank; returns where the buyer goes then, if something was asked.
    pub(super) fn finish(&mut self, id: &str, paid: bool) -> Option<String> {
        let payment = self.payments.iter_mut().find(|payment| payment.id == id && payment.status == "open")?;
        payment.decide(paid.then_some(()).ok_or("authentication_failed"));
        let (currency, taken, back) = (payment.amount.currency.clone(), payment.taken(), payment.back.clone());
        *self.balances.entry(currency).or_default() += taken;
        self.moved(id);
        Some(back)
    }

    /// Says what a payment has become.
    pub(super) fn moved(&mut self, id: &str) {
        let Some(payment) = self.payments.iter().find(|payment| payment.id == id) else { return };
        let classic = payment.webhook_url.clone().map(|url| (url, id.to_owned()));
        let event = Event { kind: format!("payment.{}", payment.status), entity: payment.show(), classic };
        self.events.push(event);
    }
}

impl Payment {
    /// Takes what the buyer's bank says.
    pub(super) fn decide(&mut self, decision: Result<(), &'static str>) {
        self.failure = decision.err();
        self.status = match (decision, self.is_manual) {
            (Err(_), _) => "failed",
            (Ok(()), true) => "authorized",
            (Ok(()), false) => "paid",
        };
    }

    /// What was taken of the buyer.
    pub(super) fn taken(&self) -> i64 {
        match (self.is_manual, self.status) {
            (true, _) => self.captured,
            (false, "paid") => self.amount.minor,
            (false, _) => 0,
        }
    }

    pub(super) fn show(&self) -> Value {
        let mut shown = json!({
            "resource": "payment",
            "id": self.id,
            "status": self.status,
            "amount": self.amount.show(),
            "description": self.description,
            "method": "creditcard",
            "metadata": self.metadata,
            "captureMode": if self.is_manual { "manual" } else { "automatic" },
            "createdAt": show_time(self.created),
            "details": { "cardLabel": "Visa", "failureReason": self.failure },
            "_links": { "self": link(&format!("payments/{}", self.id)) },
        });
        // Each is only there where it means something.
        if self.is_manual && self.status != "failed" {
            shown["amountCaptured"] = self.amount.of(self.captured).show();
        }
        if self.taken() > 0 {
            shown["amountRefunded"] = self.amount.of(self.refunded).show();
            shown["amountRemaining"] = self.amount.of(self.taken() - self.refunded).show();
        }
        if self.status == "open" {
            shown["isCancelable"] = self.is_cancelable.into();
            shown["_links"]["checkout"] = json!({ "href": self.checkout, "type": "text/html" });
        }
        shown
    }
}

impl Part {
    pub(super) fn show(&self, resource: &str, status: &str) -> Value {
        json!({
            "resource": resource,
            "id": self.id,
            "paymentId": self.payment,
            "status": status,
            "amount": self.amount.show(),
            "metadata": self.metadata,
            "createdAt": show_time(self.created),
        })
    }
}

impl Transfer {
    /// As it is now, or as it was when it was made.
    pub(super) fn show(&self, is_decided: bool) -> Value {
        let (status, code) = match (is_decided, self.reason) {
            (false, _) => ("created", "request_created"),
            (true, "success") => ("succeeded", "success"),
            (true, reason) => ("failed", reason),
        };
        let party = |id: &str| json!({ "type": "organization", "id": id, "description": self.description });
        json!({
            "resource": "connect-balance-transfer",
            "id": self.id,
            "status": status,
            "statusReason": { "code": code, "message": code },
            "amount": self.amount.show(),
            "source": party(super::PLATFORM),
            "destination": party(&self.to),
            "description": self.description,
            "metadata": self.metadata,
            "createdAt": show_time(self.created),
        })
    }
}

/// An event of the next generation, with the whole entity in it.
pub(super) fn event(kind: &str, entity: &Value) -> Value {
    json!({
        "resource": "event",
        "id": id("event"),
        "type": kind,
        "entityId": entity["id"],
        "createdAt": show_time(now()),
        "_embedded": { "entity": entity },
    })
}

/// An id as Mollie makes them.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::now_v7().simple())
}

pub(super) fn show_time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

pub(super) fn link(path: &str) -> Value {
    json!({ "href": format!("https://api.mollie.com/v2/{path}"), "type": "application/hal+json" })
}

pub(super) fn missing() -> Reply {
    problem(StatusCode::NOT_FOUND, "Not Found", "No entity exists with this token", None)
}

pub(super) fn invalid(field: &str, detail: &str) -> Reply {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity", detail, Some(field))
}

pub(super) fn problem(status: StatusCode, title: &str, detail: &str, field: Option<&str>) -> Reply {
    let mut body = json!({
        "status": status.as_u16(),
        "title": title,
        "detail": detail,
        "_links": { "documentation": { "href": "https://docs.mollie.com/errors", "type": "text/html" } },
    });
    if let Some(field) = field {
        body["field"] = field.into();
    }
    (status, body)
}
