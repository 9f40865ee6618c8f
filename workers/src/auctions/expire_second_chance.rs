use jobs::auctions::{ExpireSecondChance, lapsed};
use market::auctions::store::{self, Decided};
use queue::{Handler, Outcome};

use super::after;
use crate::{Cx, Services};

impl Handler<Services> for ExpireSecondChance {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::expire_chance(&mut tx, self.chance).await? {
            Decided::Lapsed(found) => {
                lapsed(&mut tx, self.chance, &found).await?;
                cx.commit(tx).await
            }
            Decided::NotYet { until, now } => Ok(after(until - now)),
            Decided::Nothing => Ok(Outcome::Done),
        }
    }
}
