use anyhow::Context;
use jobs::chat::RotateKeys;
use market::chat::store;
use queue::{Handler, Outcome};
use shared::audit::Actor;

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many keys one transaction seals: nobody waits for it longer than a moment.
const BATCH: i64 = 200;

impl Handler<Services> for RotateKeys {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let keyring = cx.keyring.as_deref().context("this worker has no CHAT_KEY")?;
        work_through(cx, Turn::begin(), "resealed", || async move {
            let mut tx = cx.begin().await?;
            let some = store::reseal(&mut tx, Actor::System, keyring, BATCH).await?;
            tx.commit().await?;
            Ok(some)
        })
        .await
    }
}
