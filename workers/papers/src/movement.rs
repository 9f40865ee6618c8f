//! The document that accompanies waste: the data set of Annex VII to Regulation (EU) 2024/1157, in the order of its boxes.
//!
//! What is not known yet is an empty line, to be filled in by hand: the carriers, the facility and the consignee sign on the way.

use std::num::NonZeroU16;

use chrono::{DateTime, Utc};
use krilla::tagging::{ListNumbering, Tag};

use crate::document::{Page, Words};
use crate::flow::{Flow, Foot};
use crate::fonts::Fonts;
use crate::look::{ABOVE_TITLE, ACCENT, INK, LABEL, MM, NOTE, QUIET, RULE, SHADE, TITLE};
use crate::sheet::{About, Ink, Mark, Pen, block, frame, stroke};
use crate::text::{Align, Style, Text};
use crate::{Paper, PaperError};

/// Somebody with an address.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub name: String,
    pub address: String,
    pub contact: String,
    pub phone: String,
    pub email: String,
}

/// A carrier, with what is known when the document is printed.
#[derive(Clone, Debug, Default)]
pub struct Carrier {
    pub person: Person,
    pub means_of_transport: String,
    pub transferred_on: Option<String>,
    /// As in a system for electronic documents; printed documents are signed by hand.
    pub signed_by: Option<String>,
}

/// Who signed, and when.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    pub name: String,
    pub on: String,
    pub signed_by: String,
}

/// The codes of the waste; what does not apply is empty.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    pub basel: String,
    pub oecd: String,
    /// Of the European list of waste.
    pub ewc: String,
    pub national: String,
}

/// A shipment of waste.
#[derive(Clone, Debug)]
pub struct Movement {
    /// Of the document.
    pub number: String,
    /// Box 1.
    pub arranger: Person,
    /// Box 2.
    pub consignee: Person,
    /// Box 3, in tonnes and, where it is known, cubic metres.
    pub tonnes: Option<String>,
    pub cubic_metres: Option<String>,
    /// Box 4.
    pub shipped_on: Option<String>,
    /// Box 5: at most [`CARRIERS`], and as many are printed.
    pub carriers: Vec<Carrier>,
    /// Box 6.
    pub generator: Person,
    /// Box 7.
    pub facility: Person,
    /// Box 8: R1 to R13.
    pub operation: String,
    /// Box 9.
    pub description: String,
    /// Box 10.
    pub codes: Codes,
    /// Box 11, as ISO 3166-1 codes with their names.
    pub dispatch: String,
    pub transit: Vec<String>,
    pub destination: String,
    /// Box 12.
    pub declaration: Option<Signature>,
    /// Box 13.
    pub received_by_consignee: Option<Signature>,
    /// Box 14.
    pub received_by_facility: Option<Signature>,
    pub received_quantity: Option<String>,
    pub made_at: DateTime<Utc>,
    pub language: String,
}

/// As many carriers as the form has room for.
pub const CARRIERS: usize = 3;

const DECLARATION: &str = "I certify that the above information is complete and correct to the best of my knowledge, and that effective \
     written contractual obligations have been entered into with the consignee.";

const NAME: Style = Style { size: 6.6, bold: true, colour: QUIET, leading: 1.25 };
const FIELD: Style = Style { size: 6.4, bold: false, colour: QUIET, leading: 1.3 };
const ENTRY: Style = Style { size: 7.8, bold: false, colour: INK, leading: 1.25 };

/// One numbered box.
struct Field {
    title: &'static str,
    /// Before the entries.
    prose: Option<&'static str>,
    entries: Vec<(&'static str, Option<String>)>,
    /// Of the row's width.
    share: f32,
}

impl Field {
    fn new(title: &'static str, entries: Vec<(&'static str, Option<String>)>) -> Self {
        Self { title, prose: None, entries, share: 1.0 }
    }
}

