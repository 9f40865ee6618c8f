use jobs::plans::{DunCharge, mail};
use market::emails::model::PlanEvent;
use market::plans::store::{self, Dunned};
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for DunCharge {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::dun(&mut tx, self.charge).await? {
            Dunned::Reminded(number) => mail::news(&mut tx, self.charge, PlanEvent::Reminded(number)).await?,
            Dunned::Lapsed => mail::news(&mut tx, self.charge, PlanEvent::Lapsed).await?,
            Dunned::Nothing => {}
        }
        cx.commit(tx).await
    }
}
