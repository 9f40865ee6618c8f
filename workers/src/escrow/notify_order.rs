use jobs::escrow::{NotifyOrder, mail};
use market::orders::store;
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for NotifyOrder {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let Some(order) = store::find(&mut tx, self.order).await? else { return Ok(Outcome::Done) };
        let history = store::history(&mut tx, self.order, self.version).await?;
        mail::post(&mut tx, &order, self.version, &history).await?;
        cx.commit(tx).await
    }
}
