#![expect(clippy::unwrap_used, reason = "a test without its answers ends here")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{Datelike as _, Days, NaiveDate};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, id};

use super::imports::{counts, import, rows, send};

/// As a well known book of sales has them.
const HEADER: &str = "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,State,\
                      Postal Code,Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,Discount,Profit";
const LINES: usize = 9_994;
const REGIONS: [&str; 4] = ["Central", "East", "South", "West"];
const CATEGORIES: [&str; 3] = ["Furniture", "Office Supplies", "Technology"];
const PRODUCTS: [&str; 6] = [
    "Bush Somerset Collection Bookcase",
    "Hon Deluxe Fabric Upholstered Stacking Chairs, Rounded Back",
    "36\" x 48\" Hardfloor Chairmat with Lip, \"Café\" Edition",
    "Größe A4, naïve blue",
    "Xerox\u{a0}1967\u{a0}",
    "=2+2",
];
const PATH: &str = "/v1/past-sales/imports";

/// The same numbers in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A line as the test knows it.
struct Line {
    order: String,
    day: NaiveDate,
    region: &'static str,
    category: &'static str,
    product: &'static str,
    quantity: i64,
    /// In ten-thousandths of a dollar.
    sales: i64,
}

/// Four years of sales: one to five lines an order, some on the first and the last day of a month, some with four digits, some that end
/// half way between two cents, some taken back.
fn book() -> Vec<Line> {
    let (mut dice, mut lines) = (Dice(9_994), Vec::new());
    let first = NaiveDate::from_ymd_opt(2014, 1, 1).unwrap();
    while lines.len() < LINES {
        let mut day = first + Days::new(dice.below(1_461));
        match dice.below(10) {
            0 => day = day.with_day(1).unwrap(),
            1 => day = day.with_day(1).unwrap() + chrono::Months::new(1) - Days::new(1),
            _ => {}
        }
        let order = format!("CA-{}-{}", day.year(), 100_000 + lines.len());
        let region = dice.of(&REGIONS);
        for _ in 0..=dice.below(5) {
            let digits = dice.of(&[1, 10, 50, 100, 10_000]);
            let sales = i64::try_from(1 + dice.below(2_000_000_000 / digits)).unwrap() * i64::try_from(digits).unwrap();
            let sign = if dice.below(50) == 0 { -1 } else { 1 };
            let quantity = sign * i64::try_from(1 + dice.below(14)).unwrap();
            let (order, category, product) = (order.clone(), dice.of(&CATEGORIES), dice.of(&PRODUCTS));
            lines.push(Line { order, day, region, category, product, quantity, sales: sign * sales });
        }
    }
    lines.truncate(LINES);
    lines
}

