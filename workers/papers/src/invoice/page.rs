//! The document as people read it.

use std::num::NonZeroU16;

use chrono::{Datelike as _, NaiveDate, Timelike as _};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::metadata::DateTime;
use krilla::tagging::Tag;

use super::{Address, Category, Decimal, Invoice, Kind, Line, Party, Payment, Tax};
use crate::axis::thousands;
use crate::document::{Column, Kind as RowKind, Page, Table, Words};
use crate::flow::{Flow, Foot};
use crate::fonts::Fonts;
use crate::look::{ABOVE_TITLE, ACCENT, BODY, LABEL, MM, NOTE, TITLE, VALUE};
use crate::sheet::{About, Mark, block};
use crate::text::{Align, Style};
use crate::{Paper, PaperError, table};

pub(super) const FILE: &str = "factur-x.xml";

pub(super) fn print(fonts: &Fonts, invoice: &Invoice, xml: Option<Vec<u8>>) -> Result<Paper, PaperError> {
    let mut flow = Flow::new(fonts, &invoice.language, Page::A4.size(), 18.0 * MM);
    let kind = match invoice.kind {
        Kind::Invoice => "Invoice",
        Kind::CreditNote => "Credit note",
    };
    let title = format!("{kind} {}", invoice.number);
    head(&mut flow, invoice, &title)?;
    let mut lines = Table::new(vec![
        Column::start("Description"),
        Column::end("Quantity"),
        Column::end("Unit price"),
        Column::end("VAT"),
        Column::end(format!("Net {}", invoice.currency.code())),
    ]);
    for (index, line) in invoice.lines.iter().enumerate() {
        lines.push(RowKind::Plain, row(invoice, index + 1, line));
    }
    sums(&mut lines, invoice);
    table::draw(&mut flow, &lines)?;
    flow.skip(10.0);
    below(&mut flow, invoice)?;

    let vat = invoice.seller.vat_id.as_ref().map(|id| format!(" · VAT {id}")).unwrap_or_default();
    let foot = format!("{}{vat} · {title}", invoice.seller.name);
    let about = About {
        title: &title,
        author: &invoice.seller.name,
        subject: &format!("{title} of {} for {}", invoice.seller.name, invoice.buyer.name),
        language: &invoice.language,
        leftwards: flow.set.leftwards,
        made_at: invoice.made_at,
    };
    let attached = xml.map(|xml| attachment(invoice, xml));
    flow.finish(Some(&Foot { text: &foot, page: &Words::default().page }), &about, attached)
}

/// The XML is the document itself in another form.
fn attachment(invoice: &Invoice, xml: Vec<u8>) -> EmbeddedFile {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    let at = invoice.made_at;
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    EmbeddedFile {
        path: FILE.to_owned(),
        mime_type: MimeType::new("text/xml"),
        description: Some("The same document as Factur-X".to_owned()),
        association_kind: AssociationKind::Alternative,
        data: xml.into(),
        modification_date: Some(date),
        compress: Some(true),
        location: None,
    }
}

/// Seller and title; below them the buyer, and beside that what the document is about.
fn head(flow: &mut Flow<'_>, invoice: &Invoice, title: &str) -> Result<(), PaperError> {
    let bar = block(flow.margin, flow.y, flow.width(), 3.0, ACCENT);
    flow.sheet.draw(Mark::Decoration, bar.into_iter().collect());
    flow.skip(14.0);
    flow.sheet.bookmark(title, flow.y, true);
    let half = flow.width() / 2.0 - 10.0;

    let (x, y) = (flow.x(half + 20.0, half), flow.y);
    let style = flow.fitting(title, TITLE, half);
    let text = flow.set.set(title, style, Some(half), Align::End)?;
    let node = flow.sheet.element(None, Tag::Hn(NonZeroU16::MIN, Some(title.to_owned())));
    let right = flow.put(node, text, x, y);
    let left = stack(flow, &party(&invoice.seller, ABOVE_TITLE, NOTE), half)?;
    flow.skip(left.max(right) + 22.0);

    let mut buyer = vec![("Bill to".to_owned(), LABEL)];
    buyer.extend(party(&invoice.buyer, VALUE, BODY));
    let left = stack(flow, &buyer, half)?;
    let right = facts(flow, &about(invoice), half)?;
    flow.skip(left.max(right) + 16.0);
    Ok(())
}

