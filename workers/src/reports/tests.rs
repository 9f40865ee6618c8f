use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use market::identity::Locale;
use market::reports::model::{Format, Kind, Parameters, Scope};
use market::reports::rules::Period;
use market::reports::table::{Cell, Row, Section, Sum};
use shared::ids::OrgId;
use shared::money::{Currency, Money};

use super::writer::{CHUNK, Head, Source, Unwritable, WAITING, Written, write};
use crate::papers::PaperFonts;

mod jobs;
mod languages;
mod read_back;

fn period() -> Period {
    let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    Period::new(day, day, Tz::Asia__Kolkata).unwrap()
}

pub(super) fn head(kind: Kind) -> Head {
    let scope = Scope { org: OrgId::generate(), period: period(), parameters: Parameters::default() };
    Head {
        kind,
        org_name: "Hof Müller & Söhne".to_owned(),
        locale: Locale::default(),
        period: period(),
        parameters: Parameters::default(),
        sections: (kind.definition().sections)(&scope),
        asked_at: "2026-11-21T06:00:00Z".parse().unwrap(),
    }
}

/// An order of the sales report; one in three is in yen.
fn order(number: i64) -> Row {
    let currency = if number % 3 == 0 { Currency::JPY } else { Currency::EUR };
    let money = |minor| Cell::Money(Money::from_minor(minor, currency));
    let start: DateTime<Utc> = "2026-11-19T18:30:00Z".parse().unwrap();
    let total = 100_001 + number * 7;
    let fee = total / 20;
    vec![
        Cell::Time(start + TimeDelta::milliseconds(number * 400)),
        Cell::Id(uuid::Uuid::from_u128(u128::from(number.unsigned_abs()))),
        Cell::text("auction"),
        Cell::text(format!("Käufer {number}")),
        Cell::text(format!("=HYPERLINK(\"http://x\"); Fendt 724, {number}")),
        Cell::Integer(1 + number % 5),
        money(total),
        money(fee),
        money(total - fee),
        Cell::Currency(currency),
        Cell::text("pending_payment"),
    ]
}

/// Orders from a function of their numbers.
struct Orders<F> {
    count: i64,
    order: F,
}

impl<F: Fn(i64) -> anyhow::Result<Row> + Clone + Send> Source for Orders<F> {
    fn rows(&mut self, _: &Section) -> BoxStream<'_, anyhow::Result<Row>> {
        let order = self.order.clone();
        stream::iter(0..self.count).map(order).boxed()
    }
}

async fn bytes(written: &Written) -> Vec<u8> {
    use tokio::io::AsyncReadExt as _;
    let mut bytes = Vec::new();
    written.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Writes `count` orders, and asserts that the stream never runs far ahead of the file.
async fn orders(count: i64, format: Format) -> Written {
    let written = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&written);
    let order = move |number: i64| {
        let ahead = number.unsigned_abs() - watched.load(Ordering::Relaxed);
        // The chunk being filled, the one waiting to be sent, those waiting in the channel, and the
        // one being written.
        let most = (CHUNK * (WAITING + 3)) as u64;
        assert!(ahead <= most, "{ahead} rows in memory");
        Ok(order(number))
    };
    let result =
        write(&mut Orders { count, order }, head(Kind::Sales), format, Arc::clone(&written), &PaperFonts::default())
            .await
            .unwrap();
    assert_eq!(written.load(Ordering::Relaxed), count.unsigned_abs());
    result
}

fn sum<'a>(written: &'a Written, column: &str, currency: Currency) -> &'a Sum {
    written.sums.iter().find(|sum| sum.column == column && sum.amount.currency() == currency).unwrap()
}

/// The text between the first beginning of a tag and its last end.
fn inner(xml: &str, tag: &str) -> Option<String> {
    let start = xml.find(&format!("<{tag}"))?;
    let start = start + xml[start..].find('>')? + 1;
    let end = xml.rfind(&format!("</{tag}>"))?;
    let plain = xml[start..end].replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    Some(plain.replace("&amp;", "&"))
}

/// The cells of a sheet as text, by row.
fn sheet(file: Vec<u8>, number: usize) -> Vec<Vec<String>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut read = |name: &str| {
        let mut xml = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut xml).unwrap();
        xml
    };
    let xml = read(&format!("xl/worksheets/sheet{number}.xml"));
    assert!(!xml.contains("<f>"), "nothing is a formula");
    // The sheet about the report shares its texts with the workbook; those of rows are in their cells.
    let shared: Vec<_> = read("xl/sharedStrings.xml").split("<si>").skip(1).map(|text| inner(text, "t")).collect();
    let text = |cell: &str| match inner(cell, "v") {
        Some(place) if cell.contains("t=\"s\"") => shared[place.parse::<usize>().unwrap()].clone(),
        value => inner(cell, "t").or(value),
    };
    let rows = xml.split("<row ").skip(1);
    rows.map(|row| row.split("<c ").skip(1).map(|cell| text(cell).unwrap_or_default()).collect()).collect()
}

