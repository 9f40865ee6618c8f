use std::net::SocketAddr;

use jobs::imports::{ImportPastSales, ImportStock};
use market::identity::PlatformRole;
use market::testing::CONSOLES;
use queue::testing::enqueued;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::testing::{Answer, Person, TestApi, with_token};

/// Two sellers, one of whom has a site and an item.
struct TestMarket {
    api: TestApi,
    ann: Person,
    eve: Person,
    _dir: TempDir,
    _stop: DropGuard,
}

impl TestMarket {
    async fn new() -> Self {
        let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let options = sinks::s3::Options {
            dir: dir.path().to_owned(),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["tradeyard".to_owned()],
        };
        let server = sinks::s3::serve(options, stop.clone()).await.unwrap();
        let endpoint = server.endpoint();
        let settings = [("S3_ENDPOINT", &*endpoint), ("S3_ACCESS_KEY_ID", "key"), ("S3_SECRET_ACCESS_KEY", "secret")];
        let api = TestApi::with(&settings).await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
        api.org(&ann, "Ann Farm", &moderator).await;
        api.org(&eve, "Eve Farm", &moderator).await;
        let item = json!({"category_id": CONSOLES, "sku": "A", "title": "Console"});
        api.post(Some(&ann), "/v1/items", item).await.ok();
        let earth = api.get(None, "/v1/regions").await.ok()["items"][0]["id"].clone();
        let site = json!({"region_id": earth, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
        api.post(Some(&ann), "/v1/sites", site).await.ok();
        Self { api, ann, eve, _dir: dir, _stop: stop.drop_guard() }
    }

    /// Announces a file; what announced it is answered.
    async fn announce(&self, kind: &str, size: usize) -> Value {
        let body = json!({"content_type": kind, "size": size, "file_name": "stock.csv"});
        self.api.post(Some(&self.ann), "/v1/uploads", body).await.ok()
    }

    /// Announces and sends a file; its upload.
    async fn send(&self, file: &[u8]) -> Value {
        let upload = self.announce("text/csv", file.len()).await;
        let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        assert_eq!(request.body(file.to_vec()).send().await.unwrap().status(), 200);
        upload["id"].clone()
    }

    async fn post(&self, who: &Person, path: &str, body: Value) -> Answer {
        let request = self.api.request(Method::POST, path).json(&body);
        self.api.send(with_token(request, Some(who))).await
    }

    async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.api.db.pool).await.unwrap()
    }
}

const STOCK: &str = "/v1/stock/imports";
const LISTINGS: &str = "/v1/listings/imports";
const PAST_SALES: &str = "/v1/past-sales/imports";

