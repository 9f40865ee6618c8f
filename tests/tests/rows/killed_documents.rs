#![expect(clippy::unwrap_used, reason = "a test without its documents ends here")]

use std::collections::BTreeSet;
use std::path::Path;

use chrono::TimeDelta;
use market::exports::model::{Format as ExportFormat, Kind as ExportKind, RowsFormat};
use market::papers::model::PaperKind;
use market::reports::definitions::Audience;
use market::reports::model::{Format, Kind};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::gate::{Gate, Halt};
use tests::installation::people::{Person, eur, id};
use tests::until::{until, until_sql};
use uuid::Uuid;

use super::appointments::{book, bought, depot, slot};
use super::escrow::offered;
use super::imports::send;
use super::papers::waste;

const PART: &str = env!("CARGO_BIN_EXE_stack-part");
const PHOTOGRAPH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/photos/lots/whole.jpg");

/// The pools that write documents.
const POOLS: [&str; 2] = ["reports", "images"];

/// What the subjects of their mails say.
const REPORT: &str = " report ";
const EXPORT: &str = "export is ready";
const INVOICE: &str = "Invoice ";
const CREDIT_NOTE: &str = "Credit note ";

/// Every key that a row of the database names.
const NAMED: &str = "SELECT object_key FROM reports WHERE object_key IS NOT NULL
    UNION ALL SELECT object_key FROM exports WHERE object_key IS NOT NULL
    UNION ALL SELECT object_key FROM papers WHERE object_key IS NOT NULL
    UNION ALL SELECT object_key FROM invoice_files
    UNION ALL SELECT object_key FROM image_variants";

/// A document that somebody waits for: where they look, and the file that it becomes.
struct Document<'a> {
    by: &'a Person,
    path: String,
    key: String,
}

/// The objects below a folder, by their keys; those that people have sent are not documents.
fn objects(below: &Path) -> BTreeSet<String> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![below.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(below).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.retain(|key| !key.starts_with("uploads/"));
    found
}

/// Whether a mail says that a document is there.
fn is_news(subject: &str) -> bool {
    [REPORT, EXPORT, INVOICE, CREDIT_NOTE].iter().any(|words| subject.contains(words))
}

/// What the store keeps beside its objects: parts of uploads that have not ended.
fn parts(market: &TestInstallation) -> usize {
    let folder = std::fs::read_dir(market.objects.parent().unwrap()).unwrap();
    folder.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with(".upload")).count()
}

async fn ask<'a>(by: &'a Person, at: &str, body: Value, file: impl Fn(&str) -> String) -> Document<'a> {
    let asked = by.post(at, body).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let made = id(&asked.body);
    let shown = if at == "/v1/me/export" { "/v1/exports" } else { at };
    Document { by, path: format!("{shown}/{made}"), key: file(&made) }
}

/// All values of a type, as the API describes it: that the description has all of them is tested there.
fn values<T: DeserializeOwned>(described: &Value, of: &str) -> Vec<T> {
    let values: Vec<T> = serde_json::from_value(described["components"]["schemas"][of]["enum"].clone()).unwrap();
    assert!(!values.is_empty(), "{of}");
    values
}

/// Every kind of report, and every format.
async fn reports<'a>(described: &Value, ann: &'a Person, staff: &'a Person) -> Vec<Document<'a>> {
    let (kinds, formats): (Vec<Kind>, Vec<Format>) =
        (values(described, "ReportKind"), values(described, "ReportFormat"));
    assert!(kinds.len() >= formats.len(), "a format is left out");
    let mut asked = Vec::new();
    for (kind, format) in kinds.iter().zip(formats.iter().cycle()) {
        let by = match kind.definition().audience {
            Audience::Members => ann,
            Audience::Platform(_) => staff,
        };
        let report = json!({"kind": kind, "first_day": "2023-01-01", "last_day": "2025-12-31", "format": format});
        asked.push(ask(by, "/v1/reports", report, |id| format!("reports/{id}.{}", format.extension())).await);
    }
    asked
}

/// Every kind of export, and every format; one of them is more than one part of an upload.
async fn exports<'a>(
    market: &TestInstallation,
    described: &Value,
    ann: &'a Person,
    bob: &'a Person,
) -> Vec<Document<'a>> {
    let auction = market.auction(ann, TimeDelta::days(1), json!({}), json!({})).await;
    let _ = bob.post(&format!("/v1/auctions/{auction}/bids"), json!({"maximum": eur("20.00")})).await.ok();
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query(
        "INSERT INTO cargo_events (occurred_at, org, type, status, source, source_event_id, shipment, payload)
         SELECT now() - make_interval(secs => n), $1, 'actual', 'in_transit', 'many', n::text, 'S-' || n % 1000,
                jsonb_build_object('note', repeat('x', 400))
         FROM generate_series(1, 40000) AS n",
    )
    .bind(ann.org.parse::<Uuid>().unwrap())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();

    let (kinds, formats): (Vec<ExportKind>, Vec<RowsFormat>) =
        (values(described, "ExportKind"), values(described, "ExportedRowsFormat"));
    assert!(kinds.len() > formats.len(), "a format is left out");
    let mut asked = Vec::new();
    for (kind, format) in kinds.iter().zip(formats.iter().cycle()) {
        let by = match kind {
            ExportKind::OwnData => {
                asked.push(ask(bob, "/v1/me/export", json!({}), |id| format!("exports/{id}.zip")).await);
                continue;
            }
            ExportKind::Bids => bob,
            ExportKind::Listings | ExportKind::Orders | ExportKind::CargoEvents => ann,
        };
        let extension = ExportFormat::from(*format).extension();
        let export = json!({"kind": kind, "format": format});
        asked.push(ask(by, "/v1/exports", export, |id| format!("exports/{id}.{extension}")).await);
    }
    asked
}

