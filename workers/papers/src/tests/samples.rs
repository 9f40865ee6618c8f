//! Papers as people would ask for them. The tests read them back, the example prints them to be looked at.

use chrono::{DateTime, NaiveDate, Utc};
use papers::code::{Code, Symbology};
use papers::document::{
    Block, Chart, Column, Document, Figure, Kind, Page, Series, Shape, Table, Words,
};
use papers::invoice::{self, Category, Currency, Decimal, Invoice, Line, Party, Payment, Tax, Totals};
use papers::label::{self, Label};
use papers::movement::{Carrier, Codes, Movement, Person, Signature};
use papers::slip::{Pick, PickingList, ReleasePass};

pub(crate) fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_860_000, 0).unwrap_or_default()
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A document of some blocks.
pub(crate) fn document(language: &str, title: &str, blocks: Vec<Block>) -> Document {
    Document {
        page: Page::A4,
        language: language.to_owned(),
        title: title.to_owned(),
        organisation: "Nordhof Landmaschinen GmbH".to_owned(),
        facts: pairs(&[("Period", "1 to 31 October 2026"), ("Time zone", "Europe/Berlin"), ("Currency", "EUR")]),
        made_at: at(),
        blocks,
        words: Words::default(),
    }
}

/// A table of sales with so many rows, in groups with subtotals.
pub(crate) fn sales(rows: usize) -> Table {
    const GOODS: [(&str, &str); 6] = [
        ("Fendt 724 Vario S4", "Tractors"),
        ("Amazone Cirrus 4003 seed drill with front tyre packer", "Implements"),
        ("Hydraulic pump, 28 cm³, refurbished", "Parts"),
        ("Ferrous scrap E3, mixed lots", "Waste"),
        ("Krone Comprima V 150 XC round baler, first registered in 2019, 14,200 bales", "Implements"),
        ("Oil filter set", "Parts"),
    ];
    let mut table = Table::new(vec![
        Column::start("Day"),
        Column::start("Order"),
        Column::start("What was sold"),
        Column::start("Category"),
        Column::end("Quantity"),
        Column::end("Net EUR"),
        Column::end("VAT EUR"),
        Column::end("Gross EUR"),
    ]);
    table.caption = Some("Orders that were paid in the period, by day of payment in the zone above.".to_owned());
    let cents = |minor: usize| papers::invoice::Currency::new("EUR", 2).map_or_else(String::new, |eur| {
        let text = eur.amount(i64::try_from(minor).unwrap_or(i64::MAX));
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("{grouped}.{fraction}")
    });
    let (mut total, mut part) = (0, 0);
    for row in 0..rows {
        let (name, category) = GOODS[row * 7 % GOODS.len()];
        let net = 4_990 + row * 7_919 % 9_812_345;
        let vat = net * 19 / 100;
        total += net;
        part += net;
        if row % 25 == 0 {
            table.push(Kind::Group, vec![format!("Week {}", 40 + row / 25)]);
        }
        table.push(
            Kind::Plain,
            vec![
                format!("2026-10-{:02}", 1 + row / 25 % 31),
                format!("TY-{:06}", 120_044 + row * 13),
                name.to_owned(),
                category.to_owned(),
                (1 + row % 9).to_string(),
                cents(net),
                cents(vat),
                cents(net + vat),
            ],
        );
        if row % 25 == 24 {
            let cells = ["Week", "", "", "", "", &cents(part), &cents(part * 19 / 100), &cents(part * 119 / 100)];
            table.push(Kind::Subtotal, strings(&cells));
            part = 0;
        }
    }
    let cells = ["Total", "", "", "", "", &cents(total), &cents(total * 19 / 100), &cents(total * 119 / 100)];
    table.push(Kind::Total, strings(&cells));
    table
}

