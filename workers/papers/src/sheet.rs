//! Pages before they are written: what is drawn where, and what each piece of it means.
//!
//! They are kept until the last one is known, because each says how many there are.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::embed::EmbeddedFile;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{self, Metadata, TextDirection};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, LineCap, LineJoin, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node as TagNode, SpanTag, TagGroup, TagKind, TagTree,
};
use krilla::{Document, SerializeSettings};

use crate::PaperError;
use crate::look::Color;
use crate::text::{Line, Text};

/// A place in the tree of what the paper means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(usize);

/// What a piece is to somebody who cannot see it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    Of(Node),
    /// Nothing: rules, shades, what is repeated on each page.
    Decoration,
    Repeated,
    Footer,
}

/// How a path is stroked.
#[derive(Clone, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: Color,
    pub(crate) width: f32,
    /// Lengths of strokes and gaps; nothing for a whole line.
    pub(crate) dash: Vec<f32>,
}

impl Pen {
    pub(crate) fn new(colour: Color, width: f32) -> Self {
        Self { colour, width, dash: Vec::new() }
    }
}

/// Something drawn.
pub(crate) enum Ink {
    Line { x: f32, top: f32, line: Line },
    Path { path: Path, fill: Option<Color>, pen: Option<Pen> },
}

struct Piece {
    mark: Mark,
    ink: Vec<Ink>,
}

enum Child {
    Node(Node),
    Drawn(Identifier),
}

struct Entry {
    tag: TagKind,
    children: Vec<Child>,
}

struct Bookmark {
    title: String,
    page: usize,
    y: f32,
    chapter: bool,
}

/// What the file says about itself.
#[derive(Clone, Debug)]
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    pub(crate) author: &'a str,
    pub(crate) subject: &'a str,
    /// BCP 47.
    pub(crate) language: &'a str,
    pub(crate) leftwards: bool,
    pub(crate) made_at: DateTime<Utc>,
}

/// The pages of a paper.
pub(crate) struct Sheet {
    width: f32,
    height: f32,
    pages: Vec<Vec<Piece>>,
    tree: Vec<Entry>,
    roots: Vec<Node>,
    bookmarks: Vec<Bookmark>,
}

impl Sheet {
    /// One empty page.
    pub(crate) fn new(width: f32, height: f32) -> Self {
        Self { width, height, pages: vec![Vec::new()], tree: Vec::new(), roots: Vec::new(), bookmarks: Vec::new() }
    }

    pub(crate) fn width(&self) -> f32 {
        self.width
    }

    pub(crate) fn height(&self) -> f32 {
        self.height
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn add_page(&mut self) {
        self.pages.push(Vec::new());
    }

    /// A new element after those that its parent has; without a parent, of the document itself.
    pub(crate) fn element(&mut self, parent: Option<Node>, tag: impl Into<TagKind>) -> Node {
        let node = Node(self.tree.len());
        self.tree.push(Entry { tag: tag.into(), children: Vec::new() });
        match parent {
            Some(Node(parent)) => self.tree[parent].children.push(Child::Node(node)),
            None => self.roots.push(node),
        }
        node
    }

    /// Draws on the last page.
    pub(crate) fn draw(&mut self, mark: Mark, ink: Vec<Ink>) {
        let last = self.pages.len() - 1;
        self.draw_on(last, mark, ink);
    }

    pub(crate) fn draw_on(&mut self, page: usize, mark: Mark, ink: Vec<Ink>) {
        if !ink.is_empty()
            && let Some(page) = self.pages.get_mut(page)
        {
            page.push(Piece { mark, ink });
        }
    }

    /// An entry of the reader's table of contents, for a place on the last page.
    pub(crate) fn bookmark(&mut self, title: &str, y: f32, chapter: bool) {
        self.bookmarks.push(Bookmark { title: title.to_owned(), page: self.pages.len() - 1, y, chapter });
    }

    /// Writes the file. What is attached belongs to it as another form of the same content.
    pub(crate) fn write(mut self, about: &About<'_>, attached: Option<EmbeddedFile>) -> Result<Vec<u8>, PaperError> {
        let refused = |what: &str| PaperError::Write(what.to_owned());
        let configuration = ConfigurationBuilder::new()
            .with_archival_validator(Archival::A3_B)
            .with_accessibility_validator(Accessibility::UA1)
            .finish()
            .map_err(|_| refused("the standards contradict each other"))?;
        let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
        for pieces in std::mem::take(&mut self.pages) {
            let settings = PageSettings::from_wh(self.width, self.height).ok_or(PaperError::Shape("the page"))?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            for piece in pieces {
                let id = surface.start_tagged(match piece.mark {
                    Mark::Of(_) => ContentTag::Span(SpanTag::empty()),
                    Mark::Decoration => artifact(ArtifactType::Layout),
                    Mark::Repeated => artifact(ArtifactType::PaginationOther),
                    Mark::Footer => artifact(ArtifactType::Footer),
                });
                for ink in &piece.ink {
                    draw(&mut surface, ink);
                }
                surface.end_tagged();
                if let Mark::Of(Node(node)) = piece.mark {
                    self.tree[node].children.push(Child::Drawn(id));
                }
            }
            surface.finish();
            page.finish();
        }
        document.set_metadata(describe(about));
        document.set_outline(outline(&self.bookmarks));
        document.set_tag_tree(self.tags(about.language));
        if let Some(file) = attached {
            document.embed_file(file).ok_or_else(|| refused("the file is attached already"))?;
        }
        document.finish().map_err(|error| PaperError::Write(format!("{error:?}")))
    }

    fn tags(&mut self, language: &str) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
        for root in std::mem::take(&mut self.roots) {
            tree.push(group(&mut self.tree, root));
        }
        tree
    }
}

