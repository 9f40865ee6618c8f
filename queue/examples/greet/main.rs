//! A job, a worker and a scheduler in one program, on PostgreSQL alone.
//!
//! `cargo run -p queue --example greet -- postgres://me@localhost/an_empty_database`

use std::time::Duration;

use anyhow::Context;
use queue::registry::{KindInfo, Registry};
use queue::scheduler::Scheduler;
use queue::transport::{Brokers, Transport};
use queue::worker::{Handlers, Process, WorkerOptions};
use queue::{Cx, Handler, Job, Kind, Ledger, Outcome, Queue, Retry};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

/// Greets a customer. Greeting and success are one commit, so a second run cannot greet again.
#[derive(Debug, Serialize, Deserialize)]
struct GreetCustomer {
    name: String,
}

impl Job for GreetCustomer {
    const KIND: Kind = Kind::new("customers.greet");
    const QUEUE: Queue = Queue { name: "greetings", pool: "greetings", transport: Transport::Local };
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).max_attempts(10);
}

impl Handler<()> for GreetCustomer {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let greet = sqlx::query("UPDATE customers SET greetings = greetings + 1 WHERE name = $1").bind(self.name);
        greet.execute(&mut *tx).await?;
        cx.commit(tx).await
    }
}

/// Registers a customer, waits for the greeting, and returns how many there were.
async fn run(database: PgConnectOptions) -> anyhow::Result<i32> {
    let pool = queue::engine_pool_with(database, "greet");
    queue::migrate(&pool).await?;
    let table = "CREATE TABLE IF NOT EXISTS customers (name text PRIMARY KEY, greetings int NOT NULL DEFAULT 0)";
    sqlx::query(table).execute(&pool).await?;

    // The scheduler hands jobs that are due to the workers; both usually are programs of their own, any number of each.
    let (stop, brokers) = (CancellationToken::new(), Brokers::local(pool.clone()));
    let registry = Registry::new([KindInfo::of::<GreetCustomer>()])?;
    let scheduler = tokio::spawn(Scheduler::new(pool.clone(), brokers.clone(), registry)?.run(stop.clone()));
    let handlers = Handlers::default().with::<GreetCustomer>();
    let worker = Process::new(pool.clone(), brokers, handlers, (), WorkerOptions::new("greetings"));
    let worker = tokio::spawn(worker.run(stop.clone(), CancellationToken::new()));

    // The customer and the job exist together, or neither does.
    let mut tx = Ledger::new(pool.clone()).begin().await?;
    sqlx::query("INSERT INTO customers (name) VALUES ('Ada') ON CONFLICT DO NOTHING").execute(&mut *tx).await?;
    let job = tx.enqueue(&GreetCustomer { name: "Ada".to_owned() }).await?.id();
    tx.commit().await?;

    let open = "SELECT state < 'succeeded' FROM jobs WHERE id = $1";
    while sqlx::query_scalar(open).bind(job.0).fetch_one(&pool).await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    scheduler.await??;
    worker.await??;
    Ok(sqlx::query_scalar("SELECT greetings FROM customers WHERE name = 'Ada'").fetch_one(&pool).await?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).context("name a database: postgres://me@localhost/an_empty_database")?;
    tracing_subscriber::fmt().init();
    tracing::info!("Ada was greeted {} time(s)", run(url.parse()?).await?);
    Ok(())
}

#[cfg(test)]
mod tests;
