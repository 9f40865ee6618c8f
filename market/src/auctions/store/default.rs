//! Awards that nobody has paid.
//!
//! Locks: the auction, the checkout of the award, its order, the listing, stock levels.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::AuctionError;
use super::lock::lock;
use super::second_chance::{follow, move_on};
use crate::auctions::model::{AuctionView, Award, Participant, SecondChance};
use crate::checkout::store::{Expiry, expire_award};
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
    // None of it changes, so that this needs no lock.
    let row = sqlx::query_as!(
        Row,
        r#"SELECT a.auction_id AS "auction: AuctionId", o.checkout_id AS "checkout: CheckoutId", o.id AS "order: OrderId",
                  a.org_id AS "org: OrgId", a.awarded_to AS "user: UserId",
                  a.quantity, a.amount_minor, a.currency AS "currency: Currency"
           FROM awards AS a
           JOIN orders AS o ON o.award_id = a.id
           WHERE a.id = $1"#,
        award.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(DefaultOutcome::Nothing) };
    let locked = lock(conn, row.auction, None).await?.ok_or(AuctionError::NotFound)?;
    match expire_award(conn, row.checkout).await? {
        Expiry::Ended(_) => {}
        Expiry::NotYet { pay_by: until, now } | Expiry::Paying { until, now } => {
            return Ok(DefaultOutcome::NotYet { until, now });
        }
        Expiry::Nothing => return Ok(DefaultOutcome::Nothing),
    }
    sqlx::query!("UPDATE awards SET status = 'defaulted' WHERE id = $1", award.0).execute(&mut *conn).await?;
    let strike = standing::strike(conn, row.order).await?;
    let goods = super::settle::goods(conn, &locked).await?;
    let chance = follow(conn, &locked, row.quantity).await?;
    let auction = move_on(conn, &locked, chance.is_some()).await?;
    Ok(DefaultOutcome::Defaulted(Box::new(Defaulted {
        auction,
        title: goods.title,
        seller: goods.seller,
        award: Award {
            id: award,
            order: row.order,
            winner: Participant { org: row.org, user: row.user },
            quantity: row.quantity,
            amount: Money::from_minor(row.amount_minor, row.currency),
        },
        strike,
        chance,
    })))
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
