use jobs::escrow::{ReleaseEscrow, notify};
use market::escrow::store::{self, Lapse};
use queue::{Handler, Outcome};

use crate::auctions::after;
use crate::{Cx, Services};

impl Handler<Services> for ReleaseEscrow {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::lapse(&mut tx, self.order).await? {
            Lapse::Released => {
                notify(&mut tx, self.order).await?;
                cx.commit(tx).await
            }
            Lapse::Nothing => cx.commit(tx).await,
            Lapse::NotYet { until, now } => Ok(after(until - now)),
        }
    }
}
