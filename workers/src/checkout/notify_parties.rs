use jobs::checkout::{News, NotifyParties, mail};
use market::checkout::model::CheckoutStatus;
use market::checkout::store;
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for NotifyParties {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let Some(checkout) = store::find(&mut tx, self.checkout).await? else { return Ok(Outcome::Done) };
        if self.news == News::Reminder && checkout.status != CheckoutStatus::Open {
            return Ok(Outcome::Done);
        }
        mail::post(&mut tx, self.news, &checkout).await?;
        cx.commit(tx).await
    }
}