/// An amount with as many digits as it needs: `957.5775`, `22.368`, `14`.
fn written(sales: i64) -> String {
    let sign = if sales < 0 { "-" } else { "" };
    let fraction = format!("{:04}", sales.unsigned_abs() % 10_000);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", sales.unsigned_abs() / 10_000)
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A file of these lines, which the book numbers from `begin`, in Latin-1.
fn file(lines: &[Line], begin: usize) -> Vec<u8> {
    let mut text = format!("{HEADER}\r\n");
    for (number, line) in lines.iter().enumerate() {
        let (id, shipped) = (begin + number, line.day + Days::new(3));
        let (day, shipped) = (line.day.format("%-m/%-d/%Y"), shipped.format("%-m/%-d/%Y"));
        let (order, region, category, quantity) = (&line.order, line.region, line.category, line.quantity);
        let (product, sales) = (quoted(line.product), written(line.sales));
        write!(
            text,
            "{id},{order},{day},{shipped},Second Class,CG-12520,Zoë O'Brien,Consumer,United States,\"Los Angeles\",California,\
             90036,{region},FUR-BO-10001798,{category},Bookcases,{product},{sales},{quantity},0.15,-1.2345\r\n"
        )
        .unwrap();
    }
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// Orders, units and dollars: an exact sum, rounded once to the cent, half away from zero.
type Figures = (i64, i64, String);

fn figures<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Figures {
    let (mut orders, mut units, mut sales) = (BTreeSet::new(), 0, 0_i64);
    for line in lines {
        orders.insert(&line.order);
        units += line.quantity;
        sales += line.sales;
    }
    let cents = (sales.unsigned_abs() + 50) / 100;
    let sign = if sales < 0 && cents > 0 { "-" } else { "" };
    (i64::try_from(orders.len()).unwrap(), units, format!("{sign}{}.{:02}", cents / 100, cents % 100))
}

fn by(lines: &[Line], key: impl Fn(&Line) -> String) -> BTreeMap<String, Figures> {
    let mut groups: BTreeMap<String, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        groups.entry(key(line)).or_default().push(line);
    }
    groups.into_iter().map(|(key, lines)| (key, figures(lines))).collect()
}

/// Asks for the sales of the four years, waits, and returns the report and its file.
async fn report(person: &Person, format: &str, group: &str) -> (Value, String) {
    let ask = json!({"kind": "sales", "format": format, "first_day": "2014-01-01", "last_day": "2017-12-31",
        "parameters": {"group_by": group}});
    let asked = id(&person.post("/v1/reports", ask).await.ok());
    let ready = person.until(&format!("/v1/reports/{asked}"), "status", "ready").await;
    let file = reqwest::get(ready["download"]["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(file.status().as_u16(), 200, "{ready}");
    (ready, file.text().await.unwrap())
}

/// The figures of a report by its first column, as its JSON has them.
fn of_json(file: &str) -> BTreeMap<String, Figures> {
    let document: Value = serde_json::from_str(file).unwrap();
    let section = &document["sections"][0];
    let columns = section["columns"].as_array().unwrap();
    let place = |name: &str| columns.iter().position(|column| column["name"] == name).unwrap();
    let (orders, quantity, sales, currency) = (place("orders"), place("quantity"), place("sales"), place("currency"));
    let rows = section["rows"].as_array().unwrap().iter().map(|row| {
        assert_eq!(row[currency], "USD");
        let (orders, quantity) = (row[orders].as_i64().unwrap(), row[quantity].as_i64().unwrap());
        (row[0].as_str().unwrap().to_owned(), (orders, quantity, row[sales].as_str().unwrap().to_owned()))
    });
    rows.collect()
}

/// The same as its CSV has them, with the line of its total.
fn of_csv(file: &str) -> BTreeMap<String, Figures> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let header = reader.headers().unwrap().clone();
    let place = |title: &str| header.iter().position(|column| column == title).unwrap();
    let (orders, quantity, sales) = (place("Orders"), place("Quantity"), place("Sales"));
    let number = |cell: &str| if cell.is_empty() { 0 } else { cell.parse().unwrap() };
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        (row[0].to_owned(), (number(&row[orders]), number(&row[quantity]), row[sales].to_owned()))
    });
    rows.collect()
}

fn terms(upload: &str) -> Value {
    json!({"upload": upload, "book": "Superstore", "date_order": "month_first", "defaults": {"currency": "USD"},
        "mapping": {"line_id": "Row ID", "order": "Order ID", "date": "Order Date", "category": "Category", "region": "Region",
            "product": "Product Name", "amount": "Sales", "quantity": "Quantity"}})
}

/// The total of the report by month, as the API and the file's last line have it.
async fn total(person: &Person) -> String {
    let (ready, _) = report(person, "json", "month").await;
    assert_eq!(ready["totals"].as_array().map(Vec::len), Some(1), "{ready}");
    assert_eq!(ready["totals"][0]["amount"]["currency"], "USD");
    ready["totals"][0]["amount"]["amount"].as_str().unwrap().to_owned()
}

