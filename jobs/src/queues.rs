//! The queues, the pool that works on each, and what usually carries it (a setting that can change while jobs flow).

use crate::kit::job::{Carrier, Queue};

pub const AUCTIONS: Queue = queue("auctions", "auctions", Carrier::Rabbit);
pub const EMAILS: Queue = queue("emails", "emails", Carrier::Rabbit);
pub const REPORTS: Queue = queue("reports", "reports", Carrier::Redis);
pub const IMAGES: Queue = queue("images", "images", Carrier::Redis);
/// Cargo events themselves travel on the events lane; this queue is for jobs about them.
pub const CARGO: Queue = queue("cargo", "cargo", Carrier::Redis);
pub const MAINTENANCE: Queue = queue("maintenance", "reports", Carrier::Redis);

pub const ALL: &[Queue] = &[AUCTIONS, EMAILS, REPORTS, IMAGES, CARGO, MAINTENANCE];

const fn queue(name: &'static str, pool: &'static str, carrier: Carrier) -> Queue {
    Queue { name, pool, carrier }
}
