use super::*;
use crate::imports::model::DateOrder;
use crate::imports::rules::fields::ReadRow;
use crate::imports::rules::shape::Unreadable;
use crate::imports::rules::tests::{self, faults};

/// The header of a well known book of sales.
const HEADER: &str = "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,State,\
                      Postal Code,Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,Discount,Profit";

fn terms() -> ListingTerms {
    let mapping = [
        ("line_id", "Row ID"),
        ("order", "Order ID"),
        ("date", "Order Date"),
        ("category", "Category"),
        ("region", "Region"),
        ("product", "Product Name"),
        ("amount", "Sales"),
        ("quantity", "Quantity"),
    ];
    ListingTerms {
        mapping: mapping.map(|(field, column)| (field.to_owned(), column.to_owned())).into(),
        defaults: [("currency".to_owned(), "USD".to_owned())].into(),
        date_order: Some(DateOrder::MonthFirst),
        book: Some("Superstore".to_owned()),
        ..ListingTerms::default()
    }
}

fn read(file: &[u8], terms: &ListingTerms) -> Result<Vec<ReadRow<PastSale>>, Unreadable> {
    Ok(tests::read(file, terms)?.1)
}

#[test]
fn lines_of_a_book_of_sales_are_read_to_their_last_digit() {
    let file = [
        HEADER.as_bytes(),
        b"\n1,CA-2016-152156,11/8/2016,11/11/2016,Second Class,CG-12520,Claire Gute,Consumer,United States,Henderson,Kentucky,\
        42420,South,FUR-BO-10001798,Furniture,Bookcases,\"Bush \"\"Somerset\"\", caf\xe9\",261.96,2,0,41.9136\n\
        2,CA-2016-152156,11/8/2016,11/11/2016,Second Class,CG-12520,Claire Gute,Consumer,United States,Henderson,Kentucky,\
        42420,South,FUR-CH-10000454,Furniture,Chairs,Hon,957.5775,,0,-383.031\n"
            .as_slice(),
    ]
    .concat();
    let (columns, rows) = tests::read::<PastSale>(&file, &terms()).expect("rows");
    let [one, two] = [0, 1].map(|place| rows[place].row.as_ref().expect("read"));
    assert_eq!(
        (&*one.line_id, &*one.order_number, one.sold_on.to_string()),
        ("1", "CA-2016-152156", "2016-11-08".to_owned())
    );
    assert_eq!((&*one.category, &*one.region, one.quantity), ("Furniture", "South", 2));
    assert_eq!(one.product.as_deref(), Some("Bush \"Somerset\", café"));
    assert_eq!((one.amount.amount(), one.amount.currency()), ("261.96".to_owned(), Currency::USD));
    assert_eq!((two.amount.amount(), two.parts(), two.quantity), ("957.5775".to_owned(), 957_577_500, 1));
    assert_eq!((rows[1].line, rows[1].label.as_deref()), (3, Some("2")));
    let unused = columns.unused();
    assert_eq!((unused.len(), &*unused[0], &*unused[12]), (13, "Ship Date", "Profit"));
}

