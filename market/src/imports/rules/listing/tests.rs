use serde_json::json;

use super::*;
use crate::imports::rules::fields::ReadRow;
use crate::imports::rules::shape::Unreadable;
use crate::imports::rules::tests::{self, faults};

fn terms(mapping: &[(&str, &str)], defaults: &[(&str, &str)]) -> ListingTerms {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    ListingTerms { mapping: owned(mapping), defaults: owned(defaults), ..ListingTerms::default() }
}

fn read(file: &[u8], terms: &ListingTerms) -> Result<Vec<ReadRow<ListingRow>>, Unreadable> {
    Ok(tests::read(file, terms)?.1)
}

#[test]
fn amounts_are_read_by_the_currencys_own_exponent() {
    let file = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/cases/money.csv"));
    let rows = read(file, &ListingTerms::default()).expect("rows");
    let price = |place: usize| rows[place].row.as_ref().expect("read").price.expect("a price").to_string();
    assert_eq!((price(0), price(2)), ("500 JPY".to_owned(), "1.234 KWD".to_owned()));
    assert_eq!(faults(&rows[1]), [("price", "JPY has 0 fraction digits, the amount has more")]);
    assert_eq!(faults(&rows[3]), [("price", "KWD has 3 fraction digits, the amount has more")]);
    assert_eq!(faults(&rows[4]), [("price", "the amount must be a decimal number such as \"12.50\"")]);
    assert_eq!(faults(&rows[5]), [("price", "the amount is out of range")]);
}

#[test]
fn texts_are_what_they_were_and_titles_have_one_line() {
    let file = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/cases/formula_cells.csv"));
    let rows = read(file, &ListingTerms::default()).expect("rows");
    let titles: Vec<_> = rows.iter().map(|read| read.row.as_ref().expect("read").title.as_str()).collect();
    assert_eq!(titles, ["=HYPERLINK(\"http://127.0.0.1/\",\"x\")", "+4912345", "=2+2"]);
    let skus: Vec<_> = rows.iter().filter_map(|read| read.label.as_deref()).collect();
    assert_eq!(skus, ["=1+1", "00123", "@SUM(A1)"]);
    let file = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/cases/quoted_newlines.csv"));
    let rows = read(file, &ListingTerms::default()).expect("rows");
    assert_eq!((rows[0].line, faults(&rows[0])), (2, vec![("title", "control characters are not allowed")]));
    let described = terms(&[("sku", "sku"), ("title", "sku"), ("description", "title"), ("currency", "currency")], &[]);
    let rows = read(file, &described).expect("rows");
    assert_eq!(rows[0].row.as_ref().expect("read").description, "line one\nline \"two\", still A-1");
}

#[test]
fn a_mapping_names_columns_and_defaults_stand_for_what_is_not_said() {
    let file = b"Nr;Name;Preis;Farbe;Foto;Rest\n1;Stuhl;1,50;rot;a.jpg | b.jpg;x\n2;Tisch;;;;\n";
    let mapping =
        [("sku", "nr"), ("title", "Name"), ("price", "Preis"), ("attributes.colour", "Farbe"), ("pictures", "Foto")];
    let defaults = [("currency", "EUR"), ("price", "9,99"), ("attributes.colour", "blue"), ("quantity", "3")];
    let terms = terms(&mapping, &defaults);
    assert_eq!(faults_of_terms(&terms), []);
    let (columns, rows) = tests::read::<ListingRow>(file, &terms).expect("rows");
    let [one, two] = [0, 1].map(|place| rows[place].row.as_ref().expect("read"));
    assert_eq!((one.price.expect("a price").minor(), two.price.expect("a price").minor()), (150, 999));
    assert_eq!(
        (one.pictures.clone(), two.pictures.clone()),
        (vec!["a.jpg".to_owned(), "b.jpg".to_owned()], Vec::new())
    );
    assert_eq!((&*one.attributes["colour"], &*two.attributes["colour"], two.quantity), ("rot", "blue", 3));
    assert_eq!(columns.unused(), ["Rest"]);
}

#[test]
fn faults_name_the_columns_of_the_file() {
    let file = b"Nr;Name;Preis;Art;Menge\n;;x;wanted;2,5\n1;Stuhl;1,50;wanted;2\n";
    let mapping = [("sku", "Nr"), ("title", "Name"), ("price", "Preis"), ("sale_mode", "Art"), ("quantity", "Menge")];
    let rows = read(file, &terms(&mapping, &[("currency", "EUR"), ("language", "xy"), ("takes_offers", "maybe")]))
        .expect("rows");
    let columns: Vec<_> = faults(&rows[0]).into_iter().map(|(column, _)| column).collect();
    assert_eq!(columns, ["Nr", "Name", "language", "Art", "Preis", "takes_offers", "Menge"]);
    let (columns, rows) = tests::read::<ListingRow>(file, &terms(&mapping, &[("currency", "EUR")])).expect("rows");
    assert_eq!(faults(&rows[1]), [("Art", "a file lists what is for sale")]);
    let fault = |pointer: &str| ListingRow::fault(&columns, &Invalid::new(pointer, "so")).column;
    assert_eq!(fault("/price/currency").as_deref(), Some("Preis"));
    assert_eq!(fault("/attributes/make").as_deref(), Some("attributes.make"));
    assert_eq!(fault("/site_id").as_deref(), Some("site"));
    assert_eq!(fault("/item_id"), None);
}

#[test]
fn columns_and_terms_that_mean_nothing_are_refused() {
    let file = b"sku,title,currency,colour\n1,2,EUR,red\n";
    let refused = |terms: &ListingTerms| read(file, terms).expect_err("refused").to_string();
    assert!(refused(&ListingTerms::default()).starts_with("the column \"colour\" is not known: there are sku, title,"));
    assert_eq!(refused(&terms(&[("sku", "number")], &[])), "there is no column \"number\"");
    assert_eq!(refused(&terms(&[("sku", "sku")], &[])), "there is no column \"title\"");
    let wrong =
        terms(&[("colour", "colour"), ("SKU", "sku"), ("sku", "")], &[("attributes.", "x"), ("attributes.Make", "x")]);
    let pointers: Vec<_> = faults_of_terms(&wrong).into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(pointers, ["/mapping/SKU", "/mapping/colour", "/mapping/sku", "/defaults/attributes."]);
}

#[test]
fn attributes_get_the_types_of_their_category() {
    let schema = json!({"type": "object", "properties": {"power": {"type": "number"}, "year": {"type": "integer"},
        "road": {"type": "boolean"}, "make": {"type": "string"}, "uses": {"type": "array", "items": {"type": "string"}}}});
    let schema = Schema::read(&schema, "").expect("a schema");
    let file =
        b"sku;title;attributes.power;attributes.year;attributes.road;attributes.make;attributes.uses;attributes.x\n\
        1;2;88,5;2015;yes;0815;plough|tow;7\n1;2;strong;new;maybe;;;\n";
    let rows = read(file, &terms(&[], &[("currency", "EUR")])).expect("rows");
    let typed = |place: usize| Value::Object(rows[place].row.as_ref().expect("read").typed(&schema));
    let expected =
        json!({"power": 88.5, "year": 2015, "road": true, "make": "0815", "uses": ["plough", "tow"], "x": "7"});
    assert_eq!(typed(0), expected);
    let left = rows[1].row.as_ref().expect("read").typed(&schema);
    assert_eq!(schema.check(&left).expect_err("refused").iter().count(), 3, "{left:?}");
}
