//! What must hold before a document is written.

use std::collections::BTreeMap;

use super::{Category, Decimal, Invoice, InvoiceError, Kind, Line, Party, Payment};

pub(super) fn check(invoice: &Invoice) -> Result<(), InvoiceError> {
    parties(invoice)?;
    for (index, line) in invoice.lines.iter().enumerate() {
        check_line(invoice, index, line)?;
    }
    taxes(invoice)?;
    totals(invoice)?;
    payment(invoice)
}

/// `units` × 10^−`places` in minor units of `exponent` digits, rounded half away from zero.
fn rounded(units: i128, places: u32, exponent: u32) -> Option<i64> {
    let minor = if exponent >= places {
        units.checked_mul(10_i128.checked_pow(exponent - places)?)?
    } else {
        let divisor = 10_i128.checked_pow(places - exponent)?;
        (units + units.signum() * (divisor / 2)) / divisor
    };
    i64::try_from(minor).ok()
}

/// The tax of a net amount, rounded once.
fn tax_of(net: i64, rate_bps: u32) -> Option<i64> {
    rounded(i128::from(net).checked_mul(i128::from(rate_bps))?, 4, 0)
}

fn parties(invoice: &Invoice) -> Result<(), InvoiceError> {
    let require = |text: &str, what, why| {
        if text.trim().is_empty() { Err(InvoiceError::Missing { what, why }) } else { Ok(()) }
    };
    require(&invoice.number, "the number", "BR-02")?;
    require(&invoice.seller.name, "the seller's name", "BR-06")?;
    require(&invoice.buyer.name, "the buyer's name", "BR-07")?;
    require(&invoice.seller.address.country, "the seller's country", "the seller states it in its settings (BR-09)")?;
    require(&invoice.buyer.address.country, "the buyer's country", "the buyer states it in its settings (BR-11)")?;
    for party in [&invoice.seller, &invoice.buyer] {
        let letters = party.address.country.as_bytes();
        if letters.len() != 2 || !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(InvoiceError::NotAllowed {
                what: format!("the country {:?}", party.address.country),
                why: "ISO 3166-1 has two capital letters",
            });
        }
    }
    if invoice.kind == Kind::CreditNote && invoice.refers_to.is_none() {
        return Err(InvoiceError::Missing { what: "the invoice that a credit note takes back", why: "BG-3" });
    }
    if invoice.lines.is_empty() {
        return Err(InvoiceError::Missing { what: "a line", why: "BR-16" });
    }
    Ok(())
}

fn check_line(invoice: &Invoice, index: usize, line: &Line) -> Result<(), InvoiceError> {
    if line.name.trim().is_empty() {
        return Err(InvoiceError::Missing { what: "the name of a line", why: "BR-25" });
    }
    if line.quantity.units <= 0
        || line.quantity.places > 9
        || line.price.is_some_and(|price| price.units < 0 || price.places > 9)
    {
        return Err(InvoiceError::NotAllowed {
            what: format!("the quantity or price of line {}", index + 1),
            why: "quantities are above zero, prices not below, with at most nine decimals",
        });
    }
    if line.period.is_some_and(|(first, last)| last < first) {
        return Err(InvoiceError::NotAllowed {
            what: format!("the period of line {}", index + 1),
            why: "it ends before it begins (BR-30)",
        });
    }
    let Some(price) = line.price else { return Ok(()) };
    let Decimal { units, places } = line.quantity;
    let exact = i128::from(units).checked_mul(i128::from(price.units)).ok_or(InvoiceError::Overflow)?;
    let places = u32::from(places) + u32::from(price.places);
    let computed = rounded(exact, places, invoice.currency.exponent.into()).ok_or(InvoiceError::Overflow)?;
    same(|| format!("the net amount of line {} (BT-131)", index + 1), line.net, computed)
}

/// Taxes by category and rate: of each there is one, it comes to its lines, and the category has what it demands.
fn taxes(invoice: &Invoice) -> Result<(), InvoiceError> {
    let mut nets: BTreeMap<(Category, u32), i64> = BTreeMap::new();
    for line in &invoice.lines {
        let sum = nets.entry((line.category, line.rate_bps)).or_default();
        *sum = sum.checked_add(line.net).ok_or(InvoiceError::Overflow)?;
    }
    for tax in &invoice.taxes {
        let code = tax.category.code();
        let Some(net) = nets.remove(&(tax.category, tax.rate_bps)) else {
            return Err(InvoiceError::NotAllowed {
                what: format!("the tax of category {code} at {} basis points", tax.rate_bps),
                why: "no line has it, or another tax has its lines",
            });
        };
        same(|| format!("the taxed amount of category {code} (BT-116)"), tax.net, net)?;
        let computed = tax_of(tax.net, tax.rate_bps).ok_or(InvoiceError::Overflow)?;
        if !is_share(invoice, tax.tax, computed) {
            same(|| format!("the tax of category {code} (BT-117)"), tax.tax, computed)?;
        }
        category(invoice, tax)?;
    }
    match nets.keys().next() {
        Some(_) => Err(InvoiceError::Missing { what: "the tax of a line's category and rate", why: "BR-CO-18" }),
        None => Ok(()),
    }
}

