use jobs::offers::{ExpireOffer, SweepOffers};
use market::offers::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many offers one sweep ends at most; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepOffers {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let mut found = Found::default();
        for offer in store::overdue(&mut tx, MOST).await? {
            found.ensure(&mut tx, &ExpireOffer { offer }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
