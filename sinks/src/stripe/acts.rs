//! What changes something. One act runs at a time.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::book::{Account, Form, Intent, Reply, event, id, invalid, metadata, missing, problem};
use super::reads::dress;
use super::{CHALLENGED, Front};
use crate::payments::now;

pub(super) async fn act(front: &Front, path: &[&str], account: Option<&str>, form: &Form) -> Reply {
    match (path, account) {
        (["payment_intents"], None) => charge(front, form).await,
        (["payment_intents", id, "capture"], None) => capture(front, id, form).await,
        (["payment_intents", id, "cancel"], None) => cancel(front, id, form).await,
        (["refunds"], None) => refund(front, form).await,
        (["transfers"], None) => transfer(front, form),
        (["payouts"], Some(account)) => payout(front, account, form).await,
        (["accounts"], None) => open_account(front, form),
        _ => missing(),
    }
}

async fn charge(front: &Front, form: &Form) -> Reply {
    let Some(amount) = amount(form, "amount") else { return not_an_amount() };
    let method = match form.get("payment_method").map(String::as_str) {
        Some(CHALLENGED) => match challenged(front).await {
            Ok(method) => method,
            Err(reply) => return reply,
        },
        method => method.into(),
    };
    let body = json!({
        "amount": amount,
        "currency": form.get("currency"),
        "capture_method": form.get("capture_method"),
        "confirm": form.get("confirm"),
        "payment_method": method,
        "payment_method_types": ["card"],
        "metadata": metadata(form),
    });
    let (status, answer) = front.upstream.post("/v1/payment_intents", &body).await;
    let intent = match status {
        StatusCode::OK => answer.clone(),
        // A declined charge: Stripe shows the intent in the error, localstripe only the charge.
        StatusCode::PAYMENT_REQUIRED => match declined(front, &answer).await {
            Ok(intent) => intent,
            Err(reply) => return reply,
        },
        _ => return (status, answer),
    };
    let Some(name) = intent["id"].as_str() else { return (status, answer) };
    let captured = if intent["status"] == "succeeded" { amount } else { 0 };
    let currency = form.get("currency").cloned().unwrap_or_default();
    {
        let mut book = front.book();
        *book.balances.entry(currency.clone()).or_default() += captured;
        book.intents.push(Intent {
            id: name.to_owned(),
            amount,
            currency,
            captured,
            refunded: 0,
            group: form.get("transfer_group").cloned(),
            back: form.get("return_url").cloned(),
            created: intent["created"].as_i64().unwrap_or_default(),
        });
    }
    let held = intent["status"] == "requires_capture";
    // Inside an error, Stripe expands nothing.
    let intent = if status == StatusCode::OK { dress(front, intent, form) } else { dress(front, intent, &Form::new()) };
    if held {
        front.outbox.push(event("payment_intent.amount_capturable_updated", &intent, None));
    }
    if status == StatusCode::OK {
        return (status, intent);
    }
    let mut answer = answer;
    answer["error"]["type"] = "card_error".into();
    answer["error"]["payment_intent"] = intent;
    (status, answer)
}

/// A card that localstripe lets wait for its buyer.
async fn challenged(front: &Front) -> Result<Value, Reply> {
    let card = json!({ "number": "4000000000003220", "exp_month": 12, "exp_year": 2040, "cvc": "123" });
    match front.upstream.post("/v1/payment_methods", &json!({ "type": "card", "card": card })).await {
        (StatusCode::OK, mut method) => Ok(method["id"].take()),
        reply => Err(reply),
    }
}

