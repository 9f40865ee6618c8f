use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::{StreamExt as _, stream};
use market::reports::model::{Format, SalesRow};
use market::reports::rules::Period;
use shared::money::{Currency, Money};

use super::writer::{CHUNK, Head, Unwritable, WAITING, Written, write_sales};

mod jobs;

fn head() -> Head {
    let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    let period = Period::new(day, day, Tz::Asia__Kolkata).unwrap();
    Head { org_name: "Hof Müller & Söhne".to_owned(), period }
}

fn row(number: i64) -> SalesRow {
    let currency = if number % 3 == 0 { Currency::JPY } else { Currency::EUR };
    let money = |minor| Money::from_minor(minor, currency);
    let start: DateTime<Utc> = "2026-11-19T18:30:00Z".parse().unwrap();
    let total = 100_001 + number * 7;
    let fee = total / 20;
    SalesRow {
        order: uuid::Uuid::from_u128(u128::from(number.unsigned_abs())).into(),
        sold_at: start + TimeDelta::milliseconds(number * 400),
        source: "auction".to_owned(),
        buyer: format!("Käufer {number}"),
        items: format!("=HYPERLINK(\"http://x\"); Fendt 724, {number}"),
        quantity: 1 + number % 5,
        total: money(total),
        fee: money(fee),
        net: money(total - fee),
        status: "pending_payment".to_owned(),
    }
}

async fn bytes(written: &Written) -> Vec<u8> {
    use tokio::io::AsyncReadExt as _;
    let mut bytes = Vec::new();
    written.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Writes `count` rows, and asserts that the stream never runs far ahead of the file.
async fn write(count: i64, format: Format) -> Written {
    let written = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&written);
    let rows = stream::iter(0..count).map(move |number| {
        let ahead = number.unsigned_abs() - watched.load(Ordering::Relaxed);
        // The chunk being filled, the one waiting to be sent, those waiting in the channel, and the
        // one being written.
        let most = (CHUNK * (WAITING + 3)) as u64;
        assert!(ahead <= most, "{ahead} rows in memory");
        Ok::<_, anyhow::Error>(row(number))
    });
    let result = write_sales(rows, head(), format, count, Arc::clone(&written)).await.unwrap();
    assert_eq!(written.load(Ordering::Relaxed), count.unsigned_abs());
    result
}

