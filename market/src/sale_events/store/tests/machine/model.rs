//! What lots hold of the limits of their bidders. Nothing is kept but what was done; everything is reckoned anew from that.

use std::collections::BTreeSet;

use shared::money::Currency;

use crate::auctions::model::AuctionStatus;
use crate::auctions::rules::{Effect, IncrementTable, Refused, RetractRefused};
use crate::ids::{BidId, CheckoutId, OrderId, SecondChanceId};
use crate::money::rules::premium::PremiumTariff;
use crate::orders::model::AwardId;
use crate::sale_events::rules::NotDone;
use crate::testing::eur;

pub(super) const BIDDERS: usize = 3;
pub(super) const OPENING: i64 = 1_000;
/// How many next bidders are offered a lot without a wish of the seller.
const SECOND_CHANCES: usize = 1;

/// What a lot was published with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) group: Option<i32>,
    pub(super) reserve: Option<i64>,
    pub(super) buy_now: Option<i64>,
}

pub(super) const LOTS: [Terms; 5] = [
    Terms { group: Some(1), reserve: None, buy_now: None },
    Terms { group: Some(1), reserve: Some(4_000), buy_now: None },
    Terms { group: Some(2), reserve: None, buy_now: Some(5_000) },
    Terms { group: Some(2), reserve: Some(3_000), buy_now: Some(4_500) },
    Terms { group: None, reserve: None, buy_now: None },
];

/// A bid that was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bid {
    pub(super) id: BidId,
    pub(super) by: usize,
    pub(super) maximum: i64,
    pub(super) raise: bool,
    /// Taken back, or lapsed.
    gone: bool,
}

/// The highest bid; of equal ones the first.
fn best(bids: &[Bid]) -> Option<Bid> {
    bids.iter().copied().reduce(|best, bid| if bid.maximum > best.maximum { bid } else { best })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sale {
    pub(super) by: usize,
    pub(super) amount: i64,
    pub(super) award: AwardId,
    pub(super) order: OrderId,
    pub(super) checkout: CheckoutId,
    pub(super) paid: bool,
}

/// An open offer to the next bidder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    pub(super) id: SecondChanceId,
    pub(super) to: usize,
    pub(super) amount: i64,
}

/// Where a lot is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// What the seller asks for instead of the price, if they do.
    OnApproval(Option<i64>),
    Sold(Sale),
    Unsold,
    Defaulted,
    Cancelled,
}

#[derive(Debug)]
pub(super) struct Lot {
    pub(super) terms: Terms,
    pub(super) stage: Stage,
    pub(super) bids: Vec<Bid>,
    pub(super) chance: Option<Chance>,
    /// How often it was offered to a next bidder.
    chances: usize,
    /// Who has won it or was offered it, and is not asked again.
    asked: BTreeSet<usize>,
}

impl Lot {
    fn new(terms: Terms) -> Self {
        let (bids, asked) = (Vec::new(), BTreeSet::new());
        Self { terms, stage: Stage::Open, bids, chance: None, chances: 0, asked }
    }

    fn standing(&self) -> Vec<Bid> {
        self.bids.iter().copied().filter(|bid| !bid.gone).collect()
    }

    pub(super) fn leader(&self) -> Option<Bid> {
        best(&self.standing())
    }

    /// Fixed by the best two bidders, each time somebody other than the leader has bid.
    pub(super) fn price(&self) -> i64 {
        let (all, increments) = (self.standing(), increments());
        let mut price = OPENING;
        for (n, bid) in all.iter().enumerate() {
            let Some(first) = best(&all[..=n]) else { continue };
            let raised = best(&all[..n]).is_some_and(|leader| leader.by == bid.by);
            let others: Vec<_> = all[..=n].iter().copied().filter(|bid| bid.by != first.by).collect();
            if let Some(second) = best(&others).filter(|_| !raised) {
                price = price.max(first.maximum.min(increments.next(second.maximum)));
            }
            if let Some(reserve) = self.terms.reserve.filter(|reserve| first.maximum >= *reserve) {
                price = price.max(reserve);
            }
        }
        price
    }

    /// Whether a sale at the present price meets the reserve.
    pub(super) fn reserve_met(&self) -> bool {
        self.terms.reserve.is_none_or(|reserve| self.price() >= reserve)
    }

    /// The least that a bidder has to offer; whoever leads, more than this.
    pub(super) fn least(&self, by: usize) -> i64 {
        match self.leader() {
            None => OPENING,
            Some(leader) if leader.by == by => leader.maximum,
            Some(_) => increments().next(self.price()),
        }
    }

