use jobs::webhooks::PurgeDeliveries;
use market::webhooks::store::purge;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many deliveries one statement deletes.
const PAGE: i64 = 1_000;

impl Handler<Services> for PurgeDeliveries {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let age = self.after_days;
        work_through(cx, Turn::begin(), "deleted", || async move {
            Ok(purge(&mut *cx.db().acquire().await?, age, PAGE).await?)
        })
        .await
    }
}
