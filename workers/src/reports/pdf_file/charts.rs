//! The charts of a section: one for each currency, since amounts in two of them have no common axis.

use chrono_tz::Tz;
use market::reports::table::{Cell, Chart as Plan, ChartKind, Section};
use papers::document::{Chart, Series, Shape};
use shared::money::Currency;

use super::text;
use crate::reports::wording::Wording;

/// The most points of a line, and the most bars.
const MAX_POINTS: usize = 2_000;
const MAX_BARS: usize = 30;
/// The most runs of one currency.
const MAX_RUNS: usize = 20;

/// The charts of one section, which grow with its rows.
#[derive(Default)]
pub(super) struct Charts {
    /// With how it is read.
    section: Option<(Section, Wording)>,
    runs: Vec<Run>,
}

/// Rows of one currency; a chart for each that the section plans.
struct Run {
    currency: Option<Currency>,
    charts: Vec<Chart>,
}

impl Charts {
    pub(super) fn of(section: Section, wording: Wording) -> Self {
        Self { section: Some((section, wording)), runs: Vec::new() }
    }

    /// Adds a row's points.
    pub(super) fn note(&mut self, row: &[Cell], zone: Tz) {
        let Some((section, wording)) = &self.section else { return };
        if section.charts.is_empty() {
            return;
        }
        let currency = row.iter().find_map(|cell| match cell {
            Cell::Currency(currency) => Some(*currency),
            _ => None,
        });
        if self.runs.last().is_none_or(|run| run.currency != currency) {
            if self.runs.len() == MAX_RUNS {
                return;
            }
            let charts = section.charts.iter().map(|plan| begin(section, plan, currency, wording)).collect();
            self.runs.push(Run { currency, charts });
        }
        let Some(run) = self.runs.last_mut() else { return };
        for (plan, chart) in section.charts.iter().zip(&mut run.charts) {
            let most = if chart.shape == Shape::Bars { MAX_BARS } else { MAX_POINTS };
            if chart.labels.len() == most {
                continue;
            }
            let cell = |name: &str| section.place(name).and_then(|place| row.get(place));
            chart.labels.push(cell(plan.along).map_or_else(String::new, |cell| text(cell, zone, wording)));
            for (name, series) in plan.values.iter().zip(&mut chart.series) {
                series.values.push(cell(name).and_then(value));
            }
        }
    }

    /// The finished charts, in the order of their plans.
    pub(super) fn drawn(mut self) -> Vec<Chart> {
        let Some((section, wording)) = &self.section else { return Vec::new() };
        let mut drawn = Vec::new();
        for plan in 0..section.charts.len() {
            for run in &mut self.runs {
                let mut chart = run.charts[plan].clone();
                chart.alternative = in_words(&chart, wording);
                drawn.push(chart);
            }
        }
        drawn
    }
}

fn begin(section: &Section, plan: &Plan, currency: Option<Currency>, wording: &Wording) -> Chart {
    let column = |name: &str| section.columns.iter().find(|column| column.name == name);
    let unit = plan.values.iter().find_map(|name| column(name).and_then(|column| column.unit));
    let units: Vec<&str> = unit.into_iter().chain(currency.map(Currency::code)).collect();
    Chart {
        title: wording.say(plan.title).to_owned(),
        unit: units.join(", "),
        shape: match plan.kind {
            ChartKind::Line => Shape::Line,
            ChartKind::Bar => Shape::Bars,
        },
        labels: Vec::new(),
        series: plan
            .values
            .iter()
            .map(|name| Series {
                name: column(name).map_or("", |column| wording.say(column.title)).to_owned(),
                values: Vec::new(),
            })
            .collect(),
        alternative: String::new(),
    }
}

/// Where a number stands on an axis; what is no number is a gap.
#[expect(clippy::cast_precision_loss, reason = "no eye sees a difference of 1 in 2^53")]
fn value(cell: &Cell) -> Option<f64> {
    let (digits, places) = match cell {
        Cell::Integer(number) => (*number, 0),
        Cell::Money(money) | Cell::Rounded(money, _) => (money.minor(), money.currency().exponent()),
        Cell::Decimal(number) | Cell::Percent(number) => (number.digits, number.places),
        Cell::Empty | Cell::Text(_) | Cell::Currency(_) | Cell::Day(_) | Cell::Time(_) | Cell::Id(_) => return None,
    };
    Some(digits as f64 / 10_f64.powi(i32::from(places)))
}

/// What a chart shows, for those who hear the paper.
fn in_words(chart: &Chart, wording: &Wording) -> String {
    let (Some(first), Some(last)) = (chart.labels.first(), chart.labels.last()) else { return chart.title.clone() };
    let count = chart.labels.len().to_string();
    let extent = filled(
        wording.words().points,
        &[("{title}", &chart.title), ("{count}", &count), ("{first}", first), ("{last}", last)],
    );
    let series = chart.series.iter().filter_map(|series| {
        let points = || chart.labels.iter().zip(&series.values).filter_map(|(label, value)| Some((label, (*value)?)));
        let (low_at, low) = points().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (high_at, high) = points().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let [low, high] = [low, high].map(|number| wording.digits.show(&number.to_string()));
        let told = [
            ("{name}", &series.name),
            ("{low}", &low),
            ("{low_at}", low_at),
            ("{high}", &high),
            ("{high_at}", high_at),
        ];
        Some(filled(wording.words().extremes, &told))
    });
    std::iter::once(extent).chain(series).collect()
}

/// A text with what it is about. What is put in is not looked at: somebody may call their organisation `{high}`.
fn filled(text: &str, about: &[(&str, &String)]) -> String {
    let (mut filled, mut rest) = (String::new(), text);
    let next = |rest: &str| about.iter().filter_map(|one| Some((rest.find(one.0)?, *one))).min_by_key(|(at, _)| *at);
    while let Some((at, (place, value))) = next(rest) {
        filled.push_str(&rest[..at]);
        filled.push_str(value);
        rest = &rest[at + place.len()..];
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests;
