use jobs::auctions::OpenAuction;
use jobs::{Handler, Outcome};
use shared::auctions::model::OpenOutcome;
use shared::auctions::store;

use super::close_auction::until;
use crate::{Cx, Services};

impl Handler<Services> for OpenAuction {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::open(&mut tx, self.auction).await? {
            OpenOutcome::Opened { .. } => cx.commit(tx).await,
            OpenOutcome::NotYet { starts_at } => Ok(until(starts_at, cx)),
            OpenOutcome::Already(_) => Ok(Outcome::Done),
        }
    }
}
