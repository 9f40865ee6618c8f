//! Native charts of the sections that have some, on a sheet of their own: one for each currency, since amounts in two of them have no
//! common axis.

use market::reports::table::{Cell, Chart as Plan, ChartKind, Section};
use rust_xlsxwriter::{Chart, ChartType, RowNum, Worksheet, XlsxError};
use shared::money::Currency;

use crate::reports::wording::Wording;

/// The most points of a line, and the most bars.
const MAX_POINTS: u32 = 2_000;
const MAX_BARS: u32 = 30;
/// The most runs of one currency in a section, and the most charts in a workbook.
const MAX_RUNS: usize = 20;
const MAX_CHARTS: usize = 40;
/// From one chart to the next, in rows of the sheet.
const STEP: usize = 20;

/// The charts that a workbook has, and the rows of the section that is being written.
#[derive(Default)]
pub(super) struct Charts {
    drawn: Vec<Chart>,
    runs: Vec<Run>,
}

/// Rows of one currency on one sheet.
#[derive(Debug)]
struct Run {
    sheet: String,
    currency: Option<Currency>,
    first: RowNum,
    last: RowNum,
}

impl Charts {
    pub(super) fn begin(&mut self) {
        self.runs.clear();
    }

    pub(super) fn any(&self) -> bool {
        !self.drawn.is_empty()
    }

    /// Notes where a row stands.
    pub(super) fn note(&mut self, sheet: &str, at: RowNum, row: &[Cell]) {
        let currency = row.iter().find_map(|cell| match cell {
            Cell::Currency(currency) => Some(*currency),
            _ => None,
        });
        if let Some(run) = self.runs.last_mut().filter(|run| run.currency == currency && run.sheet == sheet) {
            run.last = at;
        } else if self.runs.len() < MAX_RUNS {
            self.runs.push(Run { sheet: sheet.to_owned(), currency, first: at, last: at });
        }
    }

    /// Draws the charts of a section whose rows were noted.
    pub(super) fn draw(&mut self, section: &Section, wording: &Wording) {
        for plan in section.charts {
            for run in &self.runs {
                if self.drawn.len() < MAX_CHARTS
                    && let Some(chart) = chart(section, plan, run, wording)
                {
                    self.drawn.push(chart);
                }
            }
        }
    }

    pub(super) fn insert(self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        for (at, chart) in (0..).step_by(STEP).zip(&self.drawn) {
            sheet.insert_chart(at, 0, chart)?;
        }
        Ok(())
    }
}

/// `None`: a column that the plan names does not exist.
fn chart(section: &Section, plan: &Plan, run: &Run, wording: &Wording) -> Option<Chart> {
    let (kind, most) = match plan.kind {
        // A line through one point is none.
        ChartKind::Line if run.first == run.last => (ChartType::Column, MAX_POINTS),
        ChartKind::Line => (ChartType::Line, MAX_POINTS),
        ChartKind::Bar => (ChartType::Bar, MAX_BARS),
    };
    let last = run.last.min(run.first + most - 1);
    let mut chart = Chart::new(kind);
    let plain = wording.say(plan.title);
    let title = run.currency.map_or_else(|| plain.to_owned(), |currency| format!("{plain} ({currency})"));
    chart.title().set_name(&title);
    let along = u16::try_from(section.place(plan.along)?).ok()?;
    for name in plan.values {
        let place = section.place(name)?;
        let column = u16::try_from(place).ok()?;
        chart
            .add_series()
            .set_name(wording.say(section.columns.get(place)?.title))
            .set_categories((run.sheet.as_str(), run.first, along, last, along))
            .set_values((run.sheet.as_str(), run.first, column, last, column));
    }
    chart.set_width(760).set_height(380);
    Some(chart)
}
