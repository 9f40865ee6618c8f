//! Papers made of blocks: headings, prose, figures, tables, charts.
//!
//! Amounts, dates and counts come as the text that the other formats of a report show: nothing is formatted twice. Charts alone take
//! numbers.

use chrono::{DateTime, Utc};
use krilla::tagging::Tag;

use crate::code::Code;
use crate::flow::{Flow, Foot};
use crate::fonts::Fonts;
use crate::look::{ABOVE_TITLE, ACCENT, BODY, MM, TITLE};
use crate::sheet::{About, Mark, block};
use crate::text::Align;
use crate::{Paper, PaperError, chart, code, table};

pub use crate::axis::{Digits, thousands};
pub use crate::chart::{Chart, Series, Shape};

/// The most rows that a table keeps. A reader of 40 pages of rows wants the CSV.
pub const MAX_ROWS: usize = 2_000;

/// Of a heading in one line, with what is around it.
const HEADING_HEIGHT: f32 = 36.0;

/// A paper as its blocks.
#[derive(Clone, Debug)]
pub struct Document {
    pub page: Page,
    /// BCP 47; decides the direction of the pages, and the shapes of Han characters.
    pub language: String,
    pub title: String,
    /// The organisation that the paper is of.
    pub organisation: String,
    /// Below the title, such as period, time zone, currency and when it was made: a label and a value each.
    pub facts: Vec<(String, String)>,
    /// The file's date: the same input makes the same bytes.
    pub made_at: DateTime<Utc>,
    pub blocks: Vec<Block>,
    pub words: Words,
}

/// The size of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    A4,
    A4Landscape,
    Letter,
    LetterLandscape,
}

impl Page {
    /// Width and height in points.
    #[must_use]
    pub const fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (210.0 * MM, 297.0 * MM),
            Self::A4Landscape => (297.0 * MM, 210.0 * MM),
            Self::Letter => (612.0, 792.0),
            Self::LetterLandscape => (792.0, 612.0),
        }
    }
}

/// What the paper says in words of its own, in its language.
#[derive(Clone, Debug)]
pub struct Words {
    /// With `{page}` and `{pages}`.
    pub page: String,
    /// Below a table that does not show all its rows, with `{shown}` and `{rows}`.
    pub left_out: String,
    /// In a chart without values.
    pub no_values: String,
    pub digits: Digits,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            page: "Page {page} of {pages}".to_owned(),
            left_out: "The first {shown} of {rows} rows; all are in the CSV.".to_owned(),
            no_values: "No values in this period".to_owned(),
            digits: Digits::default(),
        }
    }
}

/// One block, over the whole width of the page.
#[derive(Clone, Debug)]
pub enum Block {
    /// Also an entry of the file's table of contents.
    Heading(String),
    Paragraph(String),
    Figures(Vec<Figure>),
    /// Labels and values, three beside each other.
    Facts(Vec<(String, String)>),
    Table(Table),
    Chart(Chart),
    Code(Code),
}

/// A number that matters, in a box.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    pub label: String,
    pub value: String,
    /// Such as what changed since the period before; may be empty.
    pub note: String,
}

/// A table, which keeps [`MAX_ROWS`] rows and counts the others.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub caption: Option<String>,
    pub columns: Vec<Column>,
    rows: Vec<Row>,
    /// Plain rows that were pushed, and those of them that are kept.
    pushed: usize,
    kept: usize,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub title: String,
    pub alignment: Alignment,
}

/// Towards which side a column's cells go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alignment {
    /// Where reading begins.
    #[default]
    Start,
    /// For numbers: to the right in every language, because their digits stand below each other. Their cells are never broken between words.
    End,
    Center,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub kind: Kind,
    /// One for each column; of a group, its title alone.
    pub cells: Vec<String>,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// The title of the rows that follow.
    Group,
    Subtotal,
    Total,
}

impl Table {
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds a row. Beyond [`MAX_ROWS`] only totals are kept.
    pub fn push(&mut self, kind: Kind, cells: Vec<String>) {
        if kind == Kind::Plain {
            self.pushed += 1;
        }
        if !self.is_full() || kind == Kind::Total {
            self.kept += usize::from(kind == Kind::Plain);
            self.rows.push(Row { kind, cells });
        }
    }

