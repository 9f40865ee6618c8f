use jobs::offers::{ExpireOffer, mail};
use market::offers::store::{self, Expiry};
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for ExpireOffer {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::expire(&mut tx, self.offer).await? {
            Expiry::Ended { buyer } => {
                mail::step(&mut tx, buyer, self.offer).await?;
                cx.commit(tx).await
            }
            Expiry::NotYet { expires_at, now } => Ok(crate::auctions::after(expires_at - now)),
            Expiry::Nothing => Ok(Outcome::Done),
        }
    }
}
