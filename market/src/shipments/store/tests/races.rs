//! Acts at once. The tests assert what must hold in whatever order the server serves them.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Barrier;

use super::*;

const ROUNDS: i64 = 100;

#[derive(Clone, Debug)]
enum Wish {
    Create(Box<NewShipment>),
    Cancel(Tracking),
    PickUp(Tracking),
    /// Somebody counts one unit less.
    Remove,
}

/// Runs a wish when all are ready; whether it was done.
async fn at_once(pool: PgPool, barrier: Arc<Barrier>, yard: Yard, wish: Wish) -> bool {
    let mut conn = pool.acquire().await.expect("a connection");
    barrier.wait().await;
    let done = match &wish {
        Wish::Create(new) => act(&mut conn, async |tx| create(tx, yard.by(), new).await).await.map(|_| ()),
        Wish::Cancel(number) => act(&mut conn, async |tx| cancel(tx, yard.by(), number).await).await.map(|_| ()),
        Wish::PickUp(number) => act(&mut conn, async |tx| pick_up(tx, yard.by(), number).await).await.map(|_| ()),
        Wish::Remove => {
            let (org, item, site, actor) = (yard.shipper.org, yard.item, yard.site, yard.shipper.user);
            let less = Adjust { org, item, site, count: Count::By(-1), reason: None, actor };
            act(&mut conn, async |tx| Ok(stock::adjust(tx, &less).await?)).await.map(|_| ())
        }
    };
    match done {
        Ok(()) => true,
        Err(
            ShipmentError::Refused(ShipmentRefusal::Status(_) | ShipmentRefusal::VehicleFull { .. })
            | ShipmentError::Stock(StockError::OutOfStock { .. }),
        ) => false,
        Err(error) => panic!("{wish:?}: {error:?}"),
    }
}

async fn race<const N: usize>(pool: &PgPool, yard: Yard, wishes: [Wish; N]) -> [bool; N] {
    let barrier = Arc::new(Barrier::new(N));
    let racing = wishes.map(|wish| tokio::spawn(at_once(pool.clone(), Arc::clone(&barrier), yard, wish)));
    let mut done = [false; N];
    for (done, task) in done.iter_mut().zip(racing) {
        *done = task.await.expect("ended");
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_cancellations_one_frees() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 5).await;
    for _ in 0..ROUNDS {
        let number = yard.sent(&mut conn, &yard.transfer(5)).await;
        let done = race(&db.pool, yard, [Wish::Cancel(number.clone()), Wish::Cancel(number)]).await;
        assert!(done[0] != done[1], "{done:?}");
        assert_eq!(yard.level(&mut conn, yard.site).await, (5, 0));
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_has_not_left_and_what_has_left_is_not_cancelled() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, ROUNDS).await;
    let mut left = 0;
    for _ in 0..ROUNDS {
        let number = yard.sent(&mut conn, &yard.transfer(1)).await;
        let done = race(&db.pool, yard, [Wish::Cancel(number.clone()), Wish::PickUp(number)]).await;
        assert!(done[0] != done[1], "{done:?}");
        left += i64::from(done[1]);
        assert_eq!(yard.level(&mut conn, yard.site).await, (ROUNDS - left, 0));
    }
    println!("{left} of {ROUNDS} left");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// What is held for another shipment meanwhile would show a second restoration, which could not go below nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_twice_and_picked_up_at_once_it_is_restored_once_or_has_left() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 2 * ROUNDS + 5).await;
    let _held = yard.sent(&mut conn, &yard.transfer(5)).await;
    let mut left = 0;
    for round in 0..ROUNDS {
        let number = yard.sent(&mut conn, &yard.transfer(2)).await;
        let (cancel, pick_up) = (|| Wish::Cancel(number.clone()), Wish::PickUp(number.clone()));
        // Each of them is begun first in its turn.
        let (done, picked_up) = match round % 3 {
            0 => (race(&db.pool, yard, [pick_up, cancel(), cancel()]).await, 0),
            1 => (race(&db.pool, yard, [cancel(), pick_up, cancel()]).await, 1),
            _ => (race(&db.pool, yard, [cancel(), cancel(), pick_up]).await, 2),
        };
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        left += 2 * i64::from(done[picked_up]);
        assert_eq!(yard.level(&mut conn, yard.site).await, (2 * ROUNDS + 5 - left, 5), "{done:?}");
        let status = get(&mut conn, yard.shipper.org, &number).await.expect("read").expect("it").status;
        let expected = if done[picked_up] { ShipmentStatus::PickedUp } else { ShipmentStatus::Cancelled };
        assert_eq!(status, expected);
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_removals_of_the_last_unit_one_is_refused() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 1).await;
    for round in 0..ROUNDS {
        let take = || Wish::Create(Box::new(yard.transfer(1)));
        let other = if round % 2 == 0 { take() } else { Wish::Remove };
        let done = race(&db.pool, yard, [take(), other]).await;
        assert!(done[0] != done[1], "{done:?}");
        let held: Option<String> = sqlx::query_scalar("SELECT tracking FROM shipments WHERE status = 'pending'")
            .fetch_optional(&mut *conn)
            .await
            .expect("read");
        if let Some(number) = held {
            let number = Tracking::read(&number).expect("a number");
            assert_eq!(yard.level(&mut conn, yard.site).await, (1, 1));
            act(&mut conn, async |tx| cancel(tx, yard.by(), &number).await).await.expect("cancelled");
        } else {
            assert_eq!(yard.level(&mut conn, yard.site).await, (0, 0));
            count(&mut conn, yard.shipper, yard.item, yard.site, 1).await;
        }
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_loads_for_a_vehicles_last_room_one_gets_it() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 100).await;
    let truck = fleet::truck(&mut conn, &yard).await;
    for _ in 0..ROUNDS {
        let new = fleet::on(&mut conn, &yard, truck.id, 6, 10).await;
        let load = || Wish::Create(Box::new(new.clone()));
        let done = race(&db.pool, yard, [load(), load()]).await;
        assert!(done[0] != done[1], "{done:?}");
        assert_eq!(yard.level(&mut conn, yard.site).await, (100, 6));
        let number: String = sqlx::query_scalar("SELECT tracking FROM shipments WHERE status = 'pending'")
            .fetch_one(&mut *conn)
            .await
            .expect("one");
        let number = Tracking::read(&number).expect("a number");
        act(&mut conn, async |tx| cancel(tx, yard.by(), &number).await).await.expect("cancelled");
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}
