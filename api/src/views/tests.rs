use std::net::Ipv4Addr;

use market::listings::model::SaleMode;
use market::testing::{listing, trader};
use shared::testing::TestDb;

use super::*;

#[tokio::test]
async fn visitors_are_told_apart_and_a_lost_database_loses_no_view() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let seller = trader(&mut conn).await;
    let id = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    let views = Views::default();
    let mut firefox = HeaderMap::new();
    firefox.insert(header::USER_AGENT, HeaderValue::from_static("Firefox"));
    let somebody = |last, headers| Visitor::Somebody { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), headers };
    let none = HeaderMap::new();
    for _ in 0..2 {
        for visitor in [
            somebody(1, &none),
            somebody(2, &none),
            somebody(2, &firefox),
            Visitor::Person(seller.user),
            Visitor::Person(UserId(id.0)),
        ] {
            views.saw(id, visitor);
        }
    }
    let closed = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nothing").unwrap();
    closed.close().await;
    views.note(&closed).await.unwrap_err();
    views.note(&db.pool).await.unwrap();
    views.note(&db.pool).await.unwrap();
    let counted: i64 = sqlx::query_scalar("SELECT views FROM listing_days").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(counted, 5);
    drop(conn);
    db.close().await;
}

#[test]
fn no_more_than_a_bound_waits() {
    let views = Views::default();
    for number in 0..=MOST {
        let user = UserId(uuid::Uuid::from_u128(number as u128));
        views.saw(ListingId(uuid::Uuid::nil()), Visitor::Person(user));
    }
    assert_eq!(views.take().len(), MOST);
    assert_eq!(views.take(), []);
}
