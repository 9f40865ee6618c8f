use jobs::cargo::SweepStandings;
use market::cargo::store::rank_due;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many shipments one transaction ranks.
const MOST: u32 = 200;
/// How many transactions one run makes; the next run takes the rest.
const ROUNDS: u32 = 100;

impl Handler<Services> for SweepStandings {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.events.acquire().await?;
        let mut ranked = 0;
        for _ in 0..ROUNDS {
            let some = rank_due(&mut conn, MOST.into()).await?;
            ranked += some;
            if some < u64::from(MOST) {
                break;
            }
        }
        Ok(Outcome::DoneWith(json!({ "ranked": ranked })))
    }
}
