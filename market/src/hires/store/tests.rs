use chrono::{Datelike, TimeDelta};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use shared::money::Currency;
use shared::testing::TestDb;
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::*;
use crate::catalog::model::NewItem;
use crate::catalog::store::{block_days, create_item, taken_days};
use crate::checkout::store as checkouts;
use crate::ids::{CategoryId, ItemId, ListingId};
use crate::listings::model::{Language, NewListing, SaleMode};
use crate::listings::store as listings;
use crate::testing::{Trader, database_time, eur, placed, trader};

/// The category `services/operators`.
const OPERATORS: CategoryId = CategoryId(uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0031));

/// Somebody who works for a hundred euros an hour, or a day.
async fn operator(conn: &mut PgConnection, seller: Trader, rate_per: &str) -> (ItemId, ListingId) {
    let attributes = json!({"certificates": ["tractor"], "rate_per": rate_per});
    let item = NewItem {
        category_id: OPERATORS,
        sku: "Kim".to_owned(),
        title: "Kim drives".to_owned(),
        unit: rate_per.to_owned(),
        attributes: attributes.as_object().expect("an object").clone(),
        compatibility: Vec::new(),
    };
    let item = create_item(conn, seller.org, &item).await.expect("an operator").id;
    let new = NewListing {
        item_id: item,
        site_id: None,
        title: "Kim drives".to_owned(),
        description: String::new(),
        language: Language::En,
        sale_mode: SaleMode::Fixed,
        currency: Currency::EUR,
        price: Some(eur(10_000)),
        takes_offers: false,
        quantity: 1_000,
        min_quantity: 1,
        delivery_options: vec!["pickup".to_owned()],
    };
    let listing = listings::create(conn, seller.org, seller.user, &new).await.expect("a draft");
    listings::publish(conn, seller.org, listing).await.expect("published");
    (item, listing)
}

/// Hires in a transaction of its own.
async fn chosen(pool: &PgPool, by: Trader, order: OrderId, days: &[NaiveDate]) -> Result<Hired, HireError> {
    let mut tx = pool.begin().await?;
    let chosen = hire(&mut tx, by.org, order, 1, days).await?;
    tx.commit().await?;
    Ok(chosen)
}

async fn hired(pool: &PgPool, by: Trader, order: OrderId, days: &[NaiveDate]) -> Result<Vec<NaiveDate>, HireError> {
    Ok(chosen(pool, by, order, days).await?.days)
}

async fn blocked(pool: &PgPool, by: Trader, item: ItemId, days: &[NaiveDate]) {
    let mut tx = pool.begin().await.expect("a transaction");
    let year = i16::try_from(days[0].year()).expect("a year");
    block_days(&mut tx, by.org, item, year, days).await.expect("blocked");
    tx.commit().await.expect("committed");
}

/// Two days in March, the year after the next.
fn spring(today: NaiveDate) -> [NaiveDate; 2] {
    [3, 4].map(|day| NaiveDate::from_ymd_opt(today.year() + 2, 3, day).expect("a day"))
}

