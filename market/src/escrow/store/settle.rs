//! What a provider says about a payment becomes what is held for the sellers.

use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::pay::checkout_of;
use super::{EscrowError, refund};
use crate::checkout::model::CheckoutStatus;
use crate::checkout::store as checkouts;
use crate::escrow::model::PaymentStatus;
use crate::ids::{CheckoutId, OrderId, PaymentId, RefundId};
use crate::invoices::store as invoices;
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::payments::{Payment, PaymentState};
use crate::stock::model::Moved;
use crate::stock::store::{Kept, take};

/// What became of a payment.
#[derive(Clone, Debug)]
pub enum Settled {
    /// The checkout is paid: its orders with their versions, and those of them that are trades, whose goods may have left before.
    Held { orders: Vec<(OrderId, i64)>, traded: Vec<OrderId>, moved: Vec<Moved> },
    /// The money came when the checkout was over, and goes back.
    Late { refund: RefundId },
    /// The buyer did not pay.
    Failed { payment: PaymentId, checkout: CheckoutId },
    /// The provider has not decided.
    Pending,
    /// It was decided before.
    NothingNew,
}

/// Brings a payment to what its provider says of it. Older news after newer changes nothing. Needs a transaction.
pub async fn settle(conn: &mut PgConnection, id: PaymentId, found: &Payment) -> Result<Settled, EscrowError> {
    let seen = sqlx::query!(
        r#"SELECT checkout_id AS "checkout: CheckoutId", status AS "status: PaymentStatus", provider_ref
           FROM payments
           WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(EscrowError::NotFound)?;
    // Neither its checkout nor what was decided ever changes, so that this needs no lock: a webhook says little that is new.
    let is_decided = matches!(seen.status, PaymentStatus::Held | PaymentStatus::Failed | PaymentStatus::Cancelled);
    if is_decided && seen.provider_ref.as_ref() == Some(&found.reference.0) {
        return Ok(Settled::NothingNew);
    }
    let checkout = seen.checkout;
    let locked = checkouts::lock(conn, checkout).await?.ok_or(EscrowError::NotFound)?;
    let row = sqlx::query!(
        r#"SELECT status AS "status: PaymentStatus", provider_ref, amount_minor, currency AS "currency: Currency"
           FROM payments
           WHERE id = $1"#,
        id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if row.provider_ref.as_ref().is_some_and(|known| *known != found.reference.0) {
        return Err(EscrowError::OtherName);
    }
    if row.status != PaymentStatus::Funding {
        return Ok(Settled::NothingNew);
    }
    let (status, failure) = match found.state {
        PaymentState::Captured => (PaymentStatus::Held, None),
        PaymentState::Failed => (PaymentStatus::Failed, Some(found.failure.as_deref().unwrap_or("failed"))),
        PaymentState::Cancelled => (PaymentStatus::Failed, Some("cancelled")),
        PaymentState::Pending | PaymentState::Authorised => (PaymentStatus::Funding, None),
    };
    let amount = Money::from_minor(row.amount_minor, row.currency);
    if status == PaymentStatus::Held && found.captured != amount {
        return Err(EscrowError::OtherAmount { asked: amount, taken: found.captured });
    }
    sqlx::query!(
        "UPDATE payments
         SET status = $2, failure = left($3, 200), provider_ref = $4,
             confirm_at = CASE WHEN $2 = 'funding' THEN $5 END,
             waits_since = CASE WHEN $2 = 'funding' THEN coalesce(waits_since, clock_timestamp()) ELSE waits_since END,
             ended_at = CASE WHEN $2 <> 'funding' THEN clock_timestamp() END
         WHERE id = $1",
        id.0,
        status as PaymentStatus,
        failure,
        found.reference.0,
        found.confirm_at.as_deref().filter(|page| is_page(page)),
    )
    .execute(&mut *conn)
    .await?;
    match status {
        PaymentStatus::Held if locked.status == CheckoutStatus::Open => hold(conn, checkout, id, amount).await,
        PaymentStatus::Held => {
            let to_buyer = Entry { account: Account::of(locked.buyer, AccountKind::Payable), amount };
            capture(conn, id, amount, vec![to_buyer]).await?;
            let refund = refund::give_back_late(conn, id, amount).await?;
            Ok(Settled::Late { refund })
        }
        PaymentStatus::Funding => Ok(Settled::Pending),
        _ => Ok(Settled::Failed { payment: id, checkout }),
    }
}

/// Whether a browser can be sent there; a part of an address leads nowhere.
fn is_page(address: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme)) && address.chars().count() <= 2000
}

