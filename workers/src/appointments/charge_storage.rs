use jobs::appointments::{ChargeStorage, mail};
use market::appointments::store::{Charge, charge, storage_due};
use queue::{Handler, Outcome};
use serde_json::json;

use super::{MOST, ROUNDS};
use crate::{Cx, Services};

impl Handler<Services> for ChargeStorage {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut booked = 0;
        for _ in 0..ROUNDS {
            let mut tx = cx.begin().await?;
            let due = storage_due(&mut tx, MOST).await?;
            tx.commit().await?;
            if due.is_empty() {
                break;
            }
            // Each order in a transaction of its own: its lock is held for a moment.
            for order in due {
                let mut tx = cx.begin().await?;
                if let Charge::Booked { is_first } = charge(&mut tx, order).await? {
                    booked += 1;
                    if is_first {
                        mail::storage_begun(&mut tx, order).await?;
                    }
                }
                tx.commit().await?;
            }
        }
        Ok(Outcome::DoneWith(json!({ "booked": booked })))
    }
}
