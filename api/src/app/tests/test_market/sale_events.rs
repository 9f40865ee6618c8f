//! Sale events of the market, and who bids in them.

use market::testing::{self, Trader};
use serde_json::json;

use super::{TestMarket, id};

impl TestMarket {
    /// A sale event of ours that the other side has registered for, that registration, a draft of ours, and an event of theirs that we have
    /// registered for.
    pub(super) async fn sale_events(&self, ours: Trader, theirs: Trader) -> [String; 4] {
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        let (event, _) = testing::sale_event(&mut conn, ours, &[None], None).await;
        let registration = testing::register(&mut conn, event, theirs).await.registration.id;
        let (joined, _) = testing::sale_event(&mut conn, theirs, &[None], Some(testing::eur(100_000))).await;
        testing::register(&mut conn, joined, ours).await;
        let draft = json!({"title": "Later", "currency": "EUR", "starts_at": "2099-01-01T00:00:00Z",
            "first_ends_at": "2099-01-02T00:00:00Z"});
        let draft = self.api.post(Some(&self.ann), "/v1/sale-events", draft).await.ok();
        [event.to_string(), registration.to_string(), id(&draft), joined.to_string()]
    }
}