    pub(super) fn status(&self) -> AuctionStatus {
        match self.stage {
            Stage::Open => AuctionStatus::Live,
            Stage::OnApproval(_) => AuctionStatus::OnApproval,
            Stage::Sold(_) => AuctionStatus::Awarded,
            Stage::Unsold => AuctionStatus::Unsold,
            Stage::Defaulted => AuctionStatus::Defaulted,
            Stage::Cancelled => AuctionStatus::Cancelled,
        }
    }

    pub(super) fn sell(&mut self, sale: Sale) {
        (self.stage, self.chance) = (Stage::Sold(sale), None);
        self.asked.insert(sale.by);
    }

    /// Who is offered it next, for their maximum. `consent`: even below the reserve.
    pub(super) fn next(&self, consent: bool) -> Option<(usize, i64)> {
        let mut left = self.standing();
        left.retain(|bid| !self.asked.contains(&bid.by));
        let next = best(&left)?;
        let reached = self.terms.reserve.is_none_or(|reserve| next.maximum >= reserve);
        (reached || consent).then_some((next.by, next.maximum))
    }

    /// Who is offered it when its winner does not pay, or a bidder does not want it.
    pub(super) fn follow(&self) -> Option<(usize, i64)> {
        if self.chances < SECOND_CHANCES { self.next(false) } else { None }
    }

    pub(super) fn offer(&mut self, chance: Chance) {
        self.chance = Some(chance);
        self.chances += 1;
        self.asked.insert(chance.to);
    }
}

fn increments() -> IncrementTable {
    IncrementTable::default_for(Currency::EUR)
}

/// What became of an organisation's wish to bid in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    Absent,
    Requested,
    /// With a limit.
    Approved(i64),
    Refused,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) lots: Vec<Lot>,
    pub(super) bidders: [Registration; BIDDERS],
    pub(super) cancelled: bool,
    /// As it was when the event was published.
    premium: PremiumTariff,
    default_limit: Option<i64>,
}

impl Model {
    pub(super) fn new(premium: PremiumTariff, default_limit: Option<i64>) -> Self {
        let lots = LOTS.into_iter().map(Lot::new).collect();
        Self { lots, bidders: [Registration::Absent; BIDDERS], cancelled: false, premium, default_limit }
    }

    fn committed(&self, amount: i64) -> i64 {
        amount + self.premium.of(eur(amount)).expect("a premium").minor()
    }

    /// For whom a lot holds how much.
    pub(super) fn held(&self, lot: usize) -> Option<(usize, i64)> {
        let lot = &self.lots[lot];
        let (by, amount) = match lot.stage {
            Stage::Open | Stage::OnApproval(_) => lot.leader().map(|bid| (bid.by, bid.maximum))?,
            Stage::Sold(sale) => (sale.by, sale.amount),
            Stage::Unsold | Stage::Defaulted | Stage::Cancelled => return None,
        };
        Some((by, self.committed(amount)))
    }

    fn held_in(&self, lots: impl Iterator<Item = usize>, by: usize) -> i64 {
        lots.filter_map(|lot| self.held(lot)).filter(|(whose, _)| *whose == by).map(|(_, minor)| minor).sum()
    }

    /// What all lots hold for a bidder.
    pub(super) fn reserved(&self, by: usize) -> i64 {
        self.held_in(0..self.lots.len(), by)
    }

    /// What the other lots leave a bidder for this one.
    fn left(&self, by: usize, lot: usize) -> Result<i64, Refused> {
        let Registration::Approved(limit) = self.bidders[by] else { return Err(Refused::NotRegistered) };
        Ok(limit - self.held_in((0..self.lots.len()).filter(|other| *other != lot), by))
    }

    /// Whether a bidder's limit allows this amount in a lot.
    pub(super) fn allow(&self, by: usize, lot: usize, amount: i64) -> Result<(), Refused> {
        let left = self.left(by, lot)?;
        if self.committed(amount) <= left { Ok(()) } else { Err(Refused::LimitExceeded { left }) }
    }

    /// The highest amount that a bidder's limit allows in a lot.
    pub(super) fn most(&self, by: usize, lot: usize) -> i64 {
        let left = self.left(by, lot).unwrap_or(OPENING);
        (0..=left).rev().find(|amount| self.committed(*amount) <= left).unwrap_or(0)
    }

