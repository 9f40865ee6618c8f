use jobs::auctions::OpenAuction;
use jobs::auctions::events::{News, announce};
use market::auctions::model::OpenOutcome;
use market::auctions::store;
use queue::{Handler, Outcome};

use super::close_auction::after;
use crate::{Cx, Services};

impl Handler<Services> for OpenAuction {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::open(&mut tx, self.auction).await? {
            OpenOutcome::Opened(view) => {
                announce(&mut tx, News::Opened, &view);
                cx.commit(tx).await
            }
            OpenOutcome::NotYet { starts_at, now } => Ok(after(starts_at - now)),
            OpenOutcome::Already(_) => Ok(Outcome::Done),
        }
    }
}
