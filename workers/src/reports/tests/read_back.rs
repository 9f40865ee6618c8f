//! Files read back by tools of others: Python's csv and json, and openpyxl.

use std::path::Path;

use market::reports::table::{Chart, ChartKind, Column, Decimal, Shape};
use tokio::process::Command;

use super::*;

/// Where `./dev test` installs it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev/tools/reports/bin/python");
const READ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reports/read.py");

/// Every shape, in two sections.
const COLUMNS: &[Column] = &[
    Column::text("text", "Text"),
    Column::integer("integer", "Integer"),
    Column::money("money", "Money"),
    Column::new("price", "Price", Shape::Price),
    Column::CURRENCY,
    Column::decimal("weight", "Weight", "kg"),
    Column::new("share", "Share", Shape::Percent),
    Column::new("day", "Day", Shape::Day),
    Column::new("at", "At", Shape::Time),
    Column::new("id", "Id", Shape::Id),
];
const SECTIONS: [Section; 2] = [
    Section {
        name: "first",
        title: "First [of two]",
        columns: COLUMNS,
        charts: &[
            Chart { title: "Money", kind: ChartKind::Line, along: "day", values: &["money", "integer"] },
            Chart { title: "Weight", kind: ChartKind::Bar, along: "text", values: &["weight"] },
        ],
    },
    Section { name: "second", title: "Second", columns: COLUMNS, charts: &[] },
];

/// The same rows in each section.
struct Rows(Vec<Row>);

impl Source for Rows {
    fn rows(&mut self, _: &Section) -> BoxStream<'_, anyhow::Result<Row>> {
        stream::iter(self.0.iter().cloned().map(Ok)).boxed()
    }
}

fn row(text: &str, number: i64, currency: Currency, day: &str, at: &str) -> Row {
    vec![
        Cell::text(text),
        Cell::Integer(number),
        Cell::Money(Money::from_minor(number, currency)),
        Cell::Money(Money::from_minor(-number, currency)),
        Cell::Currency(currency),
        Cell::Decimal(Decimal { digits: number, places: 3 }),
        Cell::Percent(Decimal::percent(number)),
        Cell::Day(day.parse().unwrap()),
        Cell::Time(at.parse().unwrap()),
        Cell::Id(uuid::Uuid::from_u128(7)),
    ]
}

/// Writes a report in every format, and has it read back; what the reader found.
async fn read_back(rows: Vec<Row>) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let head = Head { sections: SECTIONS.to_vec(), ..head(Kind::Sales) };
        let written =
            write(&mut Rows(rows.clone()), head, *format, Arc::default(), &PaperFonts::default()).await.unwrap();
        let path = folder.path().join(format!("report.{}", format.extension()));
        std::fs::write(path, bytes(&written).await).unwrap();
    }
    read(folder.path()).await
}

pub(super) async fn read(folder: &Path) -> serde_json::Value {
    assert!(Path::new(PYTHON).exists(), "openpyxl is not installed: `./dev test` with any filter does so");
    let output = Command::new(PYTHON).arg(READ).arg(folder).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn every_shape_is_read_back_alike_from_every_format() {
    const NOON: &str = "2026-03-29T12:00:00Z";
    let texts = [
        "",
        "Tractor",
        "=1+1",
        "+49 40",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "two\nlines",
        "\"quoted\", with; signs",
        "Käufer 🚜",
        "_x0041_",
        "a\u{1}b",
        " at its ends ",
        "<b>&amp;</b>",
        "0123",
        "1e5",
        "2026-01-01",
        "TRUE",
    ];
    let mut rows: Vec<Row> = texts.iter().map(|text| row(text, 1, Currency::EUR, "2026-01-01", NOON)).collect();
    rows.push(row(&"ä".repeat(32_767), 1, Currency::EUR, "2026-01-01", NOON));
    rows.push(row(&"🚜ä".repeat(20_000), 1, Currency::EUR, "2026-01-01", NOON));
    for number in [0, -1, -12_345_678, 999_999_999_999_999, -1_000_000_000_000_000, 123_456_789_012_345_678] {
        rows.push(row("number", number, Currency::EUR, "2026-01-01", NOON));
    }
    // Before and after the calendar of sheets, its leap day that never was, and a clock change in the zone of a reader.
    for (day, at) in [
        ("1899-12-31", "1899-12-30T18:29:59Z"),
        ("1900-01-01", "1899-12-31T18:30:00Z"),
        ("1900-02-28", "1900-03-01T00:00:00Z"),
        ("0001-01-01", "1850-06-01T00:00:00Z"),
        ("9999-12-31", "9999-12-30T23:59:59Z"),
        ("2024-02-29", "2026-10-25T00:30:00Z"),
    ] {
        rows.push(row("dates", 7, Currency::EUR, day, at));
    }
    rows.push(vec![Cell::Empty; COLUMNS.len()]);
    for currency in [Currency::JPY, Currency::KWD] {
        rows.push(row("other digits", 123_456, currency, "2026-01-01", NOON));
    }
    let count = rows.len();
    let found = read_back(rows).await;
    assert_eq!(found["report"]["sections"], serde_json::json!({"first": count, "second": count}));
    assert_eq!(found["report"]["sheets"], serde_json::json!(["Report", "First  of two", "Second", "Charts"]));
}

#[tokio::test]
async fn each_currency_has_charts_of_its_own() {
    let rows = [(Currency::EUR, 3), (Currency::JPY, 2)]
        .into_iter()
        .flat_map(|(currency, count)| {
            (1..=count).map(move |number| row("point", number, currency, "2026-01-01", "2026-01-01T00:00:00Z"))
        })
        .collect();
    let found = read_back(rows).await;
    assert_eq!(found["report"]["charts"], 4, "two charts, each for two currencies");
}
