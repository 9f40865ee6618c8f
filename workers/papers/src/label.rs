//! Shipping labels of 10 × 15 cm.

use std::num::NonZeroU16;

use chrono::{DateTime, Utc};
use krilla::tagging::Tag;

use crate::code::{self, Code, Place, Symbology};
use crate::flow::Flow;
use crate::fonts::Fonts;
use crate::look::{BLACK, LABEL, MM};
use crate::sheet::{About, Mark, Pen, frame, stroke};
use crate::text::{Align, Style};
use crate::{Paper, PaperError};

/// A label, printed in black alone: label printers have no other ink.
#[derive(Clone, Debug)]
pub struct Label {
    pub carrier: String,
    pub service: String,
    pub from: Address,
    pub to: Address,
    /// As bars.
    pub tracking_number: String,
    /// As a QR code, such as the address of the page that follows the parcel.
    pub link: String,
    /// Such as "12.5 kg"; may be empty.
    pub weight: String,
    /// Such as "1 of 2"; may be empty.
    pub parcel: String,
    /// The sender's own; may be empty.
    pub reference: String,
    pub made_at: DateTime<Utc>,
    pub language: String,
}

#[derive(Clone, Debug, Default)]
pub struct Address {
    pub name: String,
    /// Street, postcode and town.
    pub lines: Vec<String>,
    pub country: String,
}

const CARRIER: Style = Style { size: 15.0, bold: true, colour: BLACK, leading: 1.2 };
const SERVICE: Style = Style { size: 9.0, bold: true, colour: BLACK, leading: 1.25 };
const SMALL: Style = Style { size: 7.0, bold: false, colour: BLACK, leading: 1.25 };
const TO: Style = Style { size: 13.0, bold: true, colour: BLACK, leading: 1.2 };
const STREET: Style = Style { size: 11.5, bold: false, colour: BLACK, leading: 1.25 };
const CAPTION: Style = Style { size: 6.5, bold: false, colour: BLACK, leading: LABEL.leading };
const DETAIL: Style = Style { size: 9.5, bold: true, colour: BLACK, leading: 1.25 };
const TRACKING: Style = Style { size: 10.5, bold: true, colour: BLACK, leading: 1.3 };

const WIDTH: f32 = 100.0 * MM;
const HEIGHT: f32 = 150.0 * MM;
const INSIDE: f32 = 6.0;

/// Prints the label, on one page. An address too long for it is set smaller.
pub fn print(fonts: &Fonts, label: &Label) -> Result<Paper, PaperError> {
    let mut flow = Flow::new(fonts, &label.language, (WIDTH, HEIGHT), 4.0 * MM);
    let title = format!("Label {}", label.tracking_number);
    flow.sheet.bookmark(&title, flow.y, true);
    let edge = frame(flow.margin, flow.margin, flow.width(), HEIGHT - 2.0 * flow.margin, Pen::new(BLACK, 1.0));
    flow.sheet.draw(Mark::Decoration, edge.into_iter().collect());

    // Carrier and service.
    flow.skip(INSIDE);
    let width = flow.width() - 2.0 * INSIDE;
    let carrier = flow.set.set(&label.carrier, CARRIER, Some(width * 0.62), Align::Start)?;
    let style = flow.fitting(&label.service, SERVICE, width * 0.36);
    let service = flow.set.set(&label.service, style, Some(width * 0.36), Align::End)?;
    let heading = flow.sheet.element(None, Tag::Hn(NonZeroU16::MIN, Some(title.clone())));
    let (x, y) = (flow.x(INSIDE, width * 0.62), flow.y);
    let tall = flow.put(heading, carrier, x, y);
    let node = flow.sheet.element(None, Tag::P);
    let x = flow.x(INSIDE + width * 0.64, width * 0.36);
    let tall = tall.max(flow.put(node, service, x, y + 3.0) + 3.0);
    flow.y = y + tall.max(20.0) + 3.0;
    line(&mut flow);

    let bottom = HEIGHT - flow.margin;
    let bars = 132.0;
    let details = 82.0;
    let from = sender(&mut flow, label, width)?;
    flow.skip(from + 4.0);
    line(&mut flow);
    let room = bottom - bars - details - flow.y;
    recipient(&mut flow, label, width, room)?;
    flow.y = bottom - bars - details;
    line(&mut flow);
    qr(&mut flow, label, width, details)?;
    flow.y = bottom - bars;
    line(&mut flow);
    tracking(&mut flow, label, width, bars)?;

    let about = About {
        title: &title,
        author: &label.from.name,
        subject: "",
        language: &label.language,
        leftwards: flow.set.leftwards,
        made_at: label.made_at,
    };
    flow.finish(None, &about, None)
}

