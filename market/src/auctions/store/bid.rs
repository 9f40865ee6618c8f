//! Placing bids: two statements for all of them (lock and judge, write), one more for each divisible lot and for each bidder with
//! strikes.
//!
//! Lots of sale events take more: one that reads them, one for their groups, and two for the limits of their bidders, which are locked
//! after all auctions; and two for each group that a late bid keeps open.
//!
//! # How to get this wrong
//! - Waiting for an auction while holding another: whoever holds both the other way round waits as well. Several bids wait for none.
//! - Showing a bidder the auction as a later bid of the same statement left it: a maximum could be read off the difference.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lock::{Locked, Wait, lock_all};
use super::view::{self, view_query};
use super::{AuctionError, limits};
use crate::auctions::model::{LotMode, Participant, PlacedBid, SecretMoney};
use crate::auctions::rules::{Accepted, Bid, Bidder, Effect, Refused, Secret, decide_bid};
use crate::ids::{AuctionId, BidId, SaleEventId};
use crate::sale_events::rules::Limits;
use crate::sale_events::store::hold::{self, Extension};
use crate::standing::rules::Limit;

/// A bid to place.
#[derive(Clone, Copy, Debug)]
pub struct PlaceBid {
    pub auction: AuctionId,
    /// Whether it is approved, and a broker, is read with the auction.
    pub org: OrgId,
    pub user: UserId,
    /// The secret maximum, or the price per unit of a divisible lot.
    pub maximum: SecretMoney,
    /// On divisible lots only.
    pub quantity: Option<i64>,
}

/// What became of one of several bids; `None` if somebody else holds its auction, or there is none.
pub type Tried = Option<Result<PlacedBid, AuctionError>>;

/// In how many open auctions an organisation has bids that it has not taken back; counted up to `most`.
async fn open_auctions_of(conn: &mut PgConnection, org: OrgId, most: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!"
           FROM (SELECT DISTINCT b.auction_id
                 FROM bids AS b
                 JOIN auctions AS a ON a.id = b.auction_id
                 WHERE b.org_id = $1
                   AND a.status IN ('scheduled', 'live')
                   AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
                 LIMIT $2) AS open"#,
        org.0,
        most,
    )
    .fetch_one(conn)
    .await
}

/// Judges and stores a bid. On [`Err`], nothing has been written, but the transaction still holds
/// the lock: roll it back.
pub async fn place_bid(conn: &mut PgConnection, place: &PlaceBid) -> Result<PlacedBid, AuctionError> {
    let mut tried = place_all(conn, std::slice::from_ref(place), Wait::UntilFree).await?;
    tried.pop().flatten().unwrap_or(Err(AuctionError::NotFound))
}

/// Judges and stores bids of several requests, those in one auction in their order; what each became is returned in that order. A
/// refused one leaves nothing, and the others stand. On [`Err`] nothing has been written: roll it back.
pub async fn place_bids(conn: &mut PgConnection, bids: &[PlaceBid]) -> Result<Vec<Tried>, AuctionError> {
    place_all(conn, bids, Wait::Never).await
}

