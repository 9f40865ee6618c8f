//! A highest bid below the reserve: the seller decides about it and may ask for more.

use chrono::{DateTime, TimeDelta, Utc};

use crate::auctions::model::{Answer, ApprovalStatus};
use crate::orders::model::Side;

/// How long the seller has to decide, and then the bidder about another amount.
pub const APPROVAL: TimeDelta = TimeDelta::hours(24);

/// A sale on approval as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub status: ApprovalStatus,
    /// What was bid.
    pub price: i64,
    /// Until when whoever is to answer can.
    pub until: DateTime<Utc>,
}

/// Why an answer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    #[error("the sale on approval is over")]
    Ended,
    #[error("the other side has to answer")]
    NotYourTurn,
    /// Only the seller asks for another amount, once.
    #[error("only the seller can ask for another amount, and only once")]
    NoCounter,
    /// In minor units.
    #[error("the amount must lie above {price} and not above the reserve of {reserve}")]
    CounterOutOfRange { price: i64, reserve: i64 },
}

/// What an answer by one side makes of a sale on approval. `reserve`: the seller agreed to sell for it from the first, so asks for no
/// more.
pub fn decide_answer(
    pending: &Pending,
    side: Side,
    answer: Answer,
    reserve: i64,
    at: DateTime<Utc>,
) -> Result<ApprovalStatus, NotAnswered> {
    let to_answer = pending.status.answered_by().filter(|_| at < pending.until).ok_or(NotAnswered::Ended)?;
    match answer {
        Answer::Counter(_) if side == Side::Buyer || pending.status == ApprovalStatus::Countered => {
            Err(NotAnswered::NoCounter)
        }
        _ if side != to_answer => Err(NotAnswered::NotYourTurn),
        Answer::Accept => Ok(ApprovalStatus::Accepted),
        Answer::Decline => Ok(ApprovalStatus::Declined),
        Answer::Counter(amount) if pending.price < amount.minor() && amount.minor() <= reserve => {
            Ok(ApprovalStatus::Countered)
        }
        Answer::Counter(_) => Err(NotAnswered::CounterOutOfRange { price: pending.price, reserve }),
    }
}
