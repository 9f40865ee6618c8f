//! What changes nothing.

use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::Front;
use super::acts::no_access;
use super::book::{Form, Intent, Reply, missing, page};
use crate::payments::challenge;

pub(super) async fn read(front: &Front, uri: &Uri, path: &[&str], account: Option<&str>, form: &Form) -> Reply {
    match (path, account) {
        (["payment_intents"], None) => payment_intents(front, form).await,
        (["payment_intents", id], None) => payment_intent(front, id, form).await,
        (["charges"], None) => charges(front, form).await,
        (["transfers"], None) => transfers(front, form),
        (["transfers", id], None) => {
            let found = front.book().transfers.iter().find(|transfer| transfer["id"] == **id).cloned();
            found.map_or_else(missing, |transfer| (StatusCode::OK, transfer))
        }
        (["accounts"], None) => accounts(front, form),
        (["accounts", id], None) => {
            front.book().account(id).map_or_else(no_access, |account| (StatusCode::OK, account))
        }
        (["payouts"], Some(account)) => payouts(front, account, form).await,
        (["payouts", id], Some(account)) => {
            let is_its_own = front.book().payouts.iter().any(|(payout, of)| payout == id && of == account);
            if is_its_own { front.upstream.get(&format!("/v1/payouts/{id}")).await } else { missing() }
        }
        (["refunds"], None) if !is_of_an_intent(front, form) => missing(),
        (_, None) => front.upstream.get(uri.path_and_query().map_or("/", |path| path.as_str())).await,
        (_, Some(_)) => missing(),
    }
}

/// Whether a list is of everything or of a payment intent that there is.
fn is_of_an_intent(front: &Front, form: &Form) -> bool {
    form.get("payment_intent").is_none_or(|name| front.book().intent(name).is_some())
}

async fn payment_intent(front: &Front, id: &str, form: &Form) -> Reply {
    let (status, intent) = front.upstream.get(&format!("/v1/payment_intents/{id}")).await;
    if status == StatusCode::OK { (status, dress(front, intent, form)) } else { (status, intent) }
}

/// Newest first, as Stripe lists.
async fn payment_intents(front: &Front, form: &Form) -> Reply {
    let bound = |name| form.get(name).and_then(|bound| bound.parse::<i64>().ok());
    let period = bound("created[gte]").unwrap_or(i64::MIN)..bound("created[lt]").unwrap_or(i64::MAX);
    let of_period = |intent: &&Intent| period.contains(&intent.created);
    let names: Vec<_> = front.book().intents.iter().rev().filter(of_period).map(|intent| intent.id.clone()).collect();
    let mut intents = Vec::new();
    for name in names {
        let (status, intent) = front.upstream.get(&format!("/v1/payment_intents/{name}")).await;
        if status != StatusCode::OK {
            return (status, intent);
        }
        intents.push(dress(front, intent, form));
    }
    page(&intents, form)
}

/// The charges of a transfer group: they are of the payment intents of that group.
async fn charges(front: &Front, form: &Form) -> Reply {
    let group = form.get("transfer_group");
    let names: Vec<_> = {
        let book = front.book();
        let of_group = book.intents.iter().rev().filter(|intent| group.is_some() && intent.group.as_ref() == group);
        of_group.map(|intent| intent.id.clone()).collect()
    };
    let mut charges = Vec::new();
    for name in names {
        let (_, mut intent) = front.upstream.get(&format!("/v1/payment_intents/{name}")).await;
        let charge = intent["latest_charge"].take();
        if !charge.is_null() {
            charges.push(charge);
        }
    }
    page(&charges, form)
}

fn transfers(front: &Front, form: &Form) -> Reply {
    let book = front.book();
    let is_wanted = |transfer: &&Value| {
        ["transfer_group", "destination"]
            .iter()
            .all(|name| form.get(*name).is_none_or(|value| transfer[*name] == **value))
    };
    let transfers: Vec<Value> = book.transfers.iter().rev().filter(is_wanted).cloned().collect();
    page(&transfers, form)
}

fn accounts(front: &Front, form: &Form) -> Reply {
    let book = front.book();
    let accounts: Vec<Value> = book.accounts.keys().rev().filter_map(|id| book.account(id)).collect();
    page(&accounts, form)
}

async fn payouts(front: &Front, account: &str, form: &Form) -> Reply {
    let names: Vec<_> = {
        let book = front.book();
        if !book.accounts.contains_key(account) {
            return no_access();
        }
        let its_own = book.payouts.iter().rev().filter(|(_, of)| of == account);
        its_own.map(|(payout, _)| payout.clone()).collect()
    };
    let mut payouts = Vec::new();
    for name in names {
        let (status, payout) = front.upstream.get(&format!("/v1/payouts/{name}")).await;
        if status != StatusCode::OK {
            return (status, payout);
        }
        payouts.push(payout);
    }
    page(&payouts, form)
}

/// A payment intent with what localstripe leaves out; the charge in full only if it was asked for.
pub(super) fn dress(front: &Front, mut shown: Value, form: &Form) -> Value {
    let name = shown["id"].as_str().unwrap_or_default().to_owned();
    let Some(intent) = front.book().intent(&name).cloned() else { return shown };
    let open = if shown["status"] == "requires_capture" { intent.amount - intent.captured } else { 0 };
    shown["amount_received"] = intent.captured.into();
    shown["amount_capturable"] = open.into();
    shown["transfer_group"] = intent.group.into();
    // localstripe knows only Stripe's own script; whoever says where the buyer comes back to gets a page.
    if let Some(back) = intent.back.filter(|_| shown["next_action"].is_object()) {
        let page = challenge::address(front.addr, &name);
        shown["next_action"] =
            json!({ "type": "redirect_to_url", "redirect_to_url": { "url": page, "return_url": back } });
    }
    if !form.iter().any(|(name, value)| name.starts_with("expand[") && value.ends_with("latest_charge")) {
        shown["latest_charge"] = shown["latest_charge"]["id"].take();
    }
    shown
}
