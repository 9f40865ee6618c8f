//! Whether what carries a process's queues answers: a part of its readiness.

use std::sync::Arc;
use std::time::Duration;

use shared::telemetry::Readiness;
use sqlx::PgPool;

use super::job::Queue;
use super::ledger::queue_settings;
use crate::ledger::connections::Connections;
use crate::transport::Brokers;

/// A load balancer does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ready when every broker answers that carries one of these queues now. The others may be away.
#[must_use]
pub fn transports_answer(brokers: Brokers, pool: &PgPool, queues: Vec<Queue>) -> Readiness {
    let db = Connections::few(pool, 1);
    Arc::new(move || {
        let (brokers, db, queues) = (brokers.clone(), db.clone(), queues.clone());
        Box::pin(async move {
            let asked = tokio::time::timeout(PATIENCE, ask(&brokers, &db, &queues)).await;
            asked.unwrap_or_else(|_| Err("a broker does not answer in time".to_owned()))
        })
    })
}

async fn ask(brokers: &Brokers, db: &Connections, queues: &[Queue]) -> Result<(), String> {
    let names: Vec<&str> = queues.iter().map(|queue| queue.name).collect();
    let transports = async {
        let mut conn = db.lend().await?;
        let transports = queue_settings::transports(&mut conn, &names).await?;
        conn.give_back();
        Ok::<_, sqlx::Error>(transports)
    };
    let transports = transports.await.map_err(|_| "the queues' settings cannot be read".to_owned())?;
    for transport in transports {
        let broker = brokers.get(transport).ok_or_else(|| format!("there is no address for {transport}"))?;
        broker.ping().await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
