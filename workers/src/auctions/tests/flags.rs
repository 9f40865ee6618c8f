//! Organisations that may belong to the same people.

use jobs::auctions::FlagAccounts;
use market::identity::store::{Device, open_session};
use shared::ids::OrgId;

use super::*;

impl TestMarket {
    /// Bids as the API does, in one transaction with the job that looks at a new bidder.
    async fn bid_and_look(&self, auction: AuctionId, by: Trader, cents: i64) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity: None };
        let placed = store::place_bid(&mut tx, &place).await.unwrap();
        if let Some(job) = FlagAccounts::of(&placed, by.org) {
            let _ = tx.enqueue(&job).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Renames the organisation, so that it has nothing in common with the test's other ones.
    async fn named(&self, by: Trader, name: &str) {
        self.sql("UPDATE orgs SET legal_name = $2 WHERE id = $1", by.org.0, name).await;
    }

    async fn sql(&self, statement: &'static str, id: uuid::Uuid, text: &str) {
        sqlx::query(statement).bind(id).bind(text).execute(&self.workers.db.pool).await.unwrap();
    }

    async fn logs_in(&self, by: Trader, from: &str, user_agent: &str) {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let device = Device { user_agent, place: from.parse().unwrap() };
        open_session(&mut conn, by.user, Some(device)).await.unwrap();
    }

    /// The pairs flagged in the auction, in the order of their ids, with what they have in common.
    async fn flagged(&self, auction: AuctionId) -> Vec<([OrgId; 2], Vec<String>)> {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let filter = store::FlagFilter { auction: Some(auction), before: None, limit: 100 };
        let flags = store::flags(&mut conn, filter).await.unwrap();
        let mut flagged: Vec<_> =
            flags.into_iter().map(|flag| (flag.orgs.each_ref().map(|org| org.id), flag.signals)).collect();
        flagged.sort();
        flagged
    }
}

fn pair(one: Trader, other: Trader) -> [OrgId; 2] {
    [one.org.min(other.org), one.org.max(other.org)]
}

#[tokio::test]
async fn accounts_that_have_something_in_common_are_flagged_once_and_nothing_follows() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let (carl, dora) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
    drop(conn);
    let (seller, ann, bob) = (market.seller, market.ann, market.bob);
    for (who, name) in [(seller, "Seller"), (ann, "Ann's Farm"), (bob, "Bob"), (carl, "ANNS FARM"), (dora, "Dora")] {
        market.named(who, name).await;
    }
    let address = "UPDATE users SET email = $2 WHERE id = $1";
    market.sql(address, seller.user.0, "sam.seller@example.com").await;
    market.sql(address, ann.user.0, "samseller+bids@example.com").await;
    market.sql(address, dora.user.0, "sam@seller.example").await;
    // Bob and Dora share a machine; Carl uses the same browser elsewhere.
    market.logs_in(bob, "203.0.113.7", "Firefox/140").await;
    market.logs_in(dora, "203.0.113.7", "Firefox/140").await;
    market.logs_in(carl, "203.0.113.8", "Firefox/140").await;
    let lot = market.auction(&market.terms().await).await;
    for (bidder, cents) in [(ann, 2_000), (bob, 3_000), (carl, 4_000), (dora, 5_000)] {
        market.bid_and_look(lot, bidder, cents).await;
        market.workers.queue.drain().await;
    }
    let signal = |name: &str| vec![name.to_owned()];
    let mut wanted = vec![
        (pair(seller, ann), signal("same_mailbox")),
        (pair(ann, carl), signal("same_name")),
        (pair(bob, dora), signal("same_device")),
    ];
    wanted.sort();
    assert_eq!(market.flagged(lot).await, wanted);
    // Only an organisation's first bid is looked at, and looking again flags nobody twice.
    market.bid_and_look(lot, ann, 9_000).await;
    assert_eq!(rows(&market.workers.db.pool, FlagAccounts::KIND.name).await.len(), 4);
    market.enqueue(&FlagAccounts { auction: lot, bidder: ann.org }).await;
    market.workers.queue.drain().await;
    assert_eq!(market.flagged(lot).await, wanted);
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let log = shared::audit::page(&mut conn, Some(("auction", &lot.to_string())), None, 10).await.unwrap();
    let acts: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.actor_kind)).collect();
    assert_eq!(acts, [("auction.flag_accounts", Some(shared::audit::ActorKind::System)); 3]);
    drop(conn);
    // Judging is left to people: the auction goes on as if there were no flags.
    assert_eq!(market.view(lot).await.bid_count, 5);
    market.close().await;
}

#[tokio::test]
async fn a_person_in_two_organisations_and_one_who_founded_both_give_them_away() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let (seller, ann, bob) = (market.seller, market.ann, market.bob);
    for (who, name) in [(seller, "Seller"), (ann, "Ann"), (bob, "Bob")] {
        market.named(who, name).await;
    }
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let both = testing::member_of(&mut conn, &[seller.org, ann.org]).await;
    drop(conn);
    sqlx::query("UPDATE orgs SET created_by = $2 WHERE id = $1")
        .bind(bob.org)
        .bind(seller.user)
        .execute(&market.workers.db.pool)
        .await
        .unwrap();
    let lot = market.auction(&market.terms().await).await;
    market.bid_and_look(lot, ann, 2_000).await;
    market.bid_and_look(lot, bob, 3_000).await;
    market.workers.queue.drain().await;
    let mut wanted = vec![
        (pair(seller, ann), vec!["shared_person".to_owned()]),
        (pair(seller, bob), vec!["same_founder".to_owned()]),
    ];
    wanted.sort();
    assert_eq!(market.flagged(lot).await, wanted);
    let people: Vec<Vec<UserId>> = sqlx::query_scalar("SELECT people FROM account_flags ORDER BY id")
        .fetch_all(&market.workers.db.pool)
        .await
        .unwrap();
    assert!(people.contains(&vec![both]), "{people:?}");
    market.close().await;
}
