//! Content that runs down a page and on to the next.

use std::num::NonZeroU16;

use krilla::embed::EmbeddedFile;
use krilla::tagging::{ListNumbering, Tag, TagKind};

use crate::fonts::Fonts;
use crate::look::{self, FIGURE, FOOTER, HEADING, LABEL, NOTE, RULE, SHADE, VALUE};
use crate::sheet::{About, Mark, Node, Pen, Sheet, block, lines, stroke};
use crate::text::{Align, Style, Text, Typesetter};
use crate::{Paper, PaperError};

/// The cursor: everything is placed at `y` and moves it down.
pub(crate) struct Flow<'f> {
    pub(crate) set: Typesetter<'f>,
    pub(crate) sheet: Sheet,
    /// Distances from the edges of the page.
    pub(crate) margin: f32,
    pub(crate) y: f32,
    /// Where content ends; the footer is below.
    bottom: f32,
    /// Whether somebody still waits for the paper.
    wanted: &'f dyn Fn() -> bool,
}

/// What stands at the foot of every page.
#[derive(Clone, Debug)]
pub(crate) struct Foot<'a> {
    pub(crate) text: &'a str,
    /// With `{page}` and `{pages}`.
    pub(crate) page: &'a str,
}

impl<'f> Flow<'f> {
    pub(crate) fn new(fonts: &'f Fonts, language: &str, (width, height): (f32, f32), margin: f32) -> Self {
        Self {
            set: Typesetter::new(fonts, language),
            sheet: Sheet::new(width, height),
            margin,
            y: margin,
            bottom: height - margin - 16.0,
            wanted: &|| true,
        }
    }

    /// With something that says whether somebody still waits for the paper.
    pub(crate) fn while_wanted(self, wanted: &'f dyn Fn() -> bool) -> Self {
        Self { wanted, ..self }
    }

    /// Fails when nobody waits for the paper any more: asked before each block and each row.
    pub(crate) fn go_on(&self) -> Result<(), PaperError> {
        if (self.wanted)() { Ok(()) } else { Err(PaperError::Unwanted) }
    }

    pub(crate) fn width(&self) -> f32 {
        self.sheet.width() - 2.0 * self.margin
    }

    /// The left edge of something that begins so far from where reading begins.
    pub(crate) fn x(&self, start: f32, width: f32) -> f32 {
        if self.set.leftwards { self.sheet.width() - self.margin - start - width } else { self.margin + start }
    }

    /// How much of the page is left.
    pub(crate) fn left(&self) -> f32 {
        self.bottom - self.y
    }

    /// The height of a page's content.
    pub(crate) fn page_height(&self) -> f32 {
        self.bottom - self.margin
    }

    pub(crate) fn add_page(&mut self) {
        self.sheet.add_page();
        self.y = self.margin;
    }

    /// Goes on to the next page unless so much is left of this one. What is taller than a page begins where it is.
    pub(crate) fn room(&mut self, height: f32) {
        if self.left() < height && self.y > self.margin && height <= self.page_height() {
            self.add_page();
        }
    }

    pub(crate) fn skip(&mut self, height: f32) {
        self.y += height;
    }

    /// Text over the whole width, on as many pages as it takes.
    pub(crate) fn text(
        &mut self,
        parent: Option<Node>,
        tag: impl Into<TagKind>,
        text: &str,
        style: Style,
        align: Align,
    ) -> Result<(), PaperError> {
        let set = self.set.set(text, style, Some(self.width()), align)?;
        let node = self.sheet.element(parent, tag);
        self.run(node, set);
        Ok(())
    }

    /// Lines that have been set over the whole width.
    pub(crate) fn run(&mut self, node: Node, text: Text) {
        for line in text.lines {
            if self.left() < line.height {
                self.add_page();
            }
            let (x, height) = (self.margin, line.height);
            let one = Text { lines: vec![line], width: 0.0, height };
            self.sheet.draw(Mark::Of(node), lines(one, x, self.y));
            self.y += height;
        }
    }

    /// Text in a column of the page, whose height it answers; the cursor stays.
    pub(crate) fn put(&mut self, node: Node, text: Text, x: f32, top: f32) -> f32 {
        let height = text.height;
        self.sheet.draw(Mark::Of(node), lines(text, x, top));
        height
    }

