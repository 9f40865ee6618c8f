//! `tradeyard workers`

use chrono::{DateTime, Utc};
use clap::Args;
use queue::ops::workers::{self, WorkerView};
use queue::ops::{self};

use crate::connect;
use crate::output::{Column, Output, relative};

#[derive(Debug, Args)]
pub(crate) struct Workers {
    /// Also those that stopped.
    #[arg(long)]
    all: bool,
}

impl Workers {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        let now = ops::now(&mut conn).await?;
        output.show(&workers::list(&mut conn, self.all).await?, |workers| view(workers, now, output))
    }
}

fn view(workers: &[WorkerView], now: DateTime<Utc>, output: Output) -> String {
    if workers.is_empty() {
        return "No workers.".to_owned();
    }
    let mut table = output.table(&[
        Column::full("ID"),
        Column::full("STATE"),
        Column::cut("POOL", 8),
        Column::cut("NAME", 12),
        Column::wide("HOST"),
        Column::wide("PID"),
        Column::wide("VERSION"),
        Column::full("RUNNING"),
        Column::cut("QUEUES", 12),
        Column::full("SEEN"),
        Column::wide("STARTED"),
    ]);
    for worker in workers {
        table.add_row([
            worker.id.to_string(),
            worker.state.name().to_owned(),
            worker.pool.clone(),
            worker.name.clone(),
            worker.host.clone(),
            worker.pid.to_string(),
            worker.version.clone(),
            format!("{} of {}", worker.running, worker.concurrency),
            worker.queues.join(" "),
            relative(Some(worker.seen_at), now),
            relative(Some(worker.started_at), now),
        ]);
    }
    table.to_string()
}
