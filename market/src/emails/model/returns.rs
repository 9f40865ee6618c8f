//! News about returns.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::OrderId;
use crate::orders::model::Side;
use crate::returns::model::ReturnReason;

/// What a return has become, to those who trade for one of its sides. Reference: the return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnNews {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line that goes back.
    pub title: String,
    /// How many lines go back besides.
    pub more: usize,
    /// Of all these lines.
    pub units: i64,
    pub reason: ReturnReason,
    /// What the other side has written.
    pub words: Option<String>,
    /// How the goods come back, once they were sent.
    pub tracking: Option<String>,
    /// When time decides if nobody does.
    pub due_at: Option<DateTime<Utc>>,
    /// What the goods cost, once they were received.
    pub share: Option<Money>,
    /// What goes back.
    pub refunded: Option<Money>,
    /// Whether the goods count as received because nobody has said so in time.
    pub by_time: bool,
}