/// The cells of a sheet as text, by row.
fn sheet(file: Vec<u8>) -> Vec<Vec<String>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut xml = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut xml).unwrap();
    assert!(!xml.contains("<f>"), "nothing is a formula");
    let inner = |text: &str, tag: &str| {
        let start = text.find(&format!("<{tag}"))?;
        let start = start + text[start..].find('>')? + 1;
        let end = text.rfind(&format!("</{tag}>"))?;
        let plain = text[start..end].replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        Some(plain.replace("&amp;", "&"))
    };
    xml.split("<row ")
        .skip(1)
        .map(|row| {
            row.split("<c ")
                .skip(1)
                .map(|cell| inner(cell, "t").or_else(|| inner(cell, "v")).unwrap_or_default())
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn both_formats_show_the_same_figures() {
    const ROWS: usize = 1_234;
    const COUNT: i64 = 1_234;
    let csv_report = write(COUNT, Format::Csv).await;
    let xlsx_report = write(COUNT, Format::Xlsx).await;
    assert_eq!(csv_report.totals, xlsx_report.totals);
    let expected: i64 =
        (0..COUNT).map(row).filter(|it| it.total.currency() == Currency::EUR).map(|it| it.total.minor()).sum();
    assert_eq!(csv_report.totals[0].total, Money::from_minor(expected, Currency::EUR));
    assert_eq!(csv_report.totals.iter().map(|it| it.rows).sum::<i64>(), COUNT);

    let file = bytes(&csv_report).await;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&file[..]);
    let csv_rows: Vec<Vec<String>> =
        reader.records().map(|it| it.unwrap().iter().map(str::to_owned).collect()).collect();
    let sheet_rows = sheet(bytes(&xlsx_report).await);
    assert_eq!(csv_rows.len(), 1 + ROWS + 2, "titles, rows, one total per currency");
    let sheet_titles = sheet_rows.iter().position(|it| it.len() == 11).unwrap();
    assert_eq!(sheet_rows[sheet_titles], csv_rows[0]);
    assert_eq!(csv_rows[0][0], "Sold at (Asia/Kolkata)");
    let printed: String = sheet_rows[..sheet_titles].concat().concat();
    for part in ["Hof Müller & Söhne", "2026-11-20", "Asia/Kolkata"] {
        assert!(printed.contains(part), "{part} is missing in {printed}");
    }

    for number in 0..ROWS {
        let (csv, xlsx) = (&csv_rows[1 + number], &sheet_rows[sheet_titles + 1 + number]);
        assert_eq!((&csv[1], &csv[3], &csv[9]), (&xlsx[1], &xlsx[3], &xlsx[9]));
        assert!(csv[4].starts_with("'=HYPERLINK") && xlsx[4].starts_with("=HYPERLINK"));
        for column in 5..9 {
            let (a, b): (f64, f64) = (csv[column].parse().unwrap(), xlsx[column].parse().unwrap());
            assert!((a - b).abs() < 1e-9, "row {number}, column {column}: {a} and {b}");
        }
    }
    assert_eq!(csv_rows[1][0], "2026-11-20T00:00:00+05:30");
    assert!(
        sheet_rows[sheet_titles + 1][0].starts_with("46346"),
        "midnight of the day, as a date: {}",
        sheet_rows[sheet_titles + 1][0]
    );
    let totals: Vec<_> =
        csv_rows[1 + ROWS..].iter().map(|it| [&it[6], &it[7], &it[8]].map(|it| it.parse::<f64>().unwrap())).collect();
    for (number, total) in totals.iter().enumerate() {
        let row = &sheet_rows[sheet_titles + 1 + ROWS + number];
        let figures: Vec<f64> = row.iter().filter_map(|it| it.parse().ok()).collect();
        assert_eq!(figures, total, "{row:?}");
    }
}

/// The most memory that this process has used since the last reset, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn two_hundred_thousand_rows_take_flat_memory() {
    for format in [Format::Csv, Format::Xlsx] {
        // Warmed up: what a short report needs is already there.
        drop(write(2_000, format).await);
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = peak_memory();
        let report = write(200_000, format).await;
        let grown = peak_memory().saturating_sub(before);
        assert_eq!(report.totals.iter().map(|it| it.rows).sum::<i64>(), 200_000);
        // The rows alone would take some 50 MB.
        assert!(grown < 16 * 1024 * 1024, "{format:?} took {grown} bytes more than a short report");
    }
}

#[tokio::test]
async fn an_empty_report_has_its_head() {
    let file = bytes(&write(0, Format::Csv).await).await;
    assert_eq!(String::from_utf8(file).unwrap().lines().count(), 1);
    assert_eq!(sheet(bytes(&write(0, Format::Xlsx).await).await).last().unwrap().len(), 11);
}

#[tokio::test]
async fn a_broken_stream_breaks_the_report() {
    let rows = stream::iter(0..5_000)
        .map(|number| if number == 4_321 { Err(anyhow!("connection lost")) } else { Ok(row(number)) });
    let error = write_sales(rows, head(), Format::Csv, 5_000, Arc::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost");
}

#[tokio::test]
async fn what_can_never_work_says_so() {
    let none = || stream::iter(Vec::<anyhow::Result<SalesRow>>::new());
    let error = write_sales(none(), head(), Format::Xlsx, 2_000_000, Arc::default()).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Unwritable::TooManyRows { rows: 2_000_000 })));
    write_sales(none(), head(), Format::Csv, 2_000_000, Arc::default()).await.unwrap();

    let huge = |number| {
        let mut row = row(number);
        row.total = Money::from_minor(i64::MAX / 2 + 1, Currency::EUR);
        Ok::<_, anyhow::Error>(row)
    };
    let error = write_sales(stream::iter((1..3).map(huge)), head(), Format::Csv, 2, Arc::default()).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Unwritable::Overflow)), "{error}");
}
