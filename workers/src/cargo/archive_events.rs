use jobs::cargo::ArchiveEvents;
use market::cargo::store::{drop_month, list_archived, months_before};
use queue::{Handler, Outcome};
use serde_json::json;
use shared::db::without_limits;
use sqlx::Connection;

use super::archive::export;
use crate::{Cx, Services};

impl Handler<Services> for ArchiveEvents {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // Reading a month takes its time, so this connection does not go back to the pool.
        let mut conn = cx.events.acquire().await?.detach();
        without_limits(&mut conn).await?;
        let (mut months, mut events) = (Vec::new(), 0);
        for month in months_before(&mut conn, self.keep_months.into()).await? {
            let parts = export(&mut conn, &cx.blobs, month, self.part_events).await?;
            let mut tx = conn.begin().await?;
            list_archived(&mut tx, month, &parts).await?;
            tx.commit().await?;
            events += drop_month(&mut conn, month).await?;
            months.push(month.format("%Y-%m").to_string());
        }
        conn.close().await?;
        metrics::counter!("tradeyard_cargo_events_archived_total").increment(events.unsigned_abs());
        Ok(Outcome::DoneWith(json!({ "months": months, "events": events })))
    }
}
