//! Collects figures and prints their medians, each beside its goal and what bounds it.

use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value, json};

/// The goals on a two-core machine that client, servers and workers share.
const GOALS: &[(&str, &str)] = &[
    ("drain_redis_per_s", "≥ 25,000"),
    ("drain_rabbit_per_s", "≥ 25,000"),
    ("drain_local_per_s", "≥ 25,000"),
    ("enqueue_bulk_per_s", "≥ 50,000"),
    ("enqueue_single_per_s", "≥ 7,500"),
    ("idle_p50_ms", "≤ 1.5"),
    ("idle_p99_ms", "≤ 5"),
    ("events_per_s", "≥ 60,000"),
    ("events_share_of_copy", "≥ 0.5"),
    ("bid_p95_beside_events", "≤ 1.1"),
    ("read_vs_fastapi", "≥ 4"),
    ("bid_vs_fastapi", "≥ 3"),
    ("job_vs_fastapi", "≥ 3"),
    ("close_10k_last_s", "≤ 10"),
    ("close_10k_wrong", "0"),
    ("sockets_1000_p99_ms", "≤ 1,000"),
    ("sockets_1000_missed", "0"),
    ("reconnect_5000_bid_slowdown", "≤ 1.1"),
    ("tracking_p99_ms", "≤ 1,000"),
    ("tracking_missed", "0"),
    ("chat_wrong", "0"),
    ("search_plain_p95_ms", "≤ 50"),
    ("search_p95_ms", "≤ 50"),
    ("report_peak_mb_over_idle", "≤ 64"),
];

/// The figures so far.
#[derive(Debug)]
pub(crate) struct Report {
    figures: Map<String, Value>,
    table: Table,
}

impl Report {
    pub(crate) fn new() -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(["figure", "median", "goal", "beside", "runs"]);
        Self { figures: Map::new(), table }
    }

    /// Takes a figure of one or more runs and returns their median. `beside` says what to read it against.
    pub(crate) fn put(&mut self, name: &str, runs: &[f64], beside: &str) -> f64 {
        let median = median(runs);
        self.figures.insert(name.to_owned(), json!(rounded(median)));
        let goal = GOALS.iter().find(|(goal, _)| *goal == name).map_or("", |(_, goal)| goal);
        let all: Vec<String> = runs.iter().map(|run| rounded(*run).to_string()).collect();
        let all = if runs.len() > 1 { all.join("  ") } else { String::new() };
        self.table.add_row([name, &rounded(median).to_string(), goal, beside, &all]);
        median
    }

    #[expect(clippy::print_stdout, reason = "the report is what this program is for")]
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", json!(self.figures));
        } else {
            println!("{}", self.table);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn per_second(count: i64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Milliseconds that so many of 100 do not exceed.
pub(crate) fn percentile_ms(mut took: Vec<Duration>, percent: usize) -> f64 {
    took.sort_unstable();
    took.get(took.len() * percent / 100).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
}

/// The middle run, or the mean of the two in the middle.
fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// Rounds to whole numbers from 100 upwards and to two decimals below: more would suggest a
/// precision that no run repeats.
fn rounded(value: f64) -> f64 {
    if value >= 100.0 { value.round() } else { (value * 100.0).round() / 100.0 }
}

#[cfg(test)]
mod tests;