#[tokio::test]
async fn both_formats_show_the_same_figures() {
    const ROWS: usize = 1_234;
    const COUNT: i64 = 1_234;
    let csv_report = orders(COUNT, Format::Csv).await;
    let xlsx_report = orders(COUNT, Format::Xlsx).await;
    assert_eq!((&csv_report.sums, csv_report.rows), (&xlsx_report.sums, COUNT));
    let expected: i64 = (0..COUNT).filter(|number| number % 3 != 0).map(|number| 100_001 + number * 7).sum();
    assert_eq!(sum(&csv_report, "total", Currency::EUR).amount, Money::from_minor(expected, Currency::EUR));
    assert_eq!(
        sum(&csv_report, "net", Currency::EUR).rows + sum(&csv_report, "net", Currency::JPY).rows,
        COUNT,
        "each row is in one sum"
    );

    let file = bytes(&csv_report).await;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&file[..]);
    let csv_rows: Vec<Vec<String>> =
        reader.records().map(|it| it.unwrap().iter().map(str::to_owned).collect()).collect();
    let file = bytes(&xlsx_report).await;
    let (about, sheet_rows) = (sheet(file.clone(), 1), sheet(file, 2));
    assert_eq!((csv_rows.len(), sheet_rows.len()), (1 + ROWS + 2, 1 + ROWS), "titles, rows, one total per currency");
    assert_eq!(sheet_rows[0], csv_rows[0]);
    assert_eq!(csv_rows[0][0], "Sold at (Asia/Kolkata)");
    let printed: String = about.concat().concat();
    for part in ["Sales report", "Hof Müller & Söhne", "2026-11-20", "Asia/Kolkata"] {
        assert!(printed.contains(part), "{part} is missing in {printed}");
    }

    for number in 0..ROWS {
        let (csv, xlsx) = (&csv_rows[1 + number], &sheet_rows[1 + number]);
        assert_eq!((&csv[1], &csv[3], &csv[9]), (&xlsx[1], &xlsx[3], &xlsx[9]));
        assert!(csv[4].starts_with("'=HYPERLINK") && xlsx[4].starts_with("=HYPERLINK"));
        for column in 5..9 {
            let (a, b): (f64, f64) = (csv[column].parse().unwrap(), xlsx[column].parse().unwrap());
            assert!((a - b).abs() < 1e-9, "row {number}, column {column}: {a} and {b}");
        }
    }
    assert_eq!(csv_rows[1][0], "2026-11-20T00:00:00+05:30");
    assert!(sheet_rows[1][0].starts_with("46346"), "midnight of the day, as a date: {}", sheet_rows[1][0]);
    let totals: Vec<f64> = [6, 7, 8]
        .iter()
        .flat_map(|place| csv_rows[1 + ROWS..].iter().map(|row| row[*place].parse().unwrap()))
        .collect();
    let begin = about.iter().position(|row| row.first().is_some_and(|cell| cell == "Totals")).unwrap() + 1;
    let figures: Vec<f64> = about[begin..].iter().map(|row| row[3].parse().unwrap()).collect();
    assert_eq!(figures, totals);
}

/// The most memory that this process has used since the last reset, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The process's peak memory while a report of `count` rows is written. It is not a difference to what the process holds before: the
/// allocator keeps a share of what the previous report freed, and how large a share varies.
async fn peak_of(count: i64, format: Format) -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    assert_eq!(orders(count, format).await.rows, count);
    peak_memory()
}

/// How much more memory `count` rows take than a short report.
async fn growth(count: i64, format: Format) -> u64 {
    // Warmed up: what every report needs is already there.
    drop(orders(2_000, format).await);
    let short = peak_of(2_000, format).await;
    peak_of(count, format).await.saturating_sub(short)
}

/// Asserts of every format that `count` rows take at most so many bytes more than a short report.
fn take_at_most(bytes: u64, count: i64) {
    // With one thread that writes. Where the one of the report before is still about to say that it is free, as on a busy machine, a
    // second one begins, and does not find what the first one has freed: a whole paper more, which is not the rows'.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        for format in Format::ALL {
            let grown = growth(count, *format).await;
            assert!(grown < bytes, "{format:?} took {grown} bytes more than a short report");
        }
    });
}

#[test]
fn two_hundred_thousand_rows_take_flat_memory() {
    // The rows alone would take some 50 MB.
    take_at_most(16 * 1024 * 1024, 200_000);
}

/// More than a sheet of a workbook holds.
#[test]
fn soak_a_million_rows_take_flat_memory() {
    take_at_most(64 * 1024 * 1024, 1_100_000);
}

#[tokio::test]
async fn an_empty_report_has_its_head() {
    let file = bytes(&orders(0, Format::Csv).await).await;
    assert_eq!(String::from_utf8(file).unwrap().lines().count(), 1);
    assert_eq!(sheet(bytes(&orders(0, Format::Xlsx).await).await, 2).last().unwrap().len(), 11);
    let json: serde_json::Value = serde_json::from_slice(&bytes(&orders(0, Format::Json).await).await).unwrap();
    assert_eq!(json["sections"][0]["rows"], serde_json::json!([]));
    assert_eq!(
        json["sections"][0]["columns"][6],
        serde_json::json!({"name": "total", "title": "Total", "type": "money"})
    );
}

#[tokio::test]
async fn a_broken_stream_breaks_the_report() {
    let order = |number: i64| -> anyhow::Result<Row> {
        if number == 4_321 { Err(anyhow!("connection lost")) } else { Ok(order(number)) }
    };
    for format in Format::ALL {
        let mut rows = Orders { count: 5_000, order };
        let error =
            write(&mut rows, head(Kind::Sales), *format, Arc::default(), &PaperFonts::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "connection lost");
    }
}

#[tokio::test]
async fn what_can_never_work_says_so() {
    let huge = |number: i64| -> anyhow::Result<Row> {
        let mut row = order(number + 1);
        row[6] = Cell::Money(Money::from_minor(i64::MAX / 2 + 1, Currency::EUR));
        Ok(row)
    };
    let error = write(
        &mut Orders { count: 2, order: huge },
        head(Kind::Sales),
        Format::Csv,
        Arc::default(),
        &PaperFonts::default(),
    )
    .await
    .unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Unwritable::Overflow)), "{error}");
}
