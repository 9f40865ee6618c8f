use papers::code::{Code, Symbology};
use papers::document::{Block, Chart, Column, Document, Figure, Kind, Page, Series, Shape, Table, Words};

use super::{at, pairs, strings};

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
    let cents = |minor: usize| {
        papers::invoice::Currency::new("EUR", 2).map_or_else(String::new, |eur| {
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
        })
    };
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
    let wave = |day: i32, base: f64, swing: f64| {
        base + swing * (f64::from(day) / 4.0).sin() + f64::from(day * 37 % 11) * swing / 9.0
    };
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
        alternative: "Line chart of sales by day: between 28,000 and 78,000 EUR in October, highest on the 30th; September lies mostly \
                      below it."
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
        alternative: "Bar chart of sales by category: tractors lead with 612,400 EUR; returns took back 61,250 EUR."
            .to_owned(),
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
    let figure = |label: &str, value: &str, note: &str| Figure {
        label: label.to_owned(),
        value: value.to_owned(),
        note: note.to_owned(),
    };
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
            Block::Paragraph(
                "המכירות עלו בשבוע השני של החודש, עם סגירת המכרז של מכונות הקציר (Harvest 2026).".to_owned(),
            ),
            Block::Heading("הזמנות".to_owned()),
            Block::Table(table),
        ],
        words: Words { page: "עמוד {page} מתוך {pages}".to_owned(), ..Words::default() },
    }
}

/// One with boxes and a chart besides.
pub(crate) fn arabic() -> Document {
    let mut table = Table::new(vec![Column::start("الصنف"), Column::start("الفئة"), Column::end("المبلغ")]);
    for (name, category, sum) in [
        ("جرار Fendt 724", "جرارات", "98,000.00"),
        ("مضخة هيدروليكية 28 سم³", "قطع غيار", "4,560.00"),
        ("مرشح زيت", "قطع غيار", "120.50"),
    ] {
        table.push(Kind::Plain, strings(&[name, category, sum]));
    }
    table.push(Kind::Total, strings(&["المجموع", "", "102,680.50"]));
    let figure = |label: &str, value: &str, note: &str| Figure {
        label: label.to_owned(),
        value: value.to_owned(),
        note: note.to_owned(),
    };
    let chart = Chart {
        title: "المبيعات حسب الأسبوع".to_owned(),
        unit: "AED".to_owned(),
        shape: Shape::Bars,
        labels: strings(&["الأسبوع 40", "الأسبوع 41", "الأسبوع 42"]),
        series: vec![
            Series { name: "جرارات".to_owned(), values: [41.0, 38.0, 52.0].map(Some).to_vec() },
            Series { name: "قطع غيار".to_owned(), values: [12.0, 19.0, 8.0].map(Some).to_vec() },
        ],
        alternative: "رسم بياني للمبيعات".to_owned(),
    };
    Document {
        organisation: "شركة الشمال للآلات الزراعية".to_owned(),
        facts: pairs(&[("الفترة", "1–31 أكتوبر 2026"), ("المنطقة الزمنية", "Asia/Dubai"), ("العملة", "AED")]),
        words: Words { page: "صفحة {page} من {pages}".to_owned(), ..Words::default() },
        ..document(
            "ar",
            "تقرير المبيعات الشهري",
            vec![
                Block::Figures(vec![
                    figure("المبيعات", "102,680.50", "أكثر من سبتمبر بنسبة 12 %"),
                    figure("الطلبات", "222", ""),
                ]),
                Block::Paragraph("ارتفعت المبيعات في الأسبوع الثاني (Harvest 2026) وبقيت أعلى من سبتمبر.".to_owned()),
                Block::Heading("التطور".to_owned()),
                Block::Chart(chart),
                Block::Heading("الطلبات".to_owned()),
                Block::Table(table),
            ],
        )
    }
}

pub(crate) fn code(symbology: Symbology, text: &str) -> Code {
    Code { symbology, text: text.to_owned(), alternative: format!("Code of {text}") }
}