/// A report of three pages with every kind of block.
pub(crate) fn report() -> Document {
    let days: Vec<String> = (1..=31).map(|day| format!("{day} Oct")).collect();
    let wave = |day: i32, base: f64, swing: f64| base + swing * (f64::from(day) / 4.0).sin() + f64::from(day * 37 % 11) * swing / 9.0;
    let sold: Vec<Option<f64>> = (1..=31).map(|day| Some(wave(day, 41_000.0, 18_000.0))).collect();
    let before: Vec<Option<f64>> =
        (1..=31).map(|day| (day != 12 && day != 13).then(|| wave(day + 5, 33_000.0, 12_000.0))).collect();
    let lines = Chart {
        title: "Sales by day".to_owned(),
        unit: "EUR, without VAT".to_owned(),
        shape: Shape::Line,
        labels: days,
        series: vec![
            Series { name: "October 2026".to_owned(), values: sold },
            Series { name: "September 2026".to_owned(), values: before },
        ],
        alternative: "Line chart of sales by day: between 27,000 and 70,000 EUR in October, highest on the 7th; September lies below it."
            .to_owned(),
    };
    let bars = Chart {
        title: "Sales by category".to_owned(),
        unit: "EUR, without VAT".to_owned(),
        shape: Shape::Bars,
        labels: strings(&["Tractors", "Implements", "Parts", "Waste", "Hire", "Shop", "Returned"]),
        series: vec![Series {
            name: "October 2026".to_owned(),
            values: [612_400.0, 388_120.5, 97_310.0, 151_870.0, 42_600.0, 8_914.0, -61_250.0].map(Some).to_vec(),
        }],
        alternative: "Bar chart of sales by category: tractors lead with 612,400 EUR; returns took back 61,250 EUR.".to_owned(),
    };
    let grouped = Chart {
        title: "Orders by week".to_owned(),
        unit: "orders".to_owned(),
        shape: Shape::Bars,
        labels: strings(&["Week 40", "Week 41", "Week 42", "Week 43", "Week 44"]),
        series: vec![
            Series { name: "Checkout".to_owned(), values: [41.0, 38.0, 52.0, 47.0, 44.0].map(Some).to_vec() },
            Series { name: "Auction".to_owned(), values: [12.0, 19.0, 8.0, 22.0, 17.0].map(Some).to_vec() },
            Series { name: "Offer".to_owned(), values: [5.0, 4.0, 9.0, 6.0, 11.0].map(Some).to_vec() },
        ],
        alternative: "Bar chart of orders by week and way of sale: checkouts lead each week.".to_owned(),
    };
    let figure = |label: &str, value: &str, note: &str| Figure { label: label.to_owned(), value: value.to_owned(), note: note.to_owned() };
    document(
        "en",
        "Monthly sales",
        vec![
            Block::Figures(vec![
                figure("Sales without VAT", "1,239,964.50", "12 % more than in September"),
                figure("Orders", "222", "17 more than in September"),
                figure("Average order", "5,585.43", "EUR"),
                figure("Returned", "61,250.00", "4.9 % of sales"),
            ]),
            Block::Paragraph(
                "Sales rose in the second week, when the autumn auction of harvest machines closed, and stayed above those of September \
                 for the rest of the month. Amounts are without VAT unless a column says otherwise; days are those of the time zone above."
                    .to_owned(),
            ),
            Block::Heading("Development".to_owned()),
            Block::Chart(lines),
            Block::Chart(bars),
            Block::Heading("Ways of sale".to_owned()),
            Block::Chart(grouped),
            Block::Heading("Orders".to_owned()),
            Block::Table(sales(58)),
        ],
    )
}

/// A line in every script that the fonts are installed for.
pub(crate) const SCRIPTS: [(&str, &str); 11] = [
    ("Latin", "Größe, coût, Łódź, İstanbul, Đà Nẵng"),
    ("Cyrillic", "Трактор, Київ, Београд"),
    ("Greek", "Αγροτικό μηχάνημα"),
    ("Arabic", "جرار زراعي مستعمل"),
    ("Hebrew", "טרקטור חקלאי משומש"),
    ("Thai", "รถแทรกเตอร์เพื่อการเกษตร"),
    ("Devanagari", "कृषि ट्रैक्टर"),
    ("Chinese", "二手农用拖拉机"),
    ("Japanese", "中古トラクター、農業用"),
    ("Korean", "중고 트랙터"),
    ("Georgian", "ტრაქტორი"),
];

