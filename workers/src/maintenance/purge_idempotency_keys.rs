use jobs::maintenance::PurgeIdempotencyKeys;
use queue::{Handler, Outcome};
use serde_json::json;
use shared::idempotency::purge;

use crate::{Cx, Services};

/// How many rows one statement deletes.
const PAGE: i64 = 1_000;

impl Handler<Services> for PurgeIdempotencyKeys {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut deleted = 0;
        loop {
            let page = purge(&mut *cx.db().acquire().await?, self.after_hours, PAGE).await?;
            deleted += page;
            if page == 0 || cx.is_cancelled() {
                return Ok(Outcome::DoneWith(json!({ "deleted": deleted })));
            }
        }
    }
}

#[cfg(test)]
mod tests;
