use jobs::maintenance::PurgeIdempotencyKeys;
use queue::{Handler, Outcome};
use shared::idempotency::purge;

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many rows one statement deletes.
const PAGE: i64 = 1_000;

impl Handler<Services> for PurgeIdempotencyKeys {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let age = self.after_hours;
        work_through(cx, Turn::begin(), "deleted", || async move {
            Ok(purge(&mut *cx.db().acquire().await?, age, PAGE).await?)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
