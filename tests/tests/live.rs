//! What a client on a WebSocket sees of an auction that the workers open and close.

use chrono::TimeDelta;
use jobs::auctions::{CloseAuction, OpenAuction};
use market::auctions::store;
use market::testing;
use queue::{Enqueue, Ledger};
use tests::installation::TestInstallation;
use tests::installation::socket::Socket;

#[tokio::test(flavor = "multi_thread")]
async fn opening_and_award_by_workers_are_seen_at_a_socket() {
    let market = TestInstallation::new().await;
    let watcher = market.person("Ada").await;
    let ledger = Ledger::new(market.db.pool.clone());
    let mut tx = ledger.begin().await.unwrap();
    let (seller, buyer) = (testing::trader(&mut tx).await, testing::trader(&mut tx).await);
    let mut terms = testing::terms(&mut tx).await;
    let opening = testing::database_time(&mut tx).await + TimeDelta::seconds(3);
    (terms.starts_at, terms.ends_at) = (Some(opening), opening + TimeDelta::seconds(3));
    let auction = testing::auction(&mut tx, seller, &terms).await;
    let _ = tx.enqueue_with(Enqueue::new(&OpenAuction { auction }).run_at(opening)).await.unwrap();
    let _ = tx.enqueue_with(Enqueue::new(&CloseAuction { auction }).run_at(terms.ends_at)).await.unwrap();
    tx.commit().await.unwrap();

    let mut socket = Socket::open(&market.base, &watcher).await;
    let mut message = socket.follow(&format!("auction:{auction}")).await;
    let (mut seen, mut bid) = (0, false);
    loop {
        let seq = message["seq"].as_i64().unwrap();
        assert!(seq > seen, "{message}");
        seen = seq;
        match message["data"]["status"].as_str().unwrap() {
            // Nobody announces this bid, as if its API had died.
            "live" if !bid => {
                let mut conn = market.db.pool.acquire().await.unwrap();
                let (org, user, maximum) = (buyer.org, buyer.user, testing::secret(5_000));
                let new = store::PlaceBid { auction, org, user, maximum, quantity: None };
                store::place_bid(&mut conn, &new).await.unwrap();
                bid = true;
            }
            "awarded" => {
                assert_eq!((message["type"].as_str(), &message["data"]["bid_count"]), (Some("awarded"), &1.into()));
                break;
            }
            _ => {}
        }
        message = socket.hear().await;
    }
    assert!(bid, "the opening was seen");
    market.close().await;
}
