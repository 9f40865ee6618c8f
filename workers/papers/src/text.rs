//! Setting text: which glyphs, in which lines, from which side.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use parley::{
    Alignment, AlignmentOptions, BaseDirection, FontContext, FontFamily, FontFamilyName, FontWeight, Layout,
    LayoutContext, LineHeight, OverflowWrap, StyleProperty,
};

use crate::PaperError;
use crate::fonts::{Fonts, families, runs_leftwards};
use crate::look::Color;

/// Stands where a character is that no font has.
pub(crate) const UNKNOWN: char = '\u{FFFD}';

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// In points, as every length of this crate.
    pub(crate) size: f32,
    pub(crate) bold: bool,
    pub(crate) colour: Color,
    /// The height of a line, as a multiple of the size.
    pub(crate) leading: f32,
}

/// Towards which side lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Where reading begins in the paper's language.
    Start,
    End,
    Center,
    /// For numbers, whose digits stand below each other in every direction of reading.
    Right,
    /// Where reading begins in the text's own script: for prose.
    Own,
}

/// Text that has been set.
#[derive(Clone, Default)]
pub(crate) struct Text {
    pub(crate) lines: Vec<Line>,
    /// Of the widest line.
    pub(crate) width: f32,
    pub(crate) height: f32,
}

#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) runs: Vec<Run>,
    /// From the line's top.
    pub(crate) baseline: f32,
    pub(crate) height: f32,
}

/// Glyphs of one font in one direction, from left to right.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) font: Font,
    pub(crate) size: f32,
    pub(crate) colour: Color,
    /// From the text's left edge.
    pub(crate) x: f32,
    pub(crate) glyphs: Vec<KrillaGlyph>,
    /// What the glyphs' ranges point into.
    pub(crate) source: Arc<str>,
}

/// Sets the text of one paper.
pub(crate) struct Typesetter<'f> {
    fonts: &'f Fonts,
    context: FontContext,
    layouts: LayoutContext<()>,
    families: Vec<FontFamilyName<'static>>,
    /// Whether the paper is read from right to left.
    pub(crate) leftwards: bool,
    known: HashMap<char, bool>,
    pub(crate) missing: BTreeSet<char>,
}

impl<'f> Typesetter<'f> {
    pub(crate) fn new(fonts: &'f Fonts, language: &str) -> Self {
        Self {
            fonts,
            context: fonts.context(),
            layouts: LayoutContext::new(),
            families: families(language).map(|family| FontFamilyName::Named(Cow::Borrowed(family))).collect(),
            leftwards: runs_leftwards(language),
            known: HashMap::new(),
            missing: BTreeSet::new(),
        }
    }

    /// Sets text within a width, or in one line for each of its own lines if there is none.
    pub(crate) fn set(
        &mut self,
        text: &str,
        style: Style,
        width: Option<f32>,
        align: Align,
    ) -> Result<Text, PaperError> {
        let mut set = Text::default();
        for part in text.lines().chain(text.is_empty().then_some("")) {
            let source: Arc<str> = self.printable(part).into();
            let mut layout = self.layout(&source, style);
            layout.break_all_lines(width);
            layout.align(self.alignment(align), AlignmentOptions::default());
            let before = set.lines.len();
            for line in layout.lines() {
                let metrics = line.metrics();
                let height = style.size * style.leading;
                set.width = set.width.max(metrics.advance - metrics.hanging_advance);
                let mut x = metrics.offset;
                let mut runs = Vec::new();
                for run in line.runs() {
                    let font = run.font();
                    let font = self.fonts.written(&font.data, font.index).ok_or(PaperError::Font)?;
                    let begin = x;
                    let mut glyphs: Vec<KrillaGlyph> = Vec::new();
                    for cluster in run.visual_clusters() {
                        if cluster.is_ligature_continuation() {
                            if let Some(glyph) = glyphs.last_mut() {
                                let range = cluster.text_range();
                                // From right to left, what continues a ligature precedes it in the text.
                                glyph.text_range.start = glyph.text_range.start.min(range.start);
                                glyph.text_range.end = glyph.text_range.end.max(range.end);
                            }
                            continue;
                        }
                        for glyph in cluster.glyphs() {
                            let part = |length: f32| length / style.size;
                            glyphs.push(KrillaGlyph::new(
                                GlyphId::new(glyph.id),
                                part(glyph.advance),
                                part(glyph.x),
                                part(glyph.y),
                                0.0,
                                cluster.text_range(),
                                None,
                            ));
                            x += glyph.advance;
                        }
                    }
                    let source = Arc::clone(&source);
                    runs.push(Run { font, size: style.size, colour: style.colour, x: begin, glyphs, source });
                }
                // In the order of the text: readers that speak follow the order of drawing.
                runs.sort_by_key(|run: &Run| run.glyphs.iter().map(|glyph| glyph.text_range.start).min());
                // The same for every script, so that rows stay even.
                set.lines.push(Line { runs, baseline: style.size * (style.leading - 1.0).mul_add(0.5, 0.86), height });
                set.height += height;
            }
            // An empty cell is drawn all the same: without content its place in the table would be lost to readers that speak.
            if set.lines.len() == before {
                let height = style.size * style.leading;
                set.lines.push(Line { runs: Vec::new(), baseline: 0.0, height });
                set.height += height;
            }
        }
        Ok(set)
    }

    /// The least width (of the longest word) and the width in one line.
    pub(crate) fn widths(&mut self, text: &str, style: Style) -> (f32, f32) {
        text.lines().fold((0.0, 0.0), |(least, most): (f32, f32), part| {
            let source = self.printable(part);
            let widths = self.layout(&source, style).calculate_content_widths();
            (least.max(widths.min), most.max(widths.max))
        })
    }

    fn layout(&mut self, text: &str, style: Style) -> Layout<()> {
        let mut builder = self.layouts.ranged_builder(&mut self.context, text, 1.0, false);
        builder.push_default(StyleProperty::FontFamily(FontFamily::List(Cow::Borrowed(&self.families))));
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(style.leading)));
        // A word that is wider than its column breaks, instead of running over its neighbour.
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::BreakWord));
        if style.bold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
        }
        builder.set_base_direction(BaseDirection::Auto);
        builder.build(text)
    }

    fn alignment(&self, align: Align) -> Alignment {
        match (align, self.leftwards) {
            (Align::Start, false) | (Align::End, true) => Alignment::Left,
            (Align::Start, true) | (Align::End, false) | (Align::Right, _) => Alignment::Right,
            (Align::Center, _) => Alignment::Center,
            (Align::Own, _) => Alignment::Start,
        }
    }

    /// The text without what must not be printed, and with [`UNKNOWN`] for what cannot be.
    fn printable(&mut self, text: &str) -> String {
        text.chars()
            .filter_map(|character| match character {
                '\t' => Some(' '),
                // Overrides of the direction make text look like what it is not; variation selectors have no glyph of their own.
                '\u{202A}'..='\u{202E}' | '\u{FE00}'..='\u{FE0F}' | '\u{AD}' | '\u{FEFF}' => None,
                // Shapers need these, and they leave no mark.
                '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2069}' => Some(character),
                _ if character.is_control() => None,
                _ => Some(if self.knows(character) { character } else { UNKNOWN }),
            })
            .collect()
    }

    fn knows(&mut self, character: char) -> bool {
        let fonts = self.fonts;
        let known = *self.known.entry(character).or_insert_with(|| fonts.cover(character));
        if !known {
            self.missing.insert(character);
        }
        known
    }
}
