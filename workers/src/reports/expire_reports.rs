use jobs::reports::ExpireReports;
use market::reports::store::{self, ReportError};
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many reports are looked at together.
const PAGE: i64 = 200;

impl Handler<Services> for ExpireReports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut expired = 0;
        loop {
            let page = store::overdue(&mut *cx.db().acquire().await?, PAGE).await?;
            if page.is_empty() || cx.is_cancelled() {
                return Ok(Outcome::DoneWith(json!({ "expired": expired })));
            }
            for (report, key) in page {
                // The file first: as long as the row names it, the next run knows about it.
                cx.blobs.delete(&key).await?;
                match store::expire(&mut *cx.db().acquire().await?, report).await {
                    Ok(()) => expired += 1,
                    Err(ReportError::NotOpen(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}