/// Prints the document.
pub fn print(fonts: &Fonts, movement: &Movement) -> Result<Paper, PaperError> {
    if movement.carriers.len() > CARRIERS {
        return Err(PaperError::Shape("a fourth carrier"));
    }
    let mut flow = Flow::new(fonts, &movement.language, Page::A4.size(), 11.0 * MM);
    let title = format!("Waste movement document {}", movement.number);
    let bar = block(flow.margin, flow.y, flow.width(), 2.5, ACCENT);
    flow.sheet.draw(Mark::Decoration, bar.into_iter().collect());
    flow.skip(7.0);
    flow.sheet.bookmark(&title, flow.y, true);
    let above = "Annex VII to Regulation (EU) 2024/1157 · Information accompanying shipments of waste";
    flow.text(None, Tag::P, above, Style { size: 8.0, ..ABOVE_TITLE }, Align::Start)?;
    let heading = Tag::Hn(NonZeroU16::MIN, Some(title.clone()));
    flow.text(None, heading, &title, Style { size: 15.0, ..TITLE }, Align::Start)?;
    flow.skip(4.0);
    for row in rows(movement) {
        draw(&mut flow, &row)?;
    }
    flow.skip(4.0);
    let remark = "Boxes that are empty are filled in by hand. Dates are written year-month-day.";
    flow.text(None, Tag::P, remark, Style { size: 6.8, ..NOTE }, Align::Own)?;
    let about = About {
        title: &title,
        author: &movement.arranger.name,
        subject: &movement.description,
        language: &movement.language,
        leftwards: flow.set.leftwards,
        made_at: movement.made_at,
    };
    flow.finish(Some(&Foot { text: &title, page: &Words::default().page }), &about, None)
}

fn rows(movement: &Movement) -> Vec<Vec<Field>> {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let carrier = |title: &'static str, index: usize| {
        let none = Carrier::default();
        let carrier = movement.carriers.get(index).unwrap_or(&none);
        let mut entries = person(&carrier.person);
        entries.push(("Means of transport", known(&carrier.means_of_transport)));
        entries.push(("Date of transfer", carrier.transferred_on.clone()));
        entries.push(("Signature", carrier.signed_by.clone()));
        Field::new(title, entries)
    };
    let receipt = |title: &'static str, signature: Option<&Signature>| Field::new(title, signed(signature));
    let mut facility = receipt("14. Shipment received at the facility", movement.received_by_facility.as_ref());
    facility.entries.insert(0, ("Quantity received", movement.received_quantity.clone()));
    let mut declaration =
        receipt("12. Declaration of the person who arranges the shipment", movement.declaration.as_ref());
    declaration.prose = Some(DECLARATION);
    vec![
        vec![
            Field::new("1. Person who arranges the shipment", person(&movement.arranger)),
            Field::new("2. Importer or consignee", person(&movement.consignee)),
        ],
        vec![
            Field::new(
                "3. Actual quantity",
                vec![("Tonnes (Mg)", movement.tonnes.clone()), ("Cubic metres", movement.cubic_metres.clone())],
            ),
            Field::new("4. Actual date of shipment", vec![("Date", movement.shipped_on.clone())]),
        ],
        vec![
            carrier("5 (a). First carrier", 0),
            carrier("5 (b). Second carrier", 1),
            carrier("5 (c). Third carrier", 2),
        ],
        vec![
            Field::new("6. Waste generator: producer or collector", person(&movement.generator)),
            Field::new("7. Recovery facility or laboratory", person(&movement.facility)),
        ],
        vec![
            Field { share: 0.6, ..Field::new("8. Recovery operation", vec![("Code", known(&movement.operation))]) },
            Field {
                share: 1.4,
                ..Field::new("9. Usual description of the waste", vec![("", known(&movement.description))])
            },
        ],
        vec![
            Field::new(
                "10. Waste identification",
                vec![
                    ("Basel, Annex IX", known(&movement.codes.basel)),
                    ("OECD", known(&movement.codes.oecd)),
                    ("EU list of waste", known(&movement.codes.ewc)),
                    ("National", known(&movement.codes.national)),
                ],
            ),
            Field::new(
                "11. Countries concerned",
                vec![
                    ("Dispatch", known(&movement.dispatch)),
                    // Without a word, nobody has said that there is none.
                    ("Transit", (!movement.transit.is_empty()).then(|| movement.transit.join(", "))),
                    ("Destination", known(&movement.destination)),
                ],
            ),
        ],
        vec![declaration],
        vec![receipt("13. Received by the consignee", movement.received_by_consignee.as_ref()), facility],
    ]
}

fn person(person: &Person) -> Vec<(&'static str, Option<String>)> {
    let known = |text: &String| (!text.is_empty()).then(|| text.clone());
    vec![
        ("Name", known(&person.name)),
        ("Address", known(&person.address)),
        ("Contact", known(&person.contact)),
        ("Phone", known(&person.phone)),
        ("Email", known(&person.email)),
    ]
}

fn signed(signature: Option<&Signature>) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("Name", signature.map(|it| it.name.clone())),
        ("Date", signature.map(|it| it.on.clone())),
        ("Signature", signature.map(|it| it.signed_by.clone())),
    ]
}

const PAD: f32 = 4.0;
/// Of the labels, as a part of the box.
const LABELS: f32 = 0.29;

