//! What a bank has given back after its provider had called it done.

use sqlx::PgConnection;

use super::{Seen, now, record};
use crate::ids::{PayoutId, RefundId};
use crate::payments::{Disbursement, DisbursementState, Provider};
use crate::reconciliation::model::Moved;
use crate::reconciliation::rules;

/// Keeps as a difference that the provider no longer has done what is done here, which may be long after the daily comparison has seen
/// it; whether nobody has found that before. Needs a transaction.
pub async fn undone(conn: &mut PgConnection, provider: Provider, found: &Disbursement) -> Result<bool, sqlx::Error> {
    if found.state != DisbursementState::Failed {
        return Ok(false);
    }
    let done = sqlx::query!(
        r#"SELECT r.id AS "id!", r.created_at AS "created_at!", true AS "is_refund!"
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id
           WHERE r.provider_ref = $2 AND r.status = 'done' AND p.provider = $1
           UNION ALL
           SELECT p.id, p.created_at, false
           FROM payouts AS p
           JOIN payout_accounts AS a ON a.id = p.account_id
           WHERE p.provider_ref = $2 AND p.status = 'paid' AND a.provider = $1"#,
        provider as Provider,
        found.reference.0,
    );
    let Some(done) = done.fetch_optional(&mut *conn).await? else { return Ok(false) };
    let what = if done.is_refund { Moved::Refund(RefundId(done.id)) } else { Moved::Payout(PayoutId(done.id)) };
    let (since, until) = (done.created_at, now(&mut *conn).await?);
    let found = [rules::undone(what, found)];
    Ok(record(conn, Seen { provider, since, until, compared: 1, found: &found }).await? > 0)
}
