//! Samples of mails about files that are ready.

use market::emails::model::{Content, ExportProofMissing, ExportReady, InvoiceReady};
use market::exports::model as exports;
use market::invoices::model::InvoiceKind;

use super::{Link, download, eur, id};

pub(super) fn mails(title: &str, org_name: &str) -> Vec<(Content, Link)> {
    let mut mails = documents(title, org_name, false);
    for (kind, whose) in [(exports::Kind::Orders, Some(org_name.to_owned())), (exports::Kind::OwnData, None)] {
        let ready = ExportReady { export: id(13), kind, org_name: whose, rows: 1_234 };
        mails.push((Content::ExportReady(ready), Link::None));
    }
    mails
}

/// Of an invoice and of a credit note.
fn documents(title: &str, org_name: &str, anew: bool) -> Vec<(Content, Link)> {
    let kinds = [(InvoiceKind::Invoice, "2026-000417"), (InvoiceKind::CreditNote, "C-2026-000031")];
    let mail = |(kind, reference): (InvoiceKind, &str)| {
        let content = Content::InvoiceReady(InvoiceReady {
            invoice: id(12),
            kind,
            reference: reference.to_owned(),
            seller: org_name.to_owned(),
            title: title.to_owned(),
            more: 1,
            gross: eur(1_190_005),
            anew,
        });
        (content, download("invoices/12.pdf"))
    };
    kinds.map(mail).into()
}

/// Of documents that say anew what was paid.
pub(super) fn documents_anew(title: &str, org_name: &str) -> Vec<(Content, Link)> {
    documents(title, org_name, true)
}

/// Of a proof that is missing, before and after the tax is charged.
pub(super) fn missing_proofs(title: &str, org_name: &str) -> impl Iterator<Item = Content> {
    [None, Some(eur(190_001))].into_iter().map(move |tax| {
        Content::ExportProofMissing(ExportProofMissing {
            order: id(12),
            buyer: org_name.to_owned(),
            title: title.to_owned(),
            more: 0,
            due_on: "2026-12-31".parse().unwrap(),
            tax,
        })
    })
}
