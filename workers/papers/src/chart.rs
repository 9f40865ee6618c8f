//! Charts of lines and bars, drawn as vectors.
//!
//! Series differ in colour and in a second mark (the dash and shape of a line, the order of bars), because not everybody sees colours.

use krilla::geom::{Path, Rect};
use krilla::tagging::{BBox, Tag};

use crate::PaperError;
use crate::axis::{Digits, Scale};
use crate::document::Words;
use crate::flow::{Flow, cast};
use crate::look::{Color, GRID, INK, LABEL, QUIET, SERIES, TICK, VALUE, WHITE};
use crate::sheet::{Ink, Mark, Pen, block, circle, lines, polygon, stroke};
use crate::text::{Align, Text};

/// A chart over the width of the page.
#[derive(Clone, Debug)]
pub struct Chart {
    pub title: String,
    /// What the values are, such as a currency; beside the title.
    pub unit: String,
    pub shape: Shape,
    /// Along the horizontal axis.
    pub labels: Vec<String>,
    pub series: Vec<Series>,
    /// The chart in words, for those who hear the paper.
    pub alternative: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Line,
    Bars,
}

/// Values for the labels; a gap where there is none.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

const PLOT: f32 = 138.0;
/// Of a chart with a legend.
pub(crate) const HEIGHT: f32 = 20.0 + LEGEND + PLOT + 26.0 + BELOW;
const LEGEND: f32 = 14.0;
const BELOW: f32 = 8.0;
/// More points than this are a line without marks.
const MARKED: usize = 40;
/// Bars have their values above them, up to so many.
const VALUED: usize = 16;

/// The area of the values, with its scales.
struct Plot {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    scale: Scale,
    slots: usize,
}

impl Plot {
    fn slot(&self) -> f32 {
        (self.right - self.left) / cast(self.slots.max(1))
    }

    /// The middle of a label's place.
    fn x(&self, index: usize) -> f32 {
        self.left + self.slot() * (cast(index) + 0.5)
    }

    fn y(&self, value: f64) -> f32 {
        self.bottom - self.scale.part(value) * (self.bottom - self.top)
    }
}

/// How the chart is drawn: a line through one point is none, so that a period of one month is a bar from zero.
fn shape(chart: &Chart) -> Shape {
    let points = chart.labels.len().max(chart.series.iter().map(|it| it.values.len()).max().unwrap_or(0));
    if points == 1 { Shape::Bars } else { chart.shape }
}

