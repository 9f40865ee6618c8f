#![expect(clippy::unwrap_used, reason = "a test without its answers ends here")]

use std::collections::BTreeSet;
use std::io::Read as _;

use serde_json::{Map, Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, id};
use uuid::Uuid;

use super::escrow::offered;
use super::reports::sale;

/// Asks for an export and waits for it; the export.
async fn export(by: &Person, ask: Value) -> Value {
    let path = if ask.is_null() { "/v1/me/export" } else { "/v1/exports" };
    let answer = by.post(path, if ask.is_null() { json!({}) } else { ask }).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    by.until(&format!("/v1/exports/{}", id(&answer.body)), "status", "ready").await
}

async fn file(export: &Value) -> Vec<u8> {
    let answer = reqwest::get(export["download"]["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{export}");
    answer.bytes().await.unwrap().to_vec()
}

/// The rows of an export, as objects.
async fn rows(by: &Person, kind: &str) -> Vec<Map<String, Value>> {
    let ready = export(by, json!({"kind": kind, "format": "jsonl"})).await;
    let text = String::from_utf8(file(&ready).await).unwrap();
    let rows: Vec<Map<String, Value>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ready["row_count"], rows.len(), "{kind}");
    rows
}

/// The most memory that this process has used since the last reset, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The process's peak memory while an export is made; API and workers are in it. It is not a difference to what the process holds
/// before: the allocator keeps a share of what was freed, and how large a share varies.
async fn peak_of(by: &Person, ask: Value) -> (u64, Value) {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let ready = export(by, ask).await;
    (peak_memory(), ready)
}

/// A seller and a buyer export what is theirs: each side sees its own figures and nobody else's secrets, and 200,000 events take no more
/// memory than a quarter of them. Whoever asked is told once.
#[tokio::test(flavor = "multi_thread")]
async fn row_exports_in_flat_memory() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let listing = offered(&ann).await;
    sale(&ann, &bob, &listing).await;

    assert_eq!(rows(&ann, "listings").await[0]["id"], listing);
    assert!(rows(&bob, "listings").await.is_empty());
    for (by, side) in [(&ann, "seller"), (&bob, "buyer")] {
        let orders = rows(by, "orders").await;
        assert_eq!((orders.len(), &orders[0]["side"]), (1, &json!(side)));
        assert_eq!((&orders[0]["total"], &orders[0]["currency"]), (&json!("200.00"), &json!("EUR")));
        assert_eq!(orders[0]["fee"].is_null(), side == "buyer", "{orders:?}");
    }
    assert!(rows(&cid, "orders").await.is_empty());
    let all = export(&admin, json!({"kind": "orders", "format": "csv", "everybody": true})).await;
    assert_eq!(all["row_count"], 1);
    ann.get(&format!("/v1/exports/{}", id(&all))).await.refused(404, "not_found");

    let flood = async |count: i32, source: &str| {
        let mut tx = market.db.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(
            "INSERT INTO cargo_events (occurred_at, org, type, status, source, source_event_id, shipment, payload)
             SELECT now() - make_interval(secs => n), $1, 'actual', 'in_transit', $2, n::text, 'S-' || n % 1000,
                    jsonb_build_object('note', repeat('x', 200))
             FROM generate_series(1, $3) AS n",
        )
        .bind(ann.org.parse::<Uuid>().unwrap())
        .bind(source)
        .bind(count)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    };
    let events = |format: &str| json!({"kind": "cargo_events", "format": format});
    // What the log was told of the sale.
    let before = rows(&ann, "cargo_events").await.len();
    // Warmed up: what every export needs is already there, and so is what an upload in parts does, here and in the store, which is in
    // this process too.
    flood(50_000, "few").await;
    let _ = export(&ann, events("csv")).await;
    let (short, _) = peak_of(&ann, events("csv")).await;
    flood(150_000, "many").await;
    let (long, ready) = peak_of(&ann, events("csv")).await;
    assert_eq!(ready["row_count"], 200_000 + before);
    // The further rows alone take more than 50 MB.
    let grown = long.saturating_sub(short);
    assert!(grown < 32 * 1024 * 1024, "200,000 rows took {grown} bytes more than 50,000");

    market.until_quiet().await;
    let told = market
        .mail
        .list()
        .iter()
        .filter(|mail| mail.is_to(&admin.email) && mail.subject.contains("export is ready"))
        .count();
    assert_eq!(told, 1);
    market.close().await;
}

/// Somebody asks for all that is kept about them, and gets it once, in files that a text explains; nobody else does.
#[tokio::test(flavor = "multi_thread")]
async fn row_own_data_as_zip() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = offered(&ann).await;
    let _ = bob.put(&format!("/v1/listings/{listing}/watch"), json!({})).await;
    sale(&ann, &bob, &listing).await;
    let ready = export(&bob, Value::Null).await;
    let path = format!("/v1/exports/{}", id(&ready));
    for other in [&ann, &admin] {
        other.get(&path).await.refused(404, "not_found");
    }
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file(&ready).await)).unwrap();
    let names: BTreeSet<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let readme = read("README.txt");
    let mut total = 0;
    for name in &names {
        let Some(part) = name.strip_suffix(".json") else { continue };
        assert!(names.contains(&format!("{part}.csv")) && readme.contains(&format!("\n{part}.csv, {part}.json\n")));
        let rows: Vec<Map<String, Value>> = serde_json::from_str(&read(name)).unwrap();
        total += rows.len();
        let text = read(&format!("{part}.csv"));
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(csv.records().map(Result::unwrap).count(), rows.len(), "{part}");
    }
    assert_eq!((names.len() % 2, ready["row_count"].as_u64()), (1, u64::try_from(total).ok()));
    let rows = |text: String| -> Vec<Map<String, Value>> { serde_json::from_str(&text).unwrap() };
    assert_eq!(rows(read("profile.json"))[0]["email"], bob.email);
    assert_eq!(rows(read("orders.json"))[0]["total"], "200.00");
    assert!(!rows(read("sessions.json")).is_empty() && !rows(read("notices.json")).is_empty());
    assert!(rows(read("listings.json")).is_empty());
    market.until_quiet().await;
    let told = market
        .mail
        .list()
        .iter()
        .filter(|mail| mail.is_to(&bob.email) && mail.subject.contains("export is ready"))
        .count();
    assert_eq!(told, 1);
    market.close().await;
}
