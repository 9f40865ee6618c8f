use jobs::notices::PurgeNotices;
use market::notices::store::purge;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many notices one statement deletes.
const PAGE: i64 = 5_000;

impl Handler<Services> for PurgeNotices {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let age = self.after_days;
        work_through(cx, Turn::begin(), "deleted", || async move {
            Ok(purge(&mut *cx.db().acquire().await?, age, PAGE).await?)
        })
        .await
    }
}