/// Draws the chart at the cursor. Its axes run from left to right in every language.
pub(crate) fn draw(flow: &mut Flow<'_>, chart: &Chart, words: &Words) -> Result<(), PaperError> {
    let legend = legend(flow, chart)?;
    let legend_height = if legend.is_empty() { 0.0 } else { LEGEND };
    let height = 20.0 + legend_height + PLOT + 26.0;
    flow.room(height + BELOW);
    let top = flow.y;
    let bounds = Rect::from_xywh(flow.margin, top, flow.width(), height).ok_or(PaperError::Shape("a chart"))?;
    let page = flow.sheet.pages() - 1;
    let tag = Tag::Figure(Some(chart.alternative.clone())).with_bbox(Some(BBox::new(page, bounds)));
    let figure = flow.sheet.element(None, tag);

    let caption = flow.sheet.element(Some(figure), Tag::Caption);
    let title = flow.set.set(&chart.title, VALUE, Some(flow.width() * 0.75), Align::Start)?;
    let (x, width) = (flow.x(0.0, flow.width() * 0.75), title.width);
    let unit_x = if flow.set.leftwards { x + flow.width() * 0.75 - width - 6.0 } else { x + width + 6.0 };
    let title_height = flow.put(caption, title, x, top);
    if !chart.unit.is_empty() {
        let unit = flow.set.set(&chart.unit, LABEL, None, Align::Start)?;
        let unit_x = if flow.set.leftwards { unit_x - unit.width } else { unit_x };
        flow.put(caption, unit, unit_x, top + 2.4);
    }

    let mut ink = Vec::new();
    let mut y = top + title_height + 3.0;
    if legend_height > 0.0 {
        place_legend(legend, flow.margin, y, &mut ink);
        y += legend_height;
    }
    let values = || chart.series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let scale = Scale::holding(values(), shape(chart) == Shape::Bars);
    let slots = chart.labels.len().max(chart.series.iter().map(|it| it.values.len()).max().unwrap_or(0));
    let ticks = scale
        .ticks()
        .map(|tick| {
            Ok::<_, PaperError>((tick, flow.set.set(&scale.label(tick, &words.digits), TICK, None, Align::Start)?))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let widest = ticks.iter().map(|(_, text)| text.width).fold(0.0, f32::max);
    let plot = Plot {
        left: flow.margin + widest + 7.0,
        right: flow.margin + flow.width(),
        top: y + 6.0,
        bottom: y + 6.0 + PLOT,
        scale,
        slots,
    };
    for (tick, text) in ticks {
        let y = plot.y(tick);
        let pen = if tick.abs() < scale.step * 1e-6 { Pen::new(QUIET, 0.8) } else { Pen::new(GRID, 0.6) };
        ink.extend(stroke(&[(plot.left, y), (plot.right, y)], pen));
        let (x, top) = (plot.left - 5.0 - text.width, y - text.height / 2.0);
        ink.extend(lines(text, x, top));
    }
    if values().any(f64::is_finite) {
        match shape(chart) {
            Shape::Line => draw_lines(chart, &plot, &mut ink),
            Shape::Bars => draw_bars(flow, chart, &plot, &words.digits, &mut ink)?,
        }
        draw_labels(flow, chart, &plot, &mut ink)?;
    } else {
        let text = flow.set.set(&words.no_values, LABEL, Some(plot.right - plot.left), Align::Center)?;
        ink.extend(lines(text, plot.left, f32::midpoint(plot.top, plot.bottom)));
    }
    flow.sheet.draw(Mark::Of(figure), ink);
    flow.skip(height + BELOW);
    Ok(())
}

/// The names of the series with their marks; nothing where there is one alone.
fn legend(flow: &mut Flow<'_>, chart: &Chart) -> Result<Vec<(usize, Shape, Text)>, PaperError> {
    if chart.series.len() < 2 {
        return Ok(Vec::new());
    }
    let share = (flow.width() / cast(chart.series.len()) - 36.0).max(30.0);
    let set = |(index, series): (usize, &Series)| {
        let (_, whole) = flow.set.widths(&series.name, LABEL);
        // Beside its mark also where lines begin on the right.
        let text = flow.set.set(&series.name, LABEL, (whole > share).then_some(share), Align::Start)?;
        Ok::<_, PaperError>((index, shape(chart), Text { lines: text.lines.into_iter().take(1).collect(), ..text }))
    };
    chart.series.iter().enumerate().map(set).collect()
}

fn place_legend(legend: Vec<(usize, Shape, Text)>, left: f32, y: f32, ink: &mut Vec<Ink>) {
    let mut x = left;
    for (index, shape, text) in legend {
        let middle = y + text.height.min(10.0) / 2.0;
        match shape {
            Shape::Line => {
                ink.extend(stroke(&[(x, middle), (x + 16.0, middle)], pen(index)));
                ink.extend(mark(index, x + 8.0, middle));
            }
            Shape::Bars => ink.extend(block(x + 4.0, middle - 4.0, 8.0, 8.0, colour(index))),
        }
        let width = text.width;
        ink.extend(lines(text, x + 20.0, y));
        x += width + 36.0;
    }
}

fn draw_lines(chart: &Chart, plot: &Plot, ink: &mut Vec<Ink>) {
    for (index, series) in chart.series.iter().enumerate() {
        let mut piece = Vec::new();
        let finish = |piece: &mut Vec<(f32, f32)>, ink: &mut Vec<Ink>| {
            if piece.len() > 1 {
                ink.extend(stroke(piece, pen(index)));
            }
            // A value between two gaps shows as its mark alone.
            if plot.slots <= MARKED || piece.len() == 1 {
                ink.extend(piece.iter().filter_map(|&(x, y)| mark(index, x, y)));
            }
            piece.clear();
        };
        for (slot, value) in series.values.iter().enumerate() {
            match value.filter(|value| value.is_finite()) {
                Some(value) => piece.push((plot.x(slot), plot.y(value))),
                None => finish(&mut piece, ink),
            }
        }
        finish(&mut piece, ink);
    }
}

fn draw_bars(
    flow: &mut Flow<'_>,
    chart: &Chart,
    plot: &Plot,
    digits: &Digits,
    ink: &mut Vec<Ink>,
) -> Result<(), PaperError> {
    let group = plot.slot() * 0.72;
    let width = (group / cast(chart.series.len().max(1))).min(42.0);
    let base = plot.y(0.0);
    let valued = chart.series.len() == 1 && plot.slots <= VALUED;
    for (index, series) in chart.series.iter().enumerate() {
        let shift = width * (cast(index) - cast(chart.series.len()) / 2.0);
        for (slot, value) in series.values.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else { continue };
            let (x, y) = (plot.x(slot) + shift, plot.y(value));
            let gap = if width > 4.0 { 0.7 } else { 0.0 };
            ink.extend(block(x + gap, y.min(base), width - 2.0 * gap, (base - y).abs(), colour(index)));
            if valued {
                let text = flow.set.set(&plot.scale.label(value, digits), TICK, None, Align::Start)?;
                if text.width < plot.slot() {
                    let top = if value < 0.0 { y + 1.0 } else { y - text.height - 0.5 };
                    let x = x + (width - text.width) / 2.0;
                    ink.extend(lines(text, x, top));
                }
            }
        }
    }
    Ok(())
}

/// The labels below, every second or third or nth where there is no room for all.
fn draw_labels(flow: &mut Flow<'_>, chart: &Chart, plot: &Plot, ink: &mut Vec<Ink>) -> Result<(), PaperError> {
    let set = |label: &String| flow.set.set(label, TICK, None, Align::Start);
    let labels = chart.labels.iter().map(set).collect::<Result<Vec<_>, _>>()?;
    let widest = labels.iter().map(|text| text.width).fold(1.0, f32::max);
    let every = (1..=labels.len().max(1)).find(|&every| plot.slot() * cast(every) >= widest + 8.0);
    let every = every.unwrap_or(labels.len().max(1));
    for (index, text) in labels.into_iter().enumerate().step_by(every) {
        let (middle, half) = (plot.x(index), text.width / 2.0);
        let x = (middle - half).clamp(plot.left, (plot.right - text.width).max(plot.left));
        ink.extend(stroke(&[(middle, plot.bottom), (middle, plot.bottom + 3.0)], Pen::new(QUIET, 0.6)));
        ink.extend(lines(text, x, plot.bottom + 5.0));
    }
    Ok(())
}

fn colour(series: usize) -> Color {
    SERIES[series % SERIES.len()]
}

fn pen(series: usize) -> Pen {
    const DASHES: [&[f32]; 4] = [&[], &[6.0, 2.5], &[1.8, 2.2], &[8.0, 2.2, 1.8, 2.2]];
    Pen { colour: colour(series), width: 1.6, dash: DASHES[series % DASHES.len()].to_vec() }
}

/// The mark of a point of a series.
fn mark(series: usize, x: f32, y: f32) -> Option<Ink> {
    let around = |points: &[(f32, f32)]| -> Option<Path> {
        polygon(&points.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>(), true)
    };
    let path = match series % 4 {
        0 => circle(x, y, 2.3),
        1 => around(&[(-2.1, -2.1), (2.1, -2.1), (2.1, 2.1), (-2.1, 2.1)]),
        2 => around(&[(0.0, -2.8), (2.6, 1.9), (-2.6, 1.9)]),
        _ => around(&[(0.0, -3.0), (3.0, 0.0), (0.0, 3.0), (-3.0, 0.0)]),
    }?;
    Some(Ink::Path { path, fill: Some(colour(series)), pen: Some(Pen::new(if series < 4 { WHITE } else { INK }, 0.6)) })
}
