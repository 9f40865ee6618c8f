//! Codes that scanners read, drawn as vectors.

use krilla::geom::{PathBuilder, Rect};
use krilla::tagging::{BBox, Tag};
use qrcode::bits::Bits;
use qrcode::types::{QrError, QrResult};
use qrcode::{EcLevel, QrCode, Version};

use crate::PaperError;
use crate::flow::{Flow, cast};
use crate::look::{BLACK, TICK, WHITE};
use crate::sheet::{Ink, Mark, Node, block};
use crate::text::Align;

/// A code with the text that it holds.
#[derive(Clone, Debug)]
pub struct Code {
    pub symbology: Symbology,
    pub text: String,
    /// What the code is, for those who hear the paper, such as "QR code of the release pass".
    pub alternative: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbology {
    /// ISO/IEC 15417: printable ASCII, at most [`MAX_BARS`] characters.
    Code128,
    /// ISO/IEC 18004, error correction M: any text, at most [`MAX_SQUARES`] bytes.
    Qr,
}

/// The longest text of bars that a label of 10 cm can show in a size that scanners read.
pub const MAX_BARS: usize = 40;
/// The longest text of a QR code that is read at the size of a stamp.
pub const MAX_SQUARES: usize = 600;

/// A rectangle on the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// Draws the code in the middle of the page's width, at the cursor.
pub(crate) fn draw(flow: &mut Flow<'_>, code: &Code) -> Result<(), PaperError> {
    let (width, height) = match code.symbology {
        Symbology::Code128 => (260.0_f32.min(flow.width()), 58.0),
        Symbology::Qr => (120.0, 120.0),
    };
    flow.room(height + 30.0);
    let place = Place { x: flow.x((flow.width() - width) / 2.0, width), y: flow.y, width, height };
    place_in(flow, None, code, place)?;
    flow.skip(height + 2.0);
    let text = flow.set.set(&code.text, TICK, Some(flow.width()), Align::Center)?;
    let node = flow.sheet.element(None, Tag::P);
    flow.run(node, text);
    flow.skip(8.0);
    Ok(())
}

/// Draws the code into the place, with the quiet zone that its standard asks for inside of it.
pub(crate) fn place_in(flow: &mut Flow<'_>, parent: Option<Node>, code: &Code, place: Place) -> Result<(), PaperError> {
    let dark = match code.symbology {
        Symbology::Code128 => bars(&code.text, place)?,
        Symbology::Qr => squares(&code.text, place)?,
    };
    let mut builder = PathBuilder::new();
    for area in dark {
        builder.push_rect(Rect::from_xywh(area.x, area.y, area.width, area.height).ok_or(PaperError::Shape("a code"))?);
    }
    let path = builder.finish().ok_or_else(|| PaperError::Code("it is empty".to_owned()))?;
    let bounds = Rect::from_xywh(place.x, place.y, place.width, place.height).ok_or(PaperError::Shape("a code"))?;
    let page = flow.sheet.pages() - 1;
    let tag = Tag::Figure(Some(code.alternative.clone())).with_bbox(Some(BBox::new(page, bounds)));
    let figure = flow.sheet.element(parent, tag);
    let mut ink: Vec<Ink> = block(place.x, place.y, place.width, place.height, WHITE).into_iter().collect();
    // One path: no hairlines between neighbours.
    ink.push(Ink::Path { path, fill: Some(BLACK), pen: None });
    flow.sheet.draw(Mark::Of(figure), ink);
    Ok(())
}

fn bars(text: &str, place: Place) -> Result<Vec<Place>, PaperError> {
    let printable = |byte: u8| (0x20..0x7F).contains(&byte);
    if text.is_empty() || text.len() > MAX_BARS || !text.bytes().all(printable) {
        return Err(PaperError::Code(format!("Code 128 takes 1 to {MAX_BARS} characters of printable ASCII")));
    }
    let code = code128::Code128::encode(text.as_bytes());
    let bars: Vec<code128::BarCoordinate> = code.bar_coordinates().collect();
    let modules = |count: u32| cast(usize::try_from(count).unwrap_or(usize::MAX));
    // The first bar is at 10: as many modules of quiet are on either side.
    let end = bars.last().map_or(0.0, |last| modules(last.x) + modules(last.width.into()) + 10.0);
    let module = place.width / end.max(1.0);
    let area = |bar: &code128::BarCoordinate| Place {
        x: place.x + module * modules(bar.x),
        y: place.y,
        width: module * modules(bar.width.into()),
        height: place.height,
    };
    Ok(bars.iter().map(area).collect())
}

fn squares(text: &str, place: Place) -> Result<Vec<Place>, PaperError> {
    if text.is_empty() || text.len() > MAX_SQUARES {
        return Err(PaperError::Code(format!("a QR code takes 1 to {MAX_SQUARES} bytes")));
    }
    let code = encode(text).map_err(|error| PaperError::Code(error.to_string()))?;
    let side = code.width();
    let colours = code.to_colors();
    // Four modules of quiet all around.
    let module = place.width.min(place.height) / cast(side + 8);
    let mut areas = Vec::new();
    for (row, modules) in colours.chunks(side).enumerate() {
        let mut column = 0;
        while column < side {
            let run = modules[column..].iter().take_while(|it| **it == modules[column]).count();
            if modules[column] == qrcode::Color::Dark {
                let (x, y) = (place.x + module * cast(column + 4), place.y + module * cast(row + 4));
                areas.push(Place { x, y, width: module * cast(run), height: module });
            }
            column += run;
        }
    }
    Ok(areas)
}

/// Scanners guess how what is not ASCII is encoded unless the code says so: designator 26 is UTF-8.
fn encode(text: &str) -> QrResult<QrCode> {
    if text.is_ascii() {
        return QrCode::with_error_correction_level(text, EcLevel::M);
    }
    let filled = |version: i16| {
        let mut bits = Bits::new(Version::Normal(version));
        bits.push_eci_designator(26)?;
        bits.push_byte_data(text.as_bytes())?;
        bits.push_terminator(EcLevel::M)?;
        QrCode::with_bits(bits, EcLevel::M)
    };
    (1..=40).find_map(|version| filled(version).ok()).ok_or(QrError::DataTooLong)
}
