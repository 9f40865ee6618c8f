//! The jobs of these tests. [`Touch`] and its variants leave a mark in the database, exactly one
//! for each committed effect.

use std::time::Duration;

use queue::registry::{KindInfo, Registry};
use queue::transport::Transport;
use queue::{Cx, Handler, Job, Kind, Outcome, Priority, Queue, Retry};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

pub const QUEUE: Queue = Queue { name: "touch", pool: "tests", transport: Transport::Local };

/// The log line of a job that was asked to stop while it ran.
pub const HEARD: &str = "heard that it should stop";

/// Writes `n` into `effects` after `millis`. Only `cx.commit` prevents a second effect: the table
/// accepts duplicates.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Touch {
    pub n: i32,
    pub millis: u64,
    pub tenant: Option<OrgId>,
    /// Spends its time inside the transaction that writes its effect.
    pub inside: bool,
    /// Ends the whole process, as a memory fault would.
    pub kills: bool,
    /// Commits the effect by itself, once for its `n`, before the job ends, as if it were
    /// elsewhere.
    pub apart: bool,
}

impl Job for Touch {
    const KIND: Kind = Kind::new("tests.touch");
    const QUEUE: Queue = QUEUE;
    const RETRY: Retry = Retry::fixed(Duration::from_millis(100)).max_attempts(50);
    // No test waits for this: whatever is to end an attempt comes sooner.
    const TIMEOUT: Duration = Duration::from_mins(10);

    fn tenant(&self) -> Option<OrgId> {
        self.tenant
    }
}

impl Handler<()> for Touch {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        if self.kills {
            std::process::abort();
        }
        let begun = if self.inside { Some(cx.begin().await?) } else { None };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(self.millis)) => {}
            () = cx.cancelled() => {
                cx.log(HEARD);
                anyhow::bail!("asked to stop");
            }
        }
        let mut tx = match begun {
            Some(tx) => tx,
            None => cx.begin().await?,
        };
        if self.apart {
            sqlx::query("INSERT INTO effects (n) SELECT $1 WHERE NOT EXISTS (SELECT FROM effects WHERE n = $1)")
                .bind(self.n)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            return Ok(Outcome::Done);
        }
        sqlx::query("INSERT INTO effects (n, tenant) VALUES ($1, $2)")
            .bind(self.n)
            .bind(self.tenant.map(|org| org.0))
            .execute(&mut *tx)
            .await?;
        cx.commit(tx).await
    }
}

/// A job of another kind on the same queue, for priorities.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Urgent {
    pub n: i32,
}

impl Job for Urgent {
    const KIND: Kind = Kind::new("tests.urgent");
    const QUEUE: Queue = QUEUE;
    const PRIORITY: Priority = Priority::Urgent;
}

impl Handler<()> for Urgent {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        Touch { n: self.n, ..Touch::default() }.run(cx).await
    }
}

/// Fails in its first attempt, and is retried a few seconds later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flaky {
    pub n: i32,
}

impl Job for Flaky {
    const KIND: Kind = Kind::new("tests.flaky");
    const QUEUE: Queue = QUEUE;
    const RETRY: Retry = Retry::fixed(Duration::from_secs(8)).max_attempts(5);
}

impl Handler<()> for Flaky {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        anyhow::ensure!(cx.attempt() > 1, "the first attempt fails");
        Touch { n: self.n, ..Touch::default() }.run(cx).await
    }
}

/// The job that a test adds schedules for; leaves nothing behind but its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tick {}

impl Job for Tick {
    const KIND: Kind = Kind::new("tests.tick");
    const QUEUE: Queue = QUEUE;
}

impl Handler<()> for Tick {
    async fn run(self, _cx: &Cx<()>) -> anyhow::Result<Outcome> {
        Ok(Outcome::Done)
    }
}

/// The kinds of these tests.
///
/// # Panics
/// If a kind is declared twice.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends here")]
pub fn registry() -> Registry {
    let kinds = [KindInfo::of::<Touch>(), KindInfo::of::<Urgent>(), KindInfo::of::<Flaky>(), KindInfo::of::<Tick>()];
    Registry::new(kinds).expect("the kinds differ")
}
