use ::papers::invoice::xml;
use chrono::NaiveDate;
use market::invoices::model::{Invoice as Issued, InvoiceLine, InvoicePart, InvoiceTax};
use market::invoices::rules::note;
use shared::money::Money;

use super::*;

fn id<T: From<uuid::Uuid>>(number: u128) -> T {
    uuid::Uuid::from_u128(number).into()
}

fn party(name: &str, country: Option<&str>, vat_number: Option<&str>) -> InvoiceParty {
    InvoiceParty {
        org: id(1),
        name: name.to_owned(),
        vat_number: vat_number.map(str::to_owned),
        country: country.map(str::to_owned),
    }
}

/// Two units at this price each and a premium, sold from Germany to Denmark.
fn sale(treatment: Treatment, rate_bps: i32, price: i64, premium: i64, code: &str) -> Printable {
    let coin: Coin = code.parse().unwrap();
    let money = |minor| Money::from_minor(minor, coin);
    let net = 2 * price + premium;
    let tax = (net * i64::from(rate_bps) + 5_000) / 10_000;
    let line = |part, title: &str, quantity, net| InvoiceLine {
        part,
        title: title.to_owned(),
        quantity,
        unit: "piece".to_owned(),
        net: money(net),
        days: Vec::new(),
    };
    let mut lines = vec![line(InvoicePart::Goods, "Console", 2, 2 * price)];
    if premium > 0 {
        lines.push(line(InvoicePart::Premium, "Buyer's premium", 1, premium));
    }
    let issued_on = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
    let invoice = Issued {
        id: id(2),
        kind: InvoiceKind::Invoice,
        year: 2026,
        number: 7,
        reference: InvoiceKind::Invoice.reference(2026, 7),
        issued_at: issued_on.and_hms_opt(12, 0, 0).unwrap().and_utc(),
        order: id(3),
        refers_to: None,
        refund: None,
        replaces: None,
        seller: party("Ann Ltd", Some("DE"), Some("DE123456788")),
        buyer: party("Bob Ltd", Some("DK"), Some("DK12345674")),
        net: money(net),
        tax: money(tax),
        gross: money(net + tax),
        vat_treatment: treatment,
        vat_note: note(treatment).map(str::to_owned),
        accounting_tax: None,
        lines,
        taxes: vec![InvoiceTax { rate_bps, net: money(net), tax: money(tax) }],
    };
    Printable { invoice, issued_on, takes_back: None }
}

/// The XML, if the standard has what it demands.
fn written(of: &Printable) -> Result<String, String> {
    let document = document(of).map_err(|error| error.to_string())?;
    let xml = xml(&document).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(xml).unwrap())
}

#[test]
fn each_treatment_has_its_category_and_its_reason() {
    for (treatment, rate, code, reason) in [
        (Treatment::SellersRate, 1_900, "S", None),
        (Treatment::SellersRate, 0, "Z", None),
        (Treatment::ReverseCharge, 0, "AE", Some("Article 196")),
        (Treatment::Export, 0, "G", Some("Article 146")),
    ] {
        let xml = written(&sale(treatment, rate, 10_000, 500, "EUR")).unwrap();
        let category = format!("<ram:CategoryCode>{code}</ram:CategoryCode>");
        // Goods, premium and the tax itself.
        assert_eq!(xml.matches(&category).count(), 3, "{xml}");
        assert_eq!(xml.contains("<ram:ExemptionReason>"), reason.is_some(), "{xml}");
        assert!(reason.is_none_or(|reason| xml.contains(reason)), "{xml}");
        assert!(xml.contains("Buyer's premium") || xml.contains("Buyer&apos;s premium"), "{xml}");
    }
}

/// A buyer of another member state without a number pays the seller's rate.
#[test]
fn a_buyer_without_a_number_is_not_asked_for_one_where_tax_is_charged() {
    let mut sale = sale(Treatment::SellersRate, 1_900, 10_000, 0, "EUR");
    sale.invoice.buyer.vat_number = None;
    assert!(written(&sale).unwrap().contains("<ram:RateApplicablePercent>19</ram:RateApplicablePercent>"));
}

#[test]
fn amounts_keep_the_decimals_of_their_currency() {
    for (code, price, wanted) in [("EUR", 10_000, "238.00"), ("JPY", 10_000, "23800"), ("KWD", 10_000, "23.800")] {
        let xml = written(&sale(Treatment::SellersRate, 1_900, price, 0, code)).unwrap();
        assert!(xml.contains(&format!("<ram:GrandTotalAmount>{wanted}</ram:GrandTotalAmount>")), "{code}: {xml}");
        assert!(xml.contains(&format!("<ram:TotalPrepaidAmount>{wanted}</ram:TotalPrepaidAmount>")), "{code}: {xml}");
    }
}

#[test]
fn a_price_that_is_no_multiple_is_that_of_the_whole_quantity() {
    let mut sale = sale(Treatment::SellersRate, 1_900, 10_000, 0, "EUR");
    sale.invoice.lines[0].quantity = 3;
    assert_eq!(document(&sale).unwrap().lines[0].price, None);
    sale.invoice.lines[0].quantity = 4;
    assert_eq!(document(&sale).unwrap().lines[0].price, Some(Decimal { units: 5_000, places: 2 }));
}

#[test]
fn tax_in_another_currency_stands_beside_it() {
    let mut sale = sale(Treatment::SellersRate, 2_500, 10_000, 0, "EUR");
    sale.invoice.accounting_tax = Some(sale.invoice.tax);
    assert!(document(&sale).unwrap().accounting_tax.is_none(), "it is the document's own");
    sale.invoice.accounting_tax = Some(Money::from_minor(57_500, "SEK".parse().unwrap()));
    assert!(written(&sale).unwrap().contains("<ram:TaxTotalAmount currencyID=\"SEK\">575.00</ram:TaxTotalAmount>"));
}

