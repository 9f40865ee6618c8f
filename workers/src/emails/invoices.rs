//! Letters with invoices and credit notes.

use chrono::{DateTime, Utc};
use market::emails::model::InvoiceReady;
use market::invoices::model::InvoiceKind;
use secrecy::{ExposeSecret as _, SecretString};

use super::letter::{Action, Letter, Place, fact};
use super::orders::{BUYER, goods};
use super::wording::{money, one_line, time};

pub(super) fn ready(it: &InvoiceReady, url: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let (goods, seller) = (goods(&it.title, it.more), one_line(&it.seller));
    let (kind, amount, paragraph) = match it.kind {
        InvoiceKind::Invoice => ("Invoice", "Amount", format!("{seller} has issued the invoice for {goods}.")),
        InvoiceKind::CreditNote => {
            ("Credit note", "Amount credited", format!("{seller} has issued a credit note for {goods}."))
        }
    };
    Letter {
        subject: format!("{kind} {}: {goods}", it.reference),
        preview: format!("{}, from {seller}.", money(it.gross)),
        heading: format!("{kind} {}", it.reference),
        paragraphs: vec![paragraph],
        quote: None,
        facts: vec![fact("Number", it.reference.clone()), fact("From", seller), fact(amount, money(it.gross))],
        action: Some(Action { label: "Download PDF", url: url.expose_secret().to_owned() }),
        note: Some(format!(
            "The link works until {}; after that the document is found with your order. Anyone who has the link can download it.",
            time(valid_until, place.zone)
        )),
        reason: BUYER.to_owned(),
    }
}
