#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use std::path::Path;

use futures::{StreamExt, stream};
use market::{checkout, testing};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tokio::process::Command;
use uuid::Uuid;

use super::escrow::offered;

/// Where `./dev test` installs it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev/tools/reports/bin/python");
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/reports");
pub(crate) const FORMATS: [&str; 4] = ["csv", "json", "pdf", "xlsx"];
const SEED: &str = "9994";
const ORDERS: &str = "1500";
/// How many reports are asked for at once, each in every format: an organisation may have 20 files open.
const AT_ONCE: usize = 4;
const REGIONS: [&str; 4] = ["earth/ca", "earth/de", "earth/jp", "earth/us"];

/// What a program of `tests/reports` prints.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> Value {
    assert!(Path::new(PYTHON).exists(), "openpyxl is not installed: `./dev test` with any filter does so");
    let output = Command::new(PYTHON).arg(format!("{TOOLS}/{program}")).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Asks for a report in every format, waits for it and puts the files into the folder.
pub(crate) async fn report(by: &Person, folder: &Path, name: &str, ask: Value) {
    let mut asked = Vec::new();
    for format in FORMATS {
        let mut ask = ask.clone();
        ask["format"] = json!(format);
        let answer = by.post("/v1/reports", ask).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        asked.push((format, id(&answer.ok())));
    }
    for (format, report) in asked {
        let ready = by.until(&format!("/v1/reports/{report}"), "status", "ready").await;
        let url = ready["download"]["url"].as_str().unwrap();
        let file = reqwest::get(url).await.unwrap();
        assert_eq!(file.status().as_u16(), 200, "{ready}");
        std::fs::write(folder.join(format!("{name}.{format}")), file.bytes().await.unwrap()).unwrap();
    }
}

/// Asks for several reports, some at once.
async fn reports(by: &Person, folder: &Path, asked: Vec<(String, Value)>) {
    let each = |(name, ask): (String, Value)| async move { report(by, folder, &name, ask).await };
    stream::iter(asked).for_each_concurrent(AT_ONCE, each).await;
}

/// A draft of each category at each site in each currency, by what the book calls them.
async fn listings(seller: &Person, categories: &[Value], sites: &[Value]) -> Vec<Value> {
    let mut listings = Vec::new();
    for category in categories {
        let path = category["path"].as_str().unwrap();
        let item = json!({"category_id": category["id"], "sku": path, "title": path});
        let item = id(&seller.post("/v1/items", item).await.ok());
        for (site, region) in sites.iter().zip(REGIONS) {
            for currency in ["EUR", "JPY"] {
                let listing = json!({"item_id": item, "site_id": site["id"], "title": format!("=Lot of {path}"),
                    "sale_mode": "fixed", "currency": currency, "quantity": 1,
                    "price": {"amount": "100", "currency": currency}});
                let listing = id(&seller.post("/v1/listings", listing).await.ok());
                listings.push(json!({"listing": listing, "item": item, "category": path, "region": region,
                    "currency": currency}));
            }
        }
    }
    listings
}

