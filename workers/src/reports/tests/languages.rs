//! Workbooks and papers in the language of their reader.

use std::collections::BTreeSet;

use tokio::process::Command;

use super::*;
use crate::reports::german::german;
use crate::reports::wording::Wording;

/// Every section of every kind, however it is grouped.
fn sections() -> Vec<(Kind, Section)> {
    let mut all = Vec::new();
    for &kind in Kind::ALL {
        let definition = kind.definition();
        let groupings = std::iter::once(None).chain(definition.groupings.iter().copied().map(Some));
        let regions = [None, Some(market::ids::RegionId::generate())];
        for (group_by, region) in groupings.flat_map(|group| regions.map(|region| (group, region))) {
            let parameters = Parameters { group_by, region, ..Parameters::default() };
            let scope = Scope { org: OrgId::generate(), period: period(), parameters };
            all.extend((definition.sections)(&scope).into_iter().map(|section| (kind, section)));
        }
    }
    all
}

#[test]
fn every_definitions_words_have_a_german_form() {
    let mut english = BTreeSet::new();
    for (kind, section) in sections() {
        english.extend([kind.definition().title, section.title]);
        english.extend(section.columns.iter().map(|column| column.title));
        english.extend(section.charts.iter().map(|chart| chart.title));
    }
    let missing: Vec<_> = english.into_iter().filter(|title| german(title).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn numbers_and_days_are_those_of_the_locale() {
    let shown = |locale: &str| {
        let wording = Wording::of(&locale.parse().unwrap());
        (wording.digits.show("-1234567.50"), wording.day(NaiveDate::from_ymd_opt(2026, 11, 9).unwrap()))
    };
    let of = |number: &str, day: &str| (number.to_owned(), day.to_owned());
    assert_eq!(shown("en"), of("\u{2212}1,234,567.50", "2026-11-09"));
    assert_eq!(shown("en-US"), of("\u{2212}1,234,567.50", "2026-11-09"));
    assert_eq!(shown("de"), of("\u{2212}1.234.567,50", "09.11.2026"));
    assert_eq!(shown("de-CH"), of("\u{2212}1'234'567.50", "09.11.2026"));
}

/// An order, in every format, for somebody who reads German.
async fn german_report(format: Format) -> Written {
    let head = Head { locale: "de".parse().unwrap(), ..head(Kind::Sales) };
    let order = |number: i64| -> anyhow::Result<Row> { Ok(order(number + 1)) };
    write(&mut Orders { count: 2, order }, head, format, Arc::default(), &PaperFonts::default()).await.unwrap()
}

/// Read back by poppler.
#[tokio::test]
async fn a_paper_for_a_german_reader_is_in_german() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    std::fs::write(&path, bytes(&german_report(Format::Pdf).await).await).unwrap();
    let output = Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output().await.unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for wanted in [
        "Bericht Verkäufe",
        "Zeitraum",
        "20.11.2026 bis 20.11.2026",
        "Zeitzone",
        "Bestellungen",
        "Verkauft am",
        "Gebühr",
        "Summe",
        "2 Zeilen",
        // 100,008 and 100,015 cents.
        "1.000,08",
        "2.000,23",
        "Seite 1 von",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in:\n{text}");
    }
    for english in ["Sales", "Period", "Total", "Page"] {
        assert!(!text.contains(english), "{english} is in:\n{text}");
    }
}

#[tokio::test]
async fn a_workbook_for_a_german_reader_is_in_german() {
    let file = bytes(&german_report(Format::Xlsx).await).await;
    let (about, orders) = (sheet(file.clone(), 1).concat().concat(), sheet(file.clone(), 2));
    for wanted in ["Bericht Verkäufe", "Zeitraum", "Summen", "Betrag"] {
        assert!(about.contains(wanted), "{wanted}: {about}");
    }
    assert_eq!(orders[0][0], "Verkauft am (Asia/Kolkata)");
    assert_eq!((orders[0][8].as_str(), orders[0][10].as_str()), ("Netto", "Status"));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut read = |name: &str| {
        let mut xml = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut xml).unwrap();
        xml
    };
    assert!(read("xl/workbook.xml").contains("name=\"Bestellungen\""));
    assert!(read("xl/styles.xml").contains("dd.mm.yyyy hh:mm:ss"));
}

/// Programs read them.
#[tokio::test]
async fn csv_and_json_are_the_same_for_every_reader() {
    for format in [Format::Csv, Format::Json] {
        let head = head(Kind::Sales);
        let order = |number: i64| -> anyhow::Result<Row> { Ok(order(number + 1)) };
        let mut rows = Orders { count: 2, order };
        let english = write(&mut rows, head, format, Arc::default(), &PaperFonts::default()).await.unwrap();
        assert_eq!(bytes(&english).await, bytes(&german_report(format).await).await);
    }
}