async fn place_all(conn: &mut PgConnection, bids: &[PlaceBid], wait: Wait) -> Result<Vec<Tried>, AuctionError> {
    let actors: Vec<_> =
        bids.iter().map(|bid| (bid.auction, Some(Participant { org: bid.org, user: bid.user }))).collect();
    let mut lots: BTreeMap<AuctionId, Lot> = BTreeMap::new();
    let mut extended: BTreeMap<(SaleEventId, i32), Extension> = BTreeMap::new();
    let mut judged = Vec::with_capacity(bids.len());
    let all = lock_all(conn, &actors, wait).await?;
    let mut limits = limits::of_bids(conn, &all).await?;
    for (place, locked) in bids.iter().zip(all) {
        let Some(mut locked) = locked else {
            judged.push(None);
            continue;
        };
        let (bidder, first) = (locked.actor.take(), locked.first);
        let lot = match lots.entry(place.auction) {
            Entry::Occupied(lot) => lot.into_mut(),
            Entry::Vacant(lot) => lot.insert(Lot { locked, bidders: Vec::new(), shown: 0, changes: 0 }),
        };
        let bidder = bidder.ok_or(AuctionError::NotFound)?;
        let group = lot.group();
        if let Some(extension) = group.and_then(|group| extended.get(&group)) {
            lot.locked.state.ends_at = extension.applied_to(lot.locked.state.ends_at);
        }
        let bid = lot.judge(conn, place, bidder, first, &mut limits).await;
        if let (Ok(Judged { at, accepted, end_moved: true, .. }), Some(group)) = (&bid, group) {
            let extension = Extension { at: *at, until: accepted.ends_at };
            extended.entry(group).and_modify(|all| *all = all.followed_by(extension)).or_insert(extension);
        }
        judged.push(Some(bid));
    }
    let written = write(conn, &lots, judged.iter().flatten().flatten()).await?;
    limits::write(conn, lots.values().filter(|lot| !lot.bidders.is_empty()).map(|lot| &lot.locked)).await?;
    for ((event, group), extension) in extended {
        hold::extend(conn, event, group, extension).await?;
    }
    Ok(show(judged, written))
}

/// An auction whose row is locked, and what this transaction has decided of it.
struct Lot {
    locked: Locked,
    /// Who has bid in this transaction.
    bidders: Vec<OrgId>,
    /// How many bids it has more that everybody sees, and how many changes.
    shown: i64,
    changes: i64,
}

/// An accepted bid, and the auction as it leaves it.
struct Judged {
    id: BidId,
    place: PlaceBid,
    /// Who placed it has no bid in the auction before it.
    first: bool,
    accepted: Accepted,
    at: DateTime<Utc>,
    end_moved: bool,
    next_minimum: i64,
}

impl Lot {
    /// The lots of a sale event whose ends move with this one's.
    fn group(&self) -> Option<(SaleEventId, i32)> {
        let lot = self.locked.event_lot.as_ref()?;
        Some((lot.event, lot.group?))
    }

    async fn judge(
        &mut self,
        conn: &mut PgConnection,
        place: &PlaceBid,
        bidder: Bidder,
        first: bool,
        limits: &mut Limits,
    ) -> Result<Judged, AuctionError> {
        let locked = &mut self.locked;
        let first = first && !self.bidders.contains(&place.org);
        let currency = locked.currency;
        let refused = |refusal| AuctionError::Refused { refusal, currency };
        if let Limit::Auctions(most) = bidder.limit
            && first
            && open_auctions_of(conn, place.org, most).await? >= most
        {
            return Err(refused(Refused::TooManyAuctions { most }));
        }
        if place.maximum.0.currency() != currency {
            return Err(Invalid::new("/maximum/currency", "must be the auction's currency").into());
        }
        let maximum = Secret::new(place.maximum.0.minor());
        let bid = Bid { bidder, maximum, quantity: place.quantity, at: locked.now };
        let accepted = decide_bid(&locked.state, &bid).map_err(refused)?;
        locked.reserve(limits, place.org, place.maximum.0, accepted.effect != Effect::Outbid)?;
        let after = locked.state.after(&accepted, &bid);
        let id = BidId::generate();
        let leader_bid = match accepted.standing.leader {
            Some(leader) if leader.rank.seq == accepted.seq => Some(id),
            Some(_) => locked.leader_bid,
            None => None,
        };
        // Both belong to the auction as the bid leaves it.
        let (next_minimum, end_moved) = (after.next_minimum(), accepted.ends_at != locked.state.ends_at);
        locked.leader_bid = leader_bid;
        locked.state = after;
        self.bidders.push(place.org);
        let judged = Judged { id, place: *place, first, accepted, at: locked.now, end_moved, next_minimum };
        self.shown += i64::from(!judged.is_raise());
        self.changes += i64::from(judged.accepted.public_change);
        Ok(judged)
    }
}

