//! The goods are back: stock and money follow in the same transaction.

use shared::ids::UserId;
use shared::money::{Currency, Money};
use sqlx::{Connection, PgConnection};

use super::{ReturnError, guard};
use crate::escrow::store::{Locked, refund_returned};
use crate::ids::{OrderId, RefundId, ReturnId};
use crate::offers::model::Party;
use crate::returns::model::{Disposition, ReturnStatus};
use crate::returns::rules::{Act, Returned, judge_dispositions, share};
use crate::stock::model::Moved;
use crate::stock::store::{Back, PutBack, StockError, put_back};

/// What follows from goods that are back.
#[derive(Clone, Debug)]
pub struct Received {
    /// Absent: nothing was left to give back.
    pub refund: Option<RefundId>,
    pub moved: Vec<Moved>,
}

/// The seller has the goods, and says where the units of each line go. Needs a transaction.
pub async fn receive(
    conn: &mut PgConnection,
    by: Party,
    id: ReturnId,
    given: &[(i16, Disposition)],
) -> Result<Received, ReturnError> {
    let locked = guard(conn, id, by, Act::Receive).await?.order;
    let lines = lines(conn, id).await?;
    let numbers: Vec<i16> = lines.iter().map(|(line, _)| *line).collect();
    judge_dispositions(&numbers, given)?;
    let back: Vec<_> = lines
        .iter()
        .map(|&(line_no, quantity)| Back {
            line_no,
            quantity,
            quarantined: given.contains(&(line_no, Disposition::Quarantine)),
        })
        .collect();
    let stocked = put_back(conn, locked.id, id, &back, Some(by.user)).await?;
    complete(conn, &locked, id, &back, Some(by.user), stocked).await
}

/// Nobody has said in time whether the goods have arrived: they count as received, and wait for somebody to look at them. Where
/// the stock has no room for them they are not counted: the buyer's money does not wait for the seller's shelves.
pub(super) async fn receive_late(
    conn: &mut PgConnection,
    locked: &Locked,
    id: ReturnId,
) -> Result<Received, ReturnError> {
    let back: Vec<_> = lines(conn, id)
        .await?
        .into_iter()
        .map(|(line_no, quantity)| Back { line_no, quantity, quarantined: true })
        .collect();
    let mut savepoint = conn.begin().await?;
    let stocked = match put_back(&mut savepoint, locked.id, id, &back, None).await {
        Ok(stocked) => {
            savepoint.commit().await?;
            stocked
        }
        Err(StockError::LevelFull | StockError::SiteFull | StockError::SiteArchived) => {
            savepoint.rollback().await?;
            PutBack::default()
        }
        Err(error) => return Err(error.into()),
    };
    complete(conn, locked, id, &back, None, stocked).await
}

/// Lines and units of a return.
async fn lines(conn: &mut PgConnection, id: ReturnId) -> Result<Vec<(i16, i64)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT line_no, quantity FROM return_lines WHERE return_id = $1 ORDER BY line_no", id.0)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.line_no, row.quantity)).collect())
}

/// Gives the money back, and ends the return.
async fn complete(
    conn: &mut PgConnection,
    locked: &Locked,
    id: ReturnId,
    back: &[Back],
    by: Option<UserId>,
    stocked: PutBack,
) -> Result<Received, ReturnError> {
    let (payable, order) = returned(conn, locked.id, back).await?;
    let share = share(payable, &order)?;
    let refund = refund_returned(conn, locked, share, by, &format!("return {id}")).await?;
    for units in back {
        let disposition = if units.quarantined { Disposition::Quarantine } else { Disposition::OnHand };
        sqlx::query!(
            "UPDATE return_lines
             SET disposition = $3,
                 restocked = $4
             WHERE return_id = $1
               AND line_no = $2",
            id.0,
            units.line_no,
            disposition as Disposition,
            stocked.lines.contains(&units.line_no),
        )
        .execute(&mut *conn)
        .await?;
    }
    let status = if refund.is_some() { ReturnStatus::Refunded } else { ReturnStatus::Received };
    sqlx::query!(
        "UPDATE returns
         SET status = $2,
             received_by = $3,
             share_minor = $4,
             refund_id = $5,
             due_at = NULL,
             ended_at = $6
         WHERE id = $1",
        id.0,
        status as ReturnStatus,
        by.map(|by| by.0),
        share.minor(),
        refund.map(|refund| refund.0),
        locked.now,
    )
    .execute(conn)
    .await?;
    Ok(Received { refund, moved: stocked.moved })
}

/// What a locked order cost, and all its lines with the units that come back now and those that came before.
async fn returned(
    conn: &mut PgConnection,
    order: OrderId,
    back: &[Back],
) -> Result<(Money, Vec<Returned>), ReturnError> {
    let rows = sqlx::query!(
        r#"SELECT o.currency AS "currency: Currency", o.payable_minor AS "payable_minor!", n.line_no, n.amount_minor, n.quantity,
                  (SELECT coalesce(sum(l.quantity), 0)::bigint
                   FROM return_lines AS l
                   JOIN returns AS r ON r.id = l.return_id
                   WHERE l.order_id = n.order_id
                     AND l.line_no = n.line_no
                     AND r.status IN ('received', 'refunded')) AS "before!"
           FROM order_lines AS n
           JOIN orders AS o ON o.id = n.order_id
           WHERE n.order_id = $1
           ORDER BY n.line_no"#,
        order.0,
    )
    .fetch_all(conn)
    .await?;
    let payable = rows.first().map(|row| Money::from_minor(row.payable_minor, row.currency));
    let payable = payable.ok_or(ReturnError::NotFound)?;
    let lines = rows.iter().map(|row| Returned {
        amount: Money::from_minor(row.amount_minor, row.currency),
        quantity: row.quantity,
        before: row.before,
        now: back.iter().filter(|units| units.line_no == row.line_no).map(|units| units.quantity).sum(),
    });
    Ok((payable, lines.collect()))
}
