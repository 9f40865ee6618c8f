use jobs::images::PurgeUploads;
use market::images::store;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many uploads are looked at together.
const PAGE: i64 = 200;

impl Handler<Services> for PurgeUploads {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut purged = 0;
        loop {
            let page = store::abandoned(&mut *cx.db().acquire().await?, PAGE).await?;
            let mut removed = 0;
            for (upload, key) in &page {
                // The object first: as long as the row is there, the next run knows about it.
                // Nobody can complete the upload any more.
                cx.blobs.delete(key).await?;
                removed += u32::from(store::remove_abandoned(&mut *cx.db().acquire().await?, *upload).await?);
            }
            purged += removed;
            if removed == 0 || cx.is_cancelled() {
                return Ok(Outcome::DoneWith(json!({ "purged": purged })));
            }
        }
    }
}
