//! A document of the market as EN 16931 has it.

use ::papers::fonts::Fonts;
use ::papers::invoice::{
    Address, Category, Currency, Decimal, Invoice, InvoiceError, Kind, Line, Party, Payment, Tax, Totals,
    print as factur_x, print_without_xml,
};
use ::papers::{Paper, PaperError};
use chrono::NaiveDate;
use market::identity::Locale;
use market::invoices::model::{InvoiceKind, InvoiceParty, Printable};
use market::money::rules::vat::Treatment;
use shared::money::Currency as Coin;

use crate::emails::days_in;

/// A printed document.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) paper: Paper,
    /// What the standard demands and is not known: the paper is for people alone. Nothing: it is Factur-X.
    pub(super) lacks: Option<String>,
}

/// Prints a document; without XML where something is missing that was never stated, or rounding does what the standard has no room for.
pub(super) fn print(fonts: &Fonts, of: &Printable) -> Result<Printed, PaperError> {
    let mut document = document(of)?;
    let why = match factur_x(fonts, &document) {
        Ok(paper) => return Ok(Printed { paper, lacks: None }),
        Err(PaperError::Invoice(why @ (InvoiceError::Missing { .. } | InvoiceError::NotAllowed { .. }))) => why,
        Err(PaperError::Invoice(why @ InvoiceError::Mismatch { .. })) if document.kind == Kind::CreditNote => why,
        Err(error) => return Err(error),
    };
    let lacks = why.to_string();
    document.notes.push(format!("This document is not an electronic invoice by EN 16931: {lacks}."));
    Ok(Printed { paper: print_without_xml(fonts, &document)?, lacks: Some(lacks) })
}

/// The fields of the standard.
fn document(of: &Printable) -> Result<Invoice, InvoiceError> {
    let it = &of.invoice;
    let coin = it.gross.currency();
    let category = |rate_bps| category(it.vat_treatment, rate_bps);
    let taxes: Vec<Tax> = it
        .taxes
        .iter()
        .map(|tax| {
            let rate_bps = bps(tax.rate_bps);
            let reason = it.vat_note.clone().filter(|_| rate_bps == 0);
            Tax { category: category(rate_bps), rate_bps, net: tax.net.minor(), tax: tax.tax.minor(), reason }
        })
        .collect();
    // A line does not say its own.
    let rate_bps = match it.taxes.as_slice() {
        [] => 0,
        [only] => bps(only.rate_bps),
        _ => return Err(not_allowed("a second rate of tax", "its lines do not say which rate is theirs")),
    };
    let line = |line: &market::invoices::model::InvoiceLine| Line {
        name: line.title.clone(),
        description: hired(&line.days),
        item: None,
        period: line.days.first().copied().zip(line.days.last().copied()),
        quantity: Decimal::whole(line.quantity),
        unit: line.unit.clone(),
        price: (line.quantity > 0 && line.net.minor() % line.quantity == 0)
            .then(|| Decimal { units: line.net.minor() / line.quantity, places: coin.exponent() }),
        net: line.net.minor(),
        category: category(rate_bps),
        rate_bps,
    };
    let gross = it.gross.minor();
    // An invoice is issued when its order is paid; what a credit note says goes back after it, unless another invoice says it anew.
    let (kind, paid, terms) = match it.kind {
        InvoiceKind::Invoice => (Kind::Invoice, gross, None),
        InvoiceKind::CreditNote if it.refund.is_none() => {
            let terms = "Another invoice takes the place of what this takes back: nothing is paid back.".to_owned();
            (Kind::CreditNote, gross, Some(terms))
        }
        InvoiceKind::CreditNote => {
            (Kind::CreditNote, 0, Some("Goes back to the buyer by the way it was paid.".to_owned()))
        }
    };
    let accounting_tax = match it.accounting_tax.filter(|tax| tax.currency() != coin) {
        Some(tax) => Some((currency(tax.currency())?, tax.minor())),
        None => None,
    };
    Ok(Invoice {
        kind,
        number: it.reference.clone(),
        issued_on: of.issued_on,
        currency: currency(coin)?,
        seller: party(&it.seller),
        buyer: party(&it.buyer),
        order: Some(it.order.to_string()),
        buyer_reference: None,
        delivered_on: None,
        delivered_to: None,
        refers_to: of.takes_back.clone(),
        lines: it.lines.iter().map(line).collect(),
        taxes,
        totals: Totals { net: it.net.minor(), tax: it.tax.minor(), gross, paid, due: gross - paid },
        accounting_tax,
        payment: Payment::Online,
        terms,
        due_on: None,
        notes: Vec::new(),
        made_at: it.issued_at,
        language: "en".to_owned(),
    })
}

/// What no tax is charged for is named as its note names it: goods that go to a buyer of another member state with a number there are
/// category AE, as Article 196 has it, since nobody knows at the time of payment when they will be delivered, which K demands.
const fn category(treatment: Treatment, rate_bps: u32) -> Category {
    match treatment {
        Treatment::SellersRate if rate_bps > 0 => Category::Standard,
        Treatment::SellersRate => Category::Zero,
        Treatment::ReverseCharge => Category::ReverseCharge,
        Treatment::Export => Category::Export,
        Treatment::Outside => Category::Outside,
    }
}

/// The days of a line, in the language of documents.
fn hired(days: &[NaiveDate]) -> Option<String> {
    (!days.is_empty()).then(|| format!("Hired: {}", days_in(&Locale::default(), days)))
}

fn bps(rate: i32) -> u32 {
    u32::try_from(rate).unwrap_or_default()
}

fn currency(coin: Coin) -> Result<Currency, InvoiceError> {
    Currency::new(coin.code(), coin.exponent())
        .ok_or_else(|| not_allowed(coin.code(), "it is no currency of the standard"))
}

fn not_allowed(what: &str, why: &'static str) -> InvoiceError {
    InvoiceError::NotAllowed { what: what.to_owned(), why }
}

/// Nothing but name, number and country is known of an organisation.
fn party(of: &InvoiceParty) -> Party {
    Party {
        name: of.name.clone(),
        vat_id: of.vat_number.clone(),
        registration: None,
        address: Address { country: of.country.clone().unwrap_or_default(), ..Address::default() },
        email: None,
    }
}

#[cfg(test)]
mod tests;
