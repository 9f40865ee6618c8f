//! What counts as a difference.

use serde_json::{Value, json};

use crate::escrow::model::PaymentStatus;
use crate::payments::{Disbursement, DisbursementState, Payment, PaymentState};
use crate::reconciliation::model::{DifferenceKind, Found, Moved, OurMovement, OurPayment};

/// Compares a payment that the provider has with ours.
#[must_use]
pub fn of_provider(ours: Option<&OurPayment>, theirs: &Payment) -> Vec<Found> {
    match ours {
        Some(ours) => payment(ours, Some(theirs)),
        None => vec![Found {
            kind: DifferenceKind::MissingHere,
            subject: format!("payment/{}", theirs.reference),
            ours: None,
            theirs: Some(shown(theirs)),
        }],
    }
}

/// Compares a payment of ours with the provider's.
#[must_use]
pub fn payment(ours: &OurPayment, theirs: Option<&Payment>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |kind, here: Value, there: Option<Value>| {
        found.push(Found { kind, subject: format!("payment/{}", ours.id), ours: Some(here), theirs: there });
    };
    let held = ours.status == PaymentStatus::Held;
    if held && ours.booked != Some(ours.amount) {
        add(DifferenceKind::Balance, json!({"amount": ours.amount, "booked": ours.booked}), None);
    }
    let Some(theirs) = theirs else {
        add(DifferenceKind::MissingThere, json!({"status": ours.status, "amount": ours.amount}), None);
        return found;
    };
    if theirs.amount != ours.amount || (held && theirs.captured != ours.amount) {
        let there = json!({"amount": theirs.amount, "captured": theirs.captured});
        add(DifferenceKind::Amount, json!({"amount": ours.amount}), Some(there));
    }
    let agrees = match ours.status {
        PaymentStatus::Held => theirs.state == PaymentState::Captured,
        PaymentStatus::Failed | PaymentStatus::Cancelled => {
            matches!(theirs.state, PaymentState::Failed | PaymentState::Cancelled)
        }
        PaymentStatus::Created | PaymentStatus::Funding => {
            matches!(theirs.state, PaymentState::Pending | PaymentState::Authorised)
        }
    };
    if !agrees {
        add(DifferenceKind::Status, json!({"status": ours.status}), Some(json!({"state": theirs.state})));
    }
    // The provider may count what is on its way, or not yet.
    let least = ours.refunded.minor();
    if !(least..=least + ours.refunding.minor()).contains(&theirs.refunded.minor()) {
        let here = json!({"refunded": ours.refunded, "refunding": ours.refunding});
        add(DifferenceKind::Balance, here, Some(json!({"refunded": theirs.refunded})));
    }
    found
}

/// Compares a refund, or a way of a payout, with the provider's.
#[must_use]
pub fn movement(ours: &OurMovement, theirs: Option<&Disbursement>) -> Vec<Found> {
    let subject = subject(ours.what);
    let mut found = Vec::new();
    let mut add = |kind, here: Value, there: Option<Value>| {
        found.push(Found { kind, subject: subject.clone(), ours: Some(here), theirs: there });
    };
    let is_booked = ours.done && !matches!(ours.what, Moved::Transfer(_));
    if is_booked && ours.booked != Some(ours.amount) {
        add(DifferenceKind::Balance, json!({"amount": ours.amount, "booked": ours.booked}), None);
    }
    let Some(theirs) = theirs else {
        add(DifferenceKind::MissingThere, json!({"amount": ours.amount, "done": ours.done}), None);
        return found;
    };
    if theirs.amount != ours.amount {
        add(DifferenceKind::Amount, json!({"amount": ours.amount}), Some(json!({"amount": theirs.amount})));
    }
    if ours.done != (theirs.state == DisbursementState::Done) {
        add(DifferenceKind::Status, json!({"done": ours.done}), Some(json!({"state": theirs.state})));
    }
    found
}

/// What was done here, and by the provider too, until a bank gave it back.
#[must_use]
pub fn undone(what: Moved, theirs: &Disbursement) -> Found {
    Found {
        kind: DifferenceKind::Status,
        subject: subject(what),
        ours: Some(json!({"done": true})),
        theirs: Some(json!({"state": theirs.state})),
    }
}

fn subject(what: Moved) -> String {
    match what {
        Moved::Refund(id) => format!("refund/{id}"),
        Moved::Transfer(id) => format!("transfer/{id}"),
        Moved::Payout(id) => format!("payout/{id}"),
    }
}

fn shown(payment: &Payment) -> Value {
    json!({
        "state": payment.state, "amount": payment.amount, "captured": payment.captured, "refunded": payment.refunded,
    })
}

#[cfg(test)]
mod tests;