#[test]
fn a_credit_note_names_what_it_takes_back_and_is_not_paid_yet() {
    let mut sale = sale(Treatment::SellersRate, 1_900, 10_000, 0, "EUR");
    sale.invoice.kind = InvoiceKind::CreditNote;
    sale.invoice.refund = Some(id(5));
    assert!(written(&sale).is_err(), "of nothing");
    sale.takes_back = Some(("2026-000006".to_owned(), sale.issued_on));
    let xml = written(&sale).unwrap();
    assert!(xml.contains("<ram:TypeCode>381</ram:TypeCode>") && xml.contains("2026-000006"), "{xml}");
    assert!(xml.contains("<ram:DuePayableAmount>238.00</ram:DuePayableAmount>"), "{xml}");
    // Of what another invoice says anew nothing goes back.
    sale.invoice.refund = None;
    assert!(written(&sale).unwrap().contains("<ram:DuePayableAmount>0.00</ram:DuePayableAmount>"));
}

#[test]
fn a_line_names_the_days_that_it_was_hired_for() {
    let mut sale = sale(Treatment::SellersRate, 1_900, 10_000, 500, "EUR");
    let march = |day| NaiveDate::from_ymd_opt(2027, 3, day).unwrap();
    sale.invoice.lines[0].days = [3, 4, 5, 9].map(march).to_vec();
    let lines = document(&sale).unwrap().lines;
    assert_eq!(lines[0].description.as_deref(), Some("Hired: 3–5 March 2027; 9 March 2027"));
    assert_eq!(lines[0].period, Some((march(3), march(9))));
    assert_eq!((&lines[1].description, lines[1].period), (&None, None), "the premium is of no day");
    let xml = written(&sale).unwrap();
    assert_eq!(xml.matches("<ram:BillingSpecifiedPeriod>").count(), 1, "{xml}");
}

/// 119.03 is no net amount and 19 % of it; the cent that is too much may be in the tax.
#[test]
fn an_invoice_in_the_place_of_another_one_has_the_tax_in_a_price_that_was_paid() {
    let mut sale = sale(Treatment::SellersRate, 1_900, 5_000, 0, "EUR");
    for (net, tax) in [(10_000, 1_900), (10_002, 1_901)] {
        sale.invoice.lines[0].net = Money::from_minor(net, sale.invoice.net.currency());
        sale.invoice.net = sale.invoice.lines[0].net;
        sale.invoice.tax = Money::from_minor(tax, sale.invoice.net.currency());
        sale.invoice.gross = sale.invoice.net.checked_add(sale.invoice.tax).unwrap();
        sale.invoice.taxes[0].net = sale.invoice.net;
        sale.invoice.taxes[0].tax = sale.invoice.tax;
        assert_eq!(written(&sale).is_ok(), tax == 1_900, "it is in nobody's place");
        let mut in_place = sale.clone();
        in_place.invoice.replaces = Some(id(6));
        in_place.takes_back = Some(("2026-000006".to_owned(), sale.issued_on));
        let xml = written(&in_place).unwrap();
        assert!(xml.contains("<ram:TypeCode>380</ram:TypeCode>") && xml.contains("2026-000006"), "{xml}");
    }
}

type Change = fn(&mut Printable);

#[test]
fn what_nobody_has_stated_is_named_and_printed_for_people_alone() {
    let fonts = crate::papers::PaperFonts::default().load().unwrap();
    let changes: [(&str, Change); 4] = [
        ("the seller's VAT number", |it| it.invoice.seller.vat_number = None),
        ("the seller's country is missing", |it| it.invoice.seller.country = None),
        ("the buyer's country is missing", |it| it.invoice.buyer.country = None),
        ("the seller's registration", |it| it.invoice.vat_treatment = Treatment::Outside),
    ];
    for (wanted, change) in changes {
        let mut sale = sale(Treatment::Export, 0, 10_000, 0, "EUR");
        assert_eq!(print(&fonts, &sale).unwrap().lacks, None);
        change(&mut sale);
        let printed = print(&fonts, &sale).unwrap();
        assert!(printed.lacks.as_ref().is_some_and(|lacks| lacks.contains(wanted)), "{:?}", printed.lacks);
        assert!(printed.paper.bytes.starts_with(b"%PDF-"));
    }
}

#[test]
fn a_document_that_does_not_add_up_is_no_paper() {
    let fonts = crate::papers::PaperFonts::default().load().unwrap();
    let mut wrong = sale(Treatment::SellersRate, 1_900, 10_000, 0, "EUR");
    wrong.invoice.gross = Money::from_minor(23_801, wrong.invoice.gross.currency());
    assert!(matches!(print(&fonts, &wrong), Err(PaperError::Invoice(InvoiceError::Mismatch { .. }))));
    let mut two = sale(Treatment::SellersRate, 1_900, 10_000, 0, "EUR");
    two.invoice.taxes.push(InvoiceTax { rate_bps: 700, ..two.invoice.taxes[0] });
    let error = print(&fonts, &two).unwrap_err().to_string();
    assert!(error.contains("a second rate of tax"), "{error}");
}

#[test]
fn the_same_document_makes_the_same_bytes() {
    let fonts = crate::papers::PaperFonts::default().load().unwrap();
    let sale = sale(Treatment::SellersRate, 1_900, 10_000, 500, "EUR");
    assert_eq!(print(&fonts, &sale).unwrap().paper.bytes, print(&fonts, &sale).unwrap().paper.bytes);
}