#[tokio::test]
async fn of_two_who_hire_the_same_day_at_once_one_gets_it() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, ann, bob) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let (item, listing) = operator(&mut conn, seller, "day").await;
    let mut day = database_time(&mut conn).await.date_naive() + TimeDelta::days(1);
    for _ in 0..50 {
        let next = day + TimeDelta::days(1);
        let (_, one) = placed(&mut conn, ann, listing, eur(20_000)).await;
        let (_, other) = placed(&mut conn, bob, listing, eur(20_000)).await;
        let (forth, back) = ([day, next], [next, day]);
        let (first, second) = tokio::join!(hired(&db.pool, ann, one, &forth), hired(&db.pool, bob, other, &back));
        let refused = match (first, second) {
            (Ok(days), Err(refused)) | (Err(refused), Ok(days)) => {
                assert_eq!(days, forth);
                refused
            }
            both => panic!("{both:?}"),
        };
        assert!(matches!(&refused, HireError::Taken(places) if *places == [0_usize, 1]), "{refused:?}");
        let year = i16::try_from(day.year()).expect("a year");
        assert!(taken_days(&mut conn, item, year).await.expect("days").contains(&day));
        day = next + TimeDelta::days(1);
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn days_of_an_order_are_its_own_until_it_comes_to_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, ann, bob) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let (item, listing) = operator(&mut conn, seller, "hour").await;
    let [third, fourth] = spring(database_time(&mut conn).await.date_naive());
    let year = i16::try_from(third.year()).expect("a year");
    let (checkout, order) = placed(&mut conn, ann, listing, eur(80_000)).await;
    assert_eq!(hired(&db.pool, ann, order, &[fourth, third]).await.expect("free"), [third, fourth]);
    // The seller frees none of them, and blocks what is left.
    blocked(&db.pool, seller, item, &[fourth]).await;
    assert_eq!(taken_days(&mut conn, item, year).await.expect("days"), [third, fourth]);
    let (_, late) = placed(&mut conn, bob, listing, eur(80_000)).await;
    let refused = hired(&db.pool, bob, late, &[fourth + TimeDelta::days(1), fourth]).await.expect_err("taken");
    assert!(matches!(&refused, HireError::Taken(places) if *places == [1_usize]), "{refused:?}");
    assert!(days_of(&mut conn, bob.org, late, 1).await.expect("read").is_empty());
    // Nobody chooses for somebody else.
    for (who, order, line) in [(bob, order, 1), (seller, order, 1), (ann, order, 2)] {
        let mut tx = db.pool.begin().await.expect("a transaction");
        let refused = hire(&mut tx, who.org, order, line, &[third]).await;
        assert!(matches!(refused, Err(HireError::NotFound)), "{refused:?}");
    }
    assert!(matches!(days_of(&mut conn, bob.org, order, 1).await, Err(HireError::NotFound)));
    assert_eq!(days_of(&mut conn, seller.org, order, 1).await.expect("read"), [third, fourth]);

    // What is not paid is changed, and free again when the order is cancelled.
    assert_eq!(hired(&db.pool, ann, order, &[third]).await.expect("its own"), [third]);
    assert_eq!(hired(&db.pool, bob, late, &[fourth]).await.expect("free"), [fourth]);
    let mut tx = db.pool.begin().await.expect("a transaction");
    checkouts::cancel(&mut tx, ann.org, ann.user, checkout).await.expect("cancelled");
    tx.commit().await.expect("committed");
    assert_eq!(taken_days(&mut conn, item, year).await.expect("days"), [fourth]);
    let ended = hired(&db.pool, ann, order, &[third]).await.expect_err("cancelled");
    assert!(matches!(ended, HireError::Refused(HireRefusal::OrderStatus(OrderStatus::Cancelled))), "{ended:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn buyers_who_change_their_days_and_a_seller_who_blocks_some_do_not_wait_in_a_circle() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, ann, bob) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let (item, listing) = operator(&mut conn, seller, "hour").await;
    let [first, _] = spring(database_time(&mut conn).await.date_naive());
    let march: Vec<_> = first.iter_days().take(6).collect();
    let mut tasks = JoinSet::new();
    for (number, buyer) in (0..).zip([ann, bob]) {
        let (_, order) = placed(&mut conn, buyer, listing, eur(30_000)).await;
        let (pool, mut march, mut rng) = (db.pool.clone(), march.clone(), StdRng::seed_from_u64(number));
        tasks.spawn(async move {
            for _ in 0..150 {
                march.shuffle(&mut rng);
                let wanted = &march[..rng.random_range(0..=3_usize)];
                match hired(&pool, buyer, order, wanted).await {
                    Ok(_) | Err(HireError::Taken(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
    }
    let pool = db.pool.clone();
    tasks.spawn(async move {
        let (mut march, mut rng) = (march, StdRng::seed_from_u64(2));
        for _ in 0..150 {
            march.shuffle(&mut rng);
            blocked(&pool, seller, item, &march[..rng.random_range(1..=3_usize)]).await;
        }
    });
    while let Some(ended) = tasks.join_next().await {
        ended.expect("nobody was refused for anything else");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn each_change_of_days_has_a_time_of_its_own_and_the_same_days_again_change_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, ann) = (trader(&mut conn).await, trader(&mut conn).await);
    let (_, listing) = operator(&mut conn, seller, "hour").await;
    let [third, fourth] = spring(database_time(&mut conn).await.date_naive());
    let (_, order) = placed(&mut conn, ann, listing, eur(80_000)).await;
    let mut times = Vec::new();
    for (days, changes) in [
        (vec![fourth, third], true),
        (vec![third, fourth], false),
        (vec![third], true),
        (vec![], true),
        (vec![], false),
        (vec![third, fourth], true),
    ] {
        let chosen = chosen(&db.pool, ann, order, &days).await.expect("free");
        assert_eq!((chosen.days.len(), chosen.changed_at.is_some()), (days.len(), changes), "{days:?}");
        times.extend(chosen.changed_at);
    }
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    // Of two who say the same at once, one has changed something.
    for day in third.iter_days().take(20) {
        let days = [day];
        let (one, other) = tokio::join!(chosen(&db.pool, ann, order, &days), chosen(&db.pool, ann, order, &days));
        let changes = [one, other].map(|chosen| usize::from(chosen.expect("free").changed_at.is_some()));
        assert_eq!(changes.iter().sum::<usize>(), 1);
    }

    // The order shows the days of its lines, where it is asked to.
    let found = orders::find(&mut conn, order).await.expect("read").expect("the order");
    assert!(found.lines[0].days.is_empty());
    let found = order_with_days(&mut conn, ann.org, order).await.expect("read").expect("the order");
    assert_eq!(found.lines[0].days, days_of(&mut conn, ann.org, order, 1).await.expect("read"));
    assert_eq!(found.lines[0].days.len(), 1);
    drop(conn);
    db.close().await;
}