    pub(super) fn judge(&self, by: usize, lot: usize, maximum: i64) -> Result<Effect, Refused> {
        let of = &self.lots[lot];
        if of.stage != Stage::Open {
            return Err(Refused::Ended);
        }
        let (leader, minimum) = (of.leader(), of.least(by));
        let effect = match leader {
            Some(leader) if leader.by == by && maximum <= leader.maximum => return Err(Refused::NotARaise),
            Some(leader) if leader.by == by => Effect::Raised,
            _ if maximum < minimum => return Err(Refused::BelowMinimum { minimum }),
            Some(leader) if maximum <= leader.maximum => Effect::Outbid,
            _ => Effect::Leads,
        };
        self.allow(by, lot, maximum)?;
        Ok(effect)
    }

    pub(super) fn accept(&mut self, lot: usize, id: BidId, by: usize, maximum: i64, effect: Effect) {
        self.lots[lot].bids.push(Bid { id, by, maximum, raise: effect == Effect::Raised, gone: false });
    }

    /// The price at which a bidder buys a lot at once.
    pub(super) fn buy_now(&self, by: usize, lot: usize) -> Result<i64, Refused> {
        let of = &self.lots[lot];
        if of.stage != Stage::Open {
            return Err(Refused::Ended);
        }
        let gone = of.leader().is_some() && of.reserve_met();
        let price = of.terms.buy_now.filter(|_| !gone).ok_or(Refused::BuyNowGone)?;
        self.allow(by, lot, price)?;
        Ok(price)
    }

    pub(super) fn judge_retraction(&self, lot: usize, place: usize) -> Result<(), RetractRefused> {
        let lot = &self.lots[lot];
        match lot.stage {
            Stage::Open if lot.bids[place].gone => Err(RetractRefused::Already),
            Stage::Open => Ok(()),
            _ => Err(RetractRefused::Ended),
        }
    }

    /// Takes a bid back, with the raises on top of it; returns whose bids lapse, since they would lead beyond their limit.
    pub(super) fn retract(&mut self, lot: usize, place: usize) -> Vec<usize> {
        let bids = &mut self.lots[lot].bids;
        bids[place].gone = true;
        let Bid { by, raise, .. } = bids[place];
        if !raise {
            let own = bids[place + 1..].iter_mut().filter(|bid| bid.by == by && !bid.gone);
            own.take_while(|bid| bid.raise).for_each(|bid| bid.gone = true);
        }
        let mut lapsed = Vec::new();
        while let Some(leader) = self.lots[lot].leader() {
            if self.allow(leader.by, lot, leader.maximum).is_ok() {
                break;
            }
            let bids = self.lots[lot].bids.iter_mut();
            bids.filter(|bid| bid.by == leader.by).for_each(|bid| bid.gone = true);
            lapsed.push(leader.by);
        }
        lapsed
    }

    /// What an organisation is once it asks to bid.
    pub(super) fn judge_registration(&self, by: usize) -> Result<Registration, NotDone> {
        if self.cancelled {
            return Err(NotDone::Cancelled);
        }
        if self.lots.iter().all(|lot| lot.stage != Stage::Open) {
            return Err(NotDone::Ended);
        }
        Ok(match (self.bidders[by], self.default_limit) {
            (Registration::Absent, Some(limit)) => Registration::Approved(limit),
            (Registration::Absent, None) => Registration::Requested,
            (before, _) => before,
        })
    }

    /// What a bidder is once the seller has given this limit, or none.
    pub(super) fn judge_decision(&self, by: usize, limit: Option<i64>) -> Result<Registration, NotDone> {
        if self.cancelled {
            return Err(NotDone::Cancelled);
        }
        match (self.bidders[by], limit) {
            (Registration::Refused, _) => Err(NotDone::Refused),
            (Registration::Approved(before), limit) if limit.is_none_or(|limit| limit < before) => {
                Err(NotDone::Lowered)
            }
            (_, Some(limit)) => Ok(Registration::Approved(limit)),
            (_, None) => Ok(Registration::Refused),
        }
    }

    /// Whether a lot can be cancelled: by its seller while nobody has bid, by a moderator while it is open.
    pub(super) fn is_cancellable(&self, lot: usize, by_seller: bool) -> bool {
        let lot = &self.lots[lot];
        lot.stage == Stage::Open && !(by_seller && lot.leader().is_some())
    }

    pub(super) fn judge_cancellation(&self) -> Result<(), NotDone> {
        if self.cancelled {
            return Err(NotDone::Cancelled);
        }
        let kept = |lot: usize| self.lots[lot].stage != Stage::Cancelled && !self.is_cancellable(lot, true);
        if (0..self.lots.len()).any(kept) { Err(NotDone::HasBids) } else { Ok(()) }
    }

    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
        self.lots.iter_mut().for_each(|lot| lot.stage = Stage::Cancelled);
    }
}
