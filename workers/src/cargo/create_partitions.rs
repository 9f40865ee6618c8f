use jobs::cargo::CreatePartitions;
use market::cargo::store::{drop_keys, ensure_partitions, prune_rejects};
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

impl Handler<Services> for CreatePartitions {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.events.acquire().await?;
        let made = ensure_partitions(&mut conn, self.months_ahead.into()).await?;
        let dropped = drop_keys(&mut conn, self.keep_keys_days.into()).await?;
        let pruned = prune_rejects(&mut conn, self.keep_rejects_days.into(), self.keep_rejects.into()).await?;
        Ok(Outcome::DoneWith(
            json!({ "partitions_made": made, "key_years_dropped": dropped, "rejects_pruned": pruned }),
        ))
    }
}
