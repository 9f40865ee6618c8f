use jobs::images::DeleteReplaced;
use market::images::store;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

impl Handler<Services> for DeleteReplaced {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let unshown = store::unshown(&mut *cx.db().acquire().await?, &self.keys).await?;
        for key in &unshown {
            cx.blobs.delete(key).await?;
        }
        Ok(Outcome::DoneWith(json!({ "deleted": unshown.len() })))
    }
}
