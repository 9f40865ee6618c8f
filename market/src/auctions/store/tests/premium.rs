//! The buyer's premium of awards.

use shared::audit::Actor;
use shared::money::{BasisPoints, Currency, Money};

use super::*;
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::tariffs::revise_premium;
use crate::orders::model::{MadeOrder, Order};
use crate::orders::store as orders;

async fn tariff(conn: &mut PgConnection, upto: Vec<i64>, rates: &[i32]) -> i64 {
    let rates = rates.iter().map(|rate| BasisPoints::try_from(*rate).expect("a rate")).collect();
    let tariff = PremiumTariff::new(Currency::EUR, upto, rates, 0).expect("a tariff");
    let mut tx = conn.begin().await.expect("a transaction");
    let made = revise_premium(&mut tx, Actor::System, None, &tariff).await.expect("revised");
    tx.commit().await.expect("committed");
    made.id
}

async fn order_of(conn: &mut PgConnection, closed: &Closed) -> (Order, Option<i64>) {
    let [award] = closed.awards.as_slice() else { panic!("{:?}", closed.awards) };
    let order = orders::order(conn, closed.seller.org, award.order).await.expect("read").expect("the order");
    let made = MadeOrder {
        id: order.id,
        checkout: order.checkout,
        buyer_name: order.buyer_name.clone(),
        seller_name: order.seller_name.clone(),
        total: order.total,
        fee: order.fee,
        net: order.net,
        pay_by: order.pay_by,
        created_at: order.created_at,
    };
    assert_eq!(closed.orders, [made]);
    let tariff = sqlx::query_scalar("SELECT premium_tariff_id FROM orders WHERE id = $1").bind(award.order);
    let tariff = tariff.fetch_one(conn).await.expect("the order");
    (order, tariff)
}

#[tokio::test]
async fn an_award_carries_the_premium_of_its_time_whatever_comes_later() {
    let (market, mut conn) = TestMarket::new().await;
    let [buyer, other, _] = market.bidders;
    for (org, country) in [(market.seller.org, "DE"), (buyer.org, "DE"), (other.org, "DE")] {
        sqlx::query("UPDATE orgs SET country = $2, legal_name = id::text WHERE id = $1")
            .bind(org)
            .bind(country)
            .execute(&mut *conn)
            .await
            .expect("the organisation");
    }
    let mut terms = terms(&mut conn).await;
    let before = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, before, buyer, 5_000).await.expect("accepted");
    let closed = finish(&mut conn, before).await;
    let (free, none) = order_of(&mut conn, &closed).await;
    assert_eq!((free.premium, none), (eur(0), None));

    // 10 % of the first 10 EUR, 5 % of the rest.
    let first = tariff(&mut conn, vec![1_000], &[1_000, 500]).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, buyer, 5_000).await.expect("accepted");
    bid(&mut conn, lot, other, 3_000).await.expect("accepted");
    let closed = finish(&mut conn, lot).await;
    let (order, of) = order_of(&mut conn, &closed).await;
    assert_eq!(of, Some(first));
    let premium = 100 + (order.total.minor() - 1_000 + 10) / 20;
    assert_eq!(order.premium, eur(premium));
    // Both are taxed at 19 %, rounded once; the platform's commission is of the price alone.
    let tax = ((order.total.minor() + premium) * 19 + 50) / 100;
    assert_eq!(order.tax, eur(tax));
    assert_eq!(order.payable, eur(order.total.minor() + premium + tax));
    assert_eq!(order.fee, eur((order.total.minor() * 5 + 50) / 100));
    let parts: (i64, i64, i64) =
        sqlx::query_as("SELECT net_minor, goods_minor, premium_minor FROM order_taxes WHERE order_id = $1")
            .bind(order.id)
            .fetch_one(&mut *conn)
            .await
            .expect("the tax");
    assert_eq!(parts.0, order.total.minor() + premium);
    assert_eq!(parts.1 + parts.2, tax);
    assert!(parts.2 > 0 && parts.2 < parts.1, "{parts:?}");

    let second = tariff(&mut conn, vec![], &[2_000]).await;
    assert_eq!(order_of(&mut conn, &closed).await, (order, Some(first)));
    terms.buy_now = Some(Money::from_minor(9_000, Currency::EUR));
    let lot = auction(&mut conn, market.seller, &terms).await;
    let closed = purchase(&mut conn, lot, other).await.expect("bought");
    let (bought, of) = order_of(&mut conn, &closed).await;
    assert_eq!((bought.total, bought.premium, of), (eur(9_000), eur(1_800), Some(second)));
    market.close(conn).await;
}
