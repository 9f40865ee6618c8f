//! Money for goods that came back.

use shared::ids::UserId;
use shared::money::Money;
use sqlx::PgConnection;

use super::EscrowError;
use super::locked::Locked;
use super::refund::refund_held;
use super::take_back::refund_earned;
use crate::escrow::model::RefundCause;
use crate::escrow::rules::{Source, refundable};
use crate::ids::RefundId;

/// Gives back what the goods of a locked order cost, or what is left of that, out of what is held or of what is the seller's
/// already. Absent: nothing is left, or they cost nothing. Needs a transaction.
pub(crate) async fn refund_returned(
    conn: &mut PgConnection,
    locked: &Locked,
    share: Money,
    by: Option<UserId>,
    reason: &str,
) -> Result<Option<RefundId>, EscrowError> {
    let cause = RefundCause::Return;
    let refund = match refundable(&locked.escrow, share)? {
        None => None,
        Some((Source::Held, amount)) => Some(refund_held(conn, locked, amount, cause, by, reason).await?),
        Some((Source::Earned, amount)) => Some(refund_earned(conn, locked, amount, cause, by, reason).await?),
    };
    Ok(refund)
}
