//! People who bid and then join the seller, or the other way round.

use crate::identity::model::{Email, MemberRole};
use crate::identity::store::{InvitationError, accept, invite};
use crate::ids::InvitationId;

use super::races::until_somebody_waits;
use super::*;

/// An invitation from the seller to somebody who has verified their address.
async fn invited(conn: &mut PgConnection, seller: Trader, person: Trader) -> InvitationId {
    let email: Email = format!("{}@example.test", person.user).parse().expect("an address");
    let mut tx = conn.begin().await.expect("a transaction");
    let made = invite(&mut tx, seller.org, &email, MemberRole::Trader, seller.user).await.expect("invited");
    tx.commit().await.expect("committed");
    made.id
}

async fn join(conn: &mut PgConnection, invitation: InvitationId, person: Trader) -> Result<(), InvitationError> {
    let mut tx = conn.begin().await?;
    accept(&mut tx, invitation, person.user).await?;
    tx.commit().await?;
    Ok(())
}

#[tokio::test]
async fn nobody_joins_the_seller_while_an_own_bid_stands() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let placed = bid(&mut conn, lot, a, 5_000).await.expect("accepted");
    bid(&mut conn, lot, b, 9_000).await.expect("accepted");
    let invitation = invited(&mut conn, market.seller, a).await;
    let refused = join(&mut conn, invitation, a).await;
    assert!(matches!(refused, Err(InvitationError::Bidder)), "{refused:?}");
    // The invitation is still open: once the bid is taken back, it can be accepted.
    take_back(&mut conn, placed.bid, a).await.expect("taken back");
    join(&mut conn, invitation, a).await.expect("joined");
    assert_eq!(refusal(bid(&mut conn, lot, a, 20_000).await), Refused::SellersPeople);
    // Or once the auction is over, whoever has won.
    let invitation = invited(&mut conn, market.seller, b).await;
    let refused = join(&mut conn, invitation, b).await;
    assert!(matches!(refused, Err(InvitationError::Bidder)), "{refused:?}");
    finish(&mut conn, lot).await;
    join(&mut conn, invitation, b).await.expect("joined");
    market.close(conn).await;
}

#[tokio::test]
async fn of_a_bid_and_a_membership_at_once_the_second_is_refused() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let mut terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    // The bid is in, but not committed, when the person joins.
    let invitation = invited(&mut conn, market.seller, a).await;
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    let place = PlaceBid { auction: lot, org: a.org, user: a.user, maximum: secret(5_000), quantity: None };
    place_bid(&mut tx, &place).await.expect("accepted");
    let pool = market.db.pool.clone();
    let joining = tokio::spawn(async move {
        let mut conn = pool.acquire().await.expect("a connection");
        join(&mut conn, invitation, a).await
    });
    until_somebody_waits(&mut conn).await;
    tx.commit().await.expect("committed");
    let refused = joining.await.expect("ran");
    assert!(matches!(refused, Err(InvitationError::Bidder)), "{refused:?}");
    // The person has joined, but that is not committed, when the bid comes; and the same with a purchase.
    terms.buy_now = Some(eur(9_000));
    let for_sale = auction(&mut conn, market.seller, &terms).await;
    for (person, buys) in [(b, false), (c, true)] {
        let invitation = invited(&mut conn, market.seller, person).await;
        let mut tx = market.db.pool.begin().await.expect("a transaction");
        accept(&mut tx, invitation, person.user).await.expect("accepted");
        let pool = market.db.pool.clone();
        let trading = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            if buys {
                purchase(&mut conn, for_sale, person).await.map(|_| ())
            } else {
                bid(&mut conn, lot, person, 9_000).await.map(|_| ())
            }
        });
        until_somebody_waits(&mut conn).await;
        tx.commit().await.expect("committed");
        let refused = trading.await.expect("ran");
        assert!(matches!(refused, Err(AuctionError::Refused { refusal: Refused::SellersPeople, .. })), "{refused:?}");
    }
    market.close(conn).await;
}
