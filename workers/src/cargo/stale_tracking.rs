use jobs::cargo::StaleTracking;
use jobs::shipments::mail;
use market::shipments::store::stall;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many shipments one transaction marks.
const MOST: u16 = 100;
/// How many transactions one run makes; the next run takes the rest.
const ROUNDS: u32 = 100;

impl Handler<Services> for StaleTracking {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut stalled = 0;
        for _ in 0..ROUNDS {
            let mut tx = cx.begin().await?;
            let some = stall(&mut tx, self.silent_hours, MOST.into()).await?;
            for shipment in &some {
                mail::stalled(&mut tx, shipment).await?;
            }
            tx.commit().await?;
            stalled += some.len();
            if some.len() < usize::from(MOST) {
                break;
            }
        }
        Ok(Outcome::DoneWith(json!({ "stalled": stalled })))
    }
}
