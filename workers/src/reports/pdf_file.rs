//! A report as PDF, for people: what it is, then each section with its sums, its charts and its first rows. Identifiers, which only
//! programs read, are left out, and long texts are cut.

mod charts;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use chrono_tz::Tz;
use market::reports::table::{Cell, Column, Section, Shape, Sum};
use papers::document::{self, Block, Document, Figure, Kind, Page, Table};
use papers::fonts::Fonts;
use shared::money::Currency;
use tokio_util::sync::CancellationToken;

use super::wording::Wording;
use super::writer::{Head, ReportFile};
use charts::Charts;

/// More columns than this want a page on its side.
const NARROW: usize = 6;
/// The most sums that stand above a table; all of them are below it.
const MAX_FIGURES: usize = 8;
/// The most characters of a cell.
const MAX_TEXT: usize = 300;

pub(super) struct PdfFile {
    path: PathBuf,
    fonts: Arc<Fonts>,
    head: Head,
    wording: Wording,
    blocks: Vec<Block>,
    /// Of the section that is being written.
    table: Table,
    charts: Charts,
    currencies: BTreeSet<Currency>,
}

impl PdfFile {
    pub(super) fn new(path: PathBuf, fonts: Arc<Fonts>, head: Head) -> Self {
        Self {
            path,
            fonts,
            wording: Wording::of(&head.locale),
            head,
            blocks: Vec::new(),
            table: Table::default(),
            charts: Charts::default(),
            currencies: BTreeSet::new(),
        }
    }

    /// The paper, with what was written into it.
    fn document(self) -> Document {
        let widest = self.head.sections.iter().map(|section| shown(section).count()).max().unwrap_or(0);
        let (wording, words) = (&self.wording, self.wording.words());
        let mut facts = self.head.facts(wording);
        if !self.currencies.is_empty() {
            let codes: Vec<&str> = self.currencies.iter().map(|currency| currency.code()).collect();
            facts.push((words.amounts_in, codes.join(", ")));
        }
        Document {
            page: if widest > NARROW { Page::A4Landscape } else { Page::A4 },
            language: wording.code().to_owned(),
            title: wording.title(self.head.kind),
            words: wording.of_paper(),
            organisation: self.head.org_name,
            facts: facts.into_iter().map(|(label, text)| (label.to_owned(), text)).collect(),
            made_at: self.head.asked_at,
            blocks: self.blocks,
        }
    }
}

impl ReportFile for PdfFile {
    fn begin(&mut self, section: &Section) -> anyhow::Result<()> {
        let zone = self.head.period.zone();
        let wording = &self.wording;
        let column = |(_, column): (usize, &Column)| {
            let title = wording.heading(column, zone);
            match column.shape {
                Shape::Integer | Shape::Money | Shape::Price | Shape::Decimal | Shape::Percent => {
                    document::Column::end(title)
                }
                Shape::Text | Shape::Currency | Shape::Day | Shape::Time | Shape::Id => document::Column::start(title),
            }
        };
        self.table = Table::new(shown(section).map(column).collect());
        self.charts = Charts::of(*section, self.wording.clone());
        Ok(())
    }

    fn row(&mut self, row: &[Cell]) -> anyhow::Result<()> {
        let zone = self.head.period.zone();
        let cells = if self.table.is_full() {
            Vec::new()
        } else {
            let cells = row.iter().filter(|cell| !matches!(cell, Cell::Id(_)));
            cells.map(|cell| text(cell, zone, &self.wording)).collect()
        };
        self.table.push(Kind::Plain, cells);
        self.charts.note(row, zone);
        Ok(())
    }

    fn end(&mut self, section: &Section, sums: &[Sum]) -> anyhow::Result<()> {
        let (mut table, wording) = (std::mem::take(&mut self.table), &self.wording);
        let currencies: BTreeSet<Currency> = sums.iter().map(|sum| sum.amount.currency()).collect();
        for &currency in &currencies {
            let cell = |(place, column): (usize, &Column)| {
                let sum = sums.iter().find(|sum| sum.column == column.name && sum.amount.currency() == currency);
                match (sum, column.shape) {
                    (Some(sum), _) => wording.digits.show(&sum.amount.amount()),
                    (None, Shape::Currency) => currency.code().to_owned(),
                    (None, _) if place == 0 => wording.words().total.to_owned(),
                    (None, _) => String::new(),
                }
            };
            table.push(Kind::Total, shown(section).map(cell).collect());
        }
        self.currencies.extend(currencies);

        self.blocks.push(Block::Heading(wording.say(section.title).to_owned()));
        let figures: Vec<Figure> = sums.iter().take(MAX_FIGURES).map(|sum| figure(section, sum, wording)).collect();
        if !figures.is_empty() {
            self.blocks.push(Block::Figures(figures));
        }
        self.blocks.extend(std::mem::take(&mut self.charts).drawn().into_iter().map(Block::Chart));
        self.blocks.push(Block::Table(table));
        Ok(())
    }

    fn finish(self: Box<Self>, unwanted: &CancellationToken) -> anyhow::Result<()> {
        let (fonts, path) = (Arc::clone(&self.fonts), self.path.clone());
        let wanted = || !unwanted.is_cancelled();
        let paper = document::print_while(&fonts, &self.document(), &wanted).context("print the report")?;
        if !paper.missing.is_empty() {
            tracing::warn!(characters = ?paper.missing, "no font has these characters of a report");
        }
        std::fs::write(path, paper.bytes).context("write the PDF file")
    }
}

/// The columns that people read, with their places.
fn shown(section: &Section) -> impl Iterator<Item = (usize, &Column)> {
    section.columns.iter().enumerate().filter(|(_, column)| column.shape != Shape::Id)
}

fn figure(section: &Section, sum: &Sum, wording: &Wording) -> Figure {
    let column = section.columns.iter().find(|column| column.name == sum.column);
    Figure {
        label: column.map_or("", |column| wording.say(column.title)).to_owned(),
        value: format!("{} {}", wording.digits.show(&sum.amount.amount()), sum.amount.currency().code()),
        note: wording.rows(sum.rows),
    }
}

/// A cell as people read it: the same figure as in every format, with its thousands apart.
fn text(cell: &Cell, zone: Tz, wording: &Wording) -> String {
    let digits = &wording.digits;
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => cut(text, wording),
        Cell::Integer(number) => digits.show(&number.to_string()),
        Cell::Money(money) | Cell::Rounded(money, _) => digits.show(&money.amount()),
        Cell::Currency(currency) => currency.code().to_owned(),
        Cell::Decimal(number) | Cell::Percent(number) => digits.show(&number.text()),
        Cell::Day(day) => wording.day(*day),
        Cell::Time(at) => wording.time(*at, zone),
        Cell::Id(id) => id.to_string(),
    }
}

fn cut(text: &str, wording: &Wording) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}{}", &text[..end], wording.words().cut),
    }
}
