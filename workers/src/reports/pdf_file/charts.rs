//! The charts of a section: one for each currency, since amounts in two of them have no common axis.

use chrono_tz::Tz;
use market::reports::table::{Cell, Chart as Plan, ChartKind, Section};
use papers::document::{Chart, Series, Shape, thousands};
use shared::money::Currency;

use super::text;

/// The most points of a line, and the most bars.
const MAX_POINTS: usize = 2_000;
const MAX_BARS: usize = 30;
/// The most runs of one currency.
const MAX_RUNS: usize = 20;

/// The charts of one section, which grow with its rows.
#[derive(Default)]
pub(super) struct Charts {
    section: Option<Section>,
    runs: Vec<Run>,
}

/// Rows of one currency; a chart for each that the section plans.
struct Run {
    currency: Option<Currency>,
    charts: Vec<Chart>,
}

impl Charts {
    pub(super) fn of(section: Section) -> Self {
        Self { section: Some(section), runs: Vec::new() }
    }

    /// Adds a row's points.
    pub(super) fn note(&mut self, row: &[Cell], zone: Tz) {
        let Some(section) = self.section.filter(|section| !section.charts.is_empty()) else { return };
        let currency = row.iter().find_map(|cell| match cell {
            Cell::Currency(currency) => Some(*currency),
            _ => None,
        });
        if self.runs.last().is_none_or(|run| run.currency != currency) {
            if self.runs.len() == MAX_RUNS {
                return;
            }
            let charts = section.charts.iter().map(|plan| begin(&section, plan, currency)).collect();
            self.runs.push(Run { currency, charts });
        }
        let Some(run) = self.runs.last_mut() else { return };
        for (plan, chart) in section.charts.iter().zip(&mut run.charts) {
            let most = if chart.shape == Shape::Bars { MAX_BARS } else { MAX_POINTS };
            if chart.labels.len() == most {
                continue;
            }
            let cell = |name: &str| section.place(name).and_then(|place| row.get(place));
            chart.labels.push(cell(plan.along).map_or_else(String::new, |cell| text(cell, zone)));
            for (name, series) in plan.values.iter().zip(&mut chart.series) {
                series.values.push(cell(name).and_then(value));
            }
        }
    }

    /// The finished charts, in the order of their plans.
    pub(super) fn drawn(mut self) -> Vec<Chart> {
        let plans = self.section.map_or(0, |section| section.charts.len());
        let mut drawn = Vec::new();
        for plan in 0..plans {
            for run in &mut self.runs {
                let mut chart = run.charts[plan].clone();
                chart.alternative = in_words(&chart);
                drawn.push(chart);
            }
        }
        drawn
    }
}

fn begin(section: &Section, plan: &Plan, currency: Option<Currency>) -> Chart {
    let column = |name: &str| section.columns.iter().find(|column| column.name == name);
    let unit = plan.values.iter().find_map(|name| column(name).and_then(|column| column.unit));
    let units: Vec<&str> = unit.into_iter().chain(currency.map(Currency::code)).collect();
    Chart {
        title: plan.title.to_owned(),
        unit: units.join(", "),
        shape: match plan.kind {
            ChartKind::Line => Shape::Line,
            ChartKind::Bar => Shape::Bars,
        },
        labels: Vec::new(),
        series: plan
            .values
            .iter()
            .map(|name| Series { name: column(name).map_or("", |column| column.title).to_owned(), values: Vec::new() })
            .collect(),
        alternative: String::new(),
    }
}

/// Where a number stands on an axis; what is no number is a gap.
#[expect(clippy::cast_precision_loss, reason = "no eye sees a difference of 1 in 2^53")]
fn value(cell: &Cell) -> Option<f64> {
    let (digits, places) = match cell {
        Cell::Integer(number) => (*number, 0),
        Cell::Money(money) => (money.minor(), money.currency().exponent()),
        Cell::Decimal(number) | Cell::Percent(number) => (number.digits, number.places),
        Cell::Empty | Cell::Text(_) | Cell::Currency(_) | Cell::Day(_) | Cell::Time(_) | Cell::Id(_) => return None,
    };
    Some(digits as f64 / 10_f64.powi(i32::from(places)))
}

/// What a chart shows, for those who hear the paper.
fn in_words(chart: &Chart) -> String {
    let (Some(first), Some(last)) = (chart.labels.first(), chart.labels.last()) else { return chart.title.clone() };
    let extent = format!("{}: {} points from {first} to {last}.", chart.title, chart.labels.len());
    let series = chart.series.iter().filter_map(|series| {
        let points = || chart.labels.iter().zip(&series.values).filter_map(|(label, value)| Some((label, (*value)?)));
        let (low_at, low) = points().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (high_at, high) = points().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let [low, high] = [low, high].map(|number| thousands(&number.to_string()));
        Some(format!(" {}: lowest {low} ({low_at}), highest {high} ({high_at}).", series.name))
    });
    std::iter::once(extent).chain(series).collect()
}