    pub(crate) fn heading(&mut self, text: &str, level: u16) -> Result<(), PaperError> {
        // PDF/UA has no heading without a text.
        if text.trim().is_empty() {
            return Ok(());
        }
        // With the first lines of what it is about.
        self.room(HEADING.size * 2.0 + 60.0);
        self.skip(if self.y > self.margin { 14.0 } else { 0.0 });
        self.sheet.bookmark(text, self.y, false);
        self.text(
            None,
            Tag::Hn(NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN), Some(text.to_owned())),
            text,
            HEADING,
            Align::Own,
        )?;
        self.skip(5.0);
        Ok(())
    }

    pub(crate) fn rule(&mut self) {
        let (from, to) = (self.margin, self.margin + self.width());
        let rule = stroke(&[(from, self.y), (to, self.y)], Pen::new(RULE, 0.6));
        self.sheet.draw(Mark::Decoration, rule.into_iter().collect());
    }

    /// Labels above their values, so many beside each other.
    pub(crate) fn facts(&mut self, facts: &[(String, String)], columns: usize) -> Result<(), PaperError> {
        let list = self.sheet.element(None, Tag::L(ListNumbering::None));
        let gap = 14.0;
        let width = (self.width() + gap) / cast(columns.max(1)) - gap;
        for row in facts.chunks(columns.max(1)) {
            let mut set = Vec::with_capacity(row.len());
            for (label, value) in row {
                let label = self.set.set(label, LABEL, Some(width), Align::Start)?;
                set.push((label, self.set.set(value, VALUE, Some(width), Align::Start)?));
            }
            let height = set.iter().map(|(label, value)| label.height + value.height).fold(0.0, f32::max);
            self.room(height);
            for (column, (label, value)) in set.into_iter().enumerate() {
                let x = self.x(cast(column) * (width + gap), width);
                let item = self.sheet.element(Some(list), Tag::LI);
                let (name, body) =
                    (self.sheet.element(Some(item), Tag::Lbl), self.sheet.element(Some(item), Tag::LBody));
                let below = self.put(name, label, x, self.y);
                self.put(body, value, x, self.y + below);
            }
            self.skip(height + 7.0);
        }
        Ok(())
    }

    /// Large figures in boxes, so many beside each other. Each has a label, a value and a note, which may be empty.
    pub(crate) fn figures(&mut self, figures: &[(&str, &str, &str)], columns: usize) -> Result<(), PaperError> {
        let list = self.sheet.element(None, Tag::L(ListNumbering::None));
        let (gap, pad) = (9.0, 9.0);
        let width = (self.width() + gap) / cast(columns.max(1)) - gap;
        let inside = width - 2.0 * pad;
        for row in figures.chunks(columns.max(1)) {
            let mut set = Vec::with_capacity(row.len());
            for (label, value, note) in row {
                let label = self.set.set(label, LABEL, Some(inside), Align::Start)?;
                let style = self.fitting(value, FIGURE, inside);
                let value = self.set.set(value, style, Some(inside), Align::Start)?;
                let note = if note.is_empty() {
                    Text::default()
                } else {
                    self.set.set(note, LABEL, Some(inside), Align::Start)?
                };
                set.push((label, value, note));
            }
            let height =
                set.iter().map(|(label, value, note)| label.height + value.height + note.height).fold(0.0, f32::max);
            let height = height + 2.0 * pad;
            self.room(height);
            for (column, (label, value, note)) in set.into_iter().enumerate() {
                let x = self.x(cast(column) * (width + gap), width);
                let edge = if self.set.leftwards { x + width - 2.5 } else { x };
                let boxed = [block(x, self.y, width, height, SHADE), block(edge, self.y, 2.5, height, look::ACCENT)];
                self.sheet.draw(Mark::Decoration, boxed.into_iter().flatten().collect());
                let item = self.sheet.element(Some(list), Tag::LI);
                let (name, body) =
                    (self.sheet.element(Some(item), Tag::Lbl), self.sheet.element(Some(item), Tag::LBody));
                let mut y = self.y + pad;
                y += self.put(name, label, x + pad, y);
                y += self.put(body, value, x + pad, y);
                self.put(body, note, x + pad, y);
            }
            self.skip(height + gap);
        }
        Ok(())
    }

    /// The style, smaller where a figure would otherwise break in two.
    pub(crate) fn fitting(&mut self, text: &str, style: Style, width: f32) -> Style {
        let (_, whole) = self.set.widths(text, style);
        // A little less than what would fit exactly, which rounding would break.
        let size = if whole > width { style.size * 0.99 * width / whole } else { style.size };
        Style { size: size.max(style.size * 0.6), ..style }
    }

    /// Writes the footers, now that the pages are known, and the file.
    pub(crate) fn finish(
        mut self,
        foot: Option<&Foot<'_>>,
        about: &About<'_>,
        attached: Option<EmbeddedFile>,
    ) -> Result<Paper, PaperError> {
        let pages = self.sheet.pages();
        if let Some(foot) = foot {
            let top = self.sheet.height() - self.margin - 4.0;
            let (width, left) = (self.width(), self.margin);
            for page in 0..pages {
                let number =
                    foot.page.replace("{page}", &(page + 1).to_string()).replace("{pages}", &pages.to_string());
                let number = self.set.set(&number, FOOTER, Some(width), Align::End)?;
                let text = self.set.set(foot.text, FOOTER, Some(width - number.width - 20.0), Align::Start)?;
                let rule = stroke(&[(left, top - 5.0), (left + width, top - 5.0)], Pen::new(RULE, 0.5));
                let start = if self.set.leftwards { left + number.width + 20.0 } else { left };
                let one = Text { lines: text.lines.into_iter().take(1).collect(), ..Text::default() };
                let mut ink: Vec<_> = rule.into_iter().collect();
                ink.extend(lines(one, start, top));
                ink.extend(lines(number, left, top));
                self.sheet.draw_on(page, Mark::Footer, ink);
            }
        }
        let missing = self.set.missing.iter().copied().collect();
        Ok(Paper { bytes: self.sheet.write(about, attached)?, pages, missing })
    }

    /// A quiet remark below something.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), PaperError> {
        self.text(None, Tag::P, text, NOTE, Align::Own)
    }
}

/// A count as a length.
pub(crate) fn cast(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}