fn line(flow: &mut Flow<'_>) {
    let rule = stroke(&[(flow.margin, flow.y), (flow.margin + flow.width(), flow.y)], Pen::new(BLACK, 0.8));
    flow.sheet.draw(Mark::Decoration, rule.into_iter().collect());
}

fn sender(flow: &mut Flow<'_>, label: &Label, width: f32) -> Result<f32, PaperError> {
    let from = &label.from;
    let lines = from.lines.iter().map(String::as_str).chain([from.country.as_str()]).collect::<Vec<_>>().join(", ");
    let (x, top) = (flow.x(INSIDE, width), flow.y + 4.0);
    let mut y = top;
    for (text, style) in [("From", CAPTION), (&from.name, Style { bold: true, ..SMALL }), (&lines, SMALL)] {
        let text = flow.set.set(text, style, Some(width), Align::Start)?;
        let node = flow.sheet.element(None, Tag::P);
        y += flow.put(node, text, x, y);
    }
    Ok(y - top + 4.0)
}

/// The address, as large as its place allows.
fn recipient(flow: &mut Flow<'_>, label: &Label, width: f32, room: f32) -> Result<(), PaperError> {
    let to = &label.to;
    let caption = flow.set.set("To", CAPTION, Some(width), Align::Start)?;
    let x = flow.x(INSIDE, width);
    let node = flow.sheet.element(None, Tag::P);
    let y = flow.y + 5.0;
    let mut y = y + flow.put(node, caption, x, y) + 1.0;
    let end = flow.y + room - 3.0;
    let country = to.country.to_uppercase();
    let texts: Vec<(&str, Style)> = std::iter::once((to.name.as_str(), TO))
        .chain(to.lines.iter().map(|line| (line.as_str(), STREET)))
        .chain([(country.as_str(), TO)])
        .collect();
    let mut set = Vec::new();
    for shrink in [1.0, 0.9, 0.8, 0.7, 0.6, 0.5] {
        set = texts
            .iter()
            .map(|(text, style)| {
                flow.set.set(text, Style { size: style.size * shrink, ..*style }, Some(width), Align::Start)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if set.iter().map(|text| text.height).sum::<f32>() <= end - y {
            break;
        }
    }
    for text in set {
        if y + text.height > end + 3.0 {
            return Err(PaperError::Shape("an address that is longer than the label"));
        }
        let node = flow.sheet.element(None, Tag::P);
        y += flow.put(node, text, x, y);
    }
    Ok(())
}

/// The QR code, and beside it what the carrier wants to know.
fn qr(flow: &mut Flow<'_>, label: &Label, width: f32, height: f32) -> Result<(), PaperError> {
    let side = height - 4.0;
    let code = Code {
        symbology: Symbology::Qr,
        text: label.link.clone(),
        alternative: format!("QR code with the link {}", label.link),
    };
    let place = Place { x: flow.x(INSIDE + width - side, side), y: flow.y + 2.0, width: side, height: side };
    let room = width - side - 8.0;
    let x = flow.x(INSIDE, room);
    let mut y = flow.y + 6.0;
    for (caption, value) in [("Weight", &label.weight), ("Parcel", &label.parcel), ("Reference", &label.reference)] {
        if value.is_empty() {
            continue;
        }
        for (text, style) in [(caption, CAPTION), (value.as_str(), DETAIL)] {
            let text = flow.set.set(text, style, Some(room), Align::Start)?;
            let node = flow.sheet.element(None, Tag::P);
            y += flow.put(node, text, x, y);
        }
        y += 2.5;
    }
    code::place_in(flow, None, &code, place)
}

fn tracking(flow: &mut Flow<'_>, label: &Label, width: f32, height: f32) -> Result<(), PaperError> {
    let code = Code {
        symbology: Symbology::Code128,
        text: label.tracking_number.clone(),
        alternative: format!("Bar code of the tracking number {}", label.tracking_number),
    };
    // The whole width between the lines: bars want it more than words do.
    let place = Place { x: flow.margin + 1.0, y: flow.y + 10.0, width: flow.width() - 2.0, height: height - 38.0 };
    code::place_in(flow, None, &code, place)?;
    let text = flow.set.set(&label.tracking_number, TRACKING, Some(width), Align::Center)?;
    let node = flow.sheet.element(None, Tag::P);
    let x = flow.x(INSIDE, width);
    flow.put(node, text, x, place.y + place.height + 4.0);
    Ok(())
}