impl Judged {
    fn is_raise(&self) -> bool {
        self.accepted.effect == Effect::Raised
    }
}

/// The bids as the statement takes them.
#[derive(Default)]
struct Bids {
    ids: Vec<Uuid>,
    auctions: Vec<Uuid>,
    sellers: Vec<Uuid>,
    currencies: Vec<&'static str>,
    lot_modes: Vec<LotMode>,
    orgs: Vec<Uuid>,
    people: Vec<Uuid>,
    seqs: Vec<i64>,
    kinds: Vec<&'static str>,
    amounts: Vec<i64>,
    maxima: Vec<i64>,
    quantities: Vec<i64>,
    at: Vec<DateTime<Utc>>,
}

/// What becomes of the auctions, as the statement takes it.
#[derive(Default)]
struct Auctions {
    ids: Vec<Uuid>,
    prices: Vec<i64>,
    next_minima: Vec<i64>,
    leader_bids: Vec<Option<Uuid>>,
    leader_orgs: Vec<Option<Uuid>>,
    leader_seqs: Vec<Option<i64>>,
    leader_maxima: Vec<Option<i64>>,
    ends: Vec<DateTime<Utc>>,
    seqs: Vec<i64>,
    bids: Vec<i64>,
    versions: Vec<i64>,
}

impl Bids {
    fn push(&mut self, bid: &Judged, locked: &Locked) {
        self.ids.push(bid.id.0);
        self.auctions.push(locked.id.0);
        self.sellers.push(locked.state.terms.seller.0);
        self.currencies.push(locked.currency.code());
        self.lot_modes.push(locked.lot_mode);
        self.orgs.push(bid.place.org.0);
        self.people.push(bid.place.user.0);
        self.seqs.push(bid.accepted.seq);
        self.kinds.push(if bid.is_raise() { "raise" } else { "bid" });
        self.amounts.push(bid.accepted.visible);
        self.maxima.push(bid.place.maximum.0.minor());
        self.quantities.push(bid.place.quantity.unwrap_or(locked.quantity));
        self.at.push(bid.at);
    }
}

impl Auctions {
    fn push(&mut self, lot: &Lot) {
        let (locked, standing) = (&lot.locked, lot.locked.state.standing);
        self.ids.push(locked.id.0);
        self.prices.push(standing.price);
        self.next_minima.push(locked.state.next_minimum());
        self.leader_bids.push(locked.leader_bid.map(|bid| bid.0));
        self.leader_orgs.push(standing.leader.map(|leader| leader.org.0));
        self.leader_seqs.push(standing.leader.map(|leader| leader.rank.seq));
        self.leader_maxima.push(standing.leader.map(|leader| leader.rank.amount.reveal()));
        self.ends.push(locked.state.ends_at);
        self.seqs.push(locked.state.seq);
        self.bids.push(lot.shown);
        self.versions.push(lot.changes);
    }
}

