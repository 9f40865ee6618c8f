//! A report of a million rows as XLSX: how many rows a second, and how much memory beyond what an idle process has; beside openpyxl, which
//! writes the same cells in its mode for large files.
//!
//! Ours is written by the code of the workers, in a process of its own, so that its peak is the report's alone. Neither side reads a
//! database: a block of rows is written again and again.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use market::identity::Locale;
use market::reports::model::{Format, Kind, Parameters, Scope};
use market::reports::rules::Period;
use market::reports::table::{Cell, Decimal, Row, Section};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use tokio::process::Command;
use workers::papers::PaperFonts;
use workers::reports::writer::{self, Head, Source};

use crate::report::Report;
use crate::run::note;

const ROWS: i64 = 1_000_000;
/// openpyxl's memory is flat and its rate the same for any number of rows; ten times as many would take a minute more.
const ROWS_OF_PEER: i64 = 100_000;
/// How many different rows there are.
const BLOCK: i64 = 1_000;
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/openpyxl/report.py");

/// What a process prints of the report that it wrote.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Written {
    rows: i64,
    seconds: f64,
    /// Of ours: the most memory that it had, beyond what it had before.
    #[serde(default)]
    peak_mb_over_idle: f64,
}

impl Written {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn per_s(self) -> f64 {
        self.rows as f64 / self.seconds
    }
}

/// Measures ours, and openpyxl where it is installed.
pub(crate) async fn measure(tools: Option<&Path>, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let python = tools.map(|tools| tools.join("reports/bin/python")).filter(|python| python.exists());
    if python.is_none() {
        note("openpyxl is left out: it is not installed");
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..runs {
        note(&format!("a report of {ROWS} rows, run {}", run + 1));
        let program = std::env::current_exe().context("find this program")?;
        ours.push(read(Command::new(program).arg("report")).await?);
        if let Some(python) = &python {
            note(&format!("{ROWS_OF_PEER} rows by openpyxl, run {}", run + 1));
            theirs.push(peer(python).await?);
        }
    }
    let rates: Vec<_> = ours.iter().map(|it| it.per_s()).collect();
    report.put("xlsx_rows_per_s", &rates, "11 columns of a sales report, to a packed file");
    let peaks: Vec<_> = ours.iter().map(|it| it.peak_mb_over_idle).collect();
    report.put("report_peak_mb_over_idle", &peaks, &format!("the process that writes {ROWS} rows"));
    if !theirs.is_empty() {
        let peers: Vec<_> = theirs.iter().map(|it| it.per_s()).collect();
        report.put("openpyxl_rows_per_s", &peers, "the same cells, write_only");
        let times: Vec<_> = rates.iter().zip(&peers).map(|(ours, theirs)| ours / theirs).collect();
        report.put("xlsx_vs_openpyxl", &times, "times as many, run by run");
    }
    Ok(())
}

/// Runs a program that writes a report.
async fn read(command: &mut Command) -> anyhow::Result<Written> {
    let output = command.env("LOG", "error").stderr(Stdio::inherit()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed");
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?}"))
}

async fn peer(python: &Path) -> anyhow::Result<Written> {
    let folder = std::env::temp_dir().join(format!("tradeyard-bench-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder)?;
    let data = folder.join("rows.json");
    std::fs::write(&data, serde_json::to_vec(&same()?)?)?;
    let mut command = Command::new(python);
    command.arg(PEER).arg(folder.join("report.xlsx")).arg(ROWS_OF_PEER.to_string()).arg(&data);
    let written = read(&mut command).await;
    std::fs::remove_dir_all(&folder)?;
    written
}

/// The body of the process that is measured: writes the report and prints what it took.
#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
pub(crate) async fn write() -> anyhow::Result<()> {
    let idle = memory_mb("VmRSS:")?;
    std::fs::write("/proc/self/clear_refs", "5").context("reset the peak")?;
    let began = Instant::now();
    let report = writer::write(&mut Orders, head()?, Format::Xlsx, Arc::default(), &PaperFonts::default()).await?;
    let seconds = began.elapsed().as_secs_f64();
    ensure!(report.rows == ROWS, "{} rows", report.rows);
    let written = Written { rows: report.rows, seconds, peak_mb_over_idle: memory_mb("VmHWM:")? - idle };
    println!("{}", serde_json::to_string(&written)?);
    Ok(())
}

/// The memory of this process, by its name in `/proc`.
fn memory_mb(name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kilobytes: f64 = line.split_whitespace().next().context("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}

/// What stands above the orders of a month.
fn head() -> anyhow::Result<Head> {
    let day = |text: &str| text.parse::<NaiveDate>().context("a day");
    let zone = "Europe/Berlin".parse().ok().context("a time zone")?;
    let period = Period::new(day("2026-11-01")?, day("2026-11-30")?, zone)?;
    let parameters = Parameters::default();
    let scope = Scope { org: OrgId::generate(), period, parameters };
    Ok(Head {
        kind: Kind::Sales,
        org_name: "Hof Müller & Söhne".to_owned(),
        locale: Locale::default(),
        period,
        parameters,
        sections: (Kind::Sales.definition().sections)(&scope),
        asked_at: UNIX_EPOCH,
    })
}

const UNIX_EPOCH: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// An order of the sales report; one in three is in yen.
fn order(number: i64) -> Row {
    let currency = if number % 3 == 0 { Currency::JPY } else { Currency::EUR };
    let money = |minor| Cell::Money(Money::from_minor(minor, currency));
    let total = 100_001 + number * 7;
    let fee = total / 20;
    vec![
        Cell::Time(UNIX_EPOCH + TimeDelta::days(20_500) + TimeDelta::seconds(number * 400)),
        Cell::Id(uuid::Uuid::from_u128(u128::from(number.unsigned_abs()))),
        Cell::text("auction"),
        Cell::text(format!("Käufer {number}")),
        Cell::text(format!("Fendt 724, {number}; with a front loader")),
        Cell::Integer(1 + number % 5),
        money(total),
        money(fee),
        money(total - fee),
        Cell::Currency(currency),
        Cell::text("completed"),
    ]
}

/// A million orders.
struct Orders;

impl Source for Orders {
    fn rows(&mut self, _: &Section) -> BoxStream<'_, anyhow::Result<Row>> {
        stream::iter(0..ROWS).map(|number| Ok(order(number % BLOCK))).boxed()
    }
}

/// Titles and rows, as the peer reads them.
fn same() -> anyhow::Result<Value> {
    let head = head()?;
    let zone = head.period.zone();
    let section = head.sections.first().context("a section")?;
    let titles: Vec<_> = section.columns.iter().map(|column| column.heading(zone)).collect();
    let cell = |cell: Cell| {
        anyhow::Ok(match cell {
            Cell::Text(text) => json!(["text", text]),
            Cell::Id(id) => json!(["text", id]),
            Cell::Currency(currency) => json!(["text", currency.code()]),
            Cell::Integer(number) => json!(["integer", number]),
            Cell::Time(at) => json!(["time", at.with_timezone(&zone).naive_local()]),
            Cell::Money(money) => {
                let (digits, places) = (money.minor(), money.currency().exponent());
                let amount: f64 = Decimal { digits, places }.text().parse()?;
                json!(["money", amount, money.currency().code(), places])
            }
            other => anyhow::bail!("no order has {other:?}"),
        })
    };
    let rows = (0..BLOCK).map(|number| order(number).into_iter().map(cell).collect::<anyhow::Result<Vec<_>>>());
    Ok(json!({ "titles": titles, "rows": rows.collect::<anyhow::Result<Vec<_>>>()? }))
}

#[cfg(test)]
mod tests;
