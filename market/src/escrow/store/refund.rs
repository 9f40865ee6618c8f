//! Money on its way back to a buyer.

use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::locked::{Locked, lock_for, move_order};
use super::{EscrowError, read};
use crate::escrow::model::{EscrowStatus, Refund, RefundCause, RefundStatus};
use crate::escrow::rules::{Wish, decide};
use crate::ids::{OrderId, PaymentId, RefundId};
use crate::invoices::store::{self as invoices, Credit};
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::rules::refund::shares;
use crate::money::store::ledger;
use crate::orders::model::OrderStatus;
use crate::payments::{Disbursement, DisbursementState, Provider, ProviderRef};

/// The seller gives a part back, or all; the platform gives back its share of it. Needs a transaction.
pub async fn refund(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    order: OrderId,
    amount: Money,
    reason: &str,
) -> Result<Refund, EscrowError> {
    let locked = lock_for(conn, order, |parties| parties.seller == seller).await?;
    let id = refund_held(conn, &locked, amount, RefundCause::Seller, Some(by), reason).await?;
    read::refund_row(conn, id).await?.ok_or(EscrowError::NotFound)
}

/// Gives this much back of what is held for a locked order.
pub(super) async fn refund_held(
    conn: &mut PgConnection,
    locked: &Locked,
    amount: Money,
    cause: RefundCause,
    by: Option<UserId>,
    reason: &str,
) -> Result<RefundId, EscrowError> {
    let next = decide(&locked.escrow, Wish::Refund(amount), locked.now)?;
    let id = give_back(conn, locked, amount, cause, by, reason).await?;
    set(conn, locked.id, next.status, next.refund, None).await?;
    if next.status == EscrowStatus::Refunded {
        move_order(conn, locked.id, OrderStatus::Refunded, by).await?;
    }
    Ok(id)
}

/// What is left of each part of an order: commission, the rest of the goods' price, premium, tax on the goods, tax on the
/// premium. Together they are what is left of its escrow.
pub(super) async fn left(conn: &mut PgConnection, order: OrderId) -> Result<[Money; 5], sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT o.currency AS "currency: Currency", o.fee_minor - r.fee AS "fee!", o.net_minor - r.net AS "net!",
                  o.premium_minor - r.premium AS "premium!", t.goods - r.goods_tax AS "goods_tax!",
                  t.premium - r.premium_tax AS "premium_tax!"
           FROM orders AS o
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(goods_minor), 0)::bigint AS goods, coalesce(sum(premium_minor), 0)::bigint AS premium
               FROM order_taxes
               WHERE order_id = o.id
           ) AS t
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(fee_minor), 0)::bigint AS fee, coalesce(sum(net_minor), 0)::bigint AS net,
                      coalesce(sum(premium_minor), 0)::bigint AS premium,
                      coalesce(sum(goods_tax_minor), 0)::bigint AS goods_tax,
                      coalesce(sum(premium_tax_minor), 0)::bigint AS premium_tax
               FROM refunds
               WHERE order_id = o.id
           ) AS r
           WHERE o.id = $1"#,
        order.0,
    )
    .fetch_one(conn)
    .await?;
    let money = |minor| Money::from_minor(minor, row.currency);
    Ok([row.fee, row.net, row.premium, row.goods_tax, row.premium_tax].map(money))
}

/// Intends to give a part of what is held back to the buyer, by the largest remainder of each part that is left.
pub(super) async fn give_back(
    conn: &mut PgConnection,
    locked: &Locked,
    amount: Money,
    cause: RefundCause,
    by: Option<UserId>,
    reason: &str,
) -> Result<RefundId, EscrowError> {
    let id = insert(conn, locked, amount, cause, by, reason).await?.0;
    let (held, to_buyer) =
        (Account::of(locked.seller, AccountKind::Held), Account::of(locked.buyer, AccountKind::Payable));
    // With those that the tax on the premium may be kept back from: one by one, they would be locked in another order than elsewhere.
    let [earned, debt] = [AccountKind::Receivable, AccountKind::Debt].map(|kind| Account::of(locked.seller, kind));
    ledger::hold(conn, &[held, to_buyer, earned, debt], amount.currency()).await?;
    let entries = vec![Entry::less(held, amount), Entry::more(to_buyer, amount)];
    let transfer =
        NewTransfer { kind: TransferKind::RefundHeld, reference: id.to_string(), order: Some(locked.id), entries };
    ledger::book(conn, &transfer).await?;
    invoices::settle_premium_tax(conn, locked.id, &id.to_string()).await?;
    Ok(id)
}