/// Takes the buyer's answer to their bank; returns where the buyer goes then, if something was asked.
pub(super) async fn answer(front: &Front, name: &str, passed: bool) -> Option<String> {
    let path = format!("/v1/payment_intents/{name}");
    let (_, asked) = front.upstream.get(&path).await;
    let body = json!({ "client_secret": asked["client_secret"], "success": passed });
    let (status, after) = front.upstream.post(&format!("{path}/_authenticate"), &body).await;
    if status != StatusCode::OK {
        return None;
    }
    let back = {
        let mut book = front.book();
        let intent = book.intent(name)?;
        let (currency, amount) = (intent.currency.clone(), intent.amount);
        let back = intent.back.clone();
        if after["status"] == "succeeded" {
            intent.captured = amount;
            *book.balances.entry(currency).or_default() += amount;
        }
        back
    };
    if after["status"] == "requires_capture" {
        let held = dress(front, after, &Form::new());
        front.outbox.push(event("payment_intent.amount_capturable_updated", &held, None));
    } else if !passed {
        // localstripe says nothing of it.
        let failed = dress(front, after, &Form::new());
        front.outbox.push(event("payment_intent.payment_failed", &failed, None));
    }
    back
}

/// The payment intent of a declined charge.
async fn declined(front: &Front, answer: &Value) -> Result<Value, Reply> {
    let charge = answer["error"]["charge"].as_str().unwrap_or_default();
    let (status, charge) = front.upstream.get(&format!("/v1/charges/{charge}")).await;
    if status != StatusCode::OK {
        return Err((status, charge));
    }
    let intent = charge["payment_intent"].as_str().unwrap_or_default();
    match front.upstream.get(&format!("/v1/payment_intents/{intent}")).await {
        (StatusCode::OK, intent) => Ok(intent),
        reply => Err(reply),
    }
}

async fn capture(front: &Front, name: &str, form: &Form) -> Reply {
    let Some(Intent { amount: all, captured, currency, .. }) = front.book().intent(name).cloned() else {
        return missing();
    };
    let path = format!("/v1/payment_intents/{name}");
    let (status, before) = front.upstream.get(&path).await;
    if status != StatusCode::OK {
        return (status, before);
    }
    if before["status"] != "requires_capture" {
        let (status, mut answer) =
            invalid("payment_intent_unexpected_state", "This PaymentIntent could not be captured");
        answer["error"]["payment_intent"] = dress(front, before, &Form::new());
        return (status, answer);
    }
    let Some(part) = amount(form, "amount_to_capture") else { return not_an_amount() };
    if part > all - captured {
        return invalid("amount_too_large", "The amount is greater than what can be captured");
    }
    let last = part == all - captured;
    if !last && form.get("final_capture").is_none_or(|last| last != "false") {
        return invalid("parameter_missing", "The supplement captures a part only with final_capture=false");
    }
    let (mut status, mut after) = front.upstream.post(&path, &json!({ "metadata": metadata(form) })).await;
    if status == StatusCode::OK && last {
        // localstripe captures once, and then says so by a webhook.
        (status, after) = front.upstream.post(&format!("{path}/capture"), &json!({})).await;
    }
    if status != StatusCode::OK {
        return (status, after);
    }
    {
        let mut book = front.book();
        *book.balances.entry(currency).or_default() += part;
        if let Some(intent) = book.intent(name) {
            intent.captured += part;
        }
    }
    let after = dress(front, after, form);
    if !last {
        front.outbox.push(event("payment_intent.amount_capturable_updated", &after, None));
    }
    (status, after)
}

async fn cancel(front: &Front, name: &str, form: &Form) -> Reply {
    let Some(intent) = front.book().intent(name).cloned() else { return missing() };
    if intent.captured > 0 {
        return invalid("payment_intent_unexpected_state", "This PaymentIntent was captured");
    }
    let (status, after) = front.upstream.post(&format!("/v1/payment_intents/{name}/cancel"), &json!({})).await;
    if status != StatusCode::OK {
        return (status, after);
    }
    let after = dress(front, after, form);
    front.outbox.push(event("payment_intent.canceled", &after, None));
    (status, after)
}

