use std::path::Path;

use proptest::prelude::{any, prop, prop_assert, proptest};

use super::samples::{SCRIPTS, arabic, document, hebrew, report, sales, scripts};
use super::{FONTS, MARKS, Printed, assert_in_order, contains};
use crate::axis::{Digits, Scale, grouped};
use crate::document::{Block, Chart, Column, Document, Kind, MAX_ROWS, Series, Shape, Table, print};
use crate::fonts::{FontError, Fonts};
use crate::look::BODY;
use crate::table::shares;
use crate::text::Typesetter;

fn printed(document: &Document) -> Printed {
    Printed::new(print(&FONTS, document).unwrap())
}

#[test]
fn a_report_reads_back_in_the_order_it_was_written() {
    let report = printed(&report());
    let text = report.text();
    assert_in_order(
        &text,
        &[
            "Nordhof Landmaschinen GmbH",
            "Monthly sales",
            "Period",
            "Sales without VAT",
            "1,239,964.50",
            "Sales rose in the second week",
            "Development",
            "Sales by day",
            "Page 1 of",
            "Ways of sale",
            "Week 40",
            "TY-120044",
            "Total",
        ],
    );
    let pages = report.paper.pages;
    assert!((3..=5).contains(&pages), "{pages} pages");
    for page in 1..=pages {
        assert!(text.contains(&format!("Page {page} of {pages}")), "page {page}");
    }
    assert!(report.paper.missing.is_empty(), "{:?}", report.paper.missing);
}

#[test]
fn every_script_is_shown_and_read_back() {
    let printed = printed(&scripts());
    let text = printed.text();
    // Poppler takes the gap after a sign below the letters of Devanagari for a space.
    let without_spaces = |text: &str| text.replace(' ', "");
    let read = without_spaces(&text);
    for (script, line) in SCRIPTS {
        assert!(read.contains(&without_spaces(line)), "{script} is not in:\n{text}");
    }
    assert!(printed.paper.missing.is_empty(), "{:?}", printed.paper.missing);
}

#[test]
fn every_font_is_embedded_and_cut_down_to_what_is_shown() {
    let printed = printed(&scripts());
    let fonts = printed.ask("pdffonts", &[], &[]);
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(rows.len() >= SCRIPTS.len() - 3, "{fonts}");
    for row in rows {
        // A prefix of six letters marks a part of a font; then: embedded, subset, with a map to Unicode.
        assert!(row.as_bytes()[6] == b'+' && row.matches(" yes").count() == 3, "{row}");
    }
    assert!(printed.paper.bytes.len() < 300_000, "{} bytes", printed.paper.bytes.len());
}

#[test]
fn a_reader_that_speaks_finds_headings_tables_and_figures() {
    let tree = printed(&report()).structure();
    assert_in_order(
        &tree,
        &[
            "Document",
            "P (block)",
            "Nordhof",
            "H1",
            "Monthly sales",
            "L (block)",
            "Lbl",
            "Period",
            "H2",
            "Development",
            "Figure",
            "Caption",
        ],
    );
    for tag in ["Table", "THead", "TBody", "TR", "TH", "TD"] {
        assert!(tree.contains(tag), "{tag} is not in:\n{tree}");
    }
    // Once for the whole table: on the other pages the header is no content.
    assert_eq!(tree.matches("What was sold").count(), 1);
    assert!(!tree.contains("Page 1 of"), "the footers are read aloud");
    let report = print(&FONTS, &report()).unwrap();
    assert!(contains(&report.bytes, "/Lang (en)") || contains(&report.bytes, "/Lang(en)"));
    assert!(contains(&report.bytes, "/Alt"));
}

#[test]
fn a_paper_says_which_standards_it_keeps() {
    let printed = printed(&report());
    let info = printed.ask("pdfinfo", &[], &[]);
    for line in ["Title:           Monthly sales", "Tagged:          yes", "PDF version:     1.7"] {
        assert!(info.contains(line), "{line:?} is not in:\n{info}");
    }
    let packet = printed.ask("pdfinfo", &["-meta"], &[]);
    for property in ["<pdfaid:part>3", "<pdfaid:conformance>B", "<pdfuaid:part>1"] {
        assert!(packet.contains(property), "{property:?} is not in:\n{packet}");
    }
    printed.ask("qpdf", &["--check"], &[]);
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let (first, second) = (print(&FONTS, &report()).unwrap(), print(&FONTS, &report()).unwrap());
    assert!(first.bytes == second.bytes);
    // Also when the fonts are loaded anew.
    let fonts = Fonts::load(Path::new(crate::fonts::DEBIAN)).unwrap();
    assert!(first.bytes == print(&fonts, &report()).unwrap().bytes);
}

