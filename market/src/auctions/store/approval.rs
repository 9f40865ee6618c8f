//! A highest bid below the reserve, about which the seller decides.
//!
//! Whoever asks or answers has locked the auction. While nothing is decided the lot's units are kept and its listing is not relisted.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::lock::{Locked, lock};
use super::second_chance::move_on;
use super::settle::{self, AwardSource, Goods, Share};
use super::{AuctionError, limits, read};
use crate::auctions::model::{Answer, Approval, ApprovalStatus, Asked, AuctionView, Closed, Participant};
use crate::auctions::rules::{APPROVAL, NotAnswered, Pending, Refused, Secret, decide_answer};
use crate::ids::{AuctionId, BidId};
use crate::orders::model::Side;

/// Keeps the bids of auctions that have just ended, at their prices, for the sellers to decide about.
pub(super) async fn ask(conn: &mut PgConnection, ended: &[(&Locked, i64)]) -> Result<(), AuctionError> {
    if ended.is_empty() {
        return Ok(());
    }
    let bids: Vec<Option<Uuid>> = ended.iter().map(|(locked, _)| locked.leader_bid.map(|bid| bid.0)).collect();
    let prices: Vec<i64> = ended.iter().map(|(_, price)| *price).collect();
    let asked_at: Vec<DateTime<Utc>> = ended.iter().map(|(locked, _)| locked.now).collect();
    let expires_at: Vec<DateTime<Utc>> = asked_at.iter().map(|at| *at + APPROVAL).collect();
    let asked = sqlx::query!(
        "INSERT INTO approvals (auction_id, bid_id, org_id, price_minor, asked_at, expires_at)
         SELECT b.auction_id, b.id, b.org_id, e.price, e.asked_at, e.expires_at
         FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY
             AS e (bid, price, asked_at, expires_at, place)
         JOIN bids AS b ON b.id = e.bid
         WHERE b.id = ANY ($1)
         ORDER BY e.place",
        &bids as &[Option<Uuid>],
        &prices,
        &asked_at,
        &expires_at,
    )
    .execute(conn)
    .await?;
    let all = usize::try_from(asked.rows_affected()) == Ok(ended.len());
    if all { Ok(()) } else { Err(sqlx::Error::RowNotFound.into()) }
}

/// A sale on approval as both sides are told of it.
pub(super) fn asked(
    locked: &Locked,
    goods: Goods,
    bidder: OrgId,
    price: i64,
    auction: AuctionView,
) -> Result<Asked, AuctionError> {
    let user = goods.leader.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Asked {
        auction,
        title: goods.title,
        seller: goods.seller,
        bidder: Participant { org: bidder, user },
        approval: Approval {
            auction: locked.id,
            status: ApprovalStatus::Asked,
            price: locked.money(price),
            counter: None,
            asked_at: locked.now,
            answer_by: locked.now + APPROVAL,
            your_turn: true,
        },
        closed_at: locked.now,
    })
}

struct Row {
    status: ApprovalStatus,
    bid: BidId,
    org: OrgId,
    user: UserId,
    price_minor: i64,
    counter_minor: Option<i64>,
    asked_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Row {
    fn pending(&self) -> Pending {
        Pending { status: self.status, price: self.price_minor, until: self.expires_at }
    }

    fn shown_to(&self, side: Side, auction: AuctionId, currency: Currency) -> Approval {
        let money = |minor| Money::from_minor(minor, currency);
        Approval {
            auction,
            status: self.status,
            price: money(self.price_minor),
            counter: self.counter_minor.map(money),
            asked_at: self.asked_at,
            answer_by: self.expires_at,
            your_turn: self.status.answered_by() == Some(side),
        }
    }
}

async fn row(conn: &mut PgConnection, auction: AuctionId) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT p.status AS "status: ApprovalStatus", p.bid_id AS "bid: BidId", p.org_id AS "org: OrgId",
                  b.placed_by AS "user: UserId", p.price_minor, p.counter_minor, p.asked_at, p.expires_at
           FROM approvals AS p
           JOIN bids AS b ON b.id = p.bid_id
           WHERE p.auction_id = $1"#,
        auction.0,
    )
    .fetch_optional(conn)
    .await
}

/// The sale on approval of an auction, if there is one and `viewer` is one of its sides.
pub async fn approval(
    conn: &mut PgConnection,
    auction: AuctionId,
    viewer: OrgId,
) -> Result<Option<Approval>, sqlx::Error> {
    let of = sqlx::query!(
        r#"SELECT seller_org_id AS "seller: OrgId", currency AS "currency: Currency" FROM auctions WHERE id = $1"#,
        auction.0,
    );
    let Some(of) = of.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let Some(row) = row(conn, auction).await? else { return Ok(None) };
    let side = side(viewer, of.seller, row.org);
    Ok(side.map(|side| row.shown_to(side, auction, of.currency)))
}

fn side(of: OrgId, seller: OrgId, bidder: OrgId) -> Option<Side> {
    match of {
        of if of == seller => Some(Side::Seller),
        of if of == bidder => Some(Side::Buyer),
        _ => None,
    }
}

/// A sale on approval that somebody has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// With an award if it is sold.
    pub closed: Closed,
    /// As the one who answered sees it.
    pub approval: Approval,
    pub bidder: Participant,
    /// Who answered.
    pub by: Side,
}