#[test]
fn every_fault_of_a_line_is_listed_with_its_column() {
    let line = |id: &str, date: &str, region: &str, amount: &str, quantity: &str| {
        format!("\n{id},O-1,{date},,,,,,,,,,{region},,Technology,,,{amount},{quantity},,")
    };
    let file = [
        HEADER.to_owned(),
        line("1", "13/8/2016", "South", "1", "1"),
        line("2", "yesterday", "", "12.3456789", "1.5"),
        line("", "11/8/2016", "South", "\"1,5\"", "1000000001"),
        line("4", "11/8/2016", "South", "-22.368", "-2"),
        line("5", "11/8/2016", "South", "1000000000001", "1"),
        line("6", "11/8/2016", "South", "", ""),
    ]
    .concat();
    let rows = read(file.as_bytes(), &terms()).expect("rows");
    assert_eq!(faults(&rows[0]), [("Order Date", "the calendar has no day 2016-13-08")]);
    let columns: Vec<_> = faults(&rows[1]).into_iter().map(|(column, _)| column).collect();
    assert_eq!(columns, ["Order Date", "Region", "Quantity", "Sales"]);
    assert_eq!(faults(&rows[1])[3].1, "an amount in USD is kept with 6 fraction digits, this one has more");
    assert_eq!(faults(&rows[2])[0], ("Row ID", "must not be empty"));
    assert_eq!(faults(&rows[2])[2].1, "the amount must be a decimal number such as \"12.50\"");
    let returned = rows[3].row.as_ref().expect("read");
    assert_eq!((returned.amount.amount(), returned.quantity), ("-22.368".to_owned(), -2));
    assert_eq!(faults(&rows[4]), [("Sales", "is out of range")]);
    assert_eq!(faults(&rows[5]), [("Sales", "must not be empty")]);
    // Nobody has said what comes first.
    let unordered = ListingTerms { date_order: None, ..terms() };
    let rows = read(file.as_bytes(), &unordered).expect("rows");
    assert_eq!(faults(&rows[3])[0].0, "Order Date");
    assert!(faults(&rows[3])[0].1.starts_with("\"11/8/2016\" can be read in two ways"));
    let unknown = ListingTerms { defaults: [("currency".to_owned(), "XYZ".to_owned())].into(), ..terms() };
    let rows = read(file.as_bytes(), &unknown).expect("rows");
    assert_eq!(faults(&rows[3]), [("currency", "the currency must be one of ISO 4217, in capitals")]);
}

#[test]
fn commas_begin_fractions_of_past_sales_where_they_do_not_separate_cells() {
    let file = b"line_id;order;date;category;region;currency;amount\n1;A;8.11.2016;Stuhl;Nord;EUR;1.234,5678\n\
        2;A;8.11.2016;Stuhl;Nord;EUR;22.368\n";
    let terms = ListingTerms { date_order: Some(DateOrder::DayFirst), ..ListingTerms::default() };
    let rows = read(file, &terms).expect("rows");
    let one = rows[0].row.as_ref().expect("read");
    assert_eq!((one.amount.amount(), one.sold_on.to_string()), ("1234.5678".to_owned(), "2016-11-08".to_owned()));
    let ambiguous = "\"22.368\" can be read in two ways: write it without separators of thousands";
    assert_eq!(faults(&rows[1]), [("amount", ambiguous)]);
}

#[test]
fn columns_and_terms_of_past_sales_that_mean_nothing_are_refused() {
    let file = b"line_id,order,date,category,region,currency,sales\n1,A,2016-11-08,Chairs,South,EUR,1\n";
    let refused = |terms: &ListingTerms| read(file, terms).expect_err("refused").to_string();
    assert!(
        refused(&ListingTerms::default()).starts_with("the column \"sales\" is not known: there are line_id, order,")
    );
    let mapped = |field: &str, column: &str| ListingTerms {
        mapping: [(field.to_owned(), column.to_owned())].into(),
        ..ListingTerms::default()
    };
    assert_eq!(refused(&mapped("amount", "Sum")), "there is no column \"Sum\"");
    assert_eq!(refused(&mapped("amount", "sales")), "there is no column \"line_id\"");
    let text = |field: &str, text: &str| (field.to_owned(), text.to_owned());
    let wrong = ListingTerms {
        mapping: [text("colour", "x"), text("amount", "")].into(),
        defaults: [text("line_id", "1"), text("region", "South")].into(),
        ..ListingTerms::default()
    };
    let pointers: Vec<_> = faults_of_terms(&wrong).into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(pointers, ["/mapping/amount", "/mapping/colour", "/defaults/line_id"]);
    assert_eq!(faults_of_terms(&terms()), []);
}