/// Whether a document that refers to an earlier one may say so. The last cent of what goes back is given to net amount or tax, so that all
/// credit notes come to the invoice; an invoice in the place of another one has the tax in a price that was paid. BR-CO-17 lets a tax
/// differ by less than one unit of the currency.
fn is_share(invoice: &Invoice, stated: i64, computed: i64) -> bool {
    let unit = 10_u64.checked_pow(invoice.currency.exponent.into());
    invoice.refers_to.is_some() && unit.is_some_and(|unit| stated.abs_diff(computed) < unit)
}

fn category(invoice: &Invoice, tax: &super::Tax) -> Result<(), InvoiceError> {
    let missing = |what, why| Err(InvoiceError::Missing { what, why });
    let refused = |what: &str, why| Err(InvoiceError::NotAllowed { what: what.to_owned(), why });
    let standard = tax.category == Category::Standard;
    if standard != (tax.rate_bps > 0) {
        return refused("the rate", "category S has a rate above zero, every other one has none");
    }
    let reasoned = tax.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    if matches!(tax.category, Category::Standard | Category::Zero) && reasoned {
        return refused("a reason for no tax", "BR-S-10 and BR-Z-10");
    }
    if tax.category == Category::Exempt && !reasoned {
        return missing("the reason for the exemption", "BR-E-10");
    }
    let has_vat = |party: &Party| party.vat_id.is_some();
    match tax.category {
        Category::Outside if invoice.taxes.len() > 1 => refused("another category beside O", "BR-O-11"),
        Category::Outside if invoice.seller.registration.is_none() => {
            missing("the seller's registration", "without VAT the seller is known by it (BR-CO-26)")
        }
        Category::Outside => Ok(()),
        _ if !has_vat(&invoice.seller) => missing("the seller's VAT number", "BR-S-02 and its like for each category"),
        Category::ReverseCharge | Category::IntraCommunity if !has_vat(&invoice.buyer) => {
            missing("the buyer's VAT number", "BR-AE-02 and BR-IC-02")
        }
        Category::IntraCommunity if invoice.delivered_on.is_none() => missing("the date of delivery", "BR-IC-11"),
        Category::IntraCommunity if invoice.delivered_to.is_none() => missing("where it was delivered", "BR-IC-12"),
        _ => Ok(()),
    }
}

fn totals(invoice: &Invoice) -> Result<(), InvoiceError> {
    let totals = invoice.totals;
    let net = sum(invoice.lines.iter().map(|line| line.net))?;
    same(|| "the total without tax (BT-109)".to_owned(), totals.net, net)?;
    let tax = sum(invoice.taxes.iter().map(|tax| tax.tax))?;
    same(|| "the tax (BT-110)".to_owned(), totals.tax, tax)?;
    let gross = sum([net, tax].into_iter())?;
    same(|| "the total with tax (BT-112)".to_owned(), totals.gross, gross)?;
    let due = gross.checked_sub(totals.paid).ok_or(InvoiceError::Overflow)?;
    same(|| "the amount due (BT-115)".to_owned(), totals.due, due)?;
    match invoice.accounting_tax {
        Some((currency, _)) if currency == invoice.currency => Err(InvoiceError::NotAllowed {
            what: "the tax in another currency".to_owned(),
            why: "it is the document's own (BR-53)",
        }),
        _ => Ok(()),
    }
}

fn sum(mut amounts: impl Iterator<Item = i64>) -> Result<i64, InvoiceError> {
    amounts.try_fold(0_i64, i64::checked_add).ok_or(InvoiceError::Overflow)
}

fn payment(invoice: &Invoice) -> Result<(), InvoiceError> {
    if invoice.totals.due > 0 && invoice.due_on.is_none() && invoice.terms.is_none() {
        return Err(InvoiceError::Missing {
            what: "the date by which, or the terms on which it is paid",
            why: "BR-CO-25",
        });
    }
    match &invoice.payment {
        Payment::Transfer { iban, .. } if iban.trim().is_empty() => {
            Err(InvoiceError::Missing { what: "the account", why: "BR-50" })
        }
        _ => Ok(()),
    }
}

fn same(what: impl FnOnce() -> String, stated: i64, computed: i64) -> Result<(), InvoiceError> {
    if stated == computed { Ok(()) } else { Err(InvoiceError::Mismatch { what: what(), stated, computed }) }
}