/// Writes bids and auctions in one statement, which returns what the answers show.
async fn write<'a>(
    conn: &mut PgConnection,
    lots: &BTreeMap<AuctionId, Lot>,
    accepted: impl Iterator<Item = &'a Judged>,
) -> Result<HashMap<AuctionId, view::Row>, AuctionError> {
    let (mut bids, mut auctions) = (Bids::default(), Auctions::default());
    for bid in accepted {
        if let Some(lot) = lots.get(&bid.place.auction) {
            bids.push(bid, &lot.locked);
        }
    }
    lots.values().filter(|lot| !lot.bidders.is_empty()).for_each(|lot| auctions.push(lot));
    // What the table refuses, it refuses to all of them; one of them is asked again by itself.
    let Some(currency) = lots.values().map(|lot| lot.locked.currency).next().filter(|_| !bids.ids.is_empty()) else {
        return Ok(HashMap::new());
    };
    let rows = view_query!(
        "WITH placed AS (
             INSERT INTO bids
                 (id, auction_id, seller_org_id, currency, lot_mode, org_id, placed_by, seq, kind, amount_minor,
                  maximum_minor, quantity, placed_at)
             SELECT id, auction_id, seller_org_id, currency, lot_mode, org_id, placed_by, seq, kind, amount_minor,
                    maximum_minor, quantity, placed_at
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::bigint[],
                         $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[]) WITH ORDINALITY
                 AS bid (id, auction_id, seller_org_id, currency, lot_mode, org_id, placed_by, seq, kind, amount_minor,
                         maximum_minor, quantity, placed_at, place)
             ORDER BY place
         )
         UPDATE auctions AS a
         SET status = 'live',
             price_minor = now.price,
             next_minimum_minor = now.next_minimum,
             leader_bid_id = now.leader_bid,
             leader_org_id = now.leader_org,
             leader_seq = now.leader_seq,
             leader_max_minor = now.leader_max,
             ends_at = now.ends_at,
             bid_seq = now.seq,
             bid_count = bid_count + now.bids,
             version = version + now.versions
         FROM unnest($14::uuid[], $15::bigint[], $16::bigint[], $17::uuid[], $18::uuid[], $19::bigint[], $20::bigint[],
                     $21::timestamptz[], $22::bigint[], $23::bigint[], $24::bigint[])
             AS now (auction, price, next_minimum, leader_bid, leader_org, leader_seq, leader_max, ends_at, seq, bids, versions)
         WHERE a.id = now.auction
         RETURNING",
        "",
        &bids.ids,
        &bids.auctions,
        &bids.sellers,
        &bids.currencies as &[&str],
        &bids.lot_modes as &[LotMode],
        &bids.orgs,
        &bids.people,
        &bids.seqs,
        &bids.kinds as &[&str],
        &bids.amounts,
        &bids.maxima,
        &bids.quantities,
        &bids.at,
        &auctions.ids,
        &auctions.prices,
        &auctions.next_minima,
        &auctions.leader_bids as &[Option<Uuid>],
        &auctions.leader_orgs as &[Option<Uuid>],
        &auctions.leader_seqs as &[Option<i64>],
        &auctions.leader_maxima as &[Option<i64>],
        &auctions.ends,
        &auctions.seqs,
        &auctions.bids,
        &auctions.versions,
    )
    .fetch_all(conn)
    .await
    .map_err(|error| AuctionError::of_write(error, currency))?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Each bidder sees the auction as their bid left it.
fn show(judged: Vec<Option<Result<Judged, AuctionError>>>, mut written: HashMap<AuctionId, view::Row>) -> Vec<Tried> {
    let mut tried: Vec<Tried> = Vec::with_capacity(judged.len());
    // The last bid of each auction left it as it is; the rows go back from there.
    for judged in judged.into_iter().rev() {
        tried.push(judged.map(|judged| {
            let bid = judged?;
            let row = written.get_mut(&bid.place.auction).ok_or(AuctionError::NotFound)?;
            Ok(bid.placed(row))
        }));
    }
    tried.reverse();
    tried
}

impl Judged {
    /// The answer, and the row as it was before this bid in all that bids count.
    fn placed(self, row: &mut view::Row) -> PlacedBid {
        let standing = self.accepted.standing;
        row.price_minor = standing.price;
        row.next_minimum_minor = self.next_minimum;
        row.leader_org_id = standing.leader.map(|leader| leader.org);
        row.leader_seq = standing.leader.map(|leader| leader.rank.seq);
        row.leader_max_minor = standing.leader.map(|leader| leader.rank.amount.reveal());
        row.ends_at = self.accepted.ends_at;
        let auction = row.clone().into_view(Some(self.place.org));
        row.bid_count -= i64::from(!self.is_raise());
        row.version -= i64::from(self.accepted.public_change);
        PlacedBid {
            bid: self.id,
            first: self.first,
            effect: self.accepted.effect,
            end_moved: self.end_moved,
            placed_at: self.at,
            public_change: self.accepted.public_change,
            outbid: self.accepted.outbid,
            auction,
        }
    }
}