async fn refund(front: &Front, form: &Form) -> Reply {
    let name = form.get("payment_intent").map(String::as_str).unwrap_or_default();
    let Some(intent) = front.book().intent(name).cloned() else { return missing() };
    let Some(part) = amount(form, "amount") else { return not_an_amount() };
    if part > intent.captured - intent.refunded {
        return invalid("charge_already_refunded", "The amount is greater than what is left to refund");
    }
    let body = json!({ "payment_intent": name, "amount": part, "metadata": metadata(form) });
    let (status, refund) = front.upstream.post("/v1/refunds", &body).await;
    if status != StatusCode::OK {
        return (status, refund);
    }
    {
        let mut book = front.book();
        *book.balances.entry(intent.currency).or_default() -= part;
        book.refunds += 1;
        if let Some(intent) = book.intent(name) {
            intent.refunded += part;
        }
    }
    front.outbox.push(event("refund.created", &refund, None));
    (status, refund)
}

fn transfer(front: &Front, form: &Form) -> Reply {
    let Some(amount) = amount(form, "amount") else { return not_an_amount() };
    let currency = form.get("currency").cloned().unwrap_or_default();
    let to = form.get("destination").map(String::as_str).unwrap_or_default();
    let mut book = front.book();
    let Some(account) = book.accounts.get_mut(to) else { return missing() };
    if !account.active {
        return invalid("insufficient_capabilities_for_transfer", "The account needs the capability transfers");
    }
    let ours = book.balances.entry(currency.clone()).or_default();
    if amount > *ours {
        return invalid("balance_insufficient", "You have insufficient available funds");
    }
    *ours -= amount;
    if let Some(account) = book.accounts.get_mut(to) {
        *account.balances.entry(currency.clone()).or_default() += amount;
    }
    let transfer = json!({
        "id": id("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "reversed": false,
        "currency": currency,
        "destination": to,
        "transfer_group": form.get("transfer_group"),
        "metadata": metadata(form),
        "created": now().timestamp(),
    });
    book.transfers.push(transfer.clone());
    drop(book);
    front.outbox.push(event("transfer.created", &transfer, None));
    (StatusCode::OK, transfer)
}

async fn payout(front: &Front, from: &str, form: &Form) -> Reply {
    let Some(amount) = amount(form, "amount") else { return not_an_amount() };
    let currency = form.get("currency").cloned().unwrap_or_default();
    let balance = match front.book().accounts.get(from) {
        None => return no_access(),
        Some(account) if !account.active => {
            return invalid("payouts_not_allowed", "The account cannot be paid out of yet");
        }
        Some(account) => account.balances.get(&currency).copied().unwrap_or_default(),
    };
    if amount > balance {
        return invalid("balance_insufficient", "The account has insufficient funds");
    }
    // Every bank pays at once.
    let body = json!({ "amount": amount, "currency": currency, "metadata": metadata(form), "status": "paid" });
    let (status, payout) = front.upstream.post("/v1/payouts", &body).await;
    let Some(name) = payout["id"].as_str().filter(|_| status == StatusCode::OK) else { return (status, payout) };
    {
        let mut book = front.book();
        book.payouts.push((name.to_owned(), from.to_owned()));
        if let Some(account) = book.accounts.get_mut(from) {
            *account.balances.entry(currency).or_default() -= amount;
        }
    }
    front.outbox.push(event("payout.paid", &payout, Some(from)));
    (status, payout)
}

fn open_account(front: &Front, form: &Form) -> Reply {
    let name = id("acct");
    let account = Account { metadata: metadata(form), created: now().timestamp(), ..Account::default() };
    let mut book = front.book();
    book.accounts.insert(name.clone(), account);
    book.account(&name).map_or_else(missing, |account| (StatusCode::OK, account))
}

/// What Stripe says of an account that does not exist or is not ours.
pub(super) fn no_access() -> Reply {
    problem(StatusCode::FORBIDDEN, "account_invalid", "The key has no access to this account, or there is none")
}

/// A positive amount.
fn amount(form: &Form, name: &str) -> Option<i64> {
    form.get(name)?.parse().ok().filter(|amount| *amount > 0)
}

fn not_an_amount() -> Reply {
    invalid("parameter_invalid_integer", "The amount is not a whole number greater than 0")
}