/// A seller brings a book of 9,994 lines, as a shop's program has written it, and reads what was sold per month, category and region: the
/// figures are those that the test has added up itself, in whole ten-thousandths.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_past_sales_book_is_imported_and_its_figures_are_right_to_the_cent() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let book = book();
    let bytes = file(&book, 1);
    let upload = send(&ann, "text/csv", "superstore.csv", &bytes).await;

    // Seen, tried, and imported.
    let preview = ann.post(&format!("{PATH}/preview"), terms(&upload)).await.ok();
    let seen = json!({"row_count": LINES, "unreadable_count": 0, "encoding": "windows1252", "separator": "comma"});
    for (name, expected) in seen.as_object().unwrap() {
        assert_eq!(preview["file"][name], *expected, "{name}");
    }
    assert_eq!(preview["rows"][0]["understood"]["order"], json!(book[0].order));
    assert_eq!(preview["rows"][0]["understood"]["date"], json!(book[0].day));
    let mut tried = terms(&upload);
    tried["validate_only"] = json!(true);
    let tried = import(&market, &ann, PATH, tried).await;
    let all = i64::try_from(LINES).unwrap();
    assert_eq!((counts(&tried), &tried["kind"]), ([all, 0, 0, 0], &json!("past_sales")));
    assert_eq!(report(&ann, "json", "month").await.0["totals"], json!([]), "what is only tried is not counted");
    let imported = import(&market, &ann, PATH, terms(&upload)).await;
    assert_eq!((counts(&imported), &imported["row_count"]), ([all, 0, 0, 0], &json!(LINES)));
    market.mail_to(&ann.email, "Imported: past sales").await;

    let sum = figures(&book);
    let month = |line: &Line| line.day.with_day(1).unwrap().to_string();
    for (group, expected) in [
        ("month", by(&book, month)),
        ("day", by(&book, |line| line.day.to_string())),
        ("category", by(&book, |line| line.category.to_owned())),
        ("region", by(&book, |line| line.region.to_owned())),
    ] {
        let (ready, json) = report(&ann, "json", group).await;
        assert_eq!(of_json(&json), expected, "by {group}");
        assert_eq!(ready["totals"][0]["amount"], json!({"amount": sum.2, "currency": "USD"}), "by {group}");
        let (_, csv) = report(&ann, "csv", group).await;
        let mut expected = expected;
        expected.insert("Total".to_owned(), (0, 0, sum.2.clone()));
        assert_eq!(of_csv(&csv), expected, "by {group}");
    }
    // One by one, they are orders among those of the market.
    let (ready, json) = report(&ann, "json", "none").await;
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["sections"][0]["rows"].as_array().map(Vec::len), usize::try_from(sum.0).ok());
    assert_eq!(ready["totals"][0]["amount"]["amount"], json!(sum.2));
    // Nobody else has them, and nothing else was made of them.
    assert_eq!(report(&bob, "json", "month").await.0["totals"], json!([]));
    for table in ["orders", "checkouts", "stock_movements", "money_entries"] {
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&market.db.pool)
            .await
            .unwrap();
        assert_eq!(count, 0, "{table}");
    }

    // The same file again, also sent anew, is the import that there is; a part of it says nothing new.
    let again = send(&ann, "text/csv", "again.csv", &bytes).await;
    assert_eq!(import(&market, &ann, PATH, terms(&again)).await, imported);
    let part = send(&ann, "text/csv", "part.csv", &file(&book[..300], 1)).await;
    assert_eq!(counts(&import(&market, &ann, PATH, terms(&part)).await), [0, 300, 0, 0]);
    assert_eq!(total(&ann).await, sum.2);

    // A later file corrects a line.
    let mut corrected = book;
    corrected[16].sales += 123_450_050;
    corrected[16].category = "Furniture";
    let correction = send(&ann, "text/csv", "correction.csv", &file(&corrected[16..17], 17)).await;
    assert_eq!(counts(&import(&market, &ann, PATH, terms(&correction)).await), [1, 0, 0, 0]);
    assert_eq!(total(&ann).await, figures(&corrected).2);
    assert_eq!(of_json(&report(&ann, "json", "category").await.1), by(&corrected, |line| line.category.to_owned()));
    market.close().await;
}