/// A row of boxes, as high as the fullest of them.
fn draw(flow: &mut Flow<'_>, row: &[Field]) -> Result<(), PaperError> {
    let shares: f32 = row.iter().map(|field| field.share).sum();
    let mut start = 0.0;
    let mut boxes = Vec::new();
    for field in row {
        let width = flow.width() * field.share / shares;
        boxes.push((start, width, set(flow, field, width - 2.0 * PAD)?));
        start += width;
    }
    let height = boxes.iter().map(|(_, _, set)| set.height()).fold(0.0, f32::max) + 2.0 * PAD - 1.0;
    flow.room(height);
    for (start, width, set) in boxes {
        let (x, y) = (flow.x(start, width), flow.y);
        let head = set.title.height + PAD - 0.5;
        let ink: Vec<Ink> = [block(x, y, width, head, SHADE), frame(x, y, width, height, Pen::new(RULE, 0.7))]
            .into_iter()
            .flatten()
            .collect();
        flow.sheet.draw(Mark::Decoration, ink);
        put(flow, set, x + PAD, y + PAD / 2.0, width - 2.0 * PAD);
    }
    flow.skip(height);
    Ok(())
}

/// A box whose text has been set.
struct SetField {
    name: &'static str,
    title: Text,
    prose: Option<Text>,
    entries: Vec<(Option<Text>, Option<Text>, f32)>,
}

impl SetField {
    fn height(&self) -> f32 {
        let entries: f32 = self.entries.iter().map(|(_, _, height)| height).sum();
        self.title.height + 1.5 + self.prose.as_ref().map_or(0.0, |prose| prose.height + 2.0) + entries
    }
}

fn set(flow: &mut Flow<'_>, field: &Field, width: f32) -> Result<SetField, PaperError> {
    let title = flow.set.set(field.title, NAME, Some(width), Align::Start)?;
    let prose = match field.prose {
        Some(prose) => Some(flow.set.set(prose, ENTRY, Some(width), Align::Own)?),
        None => None,
    };
    let labels = label_width(width);
    let mut entries = Vec::new();
    for (label, value) in &field.entries {
        let (label, room) = if label.is_empty() {
            (None, width)
        } else {
            (Some(flow.set.set(label, FIELD, Some(labels), Align::Start)?), width - labels - 3.0)
        };
        let value = match value {
            Some(value) => Some(flow.set.set(value, ENTRY, Some(room), Align::Start)?),
            None => None,
        };
        // A line to write on is higher.
        let blank = LABEL.size * 2.1;
        let height =
            value.as_ref().map_or(blank, |value| value.height).max(label.as_ref().map_or(0.0, |label| label.height));
        entries.push((label, value, height + 0.8));
    }
    Ok(SetField { name: field.title, title, prose, entries })
}

fn label_width(width: f32) -> f32 {
    (width * LABELS).clamp(50.0, 78.0)
}

fn put(flow: &mut Flow<'_>, set: SetField, x: f32, top: f32, width: f32) {
    let labels = label_width(width);
    let leftwards = flow.set.leftwards;
    let heading = flow.sheet.element(None, Tag::Hn(NonZeroU16::MIN.saturating_add(1), Some(set.name.to_owned())));
    let mut y = top + flow.put(heading, set.title, x, top) + PAD / 2.0 + 1.0;
    if let Some(prose) = set.prose {
        let node = flow.sheet.element(None, Tag::P);
        y += flow.put(node, prose, x, y) + 2.0;
    }
    let list = flow.sheet.element(None, Tag::L(ListNumbering::None));
    for (label, value, height) in set.entries {
        let room = if label.is_some() { width - labels - 3.0 } else { width };
        let (label_x, value_x) = if leftwards { (x + width - labels, x) } else { (x, x + width - room) };
        let item = flow.sheet.element(Some(list), Tag::LI);
        if let Some(label) = label {
            let node = flow.sheet.element(Some(item), Tag::Lbl);
            // On the line of the larger type beside it.
            let lower = if value.is_some() { 1.0 } else { height - label.height - 2.0 };
            flow.put(node, label, label_x, y + lower);
        }
        if let Some(value) = value {
            let node = flow.sheet.element(Some(item), Tag::LBody);
            flow.put(node, value, value_x, y);
        } else {
            let line = y + height - 2.2;
            let pen = Pen { colour: QUIET, width: 0.5, dash: vec![0.8, 1.6] };
            let line = stroke(&[(value_x, line), (value_x + room, line)], pen);
            flow.sheet.draw(Mark::Decoration, line.into_iter().collect());
        }
        y += height;
    }
}
