//! The figures that the demo ends with, and what they must be.

use std::path::PathBuf;

use serde::Serialize;
use shared::money::Money;

use super::fates::Counts;
use crate::output::{Column, Output};

/// The figures under the names that programs read. Money is in units of the currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figures {
    pub(crate) bids_accepted: u64,
    pub(crate) bids_refused: u64,
    pub(crate) auctions: u64,
    pub(crate) auctions_at_recorded_price: u64,
    pub(crate) closing_lateness_p50_ms: f64,
    pub(crate) closing_lateness_p99_ms: f64,
    /// Accepted by the SMTP server.
    pub(crate) emails_delivered: u64,
    pub(crate) image_variants: u64,
    pub(crate) report_rows: u64,
    pub(crate) report_total: String,
    pub(crate) events_stored: u64,
    pub(crate) shipments_delivered: u64,
    /// Shipments and orders of which the market's books and the event log do not say the same, or not what was bought.
    pub(crate) shipments_wrong: u64,
    /// Lots of the sale event.
    pub(crate) event_lots_closed: u64,
    /// Its bidders of whom more is reserved than their limit, or not what its lots hold.
    pub(crate) event_limit_exceeded: u64,
    /// Orders whose payment has arrived, whatever became of it.
    pub(crate) orders_paid: u64,
    /// Orders from auctions that their buyers have not paid.
    pub(crate) orders_defaulted: u64,
    /// Events of orders that the sellers' systems were told of, each once.
    pub(crate) webhooks_delivered: u64,
    /// Those of them that the run's own receiver has, signed for their endpoint, each once. An earlier run's receiver may have had others.
    pub(crate) webhooks_received: u64,
    /// How often the run's receiver got one that it had: after a crash, or replayed.
    pub(crate) webhooks_again: u64,
    /// Messages about what was won that both sides have read.
    pub(crate) chat_messages: u64,
    pub(crate) escrow_held: u64,
    pub(crate) escrow_released: u64,
    pub(crate) escrow_refunded: u64,
    /// A part was released and the rest refunded.
    pub(crate) escrow_partly: u64,
    /// In minor units; more than nothing in several currencies adds up without signs.
    pub(crate) money_ledger_sum: i64,
    /// Levels that differ from their own movements, and what the shop has left that is not what the demo stocked less what it sold.
    pub(crate) stock_mismatches: u64,
    pub(crate) invoice_gaps: u64,
    /// Paid orders.
    pub(crate) orders_without_invoice: u64,
    pub(crate) refunds_without_credit_note: u64,
    /// Due and not finished, or waiting for another try. Timers that are not due yet do not count.
    pub(crate) jobs_open: u64,
    pub(crate) jobs_dead: u64,
    /// Where the documents lie.
    pub(crate) documents: Vec<PathBuf>,
}

/// What the figures must be, computed from the file by the rules alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) bids_accepted: u64,
    pub(crate) bids_refused: u64,
    pub(crate) auctions: u64,
    pub(crate) auctions_at_recorded_price: u64,
    /// Auctions that ended otherwise than by the rules, each with both prices.
    pub(crate) wrong_endings: Vec<String>,
    pub(crate) emails_delivered: u64,
    pub(crate) image_variants: u64,
    pub(crate) report_rows: u64,
    pub(crate) report_total: Money,
    pub(crate) events_stored: u64,
    pub(crate) event_lots_closed: u64,
    pub(crate) webhooks_delivered: u64,
    /// By our own books: those that were delivered to the run's receiver.
    pub(crate) webhooks_received: u64,
    pub(crate) chat_messages: u64,
    pub(crate) ends: Counts,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) got: String,
    /// Empty if the figure is only shown.
    pub(crate) wanted: String,
    pub(crate) holds: bool,
}