#[test]
fn a_missing_font_is_an_error_when_fonts_are_loaded() {
    let empty = tempfile::tempdir().unwrap();
    let error = Fonts::load(empty.path()).unwrap_err();
    assert!(matches!(error, FontError::Missing(_)), "{error}");
    assert!(error.to_string().contains("NotoSans-Regular.ttf is missing: install Debian's fonts-noto-core"), "{error}");
}

#[test]
fn a_file_that_is_no_font_is_an_error_when_fonts_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("truetype/noto");
    std::fs::create_dir_all(&below).unwrap();
    for name in ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf"] {
        std::fs::write(below.join(name), "not a font").unwrap();
    }
    let error = Fonts::load(folder.path()).unwrap_err();
    assert!(matches!(error, FontError::Unreadable { .. }), "{error}");
}

#[test]
fn a_character_that_no_font_has_is_marked_and_reported() {
    let made =
        print(&FONTS, &document("en", "Marks", vec![Block::Paragraph("before \u{13000} after".to_owned())])).unwrap();
    assert_eq!(made.missing, ['\u{13000}']);
    let text = Printed::new(made).text();
    assert!(text.contains("before \u{FFFD} after"), "{text}");
}

#[test]
fn what_would_turn_text_around_is_left_out() {
    let turned = "invoice\u{202E}fdp.exe\u{0007}";
    let printed = printed(&document("en", "Overrides", vec![Block::Paragraph(turned.to_owned())]));
    assert!(printed.text().contains("invoicefdp.exe"));
    assert!(printed.paper.missing.is_empty());
}

#[test]
fn rows_beyond_the_limit_are_said_to_be_left_out() {
    let mut table = Table::new(vec![Column::start("Row")]);
    for row in 0..MAX_ROWS + 50 {
        table.push(Kind::Plain, vec![format!("row{row}")]);
    }
    table.push(Kind::Total, vec!["everything".to_owned()]);
    table.count(31_204);
    let text = printed(&document("en", "Long", vec![Block::Table(table)])).text();
    assert!(text.contains("The first 2,000 of 31,204 rows; all are in the CSV."));
    assert!(text.contains("row1999") && !text.contains("row2000"));
    assert!(text.contains("everything"), "the total is left out");
}

#[test]
fn a_table_of_all_its_rows_says_nothing_of_the_kind() {
    let text = printed(&document("en", "Short", vec![Block::Table(sales(30))])).text();
    assert!(!text.contains("The first"), "{text}");
}

#[test]
fn the_header_stands_on_each_page_of_a_table() {
    let printed = printed(&document("en", "Long", vec![Block::Table(sales(200))]));
    let headers = printed.words().iter().filter(|word| word.text == "Category").count();
    assert!(printed.paper.pages > 4);
    assert_eq!(headers, printed.paper.pages);
}

/// Rows of three lines each, which would be cut in two on every page if lines decided.
#[test]
fn a_row_stays_whole() {
    let mut table = Table::new(vec![Column::start("A"), Column::start("B")]);
    for row in 0..120 {
        table.push(Kind::Plain, vec![format!("first{row}\nsecond{row}\nthird{row}"), "x".to_owned()]);
    }
    let printed = printed(&document("en", "Rows", vec![Block::Table(table)]));
    let words = printed.words();
    let page = |text: String| words.iter().find(|word| word.text == text).unwrap_or_else(|| panic!("{text}")).page;
    for row in 0..120 {
        let pages = [page(format!("first{row}")), page(format!("second{row}")), page(format!("third{row}"))];
        assert!(pages.iter().all(|page| *page == pages[0]), "row {row} is on the pages {pages:?}");
    }
}

