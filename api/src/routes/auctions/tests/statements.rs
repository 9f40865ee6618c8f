use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use market::auctions::store::PlaceBid;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::super::bids::accept;
use super::*;

/// Counts the statements of this thread, as the driver reports them.
#[derive(Clone, Debug, Default)]
struct Statements(Arc<AtomicUsize>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_bid_is_two_statements_under_its_lock_and_one_more_for_all_who_are_outbid() {
    let market = TestMarket::new().await;
    let lot = market.auction("auction", json!({})).await;
    let statements = Statements::default();
    for (org, user, cents, expected) in
        [(market.ann_org, market.ann.id, 2_000, 2), (market.bob_org, market.bob.id, 3_000, 3)]
    {
        let bid = PlaceBid { auction: lot, org, user, maximum: testing::secret(cents), quantity: None };
        let mut tx = market.api.state.ledger.begin().await.unwrap();
        let counting = tracing::subscriber::set_default(statements.clone());
        let before = statements.0.load(Ordering::Relaxed);
        accept(&mut tx, &bid).await.unwrap();
        let counted = statements.0.load(Ordering::Relaxed) - before;
        drop(counting);
        tx.commit().await.unwrap();
        assert_eq!(counted, expected);
    }
    market.api.db.close().await;
}
