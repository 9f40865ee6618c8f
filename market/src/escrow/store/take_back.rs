//! What is the seller's already goes back to the buyer.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use sqlx::PgConnection;

use super::disputes::refuse_own;
use super::locked::{Locked, lock_for, move_order};
use super::refund::{insert, set};
use super::{EscrowError, read};
use crate::escrow::model::{EscrowStatus, Refund, RefundCause};
use crate::escrow::rules::{Wish, decide};
use crate::ids::{OrderId, RefundId};
use crate::invoices::store::settle_premium_tax;
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::orders::model::OrderStatus;

/// Gives a part back of what was released, or all: the seller's share out of what the seller has earned, and what that lacks is
/// owed; the platform gives back its share. By the seller, or without one by somebody of the platform who belongs to neither
/// party. Needs a transaction.
pub async fn take_back(
    conn: &mut PgConnection,
    seller: Option<OrgId>,
    by: UserId,
    order: OrderId,
    amount: Money,
    reason: &str,
) -> Result<Refund, EscrowError> {
    let locked = match seller {
        Some(seller) => lock_for(conn, order, |parties| parties.seller == seller).await?,
        None => lock_for(conn, order, |_| true).await?,
    };
    let cause = if seller.is_some() { RefundCause::Seller } else { RefundCause::Finance };
    if cause == RefundCause::Finance {
        refuse_own(conn, &locked, by).await?;
    }
    let id = refund_earned(conn, &locked, amount, cause, Some(by), reason).await?;
    if cause == RefundCause::Finance {
        let (subject, data) = (("order", order.to_string()), json!({"refund": id, "amount": amount, "reason": reason}));
        let actor = Actor::User(by);
        audit::append(conn, audit::Entry { actor, action: "order.refund", subject, data }).await?;
    }
    read::refund_row(conn, id).await?.ok_or(EscrowError::NotFound)
}

/// Gives this much back of what was released of a locked order.
pub(super) async fn refund_earned(
    conn: &mut PgConnection,
    locked: &Locked,
    amount: Money,
    cause: RefundCause,
    by: Option<UserId>,
    reason: &str,
) -> Result<RefundId, EscrowError> {
    let next = decide(&locked.escrow, Wish::TakeBack(amount), locked.now)?;
    let (id, [fee, net, premium, goods_tax, premium_tax]) = insert(conn, locked, amount, cause, by, reason).await?;
    set(conn, locked.id, next.status, next.refund, next.release).await?;
    if next.status == EscrowStatus::Refunded {
        move_order(conn, locked.id, OrderStatus::Refunded, by).await?;
    }
    let (earned, debt) =
        (Account::of(locked.seller, AccountKind::Receivable), Account::of(locked.seller, AccountKind::Debt));
    let to_buyer = Account::of(locked.buyer, AccountKind::Payable);
    let there = ledger::hold(conn, &[earned, debt, to_buyer], amount.currency()).await?[0];
    let share = net.checked_add(goods_tax)?;
    let paid = Money::from_minor(share.minor().min(there.minor()), amount.currency());
    let owed = Money::from_minor(share.minor() - paid.minor(), amount.currency());
    let entries = vec![
        Entry::less(earned, paid),
        Entry::less(debt, owed),
        Entry::less(Account::platform(AccountKind::Commission), fee),
        Entry::less(Account::platform(AccountKind::Premium), premium),
        Entry::less(Account::platform(AccountKind::Tax), premium_tax),
        Entry::more(to_buyer, amount),
    ];
    let (kind, reference) = (TransferKind::RefundReleased, id.to_string());
    ledger::book(conn, &NewTransfer { kind, reference, order: Some(locked.id), entries }).await?;
    settle_premium_tax(conn, locked.id, &id.to_string()).await?;
    Ok(id)
}
