use jobs::appointments::{RemindParties, mail};
use market::appointments::store::to_remind;
use queue::{Handler, Outcome};
use serde_json::json;

use super::{MOST, ROUNDS};
use crate::{Cx, Services};

impl Handler<Services> for RemindParties {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut reminded = 0;
        for _ in 0..ROUNDS {
            let mut tx = cx.begin().await?;
            let some = to_remind(&mut tx, MOST).await?;
            for appointment in &some {
                mail::reminder(&mut tx, appointment).await?;
            }
            tx.commit().await?;
            reminded += some.len();
            if some.is_empty() {
                break;
            }
        }
        Ok(Outcome::DoneWith(json!({ "reminded": reminded })))
    }
}
