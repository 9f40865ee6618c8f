//! Tables: widths by content, a header on each page, rows that stay whole.

use std::num::NonZeroU32;

use krilla::tagging::{TableHeaderScope, Tag, TagKind};

use crate::PaperError;
use crate::document::{Alignment, Kind, Row, Table};
use crate::flow::{Flow, cast};
use crate::look::{ACCENT, INK, NOTE, QUIET, RULE, SHADE};
use crate::sheet::{Mark, Node, Pen, block, lines, stroke};
use crate::text::{Align, Style, Text};

const PAD: f32 = 5.0;
const ABOVE: f32 = 2.6;
/// Text is set in the first of these sizes in which no word of the table has to be broken.
const SIZES: [f32; 4] = [8.5, 7.8, 7.0, 6.2];
/// How many texts of a column are measured: its longest ones by characters.
const MEASURED: usize = 24;

struct Column {
    /// From where reading begins.
    start: f32,
    width: f32,
    align: Align,
}

/// Draws the table at the cursor.
pub(crate) fn draw(flow: &mut Flow<'_>, table: &Table) -> Result<(), PaperError> {
    let (columns, size) = columns(flow, table);
    let head = Style { size: size * 0.94, bold: true, colour: QUIET, leading: 1.25 };
    let plain = Style { size, bold: false, colour: INK, leading: 1.3 };
    let node = flow.sheet.element(None, Tag::Table);
    if let Some(caption) = &table.caption {
        flow.room(60.0);
        flow.text(Some(node), Tag::Caption, caption, NOTE, Align::Own)?;
        flow.skip(3.0);
    }
    let thead = flow.sheet.element(Some(node), Tag::THead);
    let row = flow.sheet.element(Some(thead), Tag::TR);
    let cells: Vec<Node> =
        columns.iter().map(|_| flow.sheet.element(Some(row), Tag::TH(TableHeaderScope::Column))).collect();
    let titles: Vec<&str> = table.columns.iter().map(|column| column.title.as_str()).collect();
    let header = set(flow, &titles, &columns, head)?;
    let header_height = height(&header) + 2.0 * ABOVE;
    flow.room(header_height + 3.0 * size);
    draw_header(flow, &header, &columns, header_height, |column| Mark::Of(cells[column]));

    let body = flow.sheet.element(Some(node), Tag::TBody);
    let mut striped = false;
    for row in table.rows() {
        flow.go_on()?;
        striped = !striped && row.kind == Kind::Plain;
        let style = if row.kind == Kind::Plain { plain } else { Style { bold: true, ..plain } };
        let tr = flow.sheet.element(Some(body), Tag::TR);
        let placed = cells_of(row, &columns);
        let texts = placed
            .iter()
            .map(|(text, cell)| flow.set.set(text, style, Some(cell.width - 2.0 * PAD), cell.align))
            .collect::<Result<Vec<_>, _>>()?;
        let nodes: Vec<Node> = placed.iter().map(|(_, cell)| flow.sheet.element(Some(tr), cell.tag.clone())).collect();
        let whole = height(&texts) + 2.0 * ABOVE;
        // A row goes to the next page as a whole, unless no page could hold it: then it is continued there, line by line.
        let fits_a_page = whole <= flow.page_height() - header_height;
        // A title does not stay behind without the rows that it is of.
        let wanted = if row.kind == Kind::Group { whole * 3.0 } else { whole };
        if wanted > flow.left() && (fits_a_page || flow.left() < 5.0 * size) {
            next_page(flow, &header, &columns, header_height);
        }
        let mut texts: Vec<_> = texts.into_iter().map(|text| text.lines.into_iter().peekable()).collect();
        let mut pages = 0;
        loop {
            let room = flow.left() - 2.0 * ABOVE;
            let mut taken = Vec::with_capacity(texts.len());
            for lines in &mut texts {
                let mut part = Text::default();
                while let Some(line) = lines.next_if(|line| part.height + line.height <= room) {
                    part.height += line.height;
                    part.lines.push(line);
                }
                taken.push(part);
            }
            if pages > 0 && taken.iter().all(|part| part.lines.is_empty()) {
                return Err(PaperError::Shape("a table's header, as tall as the page,"));
            }
            pages += 1;
            let tall = height(&taken) + 2.0 * ABOVE;
            decorate(flow, row.kind, striped, tall);
            for ((part, (_, cell)), &node) in taken.into_iter().zip(&placed).zip(&nodes) {
                let x = flow.x(cell.start, cell.width) + PAD;
                let ink = lines(part, x, flow.y + ABOVE);
                flow.sheet.draw(Mark::Of(node), ink);
            }
            flow.skip(tall);
            if texts.iter_mut().all(|lines| lines.peek().is_none()) {
                break;
            }
            next_page(flow, &header, &columns, header_height);
        }
    }
    flow.rule();
    flow.skip(4.0);
    Ok(())
}

/// A cell: where, and what it is.
struct Cell {
    start: f32,
    width: f32,
    align: Align,
    tag: TagKind,
}

/// The row's texts with their cells. A group's title is a header over the whole width; missing cells are empty.
fn cells_of<'r>(row: &'r Row, columns: &[Column]) -> Vec<(&'r str, Cell)> {
    let full = columns.last().map_or(0.0, |last| last.start + last.width);
    if row.kind == Kind::Group {
        let span = NonZeroU32::new(u32::try_from(columns.len()).unwrap_or(1));
        let tag = Tag::TH(TableHeaderScope::Row).with_col_span(span).into();
        let title = row.cells.first().map_or("", String::as_str);
        return vec![(title, Cell { start: 0.0, width: full, align: Align::Start, tag })];
    }
    let cell = |(index, column): (usize, &Column)| {
        let tag: TagKind =
            if row.kind != Kind::Plain && index == 0 { Tag::TH(TableHeaderScope::Row).into() } else { Tag::TD.into() };
        let text = row.cells.get(index).map_or("", String::as_str);
        (text, Cell { start: column.start, width: column.width, align: column.align, tag })
    };
    columns.iter().enumerate().map(cell).collect()
}

