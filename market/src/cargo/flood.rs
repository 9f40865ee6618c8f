//! A flood of events as carriers send it, made from a seed, and its own record of what must be there afterwards. For the load
//! that `tradeyard flood` brings, and for tests.
//!
//! Every shipment has a life: its events say where it is, and are corrected, planned, ahead of their time, repeated, late, or
//! impossible. They are mixed with those of its neighbours, and some are held back until long after the rest. What decides in the
//! end is the pure rule, [`standing`], over each event once.
//!
//! # How to get this wrong
//! - Sending what [`Flood::changed`] returns together with the rest: the log keeps whichever event of a name comes first, so those
//!   must come when the log has the first ones.
//! - Playing a flood twice under one tag: the second time everything is a repeat.

mod journey;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use self::journey::{Journey, journey};
use super::model::{CargoEvent, StoredEvent};
use super::rules::{Standing, standing};

/// How many shipments are under way at the same time.
const TOGETHER: u32 = 64;
/// Of so many events one is late.
const LATE: u32 = 20;

/// What to make.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// How many events are sent, repeats and impossible ones among them.
    pub events: u64,
    pub shipments: u32,
    /// What all names begin with: at most 40 letters, digits and `-`, new for each flood of an organisation.
    pub tag: String,
    /// The present time. What is ahead of its time begins to count more than an hour later.
    pub at: DateTime<Utc>,
}

/// What must be there afterwards.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// How many events were sent.
    pub sent: u64,
    /// How many of them the log has.
    pub stored: u64,
    /// How many are among the rejects.
    pub quarantined: u64,
    /// Where each shipment stands.
    pub standings: BTreeMap<String, Standing>,
}

/// A flood on its way: [batches](Flood::batch) until there are no more, then [what changed](Flood::changed), then the
/// [record](Flood::record). Holds only the shipments that are under way, and the record.
#[derive(Debug)]
pub struct Flood {
    plan: Plan,
    /// Decides the order; what happens to a shipment follows from the seed and its number alone.
    rng: StdRng,
    begun: u32,
    /// In the order of sending, the next one last.
    ready: Vec<CargoEvent>,
    late: Vec<CargoEvent>,
    changed: Vec<CargoEvent>,
    record: Record,
}

impl Flood {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let plan = Plan { at: plan.at.trunc_subsecs(3), ..plan };
        Self {
            rng: StdRng::seed_from_u64(plan.seed),
            plan,
            begun: 0,
            ready: Vec::new(),
            late: Vec::new(),
            changed: Vec::new(),
            record: Record::default(),
        }
    }

    /// The next `most` events to send, fewer at the end, and then none. Batches may overtake each other.
    pub fn batch(&mut self, most: usize) -> Vec<CargoEvent> {
        while self.ready.len() < most && self.begun < self.plan.shipments {
            self.begin_more();
        }
        let left = self.ready.len().saturating_sub(most);
        let batch = self.ready.split_off(left);
        self.record.sent += batch.len() as u64;
        batch
    }

    /// Events that the log has and that now say something else. They change nothing.
    pub fn changed(&mut self) -> Vec<CargoEvent> {
        let changed = std::mem::take(&mut self.changed);
        self.record.sent += changed.len() as u64;
        changed
    }

    /// What must be there when everything was sent.
    #[must_use]
    pub fn record(self) -> Record {
        self.record
    }

    /// Adds the events of the next shipments to those that are ready.
    fn begin_more(&mut self) {
        let end = self.plan.shipments.min(self.begun + TOGETHER);
        let mut fresh = std::mem::take(&mut self.late);
        for number in self.begun..end {
            let Journey { shipment, sent, changed, distinct, quarantined } = journey(&self.plan, number);
            fresh.extend(sent);
            self.changed.extend(changed);
            self.record.stored += distinct.len() as u64;
            self.record.quarantined += quarantined;
            if !distinct.is_empty() {
                let stored = distinct.into_iter().map(|event| StoredEvent { id: 0, recorded_at: self.plan.at, event });
                let stands = standing(&stored.collect::<Vec<_>>(), self.plan.at);
                self.record.standings.insert(shipment, stands);
            }
        }
        self.begun = end;
        fresh.shuffle(&mut self.rng);
        if end < self.plan.shipments {
            let rng = &mut self.rng;
            self.late = fresh.extract_if(.., |_| rng.random_ratio(1, LATE)).collect();
        }
        // Those that are ready already go first.
        fresh.append(&mut self.ready);
        self.ready = fresh;
    }
}
