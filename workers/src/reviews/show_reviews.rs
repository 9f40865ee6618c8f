use jobs::reviews::{ShowReviews, mail};
use market::reviews::store::{self, Shown};
use queue::{Handler, Outcome};

use crate::auctions::after;
use crate::{Cx, Services};

impl Handler<Services> for ShowReviews {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::show(&mut tx, self.order).await? {
            Shown::Shown(reviews) => {
                mail::shown(&mut tx, &reviews).await?;
                cx.commit(tx).await
            }
            Shown::NotYet { until, now } => Ok(after(until - now)),
            Shown::Nothing => cx.commit(tx).await,
        }
    }
}
