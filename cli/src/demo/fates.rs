//! What becomes of what is sold after the auctions. It depends on places alone, so that it can be counted beforehand.

use super::plan::Plan;

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Paid, sent, received and accepted: the money is the seller's.
    Accepted,
    /// Received, and the buyer still inspects it: the money is held.
    Inspected,
    /// The buyer disputes it and gets everything back.
    Refunded,
    /// The buyer disputes it and gets half of it back.
    Halved,
    /// The buyer does not pay.
    Unpaid,
}

/// What becomes of the order of the auction at this place.
pub(crate) fn of_lot(plan: &Plan, place: usize) -> Fate {
    match place % 12 {
        // Somebody else must have bid, who is offered the lot then.
        2 if plan.endings[place].outbid > 0 => Fate::Unpaid,
        1 => Fate::Refunded,
        7 => Fate::Halved,
        _ => Fate::Accepted,
    }
}

/// Whether the next bidder takes the lot that was not paid; the others leave it.
pub(crate) fn is_taken(place: usize) -> bool {
    place % 24 == 2
}

/// What becomes of the shop's order at this place.
pub(crate) fn of_shop(place: usize) -> Fate {
    match place % 20 {
        3 => Fate::Refunded,
        9 => Fate::Halved,
        14 | 19 => Fate::Inspected,
        _ => Fate::Accepted,
    }
}

/// How many orders end in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) paid: u64,
    pub(crate) defaulted: u64,
    pub(crate) held: u64,
    pub(crate) released: u64,
    pub(crate) refunded: u64,
    pub(crate) partly: u64,
}

impl Counts {
    /// Of everything that the plan and the shop sell.
    pub(crate) fn of(plan: &Plan, shop_orders: usize) -> Self {
        let mut counts = Self::default();
        for place in (0..plan.endings.len()).filter(|place| plan.endings[*place].price.is_some()) {
            let fate = of_lot(plan, place);
            counts.add(fate);
            if fate == Fate::Unpaid && is_taken(place) {
                counts.add(Fate::Accepted);
            }
        }
        (0..shop_orders).for_each(|place| counts.add(of_shop(place)));
        counts
    }

    /// How many events a seller is told of: an order is placed, and paid, sent and received, and accepted or disputed and decided; or it
    /// is placed and not paid.
    pub(crate) const fn webhooks(&self) -> u64 {
        2 * self.defaulted + 4 * self.held + 5 * self.released + 6 * (self.refunded + self.partly)
    }

    fn add(&mut self, fate: Fate) {
        self.paid += u64::from(fate != Fate::Unpaid);
        *match fate {
            Fate::Unpaid => &mut self.defaulted,
            Fate::Inspected => &mut self.held,
            Fate::Accepted => &mut self.released,
            Fate::Refunded => &mut self.refunded,
            Fate::Halved => &mut self.partly,
        } += 1;
    }
}
