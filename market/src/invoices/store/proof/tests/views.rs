//! What others show of an order whose export was taxed.

use chrono::TimeDelta;

use super::*;
use crate::exports::model::{Kind, Scope};

/// The tax that the order shows, and that exports of orders do.
async fn shown(conn: &mut PgConnection, party: Trader, order: OrderId) -> (Option<Money>, Option<i64>) {
    let order = orders::order(conn, party.org, order).await.expect("read").expect("the order");
    assert_eq!((order.tax, order.payable, order.vat_treatment), (eur(0), eur(10_000), Treatment::Export), "as agreed");
    let to = database_time(conn).await + TimeDelta::minutes(1);
    let (org, person) = (Some(party.org), party.user);
    let scope = Scope { org, person, from: None, to, until: None, asked_at: to, status: None };
    let [part] = Kind::Orders.parts() else { panic!("several files") };
    let rows = (part.read)(conn, &scope, None, 10).await.expect("rows");
    let [row] = rows.as_slice() else { panic!("not one: {rows:?}") };
    assert_eq!((&row.row["tax"], &row.row["payable"]), (&json!(0), &json!(10_000)));
    (order.included_tax, row.row["included_tax"].as_i64())
}

#[tokio::test]
async fn an_order_shows_the_tax_of_an_unproved_export_beside_what_was_agreed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let order = sold(&mut conn, seller, buyer, 10_000).await;
    assert_eq!(shown(&mut conn, seller, order).await, (None, None));
    overdue(&mut conn).await;
    taxes(&mut conn, order).await.expect("taxed");
    for party in [seller, buyer] {
        assert_eq!(shown(&mut conn, party, order).await, (Some(eur(1_597)), Some(1_597)));
    }
    let proof = new(&mut conn, seller).await;
    hands_in(&mut conn, seller, order, &proof).await.expect("taken").expect("invoiced anew");
    assert_eq!(shown(&mut conn, seller, order).await, (None, None));
    drop(conn);
    db.close().await;
}
