//! Slips for people in a yard: what to fetch, and what may leave.

use chrono::{DateTime, Utc};

use crate::code::{Code, Symbology};
use crate::document::{self, Block, Column, Document, Kind, Page, Table, Words};
use crate::fonts::Fonts;
use crate::{Paper, PaperError};

/// What is fetched from the places of a site.
#[derive(Clone, Debug)]
pub struct PickingList {
    pub number: String,
    pub organisation: String,
    pub site: String,
    /// By when, as people read it.
    pub due: String,
    pub lines: Vec<Pick>,
    pub made_at: DateTime<Utc>,
    pub language: String,
}

#[derive(Clone, Debug)]
pub struct Pick {
    pub place: String,
    pub item: String,
    pub name: String,
    pub quantity: String,
    pub order: String,
}

/// What lets an order leave a site.
#[derive(Clone, Debug)]
pub struct ReleasePass {
    /// Shown at the gate, read by its scanner.
    pub code: String,
    pub organisation: String,
    pub site: String,
    /// Where the site is.
    pub address: String,
    /// The time at which the goods are collected, with its zone.
    pub slot: String,
    pub order: String,
    pub buyer: String,
    /// Name and quantity.
    pub lines: Vec<(String, String)>,
    pub made_at: DateTime<Utc>,
    pub language: String,
}

/// Prints a picking list, with a box to tick beside each line and its number as bars.
pub fn picking_list(fonts: &Fonts, list: &PickingList) -> Result<Paper, PaperError> {
    let mut table = Table::new(vec![
        Column::start("Place"),
        Column::start("Item"),
        Column::start("Name"),
        Column::end("Quantity"),
        Column::start("Order"),
        Column { title: "Picked".to_owned(), alignment: document::Alignment::Center },
    ]);
    for pick in &list.lines {
        let cells = [&pick.place, &pick.item, &pick.name, &pick.quantity, &pick.order].map(Clone::clone);
        // A ballot box.
        table.push(Kind::Plain, cells.into_iter().chain(["\u{2610}".to_owned()]).collect());
    }
    let code = Code {
        symbology: Symbology::Code128,
        text: list.number.clone(),
        alternative: format!("Bar code of the picking list {}", list.number),
    };
    let document = Document {
        page: Page::A4,
        language: list.language.clone(),
        title: format!("Picking list {}", list.number),
        organisation: list.organisation.clone(),
        facts: vec![
            ("Site".to_owned(), list.site.clone()),
            ("Due".to_owned(), list.due.clone()),
            ("Lines".to_owned(), list.lines.len().to_string()),
        ],
        made_at: list.made_at,
        blocks: vec![Block::Table(table), Block::Code(code)],
        words: Words::default(),
    };
    document::print(fonts, &document)
}

/// Prints a release pass, with its code as a QR code and in letters.
pub fn release_pass(fonts: &Fonts, pass: &ReleasePass) -> Result<Paper, PaperError> {
    let mut table = Table::new(vec![Column::start("Goods"), Column::end("Quantity")]);
    for (name, quantity) in &pass.lines {
        table.push(Kind::Plain, vec![name.clone(), quantity.clone()]);
    }
    let code = Code {
        symbology: Symbology::Qr,
        text: pass.code.clone(),
        alternative: format!("QR code of the release pass {}", pass.code),
    };
    let document = Document {
        page: Page::A4,
        language: pass.language.clone(),
        title: "Release pass".to_owned(),
        organisation: pass.organisation.clone(),
        facts: vec![
            ("Order".to_owned(), pass.order.clone()),
            ("Buyer".to_owned(), pass.buyer.clone()),
            ("Site".to_owned(), format!("{}\n{}", pass.site, pass.address)),
        ],
        made_at: pass.made_at,
        blocks: vec![
            Block::Figures(vec![
                document::Figure { label: "Code".to_owned(), value: pass.code.clone(), note: String::new() },
                document::Figure { label: "Collection".to_owned(), value: pass.slot.clone(), note: String::new() },
            ]),
            Block::Code(code),
            Block::Table(table),
            Block::Paragraph(
                "Show this pass at the gate. The goods are handed to whoever shows it in this time, once.".to_owned(),
            ),
        ],
        words: Words::default(),
    };
    document::print(fonts, &document)
}
