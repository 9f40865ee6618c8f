use jobs::reviews::{ShowReviews, SweepReviews};
use market::reviews::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many orders one sweep finds at most; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepReviews {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let mut found = Found::default();
        for order in store::overdue(&mut tx, MOST).await? {
            found.ensure(&mut tx, &ShowReviews { order }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
