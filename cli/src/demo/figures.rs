//! What the demo ends with: figures, and which of them must hold.

use serde::Serialize;
use shared::money::Money;

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
    /// Due and not finished, or waiting for another try. Timers that lie ahead are no open work.
    pub(crate) jobs_open: u64,
    pub(crate) jobs_dead: u64,
}

/// What the figures must be; computed from the file by the rules alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) bids_accepted: u64,
    pub(crate) bids_refused: u64,
    pub(crate) auctions: u64,
    pub(crate) auctions_at_recorded_price: u64,
    /// Auctions that end in another way than by the rules; each named with both prices.
    pub(crate) wrong_endings: Vec<String>,
    pub(crate) emails_delivered: u64,
    pub(crate) image_variants: u64,
    pub(crate) report_rows: u64,
    pub(crate) report_total: Money,
    pub(crate) events_stored: u64,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) got: String,
    /// Empty: the figure is only told.
    pub(crate) wanted: String,
    pub(crate) holds: bool,
}

/// Every figure with what it must be.
pub(crate) fn lines(got: &Figures, wanted: &Wanted) -> Vec<Line> {
    let exact = |name, got: String, wanted: String| Line { name, holds: got == wanted, got, wanted };
    let count = |name, got: u64, wanted: u64| exact(name, got.to_string(), wanted.to_string());
    let told = |name, got: f64| Line { name, got: format!("{got:.1} ms"), wanted: String::new(), holds: true };
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
        told("closing lateness, median", got.closing_lateness_p50_ms),
        told("closing lateness, p99", got.closing_lateness_p99_ms),
        count("emails accepted by the SMTP server", got.emails_delivered, wanted.emails_delivered),
        count("image variants", got.image_variants, wanted.image_variants),
        count("report rows", got.report_rows, wanted.report_rows),
        exact("report total", got.report_total.clone(), wanted.report_total.amount()),
        count("events stored", got.events_stored, wanted.events_stored),
        count("jobs open", got.jobs_open, 0),
        count("jobs dead", got.jobs_dead, 0),
    ]
}

/// The table for people.
pub(crate) fn told(lines: &[Line], wanted: &Wanted) -> String {
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

/// The value below which `share` of the sorted values lie (nearest rank); 0 for none.
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
mod tests {
    use super::super::bids::CURRENCY;
    use super::*;

    fn sample() -> (Figures, Wanted) {
        let figures = Figures {
            bids_accepted: 2_776,
            bids_refused: 35,
            auctions: 149,
            auctions_at_recorded_price: 144,
            closing_lateness_p50_ms: 12.0,
            closing_lateness_p99_ms: 80.0,
            emails_delivered: 3_000,
            image_variants: 1_490,
            report_rows: 149,
            report_total: "19580.69".to_owned(),
            events_stored: 745,
            jobs_open: 0,
            jobs_dead: 0,
        };
        let wanted = Wanted {
            bids_accepted: 2_776,
            bids_refused: 35,
            auctions: 149,
            auctions_at_recorded_price: 144,
            wrong_endings: Vec::new(),
            emails_delivered: 3_000,
            image_variants: 1_490,
            report_rows: 149,
            report_total: Money::from_minor(1_958_069, CURRENCY),
            events_stored: 745,
        };
        (figures, wanted)
    }

    #[test]
    fn the_keys_are_those_that_were_promised() {
        let keys: Vec<_> = serde_json::to_value(sample().0).unwrap().as_object().unwrap().keys().cloned().collect();
        let mut promised = [
            "bids_accepted",
            "bids_refused",
            "auctions",
            "auctions_at_recorded_price",
            "closing_lateness_p50_ms",
            "closing_lateness_p99_ms",
            "emails_delivered",
            "image_variants",
            "report_rows",
            "report_total",
            "events_stored",
            "jobs_open",
            "jobs_dead",
        ];
        promised.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(keys, promised);
    }

    #[test]
    fn every_figure_that_must_hold_can_fail() {
        type Break = fn(&mut Figures);
        let (good, wanted) = sample();
        assert!(lines(&good, &wanted).iter().all(|line| line.holds));
        let breaks: [Break; 11] = [
            |f| f.bids_accepted -= 1,
            |f| f.bids_refused += 1,
            |f| f.auctions -= 1,
            |f| f.auctions_at_recorded_price -= 1,
            |f| f.emails_delivered -= 1,
            |f| f.image_variants -= 1,
            |f| f.report_rows += 1,
            |f| f.report_total = "19580.68".to_owned(),
            |f| f.events_stored += 1,
            |f| f.jobs_open = 1,
            |f| f.jobs_dead = 1,
        ];
        for breaks in breaks {
            let mut bad = good.clone();
            breaks(&mut bad);
            assert_eq!(lines(&bad, &wanted).iter().filter(|line| !line.holds).count(), 1, "{bad:?}");
        }
        let wrong = Wanted { wrong_endings: vec!["xbox-001: 1 for 2".to_owned()], ..wanted };
        assert_eq!(lines(&good, &wrong).iter().filter(|line| !line.holds).count(), 1);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let told =
            [percentile(&values, 0.5), percentile(&values, 0.99), percentile(&[], 0.5), percentile(&[7.0], 0.99)];
        assert_eq!(told.map(|value| format!("{value:.0}")), ["50", "99", "0", "7"]);
    }
}