/// What cannot be read, or could be read in two ways, is refused with its line, its column and the reason, and the rest is kept.
#[tokio::test(flavor = "multi_thread")]
async fn row_past_sales_that_cannot_be_read_are_listed_with_their_lines() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let text = "Nr,Order,Day,Group,Where,Money,Sum\n\
        1,A-1,11/8/2016,Chairs,\"South,\nWest\",USD,1\n\
        2,A-1,11/8/2016,Chairs,South,USD,957.5775\n\
        3,A-1,13/8/2016,Chairs,South,USD,1\n\
        4,A-1,2/30/2016,Chairs,South,USD,1\n\
        5,A-1,8.11.16,Chairs,South,USD,1\n\
        6,A-1,11/8/2016,Chairs,South,USD,0.1234567\n\
        7,A-1,11/8/2016,Chairs,South,XYZ,1\n\
        8,A-1,11/8/2016,Chairs,,USD,1\n\
        2,A-1,11/8/2016,Chairs,South,USD,957.5775\n\
        2,A-1,11/8/2016,Tables,South,USD,957.5775\n\
        9,A-1,2016-11-08,Chairs,South,USD,\"1,5\"\n";
    let upload = send(&ann, "text/csv", "book.csv", text.as_bytes()).await;
    let mapping = json!({"line_id": "Nr", "order": "Order", "date": "Day", "category": "Group", "region": "Where",
        "currency": "Money", "amount": "Sum"});
    let body = |order: Option<&str>| match order {
        Some(order) => json!({"upload": upload, "book": "Shop", "mapping": mapping, "date_order": order}),
        None => json!({"upload": upload, "book": "Shop", "mapping": mapping}),
    };
    let imported = import(&market, &ann, PATH, body(Some("month_first"))).await;
    assert_eq!(counts(&imported), [1, 1, 0, 9], "{imported}");
    let refused = rows(&ann, &imported, "refused").await;
    let said: Vec<_> = refused.iter().map(|(line, column, reason)| (*line, column.as_str(), reason.as_str())).collect();
    let expected = [
        (2, "Where", "control characters are not allowed"),
        (5, "Day", "the calendar has no day 2016-13-08"),
        (6, "Day", "the calendar has no day 2016-02-30"),
        (7, "Day", "must be a day such as 2016-11-08, or 11/8/2016 where `date_order` says which number is the month"),
        (8, "Sum", "an amount in USD is kept with 6 fraction digits, this one has more"),
        (9, "Money", "the currency must be one of ISO 4217, in capitals"),
        (10, "Where", "must not be empty"),
        (12, "Nr", "an earlier row of the file has the same id and says something else"),
        (13, "Sum", "the amount must be a decimal number such as \"12.50\""),
    ];
    assert_eq!(said, expected);
    assert_eq!(total(&ann).await, "957.58");
    // Nobody has said what comes first: what needs it is refused, and what was kept stays.
    let imported = import(&market, &ann, PATH, body(None)).await;
    assert_eq!(counts(&imported), [0, 0, 0, 11]);
    let refused = rows(&ann, &imported, "refused").await;
    let two_ways =
        "\"11/8/2016\" can be read in two ways: say with `date_order` whether the day or the month comes first";
    assert_eq!(refused[1], (4, "Day".to_owned(), two_ways.to_owned()));
    assert_eq!(total(&ann).await, "957.58");

    // Of the file, or of how it is to be read.
    let mut wrong = body(None);
    wrong["mapping"]["amount"] = json!("Sales");
    ann.post(PATH, wrong).await.refused(422, "file_unreadable");
    let mut wrong = body(None);
    wrong["mapping"].as_object_mut().unwrap().remove("region");
    ann.post(PATH, wrong).await.refused(422, "file_unreadable");
    for (field, value) in [("mapping", json!({"colour": "Sum"})), ("defaults", json!({"amount": "1"}))] {
        let mut wrong = body(None);
        wrong[field] = value;
        ann.post(PATH, wrong).await.refused(422, "invalid_value");
    }
    let mut wrong = body(None);
    wrong["book"] = json!("x".repeat(101));
    ann.post(PATH, wrong).await.refused(422, "invalid_value");
    market.close().await;
}