#[tokio::test]
async fn a_preview_shows_what_would_happen_and_keeps_nothing() {
    let market = TestMarket::new().await;
    let file = b"\xef\xbb\xbfSKU;Site;on_hand;reason\r\nA;Depot;7;counted\r\nB;Depot;7;\r\nA;Depot;x;\r\n";
    let upload = market.send(file).await;
    let preview = market.post(&market.ann, "/v1/stock/imports/preview", json!({"upload": upload})).await.ok();
    let expected = json!({"encoding": "utf8", "separator": "semicolon", "columns": ["SKU", "Site", "on_hand", "reason"],
        "row_count": 3, "unreadable_count": 1});
    assert_eq!(preview["file"], expected);
    let first = json!({"line": 2, "sku": "A", "site": "Depot", "on_hand": 7, "reason": "counted", "outcome": "applied", "faults": []});
    assert_eq!(preview["rows"][0], first);
    assert_eq!(preview["rows"][1]["faults"], json!([{"column": "sku", "reason": "the organisation has no such item"}]));
    assert_eq!((&preview["rows"][2]["line"], &preview["rows"][2]["outcome"]), (&json!(4), &json!("refused")));

    let upload = market.send("Nr\tName\tPreis\tRest\nA\tStuhl\t1,50\tx\nN\tTisch\t\t\n".as_bytes()).await;
    let body = json!({"upload": upload, "mapping": {"sku": "Nr", "title": "Name", "price": "Preis"},
        "defaults": {"currency": "EUR", "category": "electronics/consoles"}, "publish": true});
    let preview = market.post(&market.ann, "/v1/listings/imports/preview", body).await.ok();
    assert_eq!((&preview["file"]["separator"], &preview["unused_columns"]), (&json!("tab"), &json!(["Rest"])));
    let outcomes: Vec<_> =
        preview["rows"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["applied", "incomplete"]);
    let price = &preview["rows"][0]["understood"]["price"];
    assert_eq!(*price, json!({"amount": "1.50", "currency": "EUR"}));
    let missing = json!([{"column": "Preis", "reason": "a fixed sale needs a price"}]);
    assert_eq!(preview["rows"][1]["faults"], missing);
    for table in ["stock_levels", "stock_movements", "listings", "imports", "import_rows"] {
        assert_eq!(market.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(market.number("SELECT count(*) FROM items").await, 1);
    market.api.close().await;
}

#[tokio::test]
async fn a_preview_of_past_sales_shows_each_digit_and_keeps_nothing() {
    let market = TestMarket::new().await;
    let file = b"Row ID,Order ID,Order Date,Region,Category,Sales,Profit\n7,CA-1,11/8/2016,South,Caf\xe9,957.5775,1\n\
        8,CA-1,13/8/2016,South,Chairs,1,1\n";
    let upload = market.send(file).await;
    let body = json!({"upload": upload, "book": "Superstore", "date_order": "month_first", "defaults": {"currency": "USD"},
        "mapping": {"line_id": "Row ID", "order": "Order ID", "date": "Order Date", "category": "Category",
            "region": "Region", "amount": "Sales"}});
    let preview = market.post(&market.ann, "/v1/past-sales/imports/preview", body.clone()).await.ok();
    assert_eq!((&preview["file"]["encoding"], &preview["unused_columns"]), (&json!("windows1252"), &json!(["Profit"])));
    let understood = json!({"order": "CA-1", "date": "2016-11-08", "category": "Café", "region": "South", "quantity": 1,
        "amount": "957.5775", "currency": "USD"});
    let first = json!({"line": 2, "line_id": "7", "understood": understood, "outcome": "applied", "faults": []});
    assert_eq!(preview["rows"][0], first);
    let fault = json!([{"column": "Order Date", "reason": "the calendar has no day 2016-13-08"}]);
    assert_eq!((&preview["rows"][1]["outcome"], &preview["rows"][1]["faults"]), (&json!("refused"), &fault));
    assert_eq!(market.number("SELECT count(*) FROM past_sales").await, 0);
    // The same file in the same way is one import, in another way another one.
    let mut locations = Vec::new();
    for (field, value) in
        [("book", "Superstore"), ("book", "Superstore"), ("book", "Shop"), ("date_order", "day_first")]
    {
        let mut body = body.clone();
        body[field] = json!(value);
        let answer = market.post(&market.ann, PAST_SALES, body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        locations.push(answer.headers["location"].to_str().unwrap().to_owned());
    }
    assert_eq!(locations[0], locations[1]);
    locations.dedup();
    assert_eq!((locations.len(), enqueued::<ImportPastSales>(&market.api.db.pool).await.len()), (3, 3));
    market.post(&market.eve, PAST_SALES, body.clone()).await.refused(422, "invalid_value");
    for (field, value, pointer) in [
        ("book", json!("x".repeat(101)), "/book"),
        ("mapping", json!({"colour": "Sales"}), "/mapping/colour"),
        ("defaults", json!({"line_id": "1"}), "/defaults/line_id"),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let refused = market.post(&market.ann, PAST_SALES, body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    market.api.close().await;
}

#[tokio::test]
async fn two_identical_files_at_once_are_one_import() {
    let market = TestMarket::new().await;
    let file = b"sku,site,delta\nA,Depot,7\n";
    let uploads = [market.send(file).await, market.send(file).await];
    let sent = uploads.iter().map(|upload| market.post(&market.ann, STOCK, json!({"upload": upload})));
    let answers = futures::future::join_all(sent).await;
    let locations: Vec<_> = answers.iter().map(|answer| answer.headers["location"].clone()).collect();
    assert_eq!((answers[0].status.as_u16(), &locations[0]), (202, &locations[1]));
    let jobs = enqueued::<ImportStock>(&market.api.db.pool).await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    // The same upload again is the same import; another file is another one.
    let again = market.post(&market.ann, STOCK, json!({"upload": uploads[0]})).await;
    assert_eq!(again.headers["location"], locations[0]);
    let other = market.send(b"sku,site,delta\nA,Depot,8\n").await;
    let other = market.post(&market.ann, STOCK, json!({"upload": other})).await;
    assert_ne!(other.headers["location"], locations[0]);
    let path = locations[0].to_str().unwrap();
    let import = market.api.get(Some(&market.ann), path).await.ok();
    assert_eq!((&import["status"], &import["kind"]), (&json!("queued"), &json!("stock")));
    market.api.get(Some(&market.eve), path).await.refused(404, "not_found");
    let rows = market.api.get(Some(&market.ann), &format!("{path}/rows?outcome=refused")).await.ok();
    assert_eq!(rows["items"], json!([]));
    market.api.get(Some(&market.eve), &format!("{path}/rows")).await.refused(404, "not_found");
    market.api.close().await;
}

#[tokio::test]
async fn a_file_is_tried_as_often_as_wished_before_it_is_applied() {
    let market = TestMarket::new().await;
    let upload = market.send(b"sku,site,delta\nA,Depot,7\n").await;
    let mut locations = Vec::new();
    for validate_only in [true, true, false, false] {
        let body = json!({"upload": upload, "validate_only": validate_only});
        let answer = market.post(&market.ann, STOCK, body).await;
        let location = answer.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(answer.ok()["validate_only"], validate_only);
        assert_eq!(market.api.get(Some(&market.ann), &location).await.ok()["validate_only"], validate_only);
        locations.push(location);
    }
    assert_eq!(locations[2], locations[3], "what is applied is applied once");
    locations.sort();
    locations.dedup();
    assert_eq!((locations.len(), enqueued::<ImportStock>(&market.api.db.pool).await.len()), (3, 3));
    let listings = market.send(b"sku,title,currency\nA,B,EUR\n").await;
    let body = json!({"upload": listings, "validate_only": true});
    assert_eq!(market.post(&market.ann, LISTINGS, body).await.ok()["validate_only"], true);
    market.api.close().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_at_once_and_says_why() {
    let market = TestMarket::new().await;
    for (file, reason) in [
        (&b"sku,site,on_hand\nA,\"Depot,7\n"[..], "a quotation mark in the row on line 2 is opened and never closed"),
        (b"sku,site,sku,on_hand\nA,Depot,A,7\n", "two columns are called \"sku\""),
        (b"sku,site,on_hand\nA,De\0pot,7\n", "the file is not text: it has a zero byte"),
        (b"sku,site,on_hand\n\n", "the file has a header and no rows"),
        (
            b"sku,title,price,currency\nA,Chair,1,EUR\n",
            "the column \"title\" is not known: there are sku, site, on_hand, delta, reason",
        ),
    ] {
        let upload = market.send(file).await;
        for path in [STOCK, "/v1/stock/imports/preview"] {
            let refused =
                market.post(&market.ann, path, json!({"upload": upload})).await.refused(422, "file_unreadable");
            assert_eq!(refused.body["errors"], json!([{"pointer": "/upload", "detail": reason}]));
        }
    }
    let upload = market.send(b"sku,title,currency\nA,B,EUR\n").await;
    let body = json!({"upload": upload, "mapping": {"title": "nowhere"}});
    market.post(&market.ann, LISTINGS, body).await.refused(422, "file_unreadable");
    for (field, text) in [("colour", "title"), ("title", ""), ("title", &*"x".repeat(101))] {
        let body = json!({"upload": upload, "mapping": {field: text}});
        let refused = market.post(&market.ann, LISTINGS, body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], format!("/mapping/{field}"));
    }
    assert_eq!(market.number("SELECT count(*) FROM imports").await, 0);
    market.api.close().await;
}

#[tokio::test]
async fn only_an_own_file_of_csv_that_has_arrived_is_imported() {
    let market = TestMarket::new().await;
    let upload = market.send(b"sku,site,on_hand\nA,Depot,7\n").await;
    for path in [STOCK, LISTINGS] {
        market.post(&market.eve, path, json!({"upload": upload})).await.refused(422, "invalid_value");
        let announced = market.announce("text/csv", 5).await;
        let missing = json!({"upload": announced["id"]});
        market.post(&market.ann, path, missing).await.refused(409, "upload_missing");
        let picture = market.announce("image/png", 5).await;
        market.post(&market.ann, path, json!({"upload": picture["id"]})).await.refused(422, "upload_type");
    }
    let complete = format!("/v1/uploads/{}/complete", upload.as_str().unwrap());
    market.post(&market.ann, &complete, json!({})).await.refused(422, "upload_type");
    let shown = market.api.get(Some(&market.ann), &format!("/v1/uploads/{}", upload.as_str().unwrap())).await.ok();
    assert_eq!((&shown["file_name"], &shown["completed"]), (&json!("stock.csv"), &json!(false)));
    let large = json!({"content_type": "text/csv", "size": 16 * 1024 * 1024 + 1});
    market.post(&market.ann, "/v1/uploads", large).await.refused(422, "upload_size");
    let named = json!({"content_type": "text/csv", "size": 5, "file_name": "x".repeat(256)});
    market.post(&market.ann, "/v1/uploads", named).await.refused(422, "invalid_value");
    market.api.close().await;
}
