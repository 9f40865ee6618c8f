use jobs::returns::{LapseReturn, SweepReturns};
use market::returns::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many returns one sweep finds at most; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepReturns {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let mut found = Found::default();
        for id in store::overdue(&mut tx, MOST).await? {
            found.ensure(&mut tx, &LapseReturn { id }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