pub(crate) fn scripts() -> Document {
    let mut table = Table::new(vec![Column::start("Script"), Column::start("Text"), Column::end("Amount")]);
    for (name, text) in SCRIPTS {
        table.push(Kind::Plain, vec![name.to_owned(), text.to_owned(), "1,234.50".to_owned()]);
    }
    let mut blocks = vec![Block::Heading("Scripts".to_owned()), Block::Table(table)];
    blocks.extend(SCRIPTS.iter().map(|(_, text)| Block::Paragraph((*text).to_owned())));
    document("en", "Every script", blocks)
}

/// A paper that is read from right to left.
pub(crate) fn hebrew() -> Document {
    let mut table = Table::new(vec![Column::start("פריט"), Column::end("כמות"), Column::end("סכום")]);
    for (name, quantity, sum) in
        [("טרקטור Fendt 724", "1", "98,000.00"), ("משאבה הידראולית", "12", "4,560.00"), ("מסנן שמן", "40", "1,120.00")]
    {
        table.push(Kind::Plain, strings(&[name, quantity, sum]));
    }
    table.push(Kind::Total, strings(&["סך הכול", "", "103,680.00"]));
    Document {
        page: Page::A4,
        language: "he".to_owned(),
        title: "דוח מכירות חודשי".to_owned(),
        organisation: "מכונות הצפון בע\"מ".to_owned(),
        facts: pairs(&[("תקופה", "1–31.10.2026"), ("אזור זמן", "Asia/Jerusalem"), ("מטבע", "ILS")]),
        made_at: at(),
        blocks: vec![
            Block::Paragraph("המכירות עלו בשבוע השני של החודש, עם סגירת המכרז של מכונות הקציר (Harvest 2026).".to_owned()),
            Block::Heading("הזמנות".to_owned()),
            Block::Table(table),
        ],
        words: Words { page: "עמוד {page} מתוך {pages}".to_owned(), ..Words::default() },
    }
}

pub(crate) fn code(symbology: Symbology, text: &str) -> Code {
    Code { symbology, text: text.to_owned(), alternative: format!("Code of {text}") }
}

fn euro() -> Currency {
    currency("EUR", 2)
}

fn currency(code: &str, exponent: u8) -> Currency {
    #[expect(clippy::unwrap_used, reason = "a sample")]
    Currency::new(code, exponent).unwrap()
}

fn seller() -> Party {
    Party {
        name: "Nordhof Landmaschinen GmbH".to_owned(),
        vat_id: Some("DE136695976".to_owned()),
        registration: Some("HRB 48211 Lübeck".to_owned()),
        address: address(&["Hofkoppel 12"], "23611", "Bad Schwartau", "DE"),
        email: Some("rechnung@nordhof.example".to_owned()),
    }
}

fn address(lines: &[&str], postcode: &str, city: &str, country: &str) -> invoice::Address {
    invoice::Address {
        lines: strings(lines),
        postcode: Some(postcode.to_owned()),
        city: Some(city.to_owned()),
        country: country.to_owned(),
    }
}

fn buyer(country: &str, vat_id: Option<&str>) -> Party {
    Party {
        name: "Gård & Maskin Søndergaard ApS".to_owned(),
        vat_id: vat_id.map(str::to_owned),
        registration: None,
        address: address(&["Østervej 4", "Bygning B"], "6700", "Esbjerg", country),
        email: Some("faktura@gm.example".to_owned()),
    }
}

fn line(name: &str, quantity: Decimal, unit: &str, price: Option<Decimal>, net: i64, category: Category, rate_bps: u32) -> Line {
    Line { name: name.to_owned(), description: None, item: None, quantity, unit: unit.to_owned(), price, net, category, rate_bps }
}