/// Orders that goods leave a yard for.
struct Yard {
    /// Its buyer comes for it.
    order: String,
    appointment: String,
    /// Its seller sends it, and has given a part of it back.
    sent: String,
    shipment: String,
    /// Waste, which its seller sends too.
    film: String,
    film_shipment: String,
}

impl Yard {
    async fn new(market: &TestInstallation, admin: &Person, ann: &Person, bob: &Person, listing: &str) -> Self {
        let depot = depot(ann, "SKU-1").await;
        let order = bought(bob, &depot.listing).await;
        let appointment = id(&book(bob, &order, &slot(bob, &order).await).await.ok());
        let sent = bought(bob, listing).await;
        let shipment = shipped(ann, &sent).await;
        let part = json!({"amount": eur("50.00"), "reason": "One has a scratch."});
        let _ = ann.post(&format!("/v1/orders/{sent}/refunds"), part).await.ok();
        let film = bought(bob, &waste(market, admin, ann).await).await;
        let film_shipment = shipped(ann, &film).await;
        Self { order, appointment, sent, shipment, film, film_shipment }
    }

    /// Every kind of paper.
    async fn papers<'a>(&self, described: &Value, ann: &'a Person, bob: &'a Person) -> Vec<Document<'a>> {
        let mut asked = Vec::new();
        for kind in values::<PaperKind>(described, "PaperKind") {
            let (by, about) = match kind {
                PaperKind::PickingList => (ann, &self.order),
                PaperKind::ShippingLabel => (ann, &self.shipment),
                PaperKind::ReleasePass => (bob, &self.appointment),
                PaperKind::WasteMovement => (ann, &self.film_shipment),
            };
            let paper = json!({"kind": kind, "about": about});
            asked.push(ask(by, "/v1/papers", paper, |id| format!("papers/{id}.pdf")).await);
        }
        asked
    }

    /// The invoices and the credit note, which nobody has to ask for.
    async fn invoices<'a>(&self, described: &Value, bob: &'a Person) -> Vec<Document<'a>> {
        let (mut issued, mut kinds) = (Vec::new(), BTreeSet::new());
        for (order, count) in [(&self.order, 1), (&self.sent, 2), (&self.film, 1)] {
            let path = format!("/v1/orders/{order}/invoices");
            let all = |listed: &Value| listed["items"].as_array().is_some_and(|all| all.len() == count);
            let listed = bob.until_that(&path, all).await;
            for invoice in listed["items"].as_array().unwrap() {
                let (id, kind) = (id(invoice), invoice["kind"].as_str().unwrap());
                kinds.insert(kind.to_owned());
                let (path, key) = (format!("/v1/invoices/{id}/file"), format!("invoices/{id}.pdf"));
                issued.push(Document { by: bob, path, key });
            }
        }
        assert_eq!(kinds, values::<String>(described, "InvoiceKind").into_iter().collect());
        issued
    }
}

/// Half a tonne is to leave for an order; the shipment.
async fn shipped(by: &Person, order: &str) -> String {
    let shipment = json!({"order_id": order, "to_address": "Havnegade 1, 6700 Esbjerg", "carrier": "Hansa Freight",
        "lines": [{"order_line": 1, "quantity": 2, "weight_g": 250_000, "volume_ml": 1_000_000}]});
    id(&by.post("/v1/shipments", shipment).await.ok())
}

/// Every kind of report, export and paper, asked for at once; invoices and a picture are on their way already.
async fn ask_for_all<'a>(
    market: &TestInstallation,
    [admin, staff, ann, bob]: [&'a Person; 4],
    listing: &str,
) -> Vec<Document<'a>> {
    let described = market.get("/openapi.json").await.ok();
    let yard = Yard::new(market, admin, ann, bob, listing).await;
    let mut asked = reports(&described, ann, staff).await;
    asked.extend(exports(market, &described, ann, bob).await);
    asked.extend(yard.papers(&described, ann, bob).await);
    asked.extend(yard.invoices(&described, bob).await);
    asked
}

