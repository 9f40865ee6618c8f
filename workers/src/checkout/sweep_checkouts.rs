use jobs::checkout::{ExpireCheckout, SweepCheckouts};
use market::checkout::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many checkouts one sweep ends at most; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepCheckouts {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let mut found = Found::default();
        for checkout in store::overdue(&mut tx, MOST).await? {
            found.ensure(&mut tx, &ExpireCheckout { checkout }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