/// An element with all that is below it. Elements nest five deep at most.
fn group(tree: &mut [Entry], Node(node): Node) -> TagGroup {
    let children = std::mem::take(&mut tree[node].children);
    let children = children
        .into_iter()
        .map(|child| match child {
            Child::Node(node) => TagNode::Group(group(tree, node)),
            Child::Drawn(id) => TagNode::Leaf(id),
        })
        .collect();
    TagGroup::with_children(tree[node].tag.clone(), children)
}

fn artifact(kind: ArtifactType) -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(kind))
}

fn draw(surface: &mut Surface<'_>, ink: &Ink) {
    let fill = |colour: Color| Fill { paint: colour.into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero };
    match ink {
        Ink::Line { x, top, line } => {
            surface.set_stroke(None);
            for run in &line.runs {
                surface.set_fill(Some(fill(run.colour)));
                let start = Point::from_xy(x + run.x, top + line.baseline);
                surface.draw_glyphs(start, &run.glyphs, run.font.clone(), &run.source, run.size, false);
            }
        }
        Ink::Path { path, fill: inside, pen } => {
            surface.set_fill(inside.map(fill));
            surface.set_stroke(pen.as_ref().map(|pen| Stroke {
                paint: pen.colour.into(),
                width: pen.width,
                line_cap: if pen.dash.is_empty() { LineCap::Round } else { LineCap::Butt },
                line_join: LineJoin::Round,
                dash: (!pen.dash.is_empty()).then(|| StrokeDash { array: pen.dash.clone(), offset: 0.0 }),
                ..Stroke::default()
            }));
            surface.draw_path(path);
        }
    }
}

fn describe(about: &About<'_>) -> Metadata {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    let at = about.made_at;
    let date = metadata::DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(about.title.to_owned())
        .authors(vec![about.author.to_owned()])
        .description(about.subject.to_owned())
        .language(about.language.to_owned())
        .creator("Tradeyard".to_owned())
        .producer("Tradeyard".to_owned())
        .creation_date(date)
        .text_direction(if about.leftwards { TextDirection::RightToLeft } else { TextDirection::LeftToRight })
}

fn outline(bookmarks: &[Bookmark]) -> Outline {
    let mut outline = Outline::new();
    let mut chapter: Option<OutlineNode> = None;
    for bookmark in bookmarks {
        let place = XyzDestination::new(bookmark.page, Point::from_xy(0.0, bookmark.y));
        let node = OutlineNode::new(bookmark.title.clone(), place).with_open(true);
        match &mut chapter {
            Some(chapter) if !bookmark.chapter => chapter.push_child(node),
            _ => {
                if let Some(finished) = chapter.replace(node) {
                    outline.push_child(finished);
                }
            }
        }
    }
    if let Some(last) = chapter {
        outline.push_child(last);
    }
    outline
}

/// Lines of text with their top left corner at a place.
pub(crate) fn lines(text: Text, x: f32, top: f32) -> Vec<Ink> {
    let mut y = top;
    let place = |line: Line| {
        let top = y;
        y += line.height;
        Ink::Line { x, top, line }
    };
    text.lines.into_iter().map(place).collect()
}

/// A filled rectangle; nothing where it has no area.
pub(crate) fn block(x: f32, y: f32, width: f32, height: f32, fill: Color) -> Option<Ink> {
    rectangle(x, y, width, height).map(|path| Ink::Path { path, fill: Some(fill), pen: None })
}

pub(crate) fn frame(x: f32, y: f32, width: f32, height: f32, pen: Pen) -> Option<Ink> {
    rectangle(x, y, width, height).map(|path| Ink::Path { path, fill: None, pen: Some(pen) })
}

pub(crate) fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    let mut builder = PathBuilder::new();
    builder.push_rect(Rect::from_xywh(x, y, width, height).filter(|_| width > 0.0 && height > 0.0)?);
    builder.finish()
}

/// A line through the points.
pub(crate) fn stroke(points: &[(f32, f32)], pen: Pen) -> Option<Ink> {
    polygon(points, false).map(|path| Ink::Path { path, fill: None, pen: Some(pen) })
}

pub(crate) fn polygon(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let (&(x, y), rest) = points.split_first()?;
    let mut builder = PathBuilder::new();
    builder.move_to(x, y);
    for &(x, y) in rest {
        builder.line_to(x, y);
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

/// A circle of four curves.
pub(crate) fn circle(x: f32, y: f32, radius: f32) -> Option<Path> {
    let bend = radius * 0.552_284_8;
    let mut builder = PathBuilder::new();
    builder.move_to(x + radius, y);
    builder.cubic_to(x + radius, y + bend, x + bend, y + radius, x, y + radius);
    builder.cubic_to(x - bend, y + radius, x - radius, y + bend, x - radius, y);
    builder.cubic_to(x - radius, y - bend, x - bend, y - radius, x, y - radius);
    builder.cubic_to(x + bend, y - radius, x + radius, y - bend, x + radius, y);
    builder.close();
    builder.finish()
}
