use market::auctions::store::PlaceBid;
use shared::testing::Statements;

use super::super::bids::accept;
use super::*;

#[tokio::test]
async fn a_bid_is_two_statements_under_its_lock_and_one_more_for_all_that_follows() {
    let market = TestMarket::new().await;
    let lot = market.auction("auction", json!({})).await;
    // The process has others at the same time, such as those that count who has looked at listings.
    let statements = Statements::containing(&["auctions", "bids", "jobs", "emails", "orgs", "memberships"]);
    for (org, user, cents, expected) in
        // The first bid of somebody, one that also displaces somebody, and one that only loses.
        [
            (market.ann_org, market.ann.id, 2_000, 3),
            (market.bob_org, market.bob.id, 5_000, 3),
            (market.ann_org, market.ann.id, 3_000, 2),
        ]
    {
        let bid = PlaceBid { auction: lot, org, user, maximum: testing::secret(cents), quantity: None };
        let mut tx = market.api.state.ledger.begin().await.unwrap();
        let counting = statements.listen();
        let before = statements.count();
        accept(&mut tx, &bid).await.unwrap();
        let counted = statements.count() - before;
        drop(counting);
        tx.commit().await.unwrap();
        assert_eq!(counted, expected);
    }
    market.api.close().await;
}
