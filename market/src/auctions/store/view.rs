//! The row that every view of an auction is built from, whether it is read or has just been
//! written. Its secrets go no further than the rules that decide whether the reserve is met.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};

use crate::auctions::model::{AuctionStatus, AuctionView, LotMode};
use crate::auctions::rules::{Offer, Rank, Secret, Standing, buy_now, reserve_met};
use crate::ids::{AuctionId, ListingId};

/// An auction's row as [`AuctionView`] needs it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) id: AuctionId,
    pub(super) listing_id: ListingId,
    pub(super) seller_org_id: OrgId,
    pub(super) currency: Currency,
    pub(super) status: AuctionStatus,
    pub(super) suspended: bool,
    pub(super) seller_suspended: bool,
    pub(super) lot_mode: LotMode,
    pub(super) quantity: i64,
    pub(super) min_order: i64,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) original_ends_at: DateTime<Utc>,
    pub(super) hard_ends_at: DateTime<Utc>,
    pub(super) soft_close_seconds: i32,
    pub(super) opening_minor: i64,
    pub(super) reserve_minor: Option<i64>,
    pub(super) buy_now_minor: Option<i64>,
    pub(super) price_minor: i64,
    pub(super) next_minimum_minor: i64,
    pub(super) leader_org_id: Option<OrgId>,
    pub(super) leader_seq: Option<i64>,
    pub(super) leader_max_minor: Option<i64>,
    pub(super) bid_count: i64,
    pub(super) version: i64,
    pub(super) now: DateTime<Utc>,
}

impl Row {
    pub(super) fn into_view(self, viewer: Option<OrgId>) -> AuctionView {
        let leader = match (self.leader_org_id, self.leader_seq, self.leader_max_minor) {
            (Some(org), Some(seq), Some(maximum)) => {
                Some(Offer { org, rank: Rank { amount: Secret::new(maximum), seq } })
            }
            _ => None,
        };
        let standing = Standing { price: self.price_minor, leader };
        let reserve = self.reserve_minor.map(Secret::new);
        let money = |minor| Money::from_minor(minor, self.currency);
        AuctionView {
            id: self.id,
            listing_id: self.listing_id,
            seller_org_id: self.seller_org_id,
            status: self.status,
            suspended: self.suspended || self.seller_suspended,
            lot_mode: self.lot_mode,
            quantity: self.quantity,
            min_order: self.min_order,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            original_ends_at: self.original_ends_at,
            hard_ends_at: self.hard_ends_at,
            soft_close_seconds: self.soft_close_seconds,
            opening: money(self.opening_minor),
            price: money(self.price_minor),
            next_minimum: money(self.next_minimum_minor),
            buy_now: buy_now(self.buy_now_minor, reserve, standing, self.status).map(money),
            reserve_met: reserve_met(reserve, standing),
            bid_count: self.bid_count,
            you_lead: match self.lot_mode {
                LotMode::Whole => viewer.map(|viewer| self.leader_org_id == Some(viewer)),
                LotMode::Divisible => None,
            },
            version: self.version,
            server_time: self.now,
        }
    }
}

/// A statement on `auctions AS a` that returns [`Row`]s: what comes `before` the columns (`SELECT`,
/// or a write with `RETURNING`), and what comes `after` them.
macro_rules! view_query {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::auctions::store::view::Row,
            $before + r#"
               a.id AS "id: _", a.listing_id AS "listing_id: _", a.seller_org_id AS "seller_org_id: _",
               a.currency AS "currency: _", a.status AS "status: _", a.suspended, a.lot_mode AS "lot_mode: _",
               a.quantity, a.min_order, a.starts_at, a.ends_at, a.original_ends_at, a.hard_ends_at, a.soft_close_seconds,
               a.opening_minor, a.reserve_minor, a.buy_now_minor, a.price_minor, a.next_minimum_minor,
               a.leader_org_id AS "leader_org_id: _", a.leader_seq, a.leader_max_minor, a.bid_count, a.version,
               (SELECT o.status = 'suspended' FROM orgs AS o WHERE o.id = a.seller_org_id) AS "seller_suspended!",
               clock_timestamp() AS "now!" "# + $after,
            $($argument),*
        )
    };
}
pub(super) use view_query;