/// An invoice of the lines, with the taxes and totals that they come to.
pub(crate) fn invoice(currency: Currency, buyer: Party, lines: Vec<Line>, reason: Option<&str>) -> Invoice {
    let mut taxes: Vec<Tax> = Vec::new();
    for line in &lines {
        match taxes.iter_mut().find(|tax| (tax.category, tax.rate_bps) == (line.category, line.rate_bps)) {
            Some(tax) => tax.net += line.net,
            None => taxes.push(Tax {
                category: line.category,
                rate_bps: line.rate_bps,
                net: line.net,
                tax: 0,
                reason: reason.map(str::to_owned),
            }),
        }
    }
    for tax in &mut taxes {
        tax.tax = (tax.net * i64::from(tax.rate_bps) + 5_000) / 10_000;
    }
    let net: i64 = lines.iter().map(|line| line.net).sum();
    let tax: i64 = taxes.iter().map(|tax| tax.tax).sum();
    Invoice {
        kind: invoice::Kind::Invoice,
        number: "NL-2026-000417".to_owned(),
        issued_on: day(2026, 10, 14),
        currency,
        seller: seller(),
        buyer,
        order: Some("TY-120044".to_owned()),
        buyer_reference: None,
        delivered_on: None,
        delivered_to: None,
        refers_to: None,
        lines,
        taxes,
        totals: Totals { net, tax, gross: net + tax, paid: net + tax, due: 0 },
        accounting_tax: None,
        payment: Payment::Online,
        terms: None,
        due_on: None,
        notes: Vec::new(),
        made_at: at(),
        language: "en".to_owned(),
    }
}

/// Two rates, a premium, a quantity with decimals and a price for all of it.
pub(crate) fn domestic() -> Invoice {
    let standard = Category::Standard;
    let mut tractor =
        line("Fendt 724 Vario S4", Decimal::whole(1), "piece", Some(Decimal { units: 9_800_000, places: 2 }), 9_800_000, standard, 1_900);
    tractor.description = Some("First registered in March 2019, 4,812 hours, front linkage, tyres at 70 %".to_owned());
    tractor.item = Some("TR-724-0091".to_owned());
    let mut made = invoice(
        euro(),
        buyer("DE", Some("DE811257345")),
        vec![
            tractor,
            line("Hydraulic oil HVLP 46", Decimal { units: 20_850, places: 2 }, "litre", Some(Decimal { units: 31_995, places: 4 }), 66_710, standard, 1_900),
            line("Oil filters, box of mixed sizes", Decimal::whole(7), "piece", None, 10_000, standard, 1_900),
            line("Seed potatoes, certified", Decimal::whole(40), "kg", Some(Decimal { units: 135, places: 2 }), 5_400, standard, 700),
            line("Buyer's premium", Decimal::whole(1), "piece", Some(Decimal { units: 104_320, places: 2 }), 104_320, standard, 1_900),
        ],
        None,
    );
    made.delivered_on = Some(day(2026, 10, 20));
    made.payment = Payment::Transfer {
        iban: "DE02 1203 0000 0000 2020 51".to_owned(),
        bic: Some("BYLADEM1001".to_owned()),
        holder: "Nordhof Landmaschinen GmbH".to_owned(),
    };
    made.totals.paid = 0;
    made.totals.due = made.totals.gross;
    made.due_on = Some(day(2026, 10, 28));
    made.terms = Some("Payable within 14 days without deduction.".to_owned());
    made.notes = vec!["Sold as seen; the inspection report of 2 October is part of the agreement.".to_owned()];
    made
}