fn party(party: &Party, name: Style, rest: Style) -> Vec<(String, Style)> {
    let mut lines = vec![(party.name.clone(), name)];
    lines.extend(address(&party.address).into_iter().map(|line| (line, rest)));
    lines.extend(party.vat_id.iter().map(|id| (format!("VAT number {id}"), rest)));
    lines.extend(party.registration.iter().map(|number| (format!("Registration {number}"), rest)));
    lines.extend(party.email.iter().map(|email| (email.clone(), rest)));
    lines
}

fn address(address: &Address) -> Vec<String> {
    let mut lines = address.lines.clone();
    let city: Vec<&str> = [&address.postcode, &address.city].into_iter().flatten().map(String::as_str).collect();
    lines.push(city.join(" "));
    lines.push(address.country.clone());
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// Paragraphs below each other on the side where reading begins; answers their height.
fn stack(flow: &mut Flow<'_>, lines: &[(String, Style)], width: f32) -> Result<f32, PaperError> {
    let x = flow.x(0.0, width);
    let top = flow.y;
    let mut height = 0.0;
    for (text, style) in lines {
        let text = flow.set.set(text, *style, Some(width), Align::Start)?;
        let node = flow.sheet.element(None, Tag::P);
        height += flow.put(node, text, x, top + height);
    }
    Ok(height)
}

/// Labels and values on the other side; answers their height.
fn facts(flow: &mut Flow<'_>, facts: &[(&str, String)], half: f32) -> Result<f32, PaperError> {
    let list = flow.sheet.element(None, Tag::L(krilla::tagging::ListNumbering::None));
    let (label_width, gap) = (half * 0.27, 8.0);
    let value_width = half - label_width - gap;
    let (label_x, value_x) = (flow.x(half + 20.0, label_width), flow.x(half + 20.0 + label_width + gap, value_width));
    let top = flow.y;
    let mut height = 0.0;
    for (label, value) in facts {
        let label = flow.set.set(
            label,
            Style { leading: BODY.size * BODY.leading / LABEL.size, ..LABEL },
            Some(label_width),
            Align::Start,
        )?;
        let style = flow.fitting(value, Style { leading: BODY.leading, ..VALUE }, value_width);
        let value = flow.set.set(value, style, Some(value_width), Align::End)?;
        let item = flow.sheet.element(Some(list), Tag::LI);
        let (name, body) = (flow.sheet.element(Some(item), Tag::Lbl), flow.sheet.element(Some(item), Tag::LBody));
        let left = flow.put(name, label, label_x, top + height);
        height += flow.put(body, value, value_x, top + height).max(left);
    }
    Ok(height)
}

fn about(invoice: &Invoice) -> Vec<(&'static str, String)> {
    let day = |day: NaiveDate| day.format("%Y-%m-%d").to_string();
    let mut facts = vec![("Number", invoice.number.clone()), ("Date of issue", day(invoice.issued_on))];
    let refers = if invoice.kind == Kind::CreditNote { "Takes back" } else { "In place of" };
    facts.extend(invoice.refers_to.iter().map(|(number, on)| (refers, format!("{number} of {}", day(*on)))));
    facts.extend(invoice.order.iter().map(|order| ("Order", order.clone())));
    facts.extend(invoice.buyer_reference.iter().map(|reference| ("Your reference", reference.clone())));
    facts.extend(invoice.delivered_on.iter().map(|on| ("Delivered", day(*on))));
    facts.extend(invoice.delivered_to.iter().map(|to| ("Delivered to", address(to).join(", "))));
    facts.extend(invoice.due_on.iter().map(|on| ("Due", day(*on))));
    facts.push(("Currency", invoice.currency.code().to_owned()));
    facts
}

fn row(invoice: &Invoice, number: usize, line: &Line) -> Vec<String> {
    let mut name = format!("{number}. {}", line.name);
    for more in line.description.iter().chain(&line.item) {
        name.push('\n');
        name.push_str(more);
    }
    let quantity = format!("{} {}", thousands(&line.quantity.short()), line.unit);
    let price = line.price.map_or_else(String::new, |price| {
        // At least as many decimals as the currency has.
        let places = usize::from(invoice.currency.exponent);
        let mut text = price.fixed();
        while text.ends_with('0') && text.split_once('.').is_some_and(|(_, fraction)| fraction.len() > places) {
            text.pop();
        }
        thousands(text.trim_end_matches('.'))
    });
    vec![name, quantity, price, rate(line.category, line.rate_bps), amount(invoice, line.net)]
}

fn rate(category: Category, rate_bps: u32) -> String {
    match category {
        Category::Outside => "–".to_owned(),
        _ => format!("{} %", Decimal { units: rate_bps.into(), places: 2 }.short()),
    }
}

fn amount(invoice: &Invoice, minor: i64) -> String {
    thousands(&invoice.currency.amount(minor))
}

/// What the lines come to, as the table's last rows.
fn sums(table: &mut Table, invoice: &Invoice) {
    let mut sum = |kind: RowKind, label: String, minor: i64| {
        let empty = String::new;
        table.push(kind, vec![label, empty(), empty(), empty(), amount(invoice, minor)]);
    };
    let totals = invoice.totals;
    sum(RowKind::Subtotal, "Total without VAT".to_owned(), totals.net);
    for tax in &invoice.taxes {
        sum(RowKind::Subtotal, tax_label(invoice, tax), tax.tax);
    }
    let total = match invoice.kind {
        Kind::Invoice => "Total",
        Kind::CreditNote => "Total credited",
    };
    sum(RowKind::Total, format!("{total} {}", invoice.currency.code()), totals.gross);
    if totals.paid != 0 {
        let paid = if invoice.kind == Kind::Invoice { "Paid" } else { "Paid back" };
        sum(RowKind::Subtotal, paid.to_owned(), totals.paid);
        sum(RowKind::Total, format!("Amount due {}", invoice.currency.code()), totals.due);
    }
}

fn tax_label(invoice: &Invoice, tax: &Tax) -> String {
    let net = amount(invoice, tax.net);
    match tax.category {
        Category::Standard | Category::Zero => format!("VAT {} on {net}", rate(tax.category, tax.rate_bps)),
        Category::Exempt => format!("Exempt from VAT: {net}"),
        Category::ReverseCharge => format!("Reverse charge: {net}"),
        Category::IntraCommunity => format!("Intra-Community supply: {net}"),
        Category::Export => format!("Export: {net}"),
        Category::Outside => format!("Not subject to VAT: {net}"),
    }
}

/// Reasons, terms, payment and notes.
fn below(flow: &mut Flow<'_>, invoice: &Invoice) -> Result<(), PaperError> {
    let mut paragraphs: Vec<String> = invoice.taxes.iter().filter_map(|tax| tax.reason.clone()).collect();
    if let Some((currency, tax)) = invoice.accounting_tax {
        paragraphs.push(format!("VAT in {}: {}", currency.code(), thousands(&currency.amount(tax))));
    }
    match (&invoice.payment, invoice.kind) {
        (Payment::Transfer { iban, bic, holder }, Kind::Invoice) => {
            let bic = bic.as_ref().map(|bic| format!(", BIC {bic}")).unwrap_or_default();
            paragraphs.push(format!("Please pay to {holder}, IBAN {iban}{bic}, naming {}.", invoice.number));
        }
        (Payment::Online, Kind::Invoice) if invoice.totals.due == 0 => {
            paragraphs.push("Paid online when it was ordered.".to_owned());
        }
        _ => {}
    }
    paragraphs.extend(invoice.terms.clone());
    paragraphs.extend(invoice.notes.iter().cloned());
    for paragraph in paragraphs {
        flow.text(None, Tag::P, &paragraph, BODY, Align::Own)?;
        flow.skip(4.0);
    }
    Ok(())
}
