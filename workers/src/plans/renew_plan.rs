use jobs::plans::{RenewPlan, mail};
use market::emails::model::PlanEvent;
use market::plans::store::{self, Renewed};
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for RenewPlan {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::renew(&mut tx, self.subscription, self.term).await? {
            Renewed::Term(charge) => mail::news(&mut tx, charge, PlanEvent::Charged).await?,
            Renewed::Ended => {
                mail::left_owing(&mut tx, self.subscription).await?;
                cx.log("the subscription has ended");
            }
            Renewed::NotOffered(plan) => {
                mail::not_offered(&mut tx, self.subscription, plan).await?;
                mail::left_owing(&mut tx, self.subscription).await?;
            }
            Renewed::Nothing => {}
        }
        cx.commit(tx).await
    }
}