/// One invoice for each category of tax, and the currencies with other exponents; each with its name.
pub(crate) fn invoices() -> Vec<(&'static str, Invoice)> {
    let one = |net: i64, category: Category, rate: u32| {
        vec![line("Krone Comprima V 150 XC", Decimal::whole(3), "piece", None, net, category, rate)]
    };
    let abroad = || buyer("DK", Some("DK13585628"));
    let reverse = invoice(
        euro(),
        abroad(),
        one(4_000_000, Category::ReverseCharge, 0),
        Some("Reverse charge: the buyer owes the tax (article 196 of Directive 2006/112/EC)."),
    );
    let mut goods = invoice(
        euro(),
        abroad(),
        one(4_000_000, Category::IntraCommunity, 0),
        Some("Intra-Community supply, exempt (article 138 of Directive 2006/112/EC)."),
    );
    goods.delivered_on = Some(day(2026, 10, 19));
    goods.delivered_to = Some(address(&["Havnegade 1"], "6700", "Esbjerg", "DK"));
    let export = invoice(
        euro(),
        buyer("NO", None),
        one(4_000_000, Category::Export, 0),
        Some("Export outside the Union, exempt (article 146 of Directive 2006/112/EC)."),
    );
    let exempt = invoice(
        euro(),
        buyer("DE", None),
        one(4_000_000, Category::Exempt, 0),
        Some("Exempt: small business (§ 19 UStG)."),
    );
    let zero = invoice(euro(), buyer("DE", None), one(4_000_000, Category::Zero, 0), None);
    let outside = invoice(
        euro(),
        buyer("US", None),
        one(4_000_000, Category::Outside, 0),
        Some("Not subject to VAT: the place of supply is outside the Union."),
    );
    let yen = currency("JPY", 0);
    let mut japan = invoice(yen, buyer("DE", None), one(1_234_567, Category::Standard, 1_900), None);
    japan.accounting_tax = Some((euro(), 145_211));
    let kuwait = currency("KWD", 3);
    let dinars = invoice(kuwait, buyer("KW", None), one(1_234_567, Category::Export, 0), Some("Export outside the Union, exempt."));
    let mut credit = invoice(
        euro(),
        buyer("DE", Some("DE811257345")),
        vec![line("Oil filters, box of mixed sizes", Decimal::whole(2), "piece", None, 2_857, Category::Standard, 1_900)],
        None,
    );
    credit.kind = invoice::Kind::CreditNote;
    credit.number = "NL-C-2026-000031".to_owned();
    credit.refers_to = Some(("NL-2026-000417".to_owned(), day(2026, 10, 14)));
    credit.accounting_tax = Some((currency("PLN", 2), 2_311));
    credit.notes = vec!["Two boxes came back on 30 October.".to_owned()];
    vec![
        ("domestic", domestic()),
        ("reverse-charge", reverse),
        ("intra-community", goods),
        ("export", export),
        ("exempt", exempt),
        ("zero", zero),
        ("outside", outside),
        ("yen", japan),
        ("dinar", dinars),
        ("credit-note", credit),
    ]
}

pub(crate) fn shipping_label() -> Label {
    Label {
        carrier: "Hansa Cargo".to_owned(),
        service: "Parcel 24 · signed for".to_owned(),
        from: label::Address {
            name: "Nordhof Landmaschinen GmbH".to_owned(),
            lines: strings(&["Hofkoppel 12", "23611 Bad Schwartau"]),
            country: "Germany".to_owned(),
        },
        to: label::Address {
            name: "Gård & Maskin Søndergaard ApS".to_owned(),
            lines: strings(&["att. Æbbe Østergård", "Østervej 4, Bygning B", "6700 Esbjerg"]),
            country: "Denmark".to_owned(),
        },
        tracking_number: "HC0048211773920DK".to_owned(),
        link: "https://tradeyard.example/t/HC0048211773920DK".to_owned(),
        weight: "12.5 kg".to_owned(),
        parcel: "1 of 2".to_owned(),
        reference: "TY-120044".to_owned(),
        made_at: at(),
        language: "en".to_owned(),
    }
}

