//! How many statements an order costs after it was paid.

use jobs::escrow::notify_with;
use jobs::shipments::{receive_order, ship_order};
use market::offers::model::Party;
use market::testing::{pay, placed};
use shared::testing::Statements;
use uuid::Uuid;

use super::*;

/// What the acts on an order deal with, and the jobs that follow.
const OF_AN_ORDER: &[&str] = &[
    "orders",
    "order_events",
    "escrows",
    "shipment",
    "audit_acts",
    "money_",
    "webhook",
    "emails",
    "memberships",
    "INSERT INTO jobs",
];

const fn party(trader: Trader) -> Party {
    Party { org: trader.org, user: trader.user }
}

/// Counts what `work` sends.
async fn counted<T>(work: impl Future<Output = T>) -> (usize, T) {
    let statements = Statements::containing(OF_AN_ORDER);
    let counting = statements.listen();
    let done = work.await;
    drop(counting);
    (statements.count(), done)
}

#[tokio::test]
async fn sending_an_order_is_twelve_statements_its_arrival_fourteen_and_accepting_it_twelve() {
    let workers = TestWorkers::new(Handlers::default().with::<NotifyOrder>()).await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let goods = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
    let mut all = Vec::new();
    // The first one makes the seller's accounts.
    for _ in 0..2 {
        let (checkout, order) = placed(&mut conn, buyer, goods, eur(10_000)).await;
        pay(&mut conn, buyer, checkout).await;
        let mut tx = workers.ledger.begin().await.unwrap();
        let (sent, done) = counted(ship_order(&mut tx, party(seller), order)).await;
        done.unwrap();
        let (arrived, done) = counted(receive_order(&mut tx, party(buyer), order)).await;
        done.unwrap();
        let (accepted, done) = counted(async {
            let version = store::accept(&mut tx, buyer.org, buyer.user, order).await.unwrap();
            notify_with(&mut tx, order, version, Vec::new()).await
        })
        .await;
        done.unwrap();
        tx.commit().await.unwrap();
        all.push([sent, arrived, accepted]);
    }
    assert_eq!(all[1], [12, 14, 12]);
    // All that follows is there, once for each order.
    for (kind, count) in [("shipments.report", 4), (ReleaseEscrow::KIND.name, 2), (NotifyOrder::KIND.name, 6)] {
        assert_eq!(rows(&workers.db.pool, kind).await.len(), count, "{kind}");
    }
    let stale: i64 = sqlx::query_scalar(
        "SELECT count(*)
         FROM jobs AS j
         WHERE j.kind = 'escrow.notify'
           AND NOT EXISTS (
               SELECT
               FROM order_events AS e
               WHERE e.order_id::text = j.payload ->> 'order'
                 AND e.version = (j.payload ->> 'version')::bigint
                 AND e.status IN ('in_fulfilment', 'delivered', 'completed')
           )",
    )
    .fetch_one(&workers.db.pool)
    .await
    .unwrap();
    assert_eq!(stale, 0, "each is about what the order has become");
    drop(conn);
    workers.leave().await;
}

#[tokio::test]
async fn the_mails_about_an_order_are_five_statements() {
    let workers = TestWorkers::new(Handlers::default().with::<NotifyOrder>()).await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let goods = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
    let (checkout, order) = placed(&mut conn, buyer, goods, eur(10_000)).await;
    pay(&mut conn, buyer, checkout).await;
    let _ = workers.ledger.enqueue(&NotifyOrder { order, version: 2 }).await.unwrap();
    let (statements, ran) = counted(Box::pin(workers.queue.drain())).await;
    assert_eq!((ran, statements), (1, 5));
    let readers: Vec<Uuid> = sqlx::query_scalar(
        "SELECT user_id FROM emails WHERE template = 'order_paid' AND reference = $1 ORDER BY user_id",
    )
    .bind(format!("{order}:2"))
    .fetch_all(&workers.db.pool)
    .await
    .unwrap();
    let mut both = [seller.user.0, buyer.user.0];
    both.sort_unstable();
    assert_eq!(readers, both);
    // A second run finds them posted.
    let _ = workers.ledger.enqueue(&NotifyOrder { order, version: 2 }).await.unwrap();
    let (statements, ran) = counted(Box::pin(workers.queue.drain())).await;
    assert_eq!((ran, statements), (1, 4));
    assert_eq!(rows(&workers.db.pool, SendEmail::KIND.name).await.len(), 2);
    drop(conn);
    workers.leave().await;
}
