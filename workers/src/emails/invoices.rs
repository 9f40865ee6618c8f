//! Letters with invoices and credit notes, and about proofs of exports.

use chrono::{DateTime, Utc};
use market::emails::model::{ExportProofMissing, InvoiceReady};
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
            if it.anew { words.invoice_anew_text(&seller, &goods) } else { words.invoice_text(&seller, &goods) },
            words.invoice_amount(),
        ),
        InvoiceKind::CreditNote => (
            words.credit_note_subject(&number, &goods),
            words.credit_note_heading(&number),
            if it.anew {
                words.credit_note_anew_text(&seller, &goods)
            } else {
                words.credit_note_text(&seller, &goods)
            },
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

/// Soon, or now that it is too late: a proof that is handed in later lifts the tax again.
pub(super) fn proof_missing(it: &ExportProofMissing, place: &Place<'_>) -> Letter {
    let (words, goods, day) = (place.words, place.goods(&it.title, it.more), place.day(it.due_on));
    let tax = it.tax.map(|tax| place.money(tax));
    let (subject, paragraph) = match &tax {
        None => (words.export_proof_subject(&goods), words.export_proof_text(&goods, &day)),
        Some(_) => (words.export_taxed_subject(&goods), words.export_taxed_text(&goods, &day)),
    };
    let mut facts = vec![place.other(Side::Seller, &it.buyer), fact(words.export_proof_due(), day)];
    facts.extend(tax.map(|tax| fact(words.export_tax(), tax)));
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: words.export_proof_heading().to_owned(),
        paragraphs: vec![paragraph],
        facts,
        action: Some(place.order(it.order)),
        note: Some(words.export_proof_note().to_owned()),
        reason: place.because(Side::Seller),
        ..Letter::default()
    }
}
