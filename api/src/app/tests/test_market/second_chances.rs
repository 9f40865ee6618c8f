//! Lots whose winners do not pay, and what follows.

use super::*;

impl TestMarket {
    /// Two lots of `seller`, one that was not sold and one that waits for approval, one of `other` that is offered to `seller`, and a
    /// strike against `seller` as the buyer of an order.
    pub(super) async fn second_chances(&self, seller: Trader, other: Trader, order: &str) -> [String; 4] {
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        let mut terms = testing::terms(&mut conn).await;
        terms.reserve = Some(testing::secret(9_000));
        let mut lots = Vec::new();
        for (of, by) in [(seller, other), (other, seller), (seller, other)] {
            let lot = testing::auction(&mut conn, of, &terms).await;
            let maximum = testing::secret(2_000);
            let bid = PlaceBid { auction: lot, org: by.org, user: by.user, maximum, quantity: None };
            let mut tx = conn.begin().await.unwrap();
            auctions::place_bid(&mut tx, &bid).await.unwrap();
            tx.commit().await.unwrap();
            testing::end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
            let mut tx = conn.begin().await.unwrap();
            auctions::close(&mut tx, lot).await.unwrap();
            tx.commit().await.unwrap();
            lots.push(lot);
        }
        let mut tx = conn.begin().await.unwrap();
        for (lot, of) in [(lots[0], seller), (lots[1], other)] {
            let actor = Participant { org: of.org, user: of.user };
            auctions::answer(&mut tx, lot, actor, Answer::Decline).await.unwrap();
            tx.commit().await.unwrap();
            tx = conn.begin().await.unwrap();
        }
        let offered = auctions::offer_chance(&mut tx, other.org, lots[1], true).await.unwrap();
        let strike = standing::strike(&mut tx, order.parse().unwrap()).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        [lots[0].to_string(), lots[2].to_string(), offered.chance.id.to_string(), strike.to_string()]
    }
}