pub(crate) fn picking_list() -> PickingList {
    let pick = |place: &str, item: &str, name: &str, quantity: &str, order: &str| Pick {
        place: place.to_owned(),
        item: item.to_owned(),
        name: name.to_owned(),
        quantity: quantity.to_owned(),
        order: order.to_owned(),
    };
    PickingList {
        number: "PL-2026-00981".to_owned(),
        organisation: "Nordhof Landmaschinen GmbH".to_owned(),
        site: "Depot Bad Schwartau".to_owned(),
        due: "2026-10-15 14:00 Europe/Berlin".to_owned(),
        lines: vec![
            pick("A-03-2", "HP-28-R", "Hydraulic pump, 28 cm³, refurbished", "2", "TY-120044"),
            pick("A-03-4", "OF-SET", "Oil filter set", "14", "TY-120044"),
            pick("B-11-1", "KV-150-NET", "Net wrap for round balers, 3,000 m", "6", "TY-120057"),
            pick("Yard 4", "TR-724-0091", "Fendt 724 Vario S4", "1", "TY-120061"),
            pick("Yard 4", "AC-4003", "Amazone Cirrus 4003 seed drill with front tyre packer", "1", "TY-120061"),
        ],
        made_at: at(),
        language: "en".to_owned(),
    }
}

pub(crate) fn release_pass() -> ReleasePass {
    ReleasePass {
        code: "7KQ4-MX2P".to_owned(),
        organisation: "Nordhof Landmaschinen GmbH".to_owned(),
        site: "Depot Bad Schwartau".to_owned(),
        address: "Hofkoppel 12, 23611 Bad Schwartau".to_owned(),
        slot: "15 Oct 2026, 14:00–14:30 CEST".to_owned(),
        order: "TY-120061".to_owned(),
        buyer: "Gård & Maskin Søndergaard ApS".to_owned(),
        lines: pairs(&[("Fendt 724 Vario S4", "1"), ("Amazone Cirrus 4003 seed drill with front tyre packer", "1")]),
        made_at: at(),
        language: "en".to_owned(),
    }
}

pub(crate) fn movement() -> Movement {
    let person = |name: &str, address: &str, contact: &str| Person {
        name: name.to_owned(),
        address: address.to_owned(),
        contact: contact.to_owned(),
        phone: "+49 451 555 0142".to_owned(),
        email: "transport@recycling.example".to_owned(),
    };
    let arranger = person("Ostsee Recycling GmbH", "Werftstraße 9, 23552 Lübeck, DE", "Jana Petersen");
    let facility = person("Fonderies du Rhône SA", "12 quai des Forges, 69007 Lyon, FR", "Hélène Moreau");
    Movement {
        number: "WM-2026-00214".to_owned(),
        arranger: arranger.clone(),
        consignee: facility.clone(),
        tonnes: Some("24.860".to_owned()),
        cubic_metres: None,
        shipped_on: Some("2026-10-19".to_owned()),
        carriers: vec![
            Carrier {
                person: person("Hansa Cargo GmbH", "Hafenstraße 3, 23568 Lübeck, DE", "Ole Brandt"),
                means_of_transport: "Road, HL-HC 482".to_owned(),
                transferred_on: Some("2026-10-19".to_owned()),
                signed_by: Some("Ole Brandt".to_owned()),
            },
            Carrier { person: person("Rail Fret Est", "4 rue de la Gare, 67000 Strasbourg, FR", "Luc Weber"), ..Carrier::default() },
        ],
        generator: arranger,
        facility,
        operation: "R4 – Recycling of metals and metal compounds".to_owned(),
        description: "Ferrous scrap, mixed, sorted and free of oil (grade E3), loose in containers".to_owned(),
        codes: Codes { basel: "B1010".to_owned(), oecd: String::new(), ewc: "19 12 02".to_owned(), national: String::new() },
        dispatch: "DE – Germany".to_owned(),
        transit: vec![],
        destination: "FR – France".to_owned(),
        declaration: Some(Signature {
            name: "Jana Petersen".to_owned(),
            on: "2026-10-19".to_owned(),
            signed_by: "signed electronically".to_owned(),
        }),
        received_by_consignee: None,
        received_by_facility: None,
        received_quantity: None,
        made_at: at(),
        language: "en".to_owned(),
    }
}
