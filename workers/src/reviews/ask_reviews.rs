use jobs::reviews::{AskReviews, mail};
use market::reviews::store;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many orders one run asks about at most; the next one takes the rest.
const MOST: i64 = 200;

impl Handler<Services> for AskReviews {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let mut asked = 0;
        for due in store::to_ask(&mut tx, MOST).await? {
            if store::note_asked(&mut tx, due.order).await? {
                mail::asked(&mut tx, due.order, &due.sides, due.until).await?;
                asked += 1;
            }
        }
        cx.commit_with(tx, json!({ "asked": asked })).await
    }
}
