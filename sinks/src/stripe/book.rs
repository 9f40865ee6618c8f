//! What the supplement knows.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::payments::{Header, Webhook, now};

/// The parameters of a request, as `name[part]` and their values.
pub(super) type Form = BTreeMap<String, String>;
/// A status and what the body says.
pub(super) type Reply = (StatusCode, Value);

/// What localstripe does not know of a payment intent.
#[derive(Debug, Clone)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) group: Option<String>,
    /// Where the buyer comes back to.
    pub(super) back: Option<String>,
    /// Unix time.
    pub(super) created: i64,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) active: bool,
    pub(super) metadata: Value,
    pub(super) created: i64,
    pub(super) balances: HashMap<String, i64>,
}

/// What an act did with its key.
#[derive(Debug, Clone)]
pub(super) enum Used {
    Running,
    Answered(Reply),
}

/// Everything, for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// In the order in which they were made.
    pub(super) intents: Vec<Intent>,
    pub(super) refunds: usize,
    /// In the order in which they were made.
    pub(super) transfers: Vec<Value>,
    /// Ids of payouts, and the account that each was paid out of; in the order in which they were made.
    pub(super) payouts: Vec<(String, String)>,
    pub(super) accounts: BTreeMap<String, Account>,
    /// The platform's own.
    pub(super) balances: HashMap<String, i64>,
    /// What was asked with each key, and what came of it.
    pub(super) keys: HashMap<String, (String, Used)>,
}

impl Book {
    pub(super) fn intent(&mut self, id: &str) -> Option<&mut Intent> {
        self.intents.iter_mut().find(|intent| intent.id == id)
    }

    /// The account as Stripe shows it.
    pub(super) fn account(&self, id: &str) -> Option<Value> {
        let account = self.accounts.get(id)?;
        let due = if account.active { vec![] } else { vec!["individual.verification.document", "external_account"] };
        let transfers = if account.active { "active" } else { "inactive" };
        Some(json!({
            "id": id,
            "object": "account",
            "created": account.created,
            "charges_enabled": account.active,
            "payouts_enabled": account.active,
            "details_submitted": account.active,
            "capabilities": { "transfers": transfers },
            "metadata": account.metadata,
            "requirements": {
                "currently_due": due,
                "eventually_due": due,
                "past_due": [],
                "pending_verification": [],
                "disabled_reason": if account.active { None } else { Some("requirements.past_due") },
            },
        }))
    }

    pub(super) fn activate(&mut self, id: &str) -> Option<Value> {
        self.accounts.get_mut(id)?.active = true;
        self.account(id)
    }
}

/// An id as Stripe makes them; later ids sort after earlier ones.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::now_v7().simple())
}

/// A webhook of the supplement's own about `object`, perhaps of a connected account.
pub(super) fn event(kind: &str, object: &Value, account: Option<&str>) -> Webhook {
    let mut event = json!({
        "id": id("evt"),
        "object": "event",
        "api_version": "2024-06-20",
        "created": now().timestamp(),
        "livemode": false,
        "type": kind,
        "data": { "object": object },
    });
    if let Some(account) = account {
        event["account"] = account.into();
    }
    Webhook { kind: kind.to_owned(), body: event.to_string().into_bytes(), header: Header::Signed("stripe-signature") }
}

/// The parameters called `metadata[…]`.
pub(super) fn metadata(form: &Form) -> Value {
    let named = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), Value::from(value.as_str())))
    });
    Value::Object(named.collect())
}

/// A list as Stripe answers it: the items after `starting_after`, at most `limit`.
pub(super) fn page(items: &[Value], form: &Form) -> Reply {
    let limit =
        form.get("limit").map_or(Some(10), |limit| limit.parse().ok()).filter(|limit| (1..=100).contains(limit));
    let Some(limit) = limit else { return invalid("parameter_invalid_integer", "limit is not from 1 to 100") };
    let start = match form.get("starting_after") {
        None => 0,
        Some(after) => match items.iter().position(|item| item["id"] == **after) {
            Some(at) => at + 1,
            None => return invalid("resource_missing", "starting_after names nothing of this list"),
        },
    };
    let rest = &items[start..];
    let data = &rest[..rest.len().min(limit)];
    (StatusCode::OK, json!({ "object": "list", "data": data, "has_more": rest.len() > limit }))
}

pub(super) fn invalid(code: &str, message: &str) -> Reply {
    problem(StatusCode::BAD_REQUEST, code, message)
}

pub(super) fn missing() -> Reply {
    problem(StatusCode::NOT_FOUND, "resource_missing", "No such object")
}

pub(super) fn problem(status: StatusCode, code: &str, message: &str) -> Reply {
    (status, json!({ "error": { "type": "invalid_request_error", "code": code, "message": message } }))
}