/// Writes a refund down, with what it takes of each part that is left, by the largest remainder, and issues its credit note.
pub(super) async fn insert(
    conn: &mut PgConnection,
    locked: &Locked,
    amount: Money,
    cause: RefundCause,
    by: Option<UserId>,
    reason: &str,
) -> Result<(RefundId, [Money; 5]), EscrowError> {
    let left = left(conn, locked.id).await?;
    // As many as there are parts.
    let mut given = left;
    for (given, share) in given.iter_mut().zip(shares(amount, &left)?) {
        *given = share;
    }
    let shares: Vec<i64> = given.iter().map(|share| share.minor()).collect();
    let id = RefundId::generate();
    sqlx::query!(
        "INSERT INTO refunds
             (id, payment_id, order_id, cause, amount_minor, fee_minor, net_minor, premium_minor, goods_tax_minor,
              premium_tax_minor, reason, created_by)
         SELECT $1, $2, $3, $4, $5, ($6::bigint[])[1], ($6::bigint[])[2], ($6::bigint[])[3], ($6::bigint[])[4], ($6::bigint[])[5],
                $7, $8",
        id.0,
        locked.payment.0,
        locked.id.0,
        cause as RefundCause,
        amount.minor(),
        &shares,
        reason,
        by.map(|by| by.0),
    )
    .execute(&mut *conn)
    .await?;
    let [fee, net, premium, goods_tax, premium_tax] = given;
    let (goods, tax) = (fee.checked_add(net)?, goods_tax.checked_add(premium_tax)?);
    let credit = Credit { order: locked.id, refund: id, goods, premium, tax };
    invoices::credit(conn, credit).await?;
    Ok((id, given))
}

/// Intends to give all of a payment back that came when its checkout was over.
pub(super) async fn give_back_late(
    conn: &mut PgConnection,
    payment: PaymentId,
    amount: Money,
) -> Result<RefundId, sqlx::Error> {
    let id = RefundId::generate();
    sqlx::query!(
        "INSERT INTO refunds (id, payment_id, cause, amount_minor) VALUES ($1, $2, 'late', $3)",
        id.0,
        payment.0,
        amount.minor(),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Writes what [`decide`] has decided.
pub(super) async fn set(
    conn: &mut PgConnection,
    order: OrderId,
    status: EscrowStatus,
    refund: Option<Money>,
    release: Option<Money>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE escrows
         SET status = $2, refunded_minor = refunded_minor + $3, released_minor = released_minor + $4
         WHERE order_id = $1",
        order.0,
        status as EscrowStatus,
        refund.map_or(0, Money::minor),
        release.map_or(0, Money::minor),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What to ask a provider to give back.
#[derive(Clone, Debug)]
pub struct Refunding {
    pub provider: Provider,
    pub payment: ProviderRef,
    pub amount: Money,
}

/// What a refund asks of its provider; `None` if it is decided.
pub async fn start_refund(conn: &mut PgConnection, id: RefundId) -> Result<Option<Refunding>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT p.provider AS "provider: Provider", p.provider_ref AS "payment!: ProviderRef", r.amount_minor,
                  p.currency AS "currency: Currency"
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id
           WHERE r.id = $1 AND r.status IN ('intended', 'sent')"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Refunding {
        provider: row.provider,
        payment: row.payment,
        amount: Money::from_minor(row.amount_minor, row.currency),
    }))
}

/// Brings a refund to what its provider says of it: whether it was decided just now. Needs a transaction.
pub async fn settle_refund(conn: &mut PgConnection, id: RefundId, found: &Disbursement) -> Result<bool, EscrowError> {
    let row = sqlx::query!(
        r#"SELECT r.status AS "status: RefundStatus", r.amount_minor, r.provider_ref, r.order_id AS "order: OrderId",
                  p.currency AS "currency: Currency", c.buyer_org_id AS "buyer: OrgId"
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id
           JOIN checkouts AS c ON c.id = p.checkout_id
           WHERE r.id = $1
           FOR NO KEY UPDATE OF r"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(EscrowError::NotFound)?;
    if row.provider_ref.as_ref().is_some_and(|known| *known != found.reference.0) {
        return Err(EscrowError::OtherName);
    }
    if matches!(row.status, RefundStatus::Done | RefundStatus::Failed) {
        return Ok(false);
    }
    let amount = Money::from_minor(row.amount_minor, row.currency);
    if found.amount != amount {
        return Err(EscrowError::OtherAmount { asked: amount, taken: found.amount });
    }
    let status = match found.state {
        DisbursementState::Pending => RefundStatus::Sent,
        DisbursementState::Done => RefundStatus::Done,
        DisbursementState::Failed => RefundStatus::Failed,
    };
    sqlx::query!(
        "UPDATE refunds
         SET status = $2, provider_ref = $3, ended_at = CASE WHEN $2 <> 'sent' THEN clock_timestamp() END
         WHERE id = $1",
        id.0,
        status as RefundStatus,
        found.reference.0,
    )
    .execute(&mut *conn)
    .await?;
    if status == RefundStatus::Done {
        let entries = vec![
            Entry::less(Account::of(row.buyer, AccountKind::Payable), amount),
            Entry::more(Account::platform(AccountKind::Cash), amount),
        ];
        let (kind, reference) = (TransferKind::RefundPaid, id.to_string());
        ledger::book(conn, &NewTransfer { kind, reference, order: row.order, entries }).await?;
    }
    Ok(status != RefundStatus::Sent)
}

/// Ends a refund that its provider will never make: the buyer is still owed it, and people find another way.
pub async fn refuse_refund(conn: &mut PgConnection, id: RefundId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE refunds
         SET status = 'failed', ended_at = clock_timestamp()
         WHERE id = $1 AND status IN ('intended', 'sent')",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
