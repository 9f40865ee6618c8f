use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Barrier;

use super::*;

const ROUNDS: usize = 100;

/// What each of several acts at once does.
#[derive(Clone, Copy, Debug)]
enum Wish {
    /// All of line 1.
    Request,
    Receive,
    Lapse,
    /// The escrow goes to the seller.
    Accept,
}

/// Runs a wish in a transaction of its own when all of them are ready; whether it was done.
async fn at_once(pool: PgPool, barrier: Arc<Barrier>, sale: Arc<Sale>, id: Option<ReturnId>, wish: Wish) -> bool {
    let mut conn = pool.acquire().await.expect("a connection");
    barrier.wait().await;
    let id = id.unwrap_or(ReturnId(uuid::Uuid::nil()));
    let done = match wish {
        Wish::Request => sale.request(&mut conn, &[(1, 3)]).await.map(|_| true),
        Wish::Receive => sale.receive(&mut conn, id, &[(1, Disposition::OnHand)]).await.map(|_| true),
        Wish::Lapse => act(&mut conn, async |tx| lapse(tx, id).await).await.map(|it| matches!(it, Lapse::Received(_))),
        Wish::Accept => {
            sale.accept(&mut conn).await;
            Ok(true)
        }
    };
    match done {
        Ok(done) => done,
        Err(ReturnError::Refused(ReturnRefusal::NothingLeft { .. } | ReturnRefusal::Status(_))) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn race(pool: &PgPool, sale: Sale, id: Option<ReturnId>, wishes: &[Wish]) -> (Sale, Vec<bool>) {
    let (barrier, sale) = (Arc::new(Barrier::new(wishes.len())), Arc::new(sale));
    let racing: Vec<_> = wishes
        .iter()
        .map(|wish| tokio::spawn(at_once(pool.clone(), Arc::clone(&barrier), Arc::clone(&sale), id, *wish)))
        .collect();
    let mut done = Vec::new();
    for racer in racing {
        done.push(racer.await.expect("ended"));
    }
    (Arc::into_inner(sale).expect("everybody is done"), done)
}

/// Two requests of the same units; two sellers' people receive, or one and time, while the buyer accepts the order: units and money
/// go back once, whoever was first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_units_returned_twice_at_once_go_back_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let mut outcomes = [0; 2];
    for round in 0..ROUNDS {
        let sale = Sale::delivered(&mut conn).await;
        let (sale, done) = race(&db.pool, sale, None, &[Wish::Request, Wish::Request]).await;
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        let listed = of_order(&mut conn, sale.buyer.org, sale.order).await.expect("a list");
        assert_eq!(listed.len(), 1);
        let id = listed[0].id;
        act(&mut conn, async |tx| approve(tx, sale.by_seller(), id, None).await).await.expect("approved");
        act(&mut conn, async |tx| send(tx, sale.by_buyer(), id, "by hand").await).await.expect("sent");
        let second = if round % 2 == 0 { Wish::Receive } else { Wish::Lapse };
        if round % 2 == 1 {
            age(&mut conn, id).await;
        }
        let (sale, done) = race(&db.pool, sale, Some(id), &[Wish::Receive, second, Wish::Accept]).await;
        assert!(done[0] != done[1] && done[2], "{done:?}");
        outcomes[usize::from(done[1])] += 1;
        let level = sale.level(&mut conn).await;
        assert_eq!(level.on_hand + level.quarantined, STOCK, "once");
        let escrow = sale.escrow(&mut conn).await;
        let back = found(&mut conn, id).await;
        assert_eq!((Some(escrow.refunded), escrow.status), (back.share, EscrowStatus::Partly));
    }
    assert_sound(&mut conn).await;
    println!("the first, the second: {outcomes:?}");
    drop(conn);
    db.close().await;
}
