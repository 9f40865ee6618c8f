//! The job of these tests: leaves a mark in the database, exactly one for each committed effect.

use std::time::Duration;

use queue::registry::{KindInfo, Registry};
use queue::transport::Transport;
use queue::{Cx, Handler, Job, Kind, Outcome, Priority, Queue, Retry};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

pub const QUEUE: Queue = Queue { name: "touch", pool: "tests", transport: Transport::Local };

/// The line of a job that was asked to stop while it ran.
pub const HEARD: &str = "heard that it should stop";

/// Writes `n` into `effects` after `millis`. Running it twice is prevented by `cx.commit` alone: the table takes duplicates.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Touch {
    pub n: i32,
    pub millis: u64,
    pub tenant: Option<OrgId>,
    /// Ends the whole process, as a memory fault would.
    pub kills: bool,
    /// Commits the effect by itself, once for its `n`, and ends afterwards, as an effect elsewhere would.
    pub apart: bool,
}

impl Job for Touch {
    const KIND: Kind = Kind::new("tests.touch");
    const QUEUE: Queue = QUEUE;
    const RETRY: Retry = Retry::fixed(Duration::from_millis(100)).max_attempts(50);

    fn tenant(&self) -> Option<OrgId> {
        self.tenant
    }
}

impl Handler<()> for Touch {
    async fn run(self, cx: &Cx<()>) -> anyhow::Result<Outcome> {
        if self.kills {
            std::process::abort();
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(self.millis)) => {}
            () = cx.cancelled() => {
                cx.log(HEARD);
                anyhow::bail!("told to stop");
            }
        }
        let mut tx = cx.begin().await?;
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

/// The kinds of these tests.
///
/// # Panics
/// When a kind is declared twice.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends here")]
pub fn registry() -> Registry {
    Registry::new([KindInfo::of::<Touch>(), KindInfo::of::<Urgent>()]).expect("the kinds differ")
}
