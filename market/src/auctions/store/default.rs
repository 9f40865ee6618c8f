//! Awards that nobody has paid.
//!
//! Locks: the auction, the bidder if it is a lot of a sale event, the checkout of the award, its order, the listing, stock levels.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::lock::{Locked, lock};
use super::second_chance::{follow, move_on};
use super::{AuctionError, limits};
use crate::auctions::model::{AuctionView, Award, Participant, SecondChance};
use crate::checkout::store::{Expiry, expire_award, renounce_award};
use crate::ids::{AuctionId, CheckoutId, OrderId, StrikeId};
use crate::orders::model::AwardId;
use crate::standing::store as standing;

/// An award that was not paid in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaulted {
    pub auction: AuctionView,
    pub title: String,
    pub seller: Participant,
    pub award: Award,
    /// Absent if the order had one before.
    pub strike: Option<StrikeId>,
    /// Who is offered the lot now.
    pub chance: Option<(SecondChance, Participant)>,
}

/// What an attempt to default an award finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultOutcome {
    Defaulted(Box<Defaulted>),
    /// There is time to pay, or somebody is paying; both by the database's clock.
    NotYet {
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    /// It was paid, or defaulted before.
    Nothing,
}

struct Row {
    award: AwardId,
    auction: AuctionId,
    checkout: CheckoutId,
    order: OrderId,
    org: OrgId,
    user: UserId,
    quantity: i64,
    amount_minor: i64,
    currency: Currency,
}

/// Ends an award whose time to pay is over: its order expires, the buyer gets a strike, and the lot goes to its next bidder, or
/// back to the seller. Needs a transaction.
pub async fn default(conn: &mut PgConnection, award: AwardId) -> Result<DefaultOutcome, AuctionError> {
    let Some(row) = row(conn, Some(award), None).await? else { return Ok(DefaultOutcome::Nothing) };
    let locked = lock(conn, row.auction, None).await?.ok_or(AuctionError::NotFound)?;
    limits::guard(conn, &locked).await?;
    match expire_award(conn, row.checkout).await? {
        Expiry::Ended(_) => Ok(DefaultOutcome::Defaulted(Box::new(fail(conn, &locked, &row).await?))),
        Expiry::NotYet { pay_by: until, now } | Expiry::Paying { until, now } => {
            Ok(DefaultOutcome::NotYet { until, now })
        }
        Expiry::Nothing => Ok(DefaultOutcome::Nothing),
    }
}

/// Defaults an award by the wish of its buyer, who will not pay: what would happen at the end of the time to pay happens now, so that
/// the lot is not held up for nothing. Needs a transaction.
pub async fn renounce(
    conn: &mut PgConnection,
    buyer: OrgId,
    by: UserId,
    order: OrderId,
) -> Result<Defaulted, AuctionError> {
    let row = row(conn, None, Some(order)).await?.filter(|row| row.org == buyer).ok_or(AuctionError::NotFound)?;
    let locked = lock(conn, row.auction, None).await?.ok_or(AuctionError::NotFound)?;
    limits::guard(conn, &locked).await?;
    renounce_award(conn, row.checkout, by).await?;
    fail(conn, &locked, &row).await
}

/// By award or by order. None of it changes, so that this needs no lock.
async fn row(
    conn: &mut PgConnection,
    award: Option<AwardId>,
    order: Option<OrderId>,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT a.id AS "award: AwardId", a.auction_id AS "auction: AuctionId", o.checkout_id AS "checkout: CheckoutId",
                  o.id AS "order: OrderId", a.org_id AS "org: OrgId", a.awarded_to AS "user: UserId",
                  a.quantity, a.amount_minor, a.currency AS "currency: Currency"
           FROM awards AS a
           JOIN orders AS o ON o.award_id = a.id
           WHERE a.id = coalesce($1, (SELECT award_id FROM orders WHERE id = $2))"#,
        award.map(|award| award.0),
        order.map(|order| order.0),
    )
    .fetch_optional(conn)
    .await
}

/// The checkout has ended unpaid: the award defaults, its buyer has a strike, and the lot goes to its next bidder.
async fn fail(conn: &mut PgConnection, locked: &Locked, row: &Row) -> Result<Defaulted, AuctionError> {
    sqlx::query!("UPDATE awards SET status = 'defaulted' WHERE id = $1", row.award.0).execute(&mut *conn).await?;
    limits::free(conn, locked).await?;
    let strike = standing::strike(conn, row.order).await?;
    let goods = super::settle::goods(conn, locked).await?;
    let chance = follow(conn, locked, row.quantity).await?;
    let auction = move_on(conn, locked, chance.is_some()).await?;
    Ok(Defaulted {
        auction,
        title: goods.title,
        seller: goods.seller,
        award: Award {
            id: row.award,
            order: row.order,
            winner: Participant { org: row.org, user: row.user },
            quantity: row.quantity,
            amount: Money::from_minor(row.amount_minor, row.currency),
        },
        strike,
        chance,
    })
}

/// Awards whose time to pay ended more than two seconds ago, the longest overdue first; until then they are left to the exact
/// timer.
pub async fn unpaid(conn: &mut PgConnection, limit: i64) -> Result<Vec<AwardId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT o.award_id AS "award!: AwardId"
           FROM checkouts AS c
           JOIN orders AS o ON o.checkout_id = c.id
           WHERE c.status = 'open'
             AND c.awarded
             AND c.pay_by <= clock_timestamp() - interval '2 seconds'
             -- A payment that is under way holds the ending up for a while.
             AND (c.pay_by <= clock_timestamp() - interval '16 minutes'
                  OR NOT EXISTS (SELECT FROM payments AS p
                                 WHERE p.checkout_id = c.id AND p.status IN ('created', 'funding')))
           ORDER BY c.pay_by
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
