use jobs::cargo::CreatePartitions;
use market::cargo::store::{drop_keys, ensure_partitions, prune_rejects};
use market::epcis::store as epcis;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

impl Handler<Services> for CreatePartitions {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.events.acquire().await?;
        let months_ahead = self.months_ahead.into();
        let made = ensure_partitions(&mut conn, months_ahead).await?
            + epcis::ensure_partitions(&mut conn, months_ahead).await?;
        let dropped = drop_keys(&mut conn, self.keep_keys_days.into()).await?;
        let pruned = prune_rejects(&mut conn, self.keep_rejects_days.into(), self.keep_rejects.into()).await?;
        let captures = epcis::prune_captures(&mut conn, epcis::KEEP_CAPTURES_DAYS).await?;
        Ok(Outcome::DoneWith(json!({
            "partitions_made": made,
            "key_years_dropped": dropped,
            "rejects_pruned": pruned,
            "captures_pruned": captures,
        })))
    }
}