    /// Whether a further plain row is only counted, whatever is in it.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
    }

    /// Says that there are more rows than were pushed, for a caller that did not read them all.
    pub fn count(&mut self, rows: usize) {
        self.pushed = self.pushed.max(rows);
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl Column {
    #[must_use]
    pub fn start(title: impl Into<String>) -> Self {
        Self { title: title.into(), alignment: Alignment::Start }
    }

    #[must_use]
    pub fn end(title: impl Into<String>) -> Self {
        Self { title: title.into(), alignment: Alignment::End }
    }
}

/// Prints the document.
pub fn print(fonts: &Fonts, document: &Document) -> Result<Paper, PaperError> {
    print_while(fonts, document, &|| true)
}

/// Prints the document as long as it is `wanted`, which is asked before each block and each row: [`PaperError::Unwanted`] otherwise.
pub fn print_while(fonts: &Fonts, document: &Document, wanted: &dyn Fn() -> bool) -> Result<Paper, PaperError> {
    let flow = Flow::new(fonts, &document.language, document.page.size(), 17.0 * MM);
    let mut flow = flow.while_wanted(wanted);
    title(&mut flow, document)?;
    for (index, block) in document.blocks.iter().enumerate() {
        flow.go_on()?;
        if let (Block::Heading(_), Some(Block::Chart(_))) = (block, document.blocks.get(index + 1)) {
            // A chart is not cut in two, and its heading stays with it.
            flow.room(chart::HEIGHT + HEADING_HEIGHT);
        }
        draw(&mut flow, block, &document.words)?;
    }
    flow.go_on()?;
    let foot = format!("{} · {}", document.organisation, document.title);
    let about = About {
        title: &document.title,
        author: &document.organisation,
        subject: "",
        language: &document.language,
        leftwards: flow.set.leftwards,
        made_at: document.made_at,
    };
    flow.finish(Some(&Foot { text: &foot, page: &document.words.page }), &about, None)
}

fn title(flow: &mut Flow<'_>, document: &Document) -> Result<(), PaperError> {
    let bar = block(flow.margin, flow.y, flow.width(), 3.0, ACCENT);
    flow.sheet.draw(Mark::Decoration, bar.into_iter().collect());
    flow.skip(12.0);
    flow.sheet.bookmark(&document.title, flow.y, true);
    flow.text(None, Tag::P, &document.organisation, ABOVE_TITLE, Align::Start)?;
    let tag = Tag::Hn(std::num::NonZeroU16::MIN, Some(document.title.clone()));
    flow.text(None, tag, &document.title, TITLE, Align::Start)?;
    flow.skip(8.0);
    if !document.facts.is_empty() {
        flow.facts(&document.facts, document.facts.len().clamp(3, 5))?;
    }
    flow.skip(4.0);
    Ok(())
}

fn draw(flow: &mut Flow<'_>, block: &Block, words: &Words) -> Result<(), PaperError> {
    match block {
        Block::Heading(text) => flow.heading(text, 2),
        Block::Paragraph(text) => {
            flow.text(None, Tag::P, text, BODY, Align::Own)?;
            flow.skip(7.0);
            Ok(())
        }
        Block::Figures(figures) => {
            let figures: Vec<_> =
                figures.iter().map(|it| (it.label.as_str(), it.value.as_str(), it.note.as_str())).collect();
            flow.figures(&figures, figures.len().clamp(2, 4))?;
            flow.skip(3.0);
            Ok(())
        }
        Block::Facts(facts) => flow.facts(facts, 3),
        Block::Table(table) => {
            table::draw(flow, table)?;
            if table.kept < table.pushed {
                let left_out = words.left_out.replace("{shown}", &words.digits.show(&table.kept.to_string()));
                flow.note(&left_out.replace("{rows}", &words.digits.show(&table.pushed.to_string())))?;
            }
            flow.skip(8.0);
            Ok(())
        }
        Block::Chart(chart) => chart::draw(flow, chart, words),
        Block::Code(code) => code::draw(flow, code),
    }
}