#[test]
fn a_row_taller_than_a_page_goes_on_line_by_line() {
    let lines: Vec<String> = (0..200).map(|line| format!("line{line}")).collect();
    let mut table = Table::new(vec![Column::start("Long"), Column::start("Short")]);
    table.push(Kind::Plain, vec![lines.join("\n"), "short".to_owned()]);
    table.push(Kind::Plain, vec!["after".to_owned(), String::new()]);
    let printed = printed(&document("en", "Tall", vec![Block::Table(table)]));
    let text = printed.text();
    let wanted: Vec<&str> = lines.iter().map(String::as_str).chain(["after"]).collect();
    assert_in_order(&text, &wanted);
    assert!((3..=5).contains(&printed.paper.pages), "{} pages", printed.paper.pages);
}

#[test]
fn columns_begin_where_reading_begins() {
    let words = printed(&hebrew()).words();
    // With its boxes, poppler tells words from left to right, letter by letter.
    let x = |text: &str| {
        let seen: String = text.chars().rev().collect();
        words.iter().find(|word| word.text == seen).unwrap_or_else(|| panic!("{text} in {words:?}")).x
    };
    assert!(x("פריט") > x("כמות") && x("כמות") > x("סכום"), "{words:?}");
    let printed = printed(&hebrew());
    let text = printed.text();
    for line in ["דוח מכירות חודשי", "טרקטור Fendt 724"] {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
    // What is drawn first is read aloud first. Poppler breaks a line wherever the next piece is further left.
    let drawn = printed.ask("pdftotext", &["-raw", "-enc", "UTF-8"], &["-"]).replace(MARKS, "");
    let drawn = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_in_order(&drawn, &["מכונות הצפון", "הקציר", "Harvest 2026", "סך הכול", "עמוד 1 מתוך 1"]);
}

#[test]
fn words_of_thai_break_where_they_end_though_nothing_parts_them() {
    let mut set = Typesetter::new(&FONTS, "th");
    let (word, whole) = set.widths("รถแทรกเตอร์เพื่อการเกษตร", BODY);
    assert!(word < whole * 0.7, "{word} of {whole}");
}

/// Wherever the page ends.
#[test]
fn a_heading_stays_with_its_chart() {
    for lines in 24..44 {
        let mut blocks = vec![Block::Paragraph("line\n".repeat(lines)), Block::Heading("Heading".to_owned())];
        blocks.push(chart(vec![Some(1.0), Some(2.0)]));
        let printed = printed(&document("en", "Charts", blocks));
        let page = |text: &str| printed.words().iter().find(|word| word.text == text).map(|word| word.page);
        assert!(page("Heading").is_some() && page("Heading") == page("Charted"), "after {lines} lines");
    }
}

#[test]
fn nothing_stands_outside_of_the_page() {
    for document in [report(), scripts(), hebrew(), arabic(), wide()] {
        let printed = printed(&document);
        let (width, _) = document.page.size();
        for word in printed.words() {
            assert!(word.x > 20.0 && word.x < width - 20.0, "{word:?} of {:?}", document.title);
        }
    }
}

/// Fourteen columns and a word without an end.
fn wide() -> Document {
    let mut table = Table::new((0..14).map(|column| Column::end(format!("Column number {column}"))).collect());
    for row in 0..40 {
        table.push(Kind::Plain, (0..14).map(|column| format!("{}", row * 1_000_003 + column)).collect());
    }
    let endless = "x".repeat(400);
    document("en", "Wide", vec![Block::Table(table), Block::Paragraph(endless)])
}

fn chart(values: Vec<Option<f64>>) -> Block {
    Block::Chart(Chart { series: vec![Series { name: "Series".to_owned(), values }], ..charted() })
}

fn charted() -> Chart {
    Chart {
        title: "Charted".to_owned(),
        unit: String::new(),
        shape: Shape::Line,
        labels: vec!["a".to_owned(), "b".to_owned()],
        series: Vec::new(),
        alternative: "A chart".to_owned(),
    }
}

/// A period of one month: a line has nothing to connect, and its only value is told.
#[test]
fn a_line_of_one_point_is_a_bar_with_its_value() {
    let series = vec![Series { name: "Sales".to_owned(), values: vec![Some(1_234.0)] }];
    let one = Chart { labels: vec!["2026-11-01".to_owned()], series, ..charted() };
    let text = printed(&document("en", "One", vec![Block::Chart(one)])).text();
    assert!(text.contains("2026-11-01") && text.contains("1,234"), "{text}");
}

#[test]
fn a_chart_without_values_says_so() {
    let text = printed(&document("en", "Empty", vec![chart(vec![None, None]), chart(vec![])])).text();
    assert_eq!(text.matches("No values in this period").count(), 2);
    let text = printed(&document("en", "One", vec![chart(vec![Some(f64::NAN), Some(5.0)])])).text();
    assert!(!text.contains("No values"));
}

#[test]
fn ticks_are_numbers_that_people_count_in() {
    let labels = |values: &[f64], zero: bool| -> Vec<String> {
        let scale = Scale::holding(values.iter().copied(), zero);
        scale.ticks().map(|tick| scale.label(tick, &Digits::default())).collect()
    };
    assert_eq!(labels(&[27_000.0, 69_400.0], false), ["0", "20,000", "40,000", "60,000", "80,000"]);
    assert_eq!(
        labels(&[612_400.0, -61_250.0], true),
        ["\u{2212}200,000", "0", "200,000", "400,000", "600,000", "800,000"]
    );
    assert_eq!(labels(&[101.2, 103.9], false), ["101", "102", "103", "104"]);
    assert_eq!(labels(&[0.1, 0.9], true), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    assert_eq!(labels(&[0.0], true), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    assert_eq!(grouped(-0.004, 2, &Digits::default()), "0.00");
    assert_eq!(grouped(-1_234_567.891, 2, &Digits::default()), "\u{2212}1,234,567.89");
}

proptest! {
    #[test]
    fn a_scale_holds_its_values(values in prop::collection::vec(-1e12_f64..1e12, 1..40), zero in any::<bool>()) {
        let scale = Scale::holding(values.iter().copied(), zero);
        let ticks: Vec<f64> = scale.ticks().collect();
        prop_assert!((2..=13).contains(&ticks.len()), "{scale:?} has {} ticks", ticks.len());
        let slack = scale.step * 1e-6;
        for value in values {
            prop_assert!(value >= ticks[0] - slack && value <= ticks[ticks.len() - 1] + slack, "{value} is outside of {scale:?}");
        }
        prop_assert!(!zero || (scale.low <= 0.0 && scale.high >= 0.0));
    }

    #[test]
    fn columns_fill_the_width_and_no_word_is_broken_without_need(
        widths in prop::collection::vec((5.0_f32..120.0, 0.0_f32..300.0), 1..14),
    ) {
        let measures: Vec<(f32, f32)> = widths.iter().map(|(least, more)| (*least, least + more)).collect();
        let shares = shares(&measures, 480.0);
        prop_assert!((shares.iter().sum::<f32>() - 480.0).abs() < 0.1);
        let least: f32 = measures.iter().map(|(least, _)| least).sum();
        if least <= 480.0 {
            for (share, (least, _)) in shares.iter().zip(&measures) {
                prop_assert!(share >= &(least - 0.01));
            }
        }
    }
}

#[test]
fn a_header_as_tall_as_the_page_is_an_error() {
    let mut table = Table::new(vec![Column::start("title\n".repeat(90))]);
    table.push(Kind::Plain, vec!["row".to_owned()]);
    assert!(print(&FONTS, &document("en", "Header", vec![Block::Table(table)])).is_err());
}

#[test]
fn documents_of_nothing_are_printed_all_the_same() {
    let odd = |blocks: Vec<Block>| print(&FONTS, &document("en", "Odd", blocks)).map(Printed::new);
    for (name, blocks) in [
        ("no blocks", vec![]),
        ("no rows", vec![Block::Table(Table::new(vec![Column::start("A"), Column::end("B")]))]),
        ("no columns", vec![Block::Table(Table::new(vec![]))]),
        ("no text", vec![Block::Heading(String::new()), Block::Paragraph(String::new())]),
        ("no figures", vec![Block::Figures(vec![]), Block::Facts(vec![])]),
        ("no series", vec![Block::Chart(Chart { series: vec![], labels: vec![], ..charted() })]),
        ("huge values", vec![chart(vec![Some(f64::MAX), Some(f64::MIN), Some(f64::INFINITY)])]),
    ] {
        let printed = odd(blocks).unwrap_or_else(|error| panic!("{name}: {error}"));
        printed.ask("qpdf", &["--check"], &[]);
    }
    let untitled = Document { organisation: String::new(), facts: vec![], ..document("en", " ", vec![]) };
    printed(&untitled);
}
