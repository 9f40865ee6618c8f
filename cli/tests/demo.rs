//! The demo against the real programs: `tradeyard dev` runs the API, the scheduler, the workers and
//! the sinks in one process, and `tradeyard demo` plays a small file against it.
#![expect(clippy::unwrap_used, reason = "a test ends where its programs do not start")]
#![expect(clippy::disallowed_methods, reason = "the environment names the servers of the tests")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use shared::testing::{NetworkFault, Proxy, TestDb};
use tokio::process::{Child, Command};

/// Three auctions: one with outbidding and raises, one with a refused raise, and one whose only bid
/// is below its opening price.
const BIDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bids.csv");

/// Where `./dev test` installs it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev/tools/reports/bin/python");
/// Prints what is in the cells of a workbook's first sheet.
const CELLS: &str = "
import json, sys, openpyxl
sheet = openpyxl.load_workbook(sys.argv[1]).worksheets[0]
print(json.dumps([cell for row in sheet.iter_rows(values_only=True) for cell in row], default=str))
";

struct TestPrograms {
    db: TestDb,
    env: Vec<(String, String)>,
    dir: PathBuf,
    child: Child,
}

impl TestPrograms {
    async fn start() -> Self {
        let db = TestDb::new().await;
        let name = uuid::Uuid::now_v7().simple().to_string();
        let dir = std::env::temp_dir().join(format!("tradeyard-demo-{name}"));
        let [api, s3, smtp, mailbox, payments] = free_ports();
        let mut env: Vec<(String, String)> = [
            ("DATABASE_URL", db.url()),
            ("MIGRATE_DATABASE_URL", db.owner_url()),
            ("NAMESPACE", format!("d{name}")),
            ("PASSWORD_COST", "4".to_owned()),
            ("HTTP_ADDR", format!("127.0.0.1:{api}")),
            ("PUBLIC_URL", format!("http://127.0.0.1:{api}")),
            ("LOG", "warn".to_owned()),
            ("WEBHOOK_PRIVATE_TARGETS", "true".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        env.extend(
            ["REDIS_URL", "AMQP_URL"].into_iter().filter_map(|key| Some((key.to_owned(), std::env::var(key).ok()?))),
        );
        let child = tradeyard(&env)
            .args(["dev", "--dir", dir.to_str().unwrap()])
            .args(["--s3-addr", &format!("127.0.0.1:{s3}"), "--smtp-addr", &format!("127.0.0.1:{smtp}")])
            .args(["--mailbox-addr", &format!("127.0.0.1:{mailbox}")])
            .args(["--payments-addr", &format!("127.0.0.1:{payments}")])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut programs = Self { db, env, dir, child };
        programs.until_ready(api).await;
        programs
    }

    /// Waits until the API answers and every pool has a worker.
    async fn until_ready(&mut self, api: u16) {
        loop {
            assert!(self.child.try_wait().unwrap().is_none(), "`tradeyard dev` has ended");
            let answer = reqwest::get(format!("http://127.0.0.1:{api}/readyz")).await;
            let pools: i64 = self.count("(SELECT DISTINCT pool FROM workers WHERE stopped_at IS NULL) AS pools").await;
            if answer.is_ok_and(|answer| answer.status().is_success())
                && usize::try_from(pools).unwrap() == workers::pools::NAMES.len()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn count(&self, rows: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {rows}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await.unwrap()
    }

    /// Plays a file; returns the exit code, the standard output and the standard error output.
    async fn demo(&self, bids: &str, options: &[&str]) -> (Option<i32>, String, String) {
        let output = tradeyard(&self.env)
            .args(["demo", "--bids", bids, "--orders", "20", "--dir", self.dir.to_str().unwrap()])
            .args(["--documents", self.dir.join("documents").to_str().unwrap()])
            .args(options)
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// How many rows each table that the demo writes to has.
    async fn rows(&self) -> Vec<i64> {
        let mut rows = Vec::new();
        for table in [
            "users",
            "sessions",
            "orgs",
            "listings",
            "images",
            "auctions",
            "bids",
            "orders",
            "payments",
            "refunds",
            "invoices",
            "emails",
            "chat_messages",
            "cargo_events",
        ] {
            rows.push(self.count(table).await);
        }
        rows
    }

    async fn stop(mut self) {
        self.child.kill().await.unwrap();
        self.db.close().await;
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}

fn tradeyard(env: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tradeyard"));
    command.envs(env.iter().cloned()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Ports that are free at the moment, held at the same time so that they differ.
fn free_ports() -> [u16; 5] {
    let listeners = [(); 5].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The figures that [`BIDS`] must give, except for the lateness of the closings.
fn expected() -> Value {
    json!({
        "bids_accepted": 7, "bids_refused": 4, "auctions": 3, "auctions_at_recorded_price": 2,
        // Five people registered and approved, three leads lost, two sales with two parties, one unsold lot, one report.
        "emails_delivered": 5 * 2 + 3 + 2 * 2 + 1 + 1,
        "image_variants": 30, "report_rows": 2, "report_total": "148.50", "events_stored": 10,
        "shipments_delivered": 22, "shipments_wrong": 0, "event_lots_closed": 20, "event_limit_exceeded": 0,
        // One lot is not paid and goes to its next bidder, another one is disputed; twenty orders of the shop.
        "orders_paid": 22, "orders_defaulted": 1, "escrow_held": 2, "escrow_released": 17, "escrow_refunded": 2,
        "escrow_partly": 1,
        // Two of an order that is not paid, four of one that is inspected, five of one that is accepted, six of one that was disputed.
        "webhooks_delivered": 2 + 2 * 4 + 17 * 5 + 3 * 6,
        // All of them came to the receiver of the run that ended: the one that was interrupted had sold nothing.
        "webhooks_received": 2 + 2 * 4 + 17 * 5 + 3 * 6,
        // Two questions and an answer about each lot that was sold.
        "chat_messages": 2 * 3, "money_ledger_sum": 0, "stock_mismatches": 0, "invoice_gaps": 0,
        "orders_without_invoice": 0, "refunds_without_credit_note": 0,
        "jobs_open": 0, "jobs_dead": 0,
    })
}

/// What a program prints.
fn printed(program: &mut std::process::Command) -> String {
    let output = program.output().unwrap();
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text of a paper in the order in which it was drawn, box by box, on one line.
fn text(paper: &Path) -> String {
    let drawn = printed(std::process::Command::new("pdftotext").arg("-raw").arg(paper).arg("-"));
    drawn.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads the documents with tools of others: each says what it is about, and nothing that is known of the waste is left to be filled in.
fn assert_readable(documents: &[PathBuf], sales_total: f64) {
    let [invoice, month, sales, waste] = documents else { panic!("not four: {documents:?}") };
    let number = invoice.file_stem().unwrap().to_str().unwrap().strip_prefix("invoice-").unwrap();
    for (paper, wanted) in [(invoice, number), (month, "Monthly analytics")] {
        let text = text(paper);
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(Path::new(PYTHON).exists(), "openpyxl is not installed: `./dev test` with any filter does so");
    let cells = printed(std::process::Command::new(PYTHON).args(["-c", CELLS]).arg(sales));
    let cells: Vec<Value> = serde_json::from_str(&cells).unwrap();
    assert!(cells.contains(&json!(sales_total)), "{sales_total}: {cells:?}");

    let text = text(waste);
    for (title, next, wanted) in [
        ("3. Actual quantity", "4. Actual date", &["0.5"][..]),
        ("5 (a).", "5 (b).", &["Hansa Freight", "Kai 1, 20457 Hamburg", "road"]),
        ("7. Recovery facility", "8. Recovery operation", &["Nordic Recycling", "Kajen 4, 6700 Esbjerg, Denmark"]),
        ("8. Recovery operation", "9. Usual description", &["R3"]),
        ("10. Waste identification", "11. Countries", &["B3011", "02 01 04", "AVV 020104"]),
        ("11. Countries", "12. Declaration", &["DE Germany", "DK Denmark"]),
    ] {
        let start = text.find(title).unwrap_or_else(|| panic!("no {title}: {text}"));
        let end = start + text[start..].find(next).unwrap_or_else(|| panic!("no {next} after {title}: {text}"));
        for stated in wanted {
            assert!(text[start..end].contains(stated), "{stated} in {title}: {text}");
        }
    }
}

/// The figures without the lateness of the closings, which is only known to be above zero, and without the webhooks that came again, which
/// may be any number.
fn figures(output: &str) -> Value {
    let mut figures: Value = serde_json::from_str(output).unwrap();
    let documents = figures.as_object_mut().unwrap().remove("documents").unwrap();
    let documents: Vec<PathBuf> = serde_json::from_value(documents).unwrap();
    assert_readable(&documents, figures["report_total"].as_str().unwrap().parse().unwrap());
    for lateness in ["closing_lateness_p50_ms", "closing_lateness_p99_ms"] {
        assert!(figures.as_object_mut().unwrap().remove(lateness).unwrap().as_f64().unwrap() > 0.0);
    }
    assert!(figures.as_object_mut().unwrap().remove("webhooks_again").unwrap().is_u64());
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_goes_on_by_itself_when_the_api_was_away() {
    let programs = TestPrograms::start().await;
    let api = programs.env.iter().find(|(key, _)| key == "PUBLIC_URL").unwrap().1.clone();
    let (proxy, through) = Proxy::before(&api).await.unwrap();
    let options = ["--seconds", "20", "--json", "--api", &through];
    let demo = programs.demo(BIDS, &options);
    let outages = async {
        // Away twice while lots are listed, and once from the first bid until its auctions have ended.
        for rows in ["items", "listings"] {
            while programs.count(rows).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            proxy.set(NetworkFault::Refuse);
            proxy.cut();
            tokio::time::sleep(Duration::from_millis(300)).await;
            proxy.set(NetworkFault::None);
        }
        while programs.count("bids").await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy.set(NetworkFault::Refuse);
        proxy.cut();
        while programs.count("auctions WHERE closed_at IS NULL").await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        proxy.set(NetworkFault::None);
    };
    let ((code, output, progress), ()) = tokio::join!(demo, outages);
    assert_eq!(code, Some(0), "{output}{progress}");
    assert!(progress.contains("going on from what is stored"), "{progress}");
    let in_event = programs.count("sale_event_lots").await;
    assert_eq!(programs.count("auctions").await, 6 + in_event, "a second round was played: {progress}");
    assert_eq!(figures(&output), expected(), "{progress}");
    programs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_plays_a_file_once() {
    let programs = TestPrograms::start().await;

    // Interrupted during the play: the next run has to find its way.
    let mut interrupted = tradeyard(&programs.env)
        .args(["demo", "--bids", BIDS, "--seconds", "20", "--orders", "20", "--dir", programs.dir.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while programs.count("bids").await == 0 {
        assert!(interrupted.try_wait().unwrap().is_none(), "the demo ended before its first bid");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    interrupted.kill().await.unwrap();

    let (code, output, progress) = programs.demo(BIDS, &["--seconds", "20", "--json"]).await;
    assert_eq!(code, Some(0), "{output}{progress}");
    assert_eq!(figures(&output), expected());
    assert_eq!(programs.count("auctions WHERE status = 'cancelled'").await, 3, "what was interrupted is taken back");

    let rows = programs.rows().await;
    let (code, output, progress) = programs.demo(BIDS, &[]).await;
    assert_eq!(code, Some(0), "{output}{progress}");
    let bad = programs.dir.join("bad.csv");
    let text = std::fs::read_to_string(BIDS).unwrap().replace("20.1", "twenty");
    std::fs::write(&bad, text).unwrap();
    let (code, output, error) = programs.demo(bad.to_str().unwrap(), &["--json"]).await;
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert!(error.contains("line 9: column amount: \"twenty\""), "{error}");
    assert_eq!(programs.rows().await, rows, "neither a second run nor a bad file adds anything");
    programs.stop().await;
}