/// Lists every figure beside what it must be.
pub(crate) fn lines(got: &Figures, wanted: &Wanted) -> Vec<Line> {
    let exact = |name, got: String, wanted: String| Line { name, holds: got == wanted, got, wanted };
    let count = |name, got: u64, wanted: u64| exact(name, got.to_string(), wanted.to_string());
    let shown = |name, got: String| Line { name, got, wanted: String::new(), holds: true };
    let lateness = |name, got: f64| shown(name, format!("{got:.1} ms"));
    vec![
        count("bids accepted", got.bids_accepted, wanted.bids_accepted),
        count("bids refused", got.bids_refused, wanted.bids_refused),
        count("auctions", got.auctions, wanted.auctions),
        count("closed at the recorded price", got.auctions_at_recorded_price, wanted.auctions_at_recorded_price),
        Line {
            name: "closed otherwise than by the rules",
            got: wanted.wrong_endings.len().to_string(),
            wanted: "0".to_owned(),
            holds: wanted.wrong_endings.is_empty(),
        },
        lateness("closing lateness, median", got.closing_lateness_p50_ms),
        lateness("closing lateness, p99", got.closing_lateness_p99_ms),
        count("emails accepted by the SMTP server", got.emails_delivered, wanted.emails_delivered),
        count("image variants", got.image_variants, wanted.image_variants),
        count("report rows", got.report_rows, wanted.report_rows),
        exact("report total", got.report_total.clone(), wanted.report_total.amount()),
        count("events stored", got.events_stored, wanted.events_stored),
        count("shipments delivered", got.shipments_delivered, wanted.ends.paid),
        count("shipments that are not what was bought, or not where the log says", got.shipments_wrong, 0),
        count("lots of the sale event closed", got.event_lots_closed, wanted.event_lots_closed),
        count("bidders of it beyond their limit, or not as its lots say", got.event_limit_exceeded, 0),
        count("orders paid", got.orders_paid, wanted.ends.paid),
        count("orders not paid, defaulted", got.orders_defaulted, wanted.ends.defaulted),
        count("webhooks delivered", got.webhooks_delivered, wanted.webhooks_delivered),
        count("those to this run's receiver that it has, well signed", got.webhooks_received, wanted.webhooks_received),
        shown("webhooks that it got again", got.webhooks_again.to_string()),
        count("chat messages written, and read by both sides", got.chat_messages, wanted.chat_messages),
        count("payments held: being inspected", got.escrow_held, wanted.ends.held),
        count("payments released to sellers", got.escrow_released, wanted.ends.released),
        count("payments refunded after a dispute", got.escrow_refunded, wanted.ends.refunded),
        count("payments shared after a dispute", got.escrow_partly, wanted.ends.partly),
        exact("sum of the money ledger", got.money_ledger_sum.to_string(), "0".to_owned()),
        count("stock that is not what was counted less what was sold", got.stock_mismatches, 0),
        count("gaps in the numbers of invoices", got.invoice_gaps, 0),
        count("paid orders without an invoice", got.orders_without_invoice, 0),
        count("refunds without a credit note", got.refunds_without_credit_note, 0),
        count("jobs open", got.jobs_open, 0),
        count("jobs dead", got.jobs_dead, 0),
    ]
}

/// The table for people.
pub(crate) fn text(lines: &[Line], wanted: &Wanted) -> String {
    let columns = [Column::full(""), Column::full("IS"), Column::full("MUST BE"), Column::full("")];
    let mut table = Output { json: false, wide: true }.table(&columns);
    for line in lines {
        let mark = match (line.wanted.is_empty(), line.holds) {
            (true, _) => "",
            (false, true) => "✓",
            (false, false) => "✗ does not hold",
        };
        table.add_row([line.name, &line.got, &line.wanted, mark].map(str::to_owned));
    }
    let mut text = table.to_string();
    for ending in wanted.wrong_endings.iter().take(10) {
        text += "\n";
        text += ending;
    }
    text
}

/// Where the documents lie, for people.
pub(crate) fn documents(of: &Figures) -> String {
    of.documents.iter().map(|path| format!("document: {}", path.display())).collect::<Vec<_>>().join("\n")
}

/// The value below which `share` of the sorted values lie (nearest rank), or 0 if there are none.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "few values"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
