//! The columns that both formats share, and text that spreadsheet programs do not take for a
//! formula.

use std::borrow::Cow;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use market::reports::model::{SalesRow, Totals};

/// The column titles, in order. Times carry their zone in the title and their offset in the cell.
pub(super) fn titles(zone: Tz) -> [String; 11] {
    [
        format!("Sold at ({zone})"),
        "Order".to_owned(),
        "Sale".to_owned(),
        "Buyer".to_owned(),
        "Items".to_owned(),
        "Quantity".to_owned(),
        "Total".to_owned(),
        "Fee".to_owned(),
        "Net".to_owned(),
        "Currency".to_owned(),
        "Status".to_owned(),
    ]
}

/// One sale as CSV cells. What people typed is made safe; amounts are plain decimals, which may begin with a minus.
pub(super) fn sale(row: &SalesRow, zone: Tz) -> [String; 11] {
    [
        row.sold_at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false),
        row.order.to_string(),
        safe(&row.source).into_owned(),
        safe(&row.buyer).into_owned(),
        safe(&row.items).into_owned(),
        row.quantity.to_string(),
        row.total.amount(),
        row.fee.amount(),
        row.net.amount(),
        row.total.currency().code().to_owned(),
        safe(&row.status).into_owned(),
    ]
}

/// The line with the totals of a currency.
pub(super) fn total(it: &Totals) -> [String; 11] {
    let mut cells = [const { String::new() }; 11];
    cells[0] = format!("Total of {} sales", it.rows);
    cells[6] = it.total.amount();
    cells[7] = it.fee.amount();
    cells[8] = it.net.amount();
    it.total.currency().code().clone_into(&mut cells[9]);
    cells
}

/// The text, made safe from being run by a spreadsheet program: a cell that begins like a formula
/// gets a leading apostrophe (OWASP, "CSV injection").
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