/// Starts the pools behind a gate, waits until every document's upload has come to a halt there, and kills them.
async fn kill_in_the_middle(market: &TestInstallation, halt: Halt, asked: &[Document<'_>], picture: &str) {
    let mut gate = Gate::open(market.store, halt).await;
    let mut workers = POOLS.map(|pool| market.worker(PART, pool, &gate.endpoint()));
    gate.until(|halted| {
        halted.iter().any(|key| key.starts_with(picture)) && asked.iter().all(|it| halted.contains(&it.key))
    })
    .await;
    if halt == Halt::Answered {
        // An upload in parts becomes an object after its answer has begun.
        let all_are_there = || {
            let kept = objects(&market.objects);
            asked.iter().all(|it| kept.contains(&it.key))
        };
        until(all_are_there).await;
    }
    for worker in &mut workers {
        worker.kill().await;
    }
}

/// The workers of reports and pictures are killed twice in the middle of every kind of document: while it goes to the store, and when it
/// is there and nobody knows. Nobody is shown a file or told of one before it is whole; then each is there once, under its name, with
/// nothing beside it, and whoever waits for it is told once.
#[tokio::test(flavor = "multi_thread")]
async fn row_documents_of_killed_workers_are_there_once() {
    let mut market = TestInstallation::without(&POOLS).await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    // Reports of the whole platform are asked for in the name of an organisation too.
    let mut staff = admin.clone();
    staff.org.clone_from(&ann.org);
    let listing = offered(&ann).await;
    let upload = send(&ann, "image/jpeg", "lot.jpg", &std::fs::read(PHOTOGRAPH).unwrap()).await;
    let picture = ann.post(&format!("/v1/uploads/{upload}/complete"), json!({ "listing": listing })).await.ok();
    let picture = picture["image"].as_str().unwrap();
    let asked = ask_for_all(&market, [&admin, &staff, &ann, &bob], &listing).await;
    let pictured = format!("images/{picture}/");

    kill_in_the_middle(&market, Halt::Sending, &asked, &pictured).await;
    assert_eq!(objects(&market.objects), BTreeSet::new(), "half of a document");
    assert!(parts(&market) > 0, "no upload in parts was killed");
    kill_in_the_middle(&market, Halt::Answered, &asked, &pictured).await;
    for document in &asked {
        let shown = document.by.get(&document.path).await;
        assert!(shown.body["url"].is_null() && shown.body["download"].is_null(), "{shown:?}");
    }
    assert!(!market.mail.list().iter().any(|mail| is_news(&mail.subject)), "of a document that nobody can get");

    for pool in POOLS {
        market.run(pool);
    }
    let printed = asked.iter().filter(|it| it.key.starts_with("invoices/")).count();
    until_sql(&market.db.pool, "SELECT count(*) FROM invoice_files", i64::try_from(printed).unwrap()).await;
    for document in &asked {
        let url = |shown: &Value| shown["url"].as_str().or(shown["download"]["url"].as_str()).map(str::to_owned);
        let shown = document.by.until_that(&document.path, |shown| url(shown).is_some()).await;
        let file = reqwest::get(url(&shown).unwrap()).await.unwrap();
        assert_eq!(file.status().as_u16(), 200, "{}", document.key);
    }
    ann.until_that(&format!("/v1/images/{picture}"), |shown| shown["status"] == "ready").await;
    market.until_quiet().await;

    let named: Vec<String> = sqlx::query_scalar(NAMED).fetch_all(&market.db.pool).await.unwrap();
    let kept = objects(&market.objects);
    assert_eq!(kept, named.iter().cloned().collect(), "what is in the store, and what somebody can get");
    assert_eq!(named.len(), kept.len(), "each once");
    assert!(asked.iter().all(|it| kept.contains(&it.key)) && kept.iter().any(|key| key.starts_with(&pictured)));
    assert_eq!(parts(&market), 0, "of uploads that never ended");
    let died = "SELECT count(*) FROM (
                    SELECT a.job
                    FROM job_attempts AS a
                    JOIN jobs AS j ON j.id = a.job
                    WHERE a.outcome = 'lost'
                      AND j.kind = ANY ('{reports.generate,exports.generate,papers.print,invoices.render,images.process}')
                    GROUP BY a.job
                    HAVING count(*) = 2
                ) AS died";
    until_sql(&market.db.pool, died, i64::try_from(asked.len()).unwrap() + 1).await;

    for (person, folder, subjects, notice) in [
        (&ann, "reports/", &[REPORT][..], "report_ready"),
        (&admin, "reports/", &[REPORT], "report_ready"),
        (&ann, "exports/", &[EXPORT], "export_ready"),
        (&bob, "exports/", &[EXPORT], "export_ready"),
        (&bob, "invoices/", &[INVOICE, CREDIT_NOTE], "invoice_ready"),
    ] {
        let waits = |it: &&Document<'_>| it.by.email == person.email && it.key.starts_with(folder);
        let count = asked.iter().filter(waits).count();
        let mails: usize = subjects.iter().map(|subject| market.mails(person, subject)).sum();
        let notices = person.get("/v1/me/notices?limit=100").await.ok();
        let notices = notices["items"].as_array().unwrap().iter().filter(|it| it["kind"] == notice).count();
        assert!(count > 0, "{folder} for {}", person.email);
        assert_eq!((mails, notices), (count, count), "{subjects:?} to {}", person.email);
    }
    market.close().await;
}
