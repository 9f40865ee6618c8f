//! Letters with invoices and credit notes.

use chrono::{DateTime, Utc};
use market::emails::model::InvoiceReady;
use market::invoices::model::InvoiceKind;
use market::orders::model::Side;
use secrecy::{ExposeSecret as _, SecretString};

use super::formats::one_line;
use super::letter::{Action, Letter, Place, fact};

pub(super) fn ready(it: &InvoiceReady, url: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let (words, goods, seller) = (place.words, place.goods(&it.title, it.more), one_line(&it.seller));
    let (amount, number) = (place.money(it.gross), it.reference.clone());
    let (subject, heading, paragraph, label) = match it.kind {
        InvoiceKind::Invoice => (
            words.invoice_subject(&number, &goods),
            words.invoice_heading(&number),
            words.invoice_text(&seller, &goods),
            words.invoice_amount(),
        ),
        InvoiceKind::CreditNote => (
            words.credit_note_subject(&number, &goods),
            words.credit_note_heading(&number),
            words.credit_note_text(&seller, &goods),
            words.credit_note_amount(),
        ),
    };
    Letter {
        subject,
        preview: words.document_preview(&amount, &seller),
        heading,
        paragraphs: vec![paragraph],
        facts: vec![fact(words.document_number(), number), fact(words.document_from(), seller), fact(label, amount)],
        action: Some(Action { label: words.document_action(), url: url.expose_secret().to_owned() }),
        note: Some(words.document_note(&place.time(valid_until))),
        reason: place.because(Side::Buyer),
        ..Letter::default()
    }
}
