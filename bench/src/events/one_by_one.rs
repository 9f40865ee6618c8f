//! The consumer that most programs begin with: a message, its row, a commit, an acknowledgement.

use std::time::Instant;

use futures::StreamExt;
use jobs::cargo::topology;
use lapin::Connection;
use lapin::options::{BasicAckOptions, BasicQosOptions};
use market::cargo::store::store_events;
use market::cargo::{CargoEvent, EventMessage, OwnedEvent};
use queue::transport::rabbit::connection::subscribe;
use sqlx::PgPool;

use crate::report::per_second;

/// Takes `count` messages of one event. Their rows are written by the lane's own statements, so that only the batches differ.
pub(super) async fn drain(
    connection: &Connection,
    namespace: &str,
    pool: &PgPool,
    count: usize,
) -> anyhow::Result<f64> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(1000, BasicQosOptions::default()).await?;
    let mut conn = pool.acquire().await?;
    let began = Instant::now();
    let mut deliveries = subscribe(&channel, topology::queue(namespace).into(), "one by one".into()).await?.take(count);
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        let EventMessage::<CargoEvent> { org, events } = serde_json::from_slice(&delivery.data)?;
        for event in events {
            store_events(&mut conn, &[OwnedEvent { org, event }]).await?;
        }
        delivery.ack(BasicAckOptions::default()).await?;
    }
    let took = began.elapsed();
    channel.close(200, "measured".into()).await?;
    Ok(per_second(i64::try_from(count)?, took))
}
