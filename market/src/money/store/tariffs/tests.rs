use std::sync::Arc;

use shared::money::Money;
use shared::testing::TestDb;
use sqlx::PgPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;
use crate::testing::{CONSOLES, eur, trader};

fn bps(rate: i32) -> BasisPoints {
    rate.try_into().expect("a rate")
}

fn flat(currency: Currency, rate: i32) -> PremiumTariff {
    PremiumTariff::new(currency, vec![], vec![bps(rate)], 0).expect("a tariff")
}

async fn parent_of(pool: &PgPool, category: CategoryId) -> CategoryId {
    sqlx::query_scalar("SELECT parent_id FROM categories WHERE id = $1")
        .bind(category.0)
        .fetch_one(pool)
        .await
        .map(CategoryId)
        .expect("a category with a parent")
}

/// What sales of a seller in a category pay to the platform.
async fn fee(conn: &mut PgConnection, seller: OrgId, category: CategoryId) -> BasisPoints {
    of_sales(conn, &[(seller, category, Currency::EUR)]).await.expect("the tariffs").remove(0).fee
}

#[tokio::test]
async fn a_category_without_a_commission_has_its_parents() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.unwrap();
    let seller = trader(&mut conn).await.org;
    let parent = parent_of(&db.pool, CONSOLES).await;
    assert_eq!(fee(&mut conn, seller, CONSOLES).await, bps(500), "the category's own");
    // What holds in the category after each revision. The last two revise what the category does not use.
    for (category, rate, expected) in [
        (None, 600, 600),
        (Some(parent), 400, 400),
        (Some(CONSOLES), 300, 300),
        (Some(parent), 450, 300),
        (None, 550, 300),
    ] {
        let made = revise_commission(&mut conn, Actor::System, Plan::Free, category, bps(rate)).await.unwrap();
        assert_eq!(fee(&mut conn, seller, CONSOLES).await, bps(expected), "after {made:?}");
    }
    let made = revise_commission(&mut conn, Actor::System, Plan::Free, Some(CONSOLES), bps(0)).await.unwrap();
    assert_eq!(made.revision, 2);
    assert_eq!(fee(&mut conn, seller, CONSOLES).await, bps(0));
    assert_eq!(fee(&mut conn, seller, parent).await, bps(450));
    sqlx::query("UPDATE orgs SET plan = 'partner' WHERE id = $1").bind(seller).execute(&db.pool).await.unwrap();
    assert_eq!(fee(&mut conn, seller, CONSOLES).await, bps(500), "another plan's are its own");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_category_without_a_premium_has_its_parents() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.unwrap();
    let seller = trader(&mut conn).await.org;
    let parent = parent_of(&db.pool, CONSOLES).await;
    let premium = async |conn: &mut PgConnection, currency| -> Option<Premium> {
        of_sales(conn, &[(seller, CONSOLES, currency)]).await.unwrap().remove(0).premium
    };
    assert_eq!(premium(&mut conn, Currency::EUR).await, None);
    for (category, rate, expected) in [(None, 100, 100), (Some(parent), 200, 200), (None, 150, 200)] {
        let made = revise_premium(&mut conn, Actor::System, category, &flat(Currency::EUR, rate)).await.unwrap();
        let found = premium(&mut conn, Currency::EUR).await.expect("a premium");
        assert_eq!(found.tariff.of(eur(10_000)), Ok(eur(i64::from(expected))), "after {made:?}");
    }
    let tariff = PremiumTariff::new(Currency::EUR, vec![1_000, 5_000], vec![bps(900), bps(500), bps(10)], 7).unwrap();
    let made = revise_premium(&mut conn, Actor::System, Some(CONSOLES), &tariff).await.unwrap();
    assert_eq!(made.tariff, tariff);
    assert_eq!(premium(&mut conn, Currency::EUR).await, Some(made));
    // Each currency has its own.
    assert_eq!(premium(&mut conn, Currency::USD).await, None);
    let dollars = revise_premium(&mut conn, Actor::System, None, &flat(Currency::USD, 50)).await.unwrap();
    assert_eq!(dollars.revision, 1);
    let found = premium(&mut conn, Currency::USD).await.expect("a premium");
    let price = Money::from_minor(10_000, Currency::USD);
    assert_eq!(found.tariff.of(price), Ok(Money::from_minor(50, Currency::USD)));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn the_tariffs_of_a_sale_are_its_fee_and_its_premium() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let seller = trader(&mut conn).await.org;
    let parent = parent_of(&db.pool, CONSOLES).await;
    // The category's own fee, without a premium; then those of every category, of the parent, and its own.
    for (n, category) in
        [None, Some(None), Some(Some(parent)), Some(Some(CONSOLES)), Some(None)].into_iter().enumerate()
    {
        let rate = 100 + i32::try_from(n).unwrap();
        if let Some(category) = category {
            revise_commission(&mut conn, Actor::System, Plan::Free, category, bps(rate)).await.unwrap();
            revise_premium(&mut conn, Actor::System, category, &flat(Currency::EUR, rate)).await.unwrap();
        }
        for currency in [Currency::EUR, Currency::USD] {
            // Each has its own, whatever it is asked for with.
            let sales = [(seller, parent, Currency::EUR), (seller, CONSOLES, currency), (seller, parent, currency)];
            let found = of_sales(&mut conn, &sales).await.unwrap();
            assert_eq!(found.len(), sales.len());
            for (found, (seller, category, currency)) in found.iter().zip(sales) {
                assert_eq!(fees(&mut conn, &[(seller, category)]).await.unwrap(), [found.fee]);
                assert!(found.premium.as_ref().is_none_or(|premium| premium.tariff.currency() == currency));
            }
        }
        let found = of_sales(&mut conn, &[(seller, CONSOLES, Currency::EUR)]).await.unwrap().remove(0);
        let expected = [(500, None), (101, Some(101)), (102, Some(102)), (103, Some(103)), (103, Some(103))][n];
        let premium = found.premium.map(|premium| premium.tariff.of(eur(10_000)).unwrap());
        assert_eq!((found.fee, premium), (bps(expected.0), expected.1.map(eur)));
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn of_revisions_at_once_none_takes_the_place_of_another() {
    let db = TestDb::new().await;
    let seller = trader(&mut db.app.acquire().await.unwrap()).await.org;
    for round in 0..20 {
        let barrier = Arc::new(Barrier::new(2));
        let mut tasks = JoinSet::new();
        for fee in [100 + round, 200 + round] {
            let (pool, barrier) = (db.app.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                let mut tx = pool.begin().await?;
                barrier.wait().await;
                let made = revise_commission(&mut tx, Actor::System, Plan::Free, None, bps(fee)).await?;
                tx.commit().await?;
                Ok::<_, TariffError>(made)
            });
        }
        let made = tasks.join_all().await;
        let refused = |made: &Result<_, TariffError>| matches!(made, Err(TariffError::AtTheSameTime));
        assert!(made.iter().all(|made| made.is_ok() || refused(made)), "{made:?}");
        let last = made.into_iter().flatten().max_by_key(|made| made.revision);
        let mut conn = db.app.acquire().await.unwrap();
        assert_eq!(Some(fee(&mut conn, seller, CONSOLES).await), last.map(|last| last.fee));
    }
    db.close().await;
}

#[tokio::test]
async fn a_tariff_of_an_unknown_category_is_refused() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.unwrap();
    let nowhere = Some(CategoryId(Uuid::nil()));
    let fee = revise_commission(&mut conn, Actor::System, Plan::Standard, nowhere, bps(1)).await;
    assert!(matches!(fee, Err(TariffError::NoCategory)), "{fee:?}");
    let premium = revise_premium(&mut conn, Actor::System, nowhere, &flat(Currency::EUR, 1)).await;
    assert!(matches!(premium, Err(TariffError::NoCategory)), "{premium:?}");
    drop(conn);
    db.close().await;
}