fn set(flow: &mut Flow<'_>, texts: &[&str], columns: &[Column], style: Style) -> Result<Vec<Text>, PaperError> {
    let set =
        |(text, column): (&&str, &Column)| flow.set.set(text, style, Some(column.width - 2.0 * PAD), column.align);
    texts.iter().zip(columns).map(set).collect()
}

fn height(texts: &[Text]) -> f32 {
    texts.iter().map(|text| text.height).fold(0.0, f32::max)
}

fn next_page(flow: &mut Flow<'_>, header: &[Text], columns: &[Column], header_height: f32) {
    flow.rule();
    flow.add_page();
    draw_header(flow, header, columns, header_height, |_| Mark::Repeated);
}

fn draw_header(flow: &mut Flow<'_>, header: &[Text], columns: &[Column], tall: f32, mark: impl Fn(usize) -> Mark) {
    for (index, (text, column)) in header.iter().zip(columns).enumerate() {
        // Short titles stand beside the last line of long ones.
        let top = flow.y + tall - ABOVE - text.height;
        let ink = lines(text.clone(), flow.x(column.start, column.width) + PAD, top);
        flow.sheet.draw(mark(index), ink);
    }
    flow.skip(tall);
    let (from, to) = (flow.margin, flow.margin + flow.width());
    // Above the shade of the first row.
    let y = flow.y - 0.6;
    let rule = stroke(&[(from, y), (to, y)], Pen::new(ACCENT, 1.0));
    flow.sheet.draw(Mark::Decoration, rule.into_iter().collect());
}

fn decorate(flow: &mut Flow<'_>, kind: Kind, striped: bool, tall: f32) {
    let (x, y, width) = (flow.margin, flow.y, flow.width());
    let line = |y: f32, pen: Pen| stroke(&[(x, y), (x + width, y)], pen);
    let ink = match kind {
        Kind::Plain if striped => vec![block(x, y, width, tall, SHADE)],
        Kind::Plain => Vec::new(),
        Kind::Group => vec![line(y, Pen::new(RULE, 0.5))],
        Kind::Subtotal => vec![line(y, Pen::new(RULE, 0.8))],
        Kind::Total => vec![block(x, y, width, tall, SHADE), line(y, Pen::new(INK, 0.9))],
    };
    flow.sheet.draw(Mark::Decoration, ink.into_iter().flatten().collect());
}

/// Where the columns stand, and the size of the text.
fn columns(flow: &mut Flow<'_>, table: &Table) -> (Vec<Column>, f32) {
    let full = flow.width();
    let mut size = SIZES[SIZES.len() - 1];
    let mut measures = Vec::new();
    for candidate in SIZES {
        measures = (0..table.columns.len()).map(|column| measure(flow, table, column, candidate)).collect();
        let least: f32 = measures.iter().map(|(least, _)| least).sum();
        if least <= full {
            size = candidate;
            break;
        }
    }
    let mut start = 0.0;
    let place = |(width, column): (f32, &crate::document::Column)| {
        let align = match column.alignment {
            Alignment::Start => Align::Start,
            Alignment::End => Align::Right,
            Alignment::Center => Align::Center,
        };
        let placed = Column { start, width, align };
        start += width;
        placed
    };
    (shares(&measures, full).into_iter().zip(&table.columns).map(place).collect(), size)
}

/// The least and the wished-for width of a column, with its padding.
fn measure(flow: &mut Flow<'_>, table: &Table, column: usize, size: f32) -> (f32, f32) {
    let bold = Style { size, bold: true, colour: INK, leading: 1.3 };
    let mut texts: Vec<&str> = table
        .rows()
        .iter()
        .filter(|row| row.kind != Kind::Group)
        .filter_map(|row| row.cells.get(column).map(String::as_str))
        .collect();
    texts.sort_by_cached_key(|text| (std::cmp::Reverse(text.chars().count()), *text));
    texts.dedup();
    texts.truncate(MEASURED);
    // A bold cell is the widest that there can be; a title may break between its words.
    let (mut least, mut most) = flow.set.widths(&table.columns[column].title, bold);
    most = most.min(least.max(40.0));
    for text in texts {
        let (word, whole) = flow.set.widths(text, bold);
        // Amounts and dates stay in one line; a word as long as a third of the page may break.
        let word = if table.columns[column].alignment == Alignment::End { whole } else { word };
        least = least.max(word.min(flow.width() / 3.0));
        most = most.max(whole);
    }
    (least + 2.0 * PAD + 0.5, most.max(least) + 2.0 * PAD + 0.5)
}

/// Widths that come to `full`: each column as wide as it wishes, and the rest in proportion to that; or, where that is too much, at
/// least its longest word, and of the rest in proportion to what it lacks.
pub(crate) fn shares(measures: &[(f32, f32)], full: f32) -> Vec<f32> {
    let least: f32 = measures.iter().map(|(least, _)| least).sum();
    let most: f32 = measures.iter().map(|(_, most)| most).sum();
    if measures.is_empty() {
        Vec::new()
    } else if most <= full {
        let spare = (full - most) / cast(measures.len());
        measures.iter().map(|(_, most)| most + spare).collect()
    } else if least <= full {
        let part = (full - least) / (most - least).max(f32::EPSILON);
        measures.iter().map(|(least, most)| least + (most - least) * part).collect()
    } else {
        measures.iter().map(|(width, _)| width * full / least).collect()
    }
}
