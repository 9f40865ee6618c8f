//! What is held becomes the seller's.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use sqlx::PgConnection;

use super::EscrowError;
use super::locked::{Locked, lock, lock_as, move_order};
use super::refund::{left, set};
use crate::escrow::rules::{EscrowRefusal, Next, Wish, decide};
use crate::ids::OrderId;
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::orders::model::{OrderStatus, Side};

/// The buyer accepts what was delivered; returns the version of the order. Needs a transaction.
pub async fn accept(conn: &mut PgConnection, buyer: OrgId, by: UserId, order: OrderId) -> Result<i64, EscrowError> {
    let locked = lock_as(conn, Side::Buyer, buyer, order).await?;
    let next = decide(&locked.escrow, Wish::Accept, locked.now)?;
    release(conn, &locked, next, Some(by)).await
}

/// What became of an order whose time of inspection may be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// It is accepted, and the money is the seller's.
    Released,
    NotYet {
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    /// Somebody has decided before, or a dispute is open.
    Nothing,
}

/// Accepts an order that nobody has found fault with in time. Needs a transaction.
pub async fn lapse(conn: &mut PgConnection, order: OrderId) -> Result<Lapse, EscrowError> {
    let Some(locked) = lock(conn, order).await? else { return Ok(Lapse::Nothing) };
    match decide(&locked.escrow, Wish::Lapse, locked.now) {
        Ok(next) => {
            release(conn, &locked, next, None).await?;
            Ok(Lapse::Released)
        }
        Err(EscrowRefusal::TooEarly { until }) => Ok(Lapse::NotYet { until, now: locked.now }),
        Err(_) => Ok(Lapse::Nothing),
    }
}

/// Gives what is left to the seller, the platform and the state, and completes the order; returns its version.
pub(super) async fn release(
    conn: &mut PgConnection,
    locked: &Locked,
    next: Next,
    by: Option<UserId>,
) -> Result<i64, EscrowError> {
    let Some(released) = next.release else { return Ok(locked.version) };
    set(conn, locked.id, next.status, None, Some(released)).await?;
    move_order(conn, locked.id, OrderStatus::Accepted, by).await?;
    let version = move_order(conn, locked.id, OrderStatus::Completed, None).await?;
    let [fee, net, premium, goods_tax, premium_tax] = left(conn, locked.id).await?;
    let earned = net.checked_add(goods_tax)?;
    let gets = [
        (Account::of(locked.seller, AccountKind::Receivable), earned),
        (Account::platform(AccountKind::Commission), fee),
        (Account::platform(AccountKind::Premium), premium),
        (Account::platform(AccountKind::Tax), premium_tax),
    ];
    let given: Vec<_> = gets.into_iter().filter(|(_, amount): &(Account, Money)| amount.minor() > 0).collect();
    let mut entries: Vec<_> = given.into_iter().map(|(account, amount)| Entry::more(account, amount)).collect();
    entries.push(Entry::less(Account::of(locked.seller, AccountKind::Held), released));
    let (kind, reference) = (TransferKind::Release, locked.id.to_string());
    ledger::book(conn, &NewTransfer { kind, reference, order: Some(locked.id), entries }).await?;
    ledger::recover(conn, locked.seller, earned, &locked.id.to_string(), Some(locked.id)).await?;
    Ok(version)
}