/// Ends a payment that its provider has refused, with the provider's code. Needs a transaction.
pub async fn refused(conn: &mut PgConnection, id: PaymentId, code: &str) -> Result<Settled, EscrowError> {
    let checkout = checkout_of(conn, id).await?.ok_or(EscrowError::NotFound)?;
    checkouts::lock(conn, checkout).await?;
    let ended = sqlx::query!(
        "UPDATE payments
         SET status = 'failed', failure = left($2, 200), confirm_at = NULL, ended_at = clock_timestamp()
         WHERE id = $1 AND status = 'funding'",
        id.0,
        code,
    )
    .execute(conn)
    .await?;
    Ok(if ended.rows_affected() == 1 { Settled::Failed { payment: id, checkout } } else { Settled::NothingNew })
}

/// Holds what was paid for each seller, with an invoice for each order, in the order of locks: orders, stock, series, accounts.
async fn hold(
    conn: &mut PgConnection,
    checkout: CheckoutId,
    payment: PaymentId,
    amount: Money,
) -> Result<Settled, EscrowError> {
    sqlx::query!("UPDATE checkouts SET status = 'paid', ended_at = clock_timestamp() WHERE id = $1", checkout.0)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query!(
        r#"WITH paid AS (
               UPDATE orders
               SET status = 'paid'
               WHERE checkout_id = $1
               RETURNING id, source, version, status, seller_org_id, payable_minor
           ), written AS (
               INSERT INTO order_events (order_id, version, status) SELECT id, version, status FROM paid
           ), held AS (
               INSERT INTO escrows (order_id, payment_id, amount_minor) SELECT id, $2, payable_minor FROM paid
           )
           SELECT id AS "id: OrderId", source = 'trade' AS "traded!", version AS "version!",
                  seller_org_id AS "seller: OrgId", payable_minor AS "payable_minor!"
           FROM paid
           ORDER BY id"#,
        checkout.0,
        payment.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let orders: Vec<OrderId> = rows.iter().map(|row| row.id).collect();
    let terms = invoices::terms(conn, &orders).await?;
    let moved = take(conn, Kept::OfCheckout(checkout)).await?;
    invoices::issue(conn, terms).await?;
    let to_seller = |seller: OrgId, minor: i64| Entry {
        account: Account::of(seller, AccountKind::Held),
        amount: Money::from_minor(minor, amount.currency()),
    };
    let entries = rows.iter().map(|row| to_seller(row.seller, row.payable_minor)).collect();
    capture(conn, payment, amount, entries).await?;
    let traded = rows.iter().filter(|row| row.traded).map(|row| row.id).collect();
    Ok(Settled::Held { orders: rows.iter().map(|row| (row.id, row.version)).collect(), traded, moved })
}

/// Books that the provider has the money of a payment.
async fn capture(
    conn: &mut PgConnection,
    payment: PaymentId,
    amount: Money,
    mut entries: Vec<Entry>,
) -> Result<(), EscrowError> {
    entries.push(Entry::less(Account::platform(AccountKind::Cash), amount));
    let transfer = NewTransfer { kind: TransferKind::Capture, reference: payment.to_string(), order: None, entries };
    ledger::book(conn, &transfer).await?;
    Ok(())
}
