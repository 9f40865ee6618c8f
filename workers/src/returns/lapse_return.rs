use jobs::returns::{LapseReturn, follow, mail};
use market::returns::store::{self, Lapse};
use queue::{Handler, Outcome};

use crate::auctions::after;
use crate::{Cx, Services};

impl Handler<Services> for LapseReturn {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::lapse(&mut tx, self.id).await? {
            Lapse::Approved { until, now } => {
                mail::step(&mut tx, self.id).await?;
                // Not the end of this job: a run that dies before it snoozes finds the return due later, and snoozes then.
                tx.commit().await?;
                Ok(after(until - now))
            }
            Lapse::Lapsed | Lapse::Nothing => cx.commit(tx).await,
            Lapse::Received(received) => {
                follow(&mut tx, self.id, &received).await?;
                cx.commit(tx).await
            }
            Lapse::NotYet { until, now } => Ok(after(until - now)),
        }
    }
}
