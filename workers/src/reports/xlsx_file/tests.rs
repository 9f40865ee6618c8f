use std::io::Read as _;

use market::reports::model::Kind;

use super::*;
use crate::reports::tests::head;

/// What does not fit into a sheet goes on in the next one, below the same titles.
#[test]
fn rows_past_a_sheet_go_to_the_next_one() {
    const COLUMNS: &[Column] = &[Column::text("name", "Name"), Column::integer("number", "Number")];
    let section = Section { name: "rows", title: "Rows", columns: COLUMNS, charts: &[] };
    let head = Head { sections: vec![section], ..head(Kind::Sales) };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report");
    let mut file = Box::new(XlsxFile::with_sheets_of(3, path.clone(), dir.path(), head).unwrap());
    file.begin(&section).unwrap();
    for number in 1..=7 {
        file.row(&[Cell::text("row"), Cell::Integer(number)]).unwrap();
    }
    file.end(&section, &[]).unwrap();
    file.finish(&CancellationToken::new()).unwrap();

    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let book = text("xl/workbook.xml");
    for name in ["Report", "Rows", "Rows (2)", "Rows (3)"] {
        assert!(book.contains(&format!("name=\"{name}\"")), "{name} is not in {book}");
    }
    for title in ["Rows!$1:$1", "'Rows (2)'!$1:$1", "'Rows (3)'!$1:$1"] {
        assert!(book.contains(title), "each printed page has the titles: {title} is not in {book}");
    }
    let numbers = [2, 3, 4].map(|number| {
        let sheet = text(&format!("xl/worksheets/sheet{number}.xml"));
        assert!(sheet.contains("Number"), "{sheet}");
        assert!(sheet.contains(r#"fitToHeight="0""#) && sheet.contains("&amp;P / &amp;N"), "{sheet}");
        sheet.matches("<v>").count()
    });
    assert_eq!(numbers, [3, 3, 1]);
}

/// Packing takes long where there are many rows: it ends where nobody waits for it any more.
#[test]
fn a_workbook_that_nobody_waits_for_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report");
    let file = Box::new(XlsxFile::new(path.clone(), dir.path(), head(Kind::Sales)).unwrap());
    let unwanted = CancellationToken::new();
    unwanted.cancel();
    let error = file.finish(&unwanted).unwrap_err();
    assert!(format!("{error:#}").contains("nobody waits for the file"), "{error:#}");
    assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
}

#[test]
fn names_of_sheets_are_as_excel_takes_them() {
    let mut names = Names::default();
    assert_eq!(names.unique("Orders"), "Orders");
    assert_eq!(names.unique("ORDERS"), "ORDERS (2)", "they differ in nothing but their case");
    assert_eq!(names.unique("orders"), "orders (3)");
    assert_eq!(names.unique("'Tom & Jerry'"), "Tom & Jerry");
    assert_eq!(names.unique("a/b\\c?*:[d]"), "a b c    d");
    assert_eq!(names.unique("''"), "Sheet");
    assert_eq!(names.unique("History"), "Sheet (2)");
    let long = "A name that is much longer than thirty-one characters";
    assert_eq!(names.unique(long).chars().count(), 31);
    assert!(names.unique(long).ends_with(" (2)"));
    for name in names.taken() {
        rust_xlsxwriter::utility::check_sheet_name(name).unwrap();
    }
}

#[test]
fn long_texts_are_cut_with_a_mark() {
    let fits = "ä".repeat(32_767);
    assert_eq!(values::cut(&fits), fits);
    let long = "ä".repeat(32_768);
    let kept = values::cut(&long);
    assert!(kept.ends_with("… (cut)"));
    assert_eq!(kept.encode_utf16().count(), 32_767);
    // Two units each in UTF-16: none is cut in halves.
    let pairs = values::cut(&"🚜".repeat(20_000)).into_owned();
    assert!(pairs.encode_utf16().count() <= 32_767 && pairs.ends_with("🚜… (cut)"));
}
