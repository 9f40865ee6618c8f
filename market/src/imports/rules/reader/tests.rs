use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::imports::model::MAX_ROWS;
use crate::imports::rules::shape::inspect;

/// A troublesome file.
macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/cases/", $name)).as_slice()
    };
}

/// A row's line and its cells.
type Read = (u32, Result<Vec<String>, RowFault>);

/// The shape of a file, and its rows by line.
fn read(file: &[u8]) -> (Shape, Vec<Read>) {
    let shape = inspect(Cursor::new(file)).expect("readable");
    let rows = rows(Cursor::new(file), &shape).expect("readable");
    let rows: Vec<_> = rows.map(|row| row.expect("read")).map(|row| (row.line, row.cells)).collect();
    assert_eq!(rows.len(), shape.rows);
    (shape, rows)
}

fn refused(file: &[u8]) -> Unreadable {
    match inspect(Cursor::new(file)) {
        Err(ReadError::Unreadable(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn row(line: u32, cells: &[&str]) -> Read {
    (line, Ok(cells.iter().map(ToString::to_string).collect()))
}

#[test]
fn marks_separators_and_encodings_are_found() {
    let (shape, rows) = read(case!("bom_comma.csv"));
    assert_eq!((shape.encoding, shape.separator), (Encoding::Utf8, Separator::Comma));
    assert_eq!(shape.columns, ["sku", "title", "price", "currency"]);
    assert_eq!(rows, [row(2, &["A-1", "Chair", "1.50", "EUR"])]);

    let (shape, rows) = read(case!("bom_semicolon_comma_decimal.csv"));
    assert_eq!((shape.encoding, shape.separator), (Encoding::Utf8, Separator::Semicolon));
    assert_eq!(shape.columns[0], "sku");
    let expected = [row(2, &["A-1", "Stuhl", "1,50", "EUR"]), row(3, &["A-2", "Tisch", "1.234,50", "EUR"])];
    assert_eq!(rows, expected);

    let (shape, rows) = read(case!("latin1.csv"));
    assert_eq!((shape.encoding, shape.separator), (Encoding::Windows1252, Separator::Comma));
    assert_eq!(rows, [row(2, &["A-1", "Café chair", "1.50", "EUR"])]);

    let (shape, rows) = read(b"sku\t\"a;b;c\"\r\n1\t\x80 5\x85\r\n");
    assert_eq!((shape.encoding, shape.separator), (Encoding::Windows1252, Separator::Tab));
    assert_eq!(rows, [row(2, &["1", "€ 5…"])]);
    // Cut in the middle of a character, it is not UTF-8 any more.
    assert_eq!(read("a,b\n1,é".as_bytes()).0.encoding, Encoding::Utf8);
    assert_eq!(read(&"a,b\n1,é".as_bytes()[..7]).0.encoding, Encoding::Windows1252);
}

#[test]
fn lines_are_those_of_the_file() {
    let (_, rows) = read(case!("quoted_newlines.csv"));
    let expected = [
        row(2, &["A-1", "line one\r\nline \"two\", still A-1", "1.50", "EUR"]),
        row(4, &["A-2", "plain", "2.00", "EUR"]),
        row(6, &["A-3", "no trailing newline", "3.00", "EUR"]),
    ];
    assert_eq!(rows, expected);
    for file in [
        "\n\na,b\n\n1,2\n , \n\"3\n\n\",4",
        "\r\n\r\na,b\r\n\r\n1,2\r\n , \r\n\"3\r\n\r\n\",4",
        "\r\ra,b\r\r1,2\r , \r\"3\r\r\",4",
    ] {
        let lines: Vec<_> = read(file.as_bytes()).1.into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [5, 7], "{file:?}");
    }
}

#[test]
fn cells_that_look_like_formulas_are_text() {
    let (_, rows) = read(case!("formula_cells.csv"));
    let link = "=HYPERLINK(\"http://127.0.0.1/\",\"x\")";
    let expected = [
        row(2, &["=1+1", link, "-5.00", "EUR"]),
        row(3, &["00123", "+4912345", "1.50", "EUR"]),
        row(4, &["@SUM(A1)", "\t=2+2", "1.50", "EUR"]),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_refused_as_a_whole() {
    let utf16: Vec<u8> = "\u{feff}a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&utf16), Unreadable::Utf16);
    assert_eq!(refused(b""), Unreadable::Empty);
    assert_eq!(refused(b"\xef\xbb\xbf"), Unreadable::Empty);
    assert_eq!(refused(b"\r\n\r\n"), Unreadable::Empty);
    assert_eq!(refused(b"a,b\n1,\x00\n"), Unreadable::NotText);
    assert_eq!(refused(b"a,b\n"), Unreadable::NoRows);
    assert_eq!(refused(b"a,b\n\n , \n"), Unreadable::NoRows);
    assert_eq!(refused(b"a,b\n1,2\n3,\"4\n5,6\n"), Unreadable::OpenQuote { line: 3 });
    assert_eq!(refused(b"a,b\n1,\"2\"\n3,\""), Unreadable::OpenQuote { line: 3 });
    assert_eq!(refused(b"a,,c\n1,2,3\n"), Unreadable::Unnamed { place: 2 });
    assert_eq!(refused(b"Sku,sku \n1,2\n"), Unreadable::Double("sku".to_owned()));
    assert_eq!(refused(format!("a,{}\n1,2\n", "x".repeat(101)).as_bytes()), Unreadable::LongName { place: 2 });
    assert_eq!(refused(format!("a{}\n1\n", ",a".repeat(200)).as_bytes()), Unreadable::TooManyColumns { line: 1 });
    assert_eq!(refused(format!("a,b\n{}\n", "1,".repeat(201)).as_bytes()), Unreadable::TooManyColumns { line: 2 });
    let long = format!("a,b\n1,2\n1,{}\n", "x".repeat(2 * MAX_RECORD_BYTES));
    assert_eq!(refused(long.as_bytes()), Unreadable::RowTooLong { line: 3 });
    assert_eq!(refused(format!("a,b\n{}", "1,2\n".repeat(MAX_ROWS + 1)).as_bytes()), Unreadable::TooManyRows);
    assert_eq!(refused(&vec![b'x'; 16 * 1024 * 1024 + 1]), Unreadable::TooLarge);
    assert_eq!(read(format!("a,b\n{}", "1,2\n".repeat(MAX_ROWS)).as_bytes()).0.rows, MAX_ROWS);
}

#[test]
fn a_row_that_cannot_be_read_is_refused_alone() {
    let file = format!("a,b\n1\n1,2,3\n{},2\n1,{}\n\"1\"x,\"\"\"2\"\n", "é".repeat(4_000), "é".repeat(4_001));
    let (_, rows) = read(file.as_bytes());
    assert_eq!(rows[0], (2, Err(RowFault::of_row("the row has 1 cells, the header has 2"))));
    assert_eq!(rows[1], (3, Err(RowFault::of_row("the row has 3 cells, the header has 2"))));
    assert!(rows[2].1.is_ok());
    assert_eq!(rows[3], (5, Err(RowFault::at("b", "must have at most 4000 characters"))));
    assert_eq!(rows[4], row(6, &["1x", "\"2"]));
}

/// How many lines end in a part of a file.
fn line_ends(part: &[u8]) -> usize {
    let text: String = part.iter().copied().map(char::from).collect();
    text.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count()
}

proptest! {
    #[test]
    fn what_is_written_in_any_way_is_read_as_it_was(
        table in (2..5_usize).prop_flat_map(|columns| {
            prop::collection::vec(prop::collection::vec("[a é ü=,;\t\"\n\r]{0,6}", columns), 1..20)
        }),
        separator in prop::sample::select(Separator::ALL.to_vec()),
        quotes in prop::sample::select(vec![csv::QuoteStyle::Always, csv::QuoteStyle::Necessary]),
        ends in prop::sample::select(vec![csv::Terminator::CRLF, csv::Terminator::Any(b'\n'), csv::Terminator::Any(b'\r')]),
        latin in any::<bool>(),
        marked in any::<bool>(),
    ) {
        let columns: Vec<_> = (0..table[0].len()).map(|place| format!("c{place}")).collect();
        let encoded = |text: &str| -> Vec<u8> {
            // What is beyond ASCII here never stands for the rest of a character of UTF-8.
            if latin { text.chars().map(|c| u8::try_from(c).expect("latin")).collect() } else { text.as_bytes().to_vec() }
        };
        let mut file = if marked && !latin { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        let mut expected = Vec::new();
        for (place, record) in std::iter::once(&columns).chain(&table).enumerate() {
            if place > 0 && record.iter().any(|cell| !cell.trim().is_empty()) {
                expected.push((u32::try_from(1 + line_ends(&file)).expect("few"), Ok(record.clone())));
            }
            let mut builder = csv::WriterBuilder::new();
            builder.delimiter(separator.byte()).quote_style(quotes).terminator(ends);
            let mut writer = builder.from_writer(&mut file);
            writer.write_record(record.iter().map(|cell| encoded(cell))).expect("written");
            writer.flush().expect("written");
        }
        if expected.is_empty() {
            prop_assert_eq!(refused(&file), Unreadable::NoRows);
            return Ok(());
        }
        let (shape, rows) = read(&file);
        let beyond_ascii = table.iter().flatten().any(|cell| !cell.is_ascii());
        prop_assert_eq!(shape.encoding == Encoding::Windows1252, latin && beyond_ascii);
        prop_assert_eq!(shape.separator, separator);
        prop_assert_eq!(shape.columns, columns);
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(file in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(shape) = inspect(Cursor::new(&file)) {
            let rows = rows(Cursor::new(&file), &shape).expect("readable");
            let rows: Result<Vec<_>, _> = rows.collect();
            prop_assert_eq!(rows.expect("read").len(), shape.rows);
        }
    }
}