/// Accepts or declines for either side, or names the seller's own amount. Needs a transaction.
pub async fn answer(
    conn: &mut PgConnection,
    auction: AuctionId,
    actor: Participant,
    answer: Answer,
) -> Result<Answered, AuctionError> {
    let locked = lock(conn, auction, Some(actor)).await?.ok_or(AuctionError::NotFound)?;
    let mut row = row(conn, auction).await?.ok_or(AuctionError::NotFound)?;
    let by = side(actor.org, locked.state.terms.seller, row.org).ok_or(AuctionError::NotFound)?;
    let currency = locked.currency;
    if let Answer::Counter(amount) = answer
        && amount.currency() != currency
    {
        return Err(Invalid::new("/amount/currency", "must be the auction's currency").into());
    }
    let reserve = locked.state.terms.reserve.map_or(0, Secret::reveal);
    row.status = match decide_answer(&row.pending(), by, answer, reserve, locked.now) {
        Ok(status) => status,
        Err(NotAnswered::CounterOutOfRange { price, reserve }) => {
            let (price, reserve) = (locked.money(price), locked.money(reserve));
            let message = format!("must lie above {price} and not above the reserve of {reserve}");
            return Err(Invalid::new("/amount", message).into());
        }
        Err(refused) => return Err(refused.into()),
    };
    match answer {
        Answer::Counter(amount) => {
            row.counter_minor = Some(amount.minor());
            row.expires_at = locked.now + APPROVAL;
        }
        Answer::Accept => refuse_suspended(&locked, by)?,
        Answer::Decline => {}
    }
    set(conn, &locked, &row).await?;
    let bidder = Participant { org: row.org, user: if by == Side::Buyer { actor.user } else { row.user } };
    let goods = settle::goods(conn, &locked).await?;
    let (mut awards, mut orders) = (Vec::new(), Vec::new());
    let auction = match row.status {
        ApprovalStatus::Accepted => {
            let share = Share {
                winner: bidder,
                bid: Some(row.bid),
                source: AwardSource::Approval,
                quantity: locked.quantity,
                unit_price: None,
                amount: locked.money(row.counter_minor.unwrap_or(row.price_minor)),
            };
            limits::keep(conn, &locked, bidder.org, share.amount).await?;
            (awards, orders) = settle::awards(conn, &locked, &goods, &[share]).await?;
            let view = move_on(conn, &locked, false).await?;
            settle::pass_on(conn, &locked, &goods, &awards).await?;
            view
        }
        ApprovalStatus::Declined => back_to_seller(conn, &locked, &goods).await?,
        _ => read::view(conn, locked.id, Some(actor.org)).await?.ok_or(AuctionError::NotFound)?,
    };
    let approval = row.shown_to(by, locked.id, currency);
    let (title, seller) = (goods.title, goods.seller);
    let closed = Closed { auction, title, seller, awards, orders, closed_at: locked.now };
    Ok(Answered { closed, approval, bidder, by })
}

/// What was suspended meanwhile is not sold, and nobody buys from their own people.
fn refuse_suspended(locked: &Locked, by: Side) -> Result<(), AuctionError> {
    let refused = |refusal| Err(AuctionError::Refused { refusal, currency: locked.currency });
    if !locked.state.seller_approved {
        return refused(Refused::SellerSuspended);
    }
    if locked.state.listing_suspended {
        return refused(Refused::ListingSuspended);
    }
    if by == Side::Buyer && locked.actor.is_none_or(|actor| actor.of_seller) {
        return refused(Refused::SellersPeople);
    }
    Ok(())
}

/// What an attempt to expire a sale on approval finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nobody answered: the lot is not sold.
    Expired { closed: Box<Closed>, approval: Approval, bidder: Participant },
    /// There is time to answer; both by the database's clock.
    NotYet { until: DateTime<Utc>, now: DateTime<Utc> },
    /// It was decided before.
    Nothing,
}

/// Ends a sale on approval that nobody has answered in time: silence declines. Needs a transaction.
pub async fn expire(conn: &mut PgConnection, auction: AuctionId) -> Result<Silence, AuctionError> {
    let Some(locked) = lock(conn, auction, None).await? else { return Ok(Silence::Nothing) };
    let Some(mut row) = row(conn, auction).await?.filter(|row| row.status.answered_by().is_some()) else {
        return Ok(Silence::Nothing);
    };
    if locked.now < row.expires_at {
        return Ok(Silence::NotYet { until: row.expires_at, now: locked.now });
    }
    row.status = ApprovalStatus::Expired;
    set(conn, &locked, &row).await?;
    let goods = settle::goods(conn, &locked).await?;
    let view = back_to_seller(conn, &locked, &goods).await?;
    let bidder = Participant { org: row.org, user: row.user };
    let approval = row.shown_to(Side::Seller, auction, locked.currency);
    let closed = Closed {
        auction: view,
        title: goods.title,
        seller: goods.seller,
        awards: Vec::new(),
        orders: Vec::new(),
        closed_at: locked.now,
    };
    Ok(Silence::Expired { closed: Box::new(closed), approval, bidder })
}

/// The lot is not sold: its units are free, and its listing can be listed again.
async fn back_to_seller(conn: &mut PgConnection, locked: &Locked, goods: &Goods) -> Result<AuctionView, AuctionError> {
    limits::free(conn, locked).await?;
    settle::pass_on(conn, locked, goods, &[]).await?;
    move_on(conn, locked, false).await
}

async fn set(conn: &mut PgConnection, locked: &Locked, row: &Row) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE approvals
         SET status = $2,
             counter_minor = $3,
             expires_at = $4,
             decided_at = CASE WHEN $2 <> 'countered' THEN $5::timestamptz END
         WHERE auction_id = $1",
        locked.id.0,
        row.status as ApprovalStatus,
        row.counter_minor,
        row.expires_at,
        locked.now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sales on approval whose time to answer ended more than two seconds ago, the longest overdue first.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<AuctionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT auction_id AS "auction: AuctionId"
           FROM approvals
           WHERE status IN ('asked', 'countered')
             AND expires_at <= clock_timestamp() - interval '2 seconds'
           ORDER BY expires_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
