//! Moves messages that RabbitMQ gave up to the rejects, for as long as the consumer runs.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use jobs::cargo::Parked;
use sqlx::PgPool;
use tokio::time::Instant;

use super::consume::Settings;

/// How long a message is parked before it is looked for, and how long is waited after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// How long messages that are all too long for a reject are left alone.
const LOOK_AGAIN: Duration = Duration::from_mins(5);
/// The most messages that are moved in one go.
const AT_ONCE: u32 = 100;

/// Collects until it is dropped, which loses nothing wherever it happens. What keeps it from collecting, it waits for.
pub(super) async fn collect(settings: &Settings, pool: &PgPool) -> Infallible {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Err(error) = turns(settings, pool).await;
        tracing::warn!(error = format!("{error:#}"), "parked cargo events are not collected; trying again");
    }
}

/// Those that are too long for a reject stay where they are: they are fetched again only when there are more or fewer, or after a while.
async fn turns(settings: &Settings, pool: &PgPool) -> anyhow::Result<Infallible> {
    let parked = Parked::open(&settings.amqp_url, &settings.namespace).await.context("look for parked events")?;
    let (mut too_long, mut looked) = (0, Instant::now());
    loop {
        let count = parked.count().await?;
        if count != too_long || (count > 0 && looked.elapsed() >= LOOK_AGAIN) {
            let mut conn = pool.acquire().await.context("connect to the events database")?;
            too_long = parked.collect(&mut conn, AT_ONCE).await.context("collect parked events")?.too_long;
            looked = Instant::now();
        }
        tokio::time::sleep(PAUSE).await;
    }
}
