use jobs::auctions::{CloseAuction, DefaultAward, ExpireApproval, ExpireSecondChance, OpenAuction, SweepAuctions};
use market::auctions::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many auctions one sweep opens, and how many it closes, at most; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepAuctions {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let (to_open, to_close) = (store::due_to_open(&mut tx, MOST).await?, store::overdue(&mut tx, MOST).await?);
        let (unpaid, unanswered) = (store::unpaid(&mut tx, MOST).await?, store::overdue_chances(&mut tx, MOST).await?);
        let mut found = Found::default();
        for auction in to_open {
            found.ensure(&mut tx, &OpenAuction { auction }, Self::KIND.name).await?;
        }
        for auction in to_close {
            found.ensure(&mut tx, &CloseAuction { auction }, Self::KIND.name).await?;
        }
        for award in unpaid {
            found.ensure(&mut tx, &DefaultAward { award }, Self::KIND.name).await?;
        }
        for auction in store::overdue_approvals(&mut tx, MOST).await? {
            found.ensure(&mut tx, &ExpireApproval { auction }, Self::KIND.name).await?;
        }
        for chance in unanswered {
            found.ensure(&mut tx, &ExpireSecondChance { chance }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