/// Writes the book's orders as if they had been made then, past every trigger.
async fn load(market: &TestInstallation, seller: &str, buyers: &[(String, String)], listings: &[Value], book: &Value) {
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    let buyers: Vec<Value> = buyers.iter().map(|(name, org)| json!({"buyer": name, "org": org})).collect();
    sqlx::query(
        "CREATE TEMPORARY TABLE book (id uuid, line smallint, at timestamptz, buyer uuid, by uuid, currency text, status text, listing uuid,
                                      item uuid, quantity bigint, amount bigint) ON COMMIT DROP",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO book
         SELECT md5(l.number::text)::uuid AS id, l.line, l.at, b.org AS buyer, (SELECT user_id FROM memberships WHERE org_id = b.org) AS by,
                l.currency, l.status, o.listing, o.item, l.quantity, l.amount
         FROM jsonb_to_recordset($1) AS l (number bigint, line smallint, at timestamptz, buyer text, currency text, status text,
                                           category text, region text, quantity bigint, amount bigint)
         JOIN jsonb_to_recordset($2) AS b (buyer text, org uuid) ON b.buyer = l.buyer
         JOIN jsonb_to_recordset($3) AS o (listing uuid, item uuid, category text, region text, currency text)
             ON o.category = l.category AND o.region = l.region AND o.currency = l.currency",
    )
    .bind(&book["lines"])
    .bind(json!(buyers))
    .bind(json!(listings))
    .execute(&mut *tx)
    .await
    .unwrap();
    for statement in [
        "INSERT INTO checkouts (id, buyer_org_id, placed_by, currency, payable_minor, status, pay_by, created_at, ended_at)
         SELECT id, buyer, by, currency, sum(amount), CASE WHEN status IN ('expired', 'cancelled') THEN status ELSE 'paid' END,
                at + interval '1 hour', at, at
         FROM book GROUP BY id, buyer, by, currency, status, at",
        "INSERT INTO orders (id, checkout_id, source, buyer_org_id, seller_org_id, placed_by, currency, total_minor, fee_bps, fee_minor,
                             net_minor, status, pay_by, created_at)
         SELECT id, id, 'checkout', buyer, $1, by, currency, sum(amount), 500, div(sum(amount) * 500 + 5000, 10000),
                sum(amount) - div(sum(amount) * 500 + 5000, 10000), status, at + interval '1 hour', at
         FROM book GROUP BY id, buyer, by, currency, status, at",
        "INSERT INTO order_lines (order_id, line_no, listing_id, item_id, title, quantity, unit, amount_minor)
         SELECT id, line, listing, item, '=Lot', quantity, 'piece', amount FROM book",
    ] {
        let query = sqlx::query(statement);
        let query = if statement.contains("$1") { query.bind(seller.parse::<Uuid>().unwrap()) } else { query };
        query.execute(&mut *tx).await.unwrap();
    }
    // The workers have nothing to do with the book.
    assert!(checkout::store::overdue(&mut tx, 1).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

/// A sale that is paid for, shipped and accepted, so that the platform has its commission.
pub(crate) async fn sale(seller: &Person, buyer: &Person, listing: &str) {
    let line = json!({"listing": listing, "quantity": 2, "price": eur("100.00")});
    let placed = buyer.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    let payment = buyer.post(&format!("/v1/checkouts/{}/pay", id(&placed)), json!({"method": "card"})).await.ok();
    buyer.until(&format!("/v1/payments/{}", id(&payment)), "status", "held").await;
    let order = id(&placed["orders"][0]);
    for (by, act) in [(seller, "ship"), (buyer, "receive"), (buyer, "accept")] {
        let _ = by.post(&format!("/v1/orders/{order}/{act}"), json!({})).await.ok();
    }
}

/// Every kind of report in every format, through the API and the worker. The files are read back by openpyxl and by Python's csv and
/// json, which must find the same figures; and what a sales book of three years comes to by month, category, region and buyer is what
/// Python has added up, to the cent.
#[tokio::test(flavor = "multi_thread")]
async fn row_reports_of_every_kind_and_format() {
    let market = TestInstallation::new().await;
    let mut admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let (bob, cid) = (market.trader(&admin, "Bob").await, market.trader(&admin, "Cid").await);
    let folder = tempfile::tempdir().unwrap();

    // What is sold, and from where.
    let categories = market.get("/v1/categories").await.ok();
    let of = |path: &str| categories["items"].as_array().unwrap().iter().find(|it| it["path"] == path).unwrap().clone();
    let categories = ["machinery", "parts", "electronics/consoles"].map(of);
    let mut sites = Vec::new();
    for code in REGIONS {
        let region: Uuid = sqlx::query_scalar("SELECT id FROM regions WHERE code = $1")
            .bind(code)
            .fetch_one(&market.db.pool)
            .await
            .unwrap();
        let site = json!({"region_id": region, "name": format!("Depot of {code}"), "kind": "depot", "latitude": 10, "longitude": 10});
        sites.push(ann.post("/v1/sites", site).await.ok());
    }
    let listings = listings(&ann, &categories, &sites).await;

    // The book.
    let buyers = [("Bob Ltd".to_owned(), bob.org.clone()), ("Cid Ltd".to_owned(), cid.org.clone())];
    let places = json!({"categories": categories.iter().map(|it| &it["path"]).collect::<Vec<_>>(), "regions": REGIONS,
        "buyers": buyers.iter().map(|it| &it.0).collect::<Vec<_>>(), "currencies": {"EUR": 2, "JPY": 0}});
    let book = run("book.py", &[SEED, ORDERS, &places.to_string()]).await;
    let book_path = folder.path().join("book.json");
    std::fs::write(&book_path, book.to_string()).unwrap();
    load(&market, &ann.org, &buyers, &listings, &book).await;
    let sales = |name: &str, parameters: Value| {
        let ask =
            json!({"kind": "sales", "first_day": "2023-01-01", "last_day": "2025-12-31", "parameters": parameters});
        (format!("sales-{name}"), ask)
    };
    let mut asked: Vec<_> = ["none", "day", "week", "month", "category", "region", "buyer"]
        .iter()
        .map(|group| sales(group, json!({"group_by": group})))
        .collect();
    asked.push(sales("filtered", json!({"category": categories[1]["id"], "currency": "JPY"})));
    let ask = json!({"kind": "monthly_analytics", "first_day": "2024-01-01", "last_day": "2024-12-31"});
    asked.push(("monthly_analytics".to_owned(), ask));
    reports(&ann, folder.path(), asked).await;

    // What happens now: stock that runs low, money that comes in and goes out, goods that leave.
    let stock = format!("/v1/items/{}/stock/{}", listings[0]["item"].as_str().unwrap(), id(&sites[0]));
    let _ = ann.post(&format!("{stock}/adjust"), json!({"to": 90, "reason": "counted"})).await.ok();
    let listing = offered(&ann).await;
    sale(&ann, &bob, &listing).await;
    let _ = admin.post("/v1/schedules/payouts.run/run-now", json!({})).await.ok();
    let shipment = json!({"from_site": sites[0]["id"], "to_address": "Hafenstr. 1, Hamburg", "carrier": "Hansa Freight",
        "lines": [{"item_id": listings[0]["item"], "quantity": 5, "weight_g": 12_345, "volume_ml": 30_001}]});
    let shipment = ann.post("/v1/shipments", shipment).await.ok();
    let pick_up = format!("/v1/shipments/{}/pick-up", shipment["tracking"].as_str().unwrap());
    let _ = ann.post(&pick_up, json!({})).await.ok();
    market.until_quiet().await;
    let mut conn = market.db.pool.acquire().await.unwrap();
    let now = testing::database_time(&mut conn).await;
    drop(conn);
    let day = |days: i64| (now + chrono::TimeDelta::days(days)).date_naive();
    let recent = |kind: &str| json!({"kind": kind, "first_day": day(-3), "last_day": day(0)});
    let kinds = ["inventory_check", "commissions", "payouts", "cargo_volume"];
    reports(&ann, folder.path(), kinds.map(|kind| (kind.to_owned(), recent(kind))).to_vec()).await;
    // What is of everybody: of days that are over, because each report is a job itself.
    admin.org.clone_from(&ann.org);
    market.until_quiet().await;
    sqlx::query(
        "UPDATE jobs
         SET created_at = created_at - interval '2 days', started_at = started_at - interval '2 days',
             finished_at = finished_at - interval '2 days'
         WHERE state = 'succeeded'",
    )
    .execute(&market.db.pool)
    .await
    .unwrap();
    let ask =
        json!({"kind": "job_activity", "first_day": day(-4), "last_day": day(-2), "parameters": {"group_by": "day"}});
    report(&admin, folder.path(), "job_activity", ask).await;
    report(&admin, folder.path(), "user_activity", recent("user_activity")).await;

    let found = run("read.py", &[folder.path().to_str().unwrap(), book_path.to_str().unwrap()]).await;
    for (name, report) in found.as_object().unwrap() {
        for (section, rows) in report["sections"].as_object().unwrap() {
            let may_be_empty = ["alerts", "auctions"].contains(&section.as_str());
            assert!(may_be_empty || rows.as_u64() > Some(0), "{name}: nothing in {section}: {found}");
        }
    }
    assert_eq!(found.as_object().unwrap().len(), 15, "{found}");
    for (name, charts) in [("sales-month", 2), ("monthly_analytics", 5), ("cargo_volume", 3), ("commissions", 1)] {
        assert_eq!(found[name]["charts"], charts, "{name}: {found}");
    }

    // Whoever asked was told once for each.
    market.until_quiet().await;
    let told = |to: &Person| {
        market.mail.list().iter().filter(|mail| mail.is_to(&to.email) && mail.subject.contains(" report ")).count()
    };
    assert_eq!((told(&ann), told(&admin)), (13 * FORMATS.len(), 2 * FORMATS.len()));
    market.close().await;
}
