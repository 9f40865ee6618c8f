//! What keeping goods costs.
//!
//! The terms of an order are guarded by its lock. Each day is booked once: the ledger knows it by the order and its number.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::AppointmentError;
use super::book::there;
use super::hours::{booked, hours};
use crate::appointments::model::{AppointmentKind, Settlement, Storage};
use crate::appointments::rules::AppointmentRefusal;
use crate::appointments::rules::slots::{Hours, Span};
use crate::appointments::rules::storage::{Next, Terms, free_from, next};
use crate::escrow::store::{Locked, lock, lock_for};
use crate::ids::{OrderId, SiteId};
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::offers::model::Party;

/// Freezes what keeping the goods of an order costs at a site where its first slot has just been booked, if it costs anything there and
/// was not frozen before.
pub(super) async fn freeze(
    conn: &mut PgConnection,
    order: &Locked,
    site: SiteId,
    slot: Span,
) -> Result<(), sqlx::Error> {
    let Some(hours) = hours(conn, order.seller, site).await?.filter(|hours| !hours.storage_fees.is_empty()) else {
        return Ok(());
    };
    let taken = booked(conn, site, AppointmentKind::Collection).await?;
    let from = free_from(slot, &Hours::collections(&hours), &taken, order.now);
    sqlx::query!(
        "INSERT INTO storage_terms (order_id, seller_org_id, site_id, fee_minor, free_until, due_at)
         SELECT o.id, o.seller_org_id, f.site_id, f.fee_minor, until, until
         FROM orders AS o
         JOIN site_storage_fees AS f ON f.site_id = $2 AND f.currency = o.currency
         JOIN site_hours AS h ON h.site_id = f.site_id
         CROSS JOIN LATERAL (SELECT $3::timestamptz + make_interval(days => h.free_days)) AS free (until)
         WHERE o.id = $1
         ON CONFLICT (order_id) DO NOTHING",
        order.id.0,
        site.0,
        from,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What keeping the goods of an order costs, if it costs anything.
pub async fn storage(conn: &mut PgConnection, order: OrderId) -> Result<Option<Storage>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT t.site_id AS "site: SiteId", t.fee_minor, t.free_until, t.due_at, t.days, t.settled_days,
                  o.currency AS "currency: Currency"
           FROM storage_terms AS t
           JOIN orders AS o ON o.id = t.order_id
           WHERE t.order_id = $1"#,
        order.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let days = i64::from(row.days - row.settled_days);
        Storage {
            order,
            site: row.site,
            per_day: Money::from_minor(row.fee_minor, row.currency),
            free_until: row.free_until,
            days: i64::from(row.days),
            due: Money::from_minor(row.fee_minor.saturating_mul(days), row.currency),
            next_at: row.due_at,
        }
    }))
}

/// Refuses to give out goods whose storage is not paid.
pub(super) async fn refuse_due(conn: &mut PgConnection, order: OrderId) -> Result<(), AppointmentError> {
    match storage(conn, order).await? {
        Some(Storage { due, .. }) if due.minor() > 0 => Err(AppointmentRefusal::StorageDue(due).into()),
        _ => Ok(()),
    }
}

/// Up to `limit` orders of which another day of storage may be to be booked.
pub async fn storage_due(conn: &mut PgConnection, limit: i64) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT order_id AS "order: OrderId"
           FROM storage_terms
           WHERE due_at <= clock_timestamp()
           ORDER BY due_at, order_id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// What became of a day of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It is booked; the first one of its order begins it.
    Booked { is_first: bool },
    /// It costs nothing: a dispute decides first.
    Skipped,
    /// There is nothing left to keep, or it was kept for as long as it costs anything.
    Ended,
    /// Somebody else was there before.
    Nothing,
}

/// Books the next day of storage of an order, if it is due, or ends it. Needs a transaction.
pub async fn charge(conn: &mut PgConnection, order: OrderId) -> Result<Charge, AppointmentError> {
    let Some(locked) = lock(conn, order).await? else { return Ok(Charge::Nothing) };
    let row = sqlx::query!(
        r#"SELECT site_id AS "site: SiteId", fee_minor, days, due_at FROM storage_terms WHERE order_id = $1"#,
        order.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some((row, due_at)) = row.and_then(|row| row.due_at.map(|due_at| (row, due_at))) else {
        return Ok(Charge::Nothing);
    };
    let is_there = there(conn, order, row.site).await?.any;
    let terms = Terms { status: locked.status, is_there, days: row.days, due_at };
    match next(terms, locked.now) {
        Next::NotYet => Ok(Charge::Nothing),
        Next::End => {
            set(conn, order, row.days, None).await?;
            Ok(Charge::Ended)
        }
        Next::Skip { until } => {
            set(conn, order, row.days, Some(until)).await?;
            Ok(Charge::Skipped)
        }
        Next::Book { day, until } => {
            let fee = Money::from_minor(row.fee_minor, locked.escrow.amount.currency());
            book_day(conn, &locked, day, fee).await?;
            set(conn, order, day, Some(until)).await?;
            Ok(Charge::Booked { is_first: day == 1 })
        }
    }
}

async fn book_day(conn: &mut PgConnection, order: &Locked, day: i16, fee: Money) -> Result<(), AppointmentError> {
    let entries = vec![
        Entry::less(Account::of(order.buyer, AccountKind::Due), fee),
        Entry::more(Account::of(order.seller, AccountKind::Claim), fee),
    ];
    let (kind, reference) = (TransferKind::StorageFee, format!("{}:{day}", order.id));
    ledger::book(conn, &NewTransfer { kind, reference, order: Some(order.id), entries }).await?;
    Ok(())
}

async fn set(
    conn: &mut PgConnection,
    order: OrderId,
    days: i16,
    due_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE storage_terms SET days = $2, due_at = $3 WHERE order_id = $1", order.0, days, due_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The seller has got what is due for storage, or gives it up. Needs a transaction.
pub async fn settle(
    conn: &mut PgConnection,
    by: Party,
    order: OrderId,
    how: Settlement,
) -> Result<Storage, AppointmentError> {
    let locked = lock_for(conn, order, |parties| parties.seller == by.org).await?;
    let owed = storage(conn, order).await?.filter(|storage| storage.due.minor() > 0);
    let owed = owed.ok_or(AppointmentRefusal::NothingDue)?;
    let entries = vec![
        Entry::more(Account::of(locked.buyer, AccountKind::Due), owed.due),
        Entry::less(Account::of(locked.seller, AccountKind::Claim), owed.due),
    ];
    let (kind, reference) = (TransferKind::StorageSettled, format!("{order}:{}", owed.days));
    ledger::book(conn, &NewTransfer { kind, reference, order: Some(order), entries }).await?;
    sqlx::query!("UPDATE storage_terms SET settled_days = days WHERE order_id = $1", order.0)
        .execute(&mut *conn)
        .await?;
    let (actor, subject) = (Actor::User(by.user), ("order", order.to_string()));
    let data = json!({"amount": owed.due, "how": how});
    audit::append(conn, audit::Entry { actor, action: "order.settle_storage", subject, data }).await?;
    Ok(storage(conn, order).await?.ok_or(AppointmentRefusal::NothingDue)?)
}

/// Sets what keeping goods costs at a site whose hours are locked.
pub(super) async fn set_fees(conn: &mut PgConnection, site: SiteId, fees: &[Money]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM site_storage_fees WHERE site_id = $1", site.0).execute(&mut *conn).await?;
    let currencies: Vec<String> = fees.iter().map(|fee| fee.currency().code().to_owned()).collect();
    let amounts: Vec<i64> = fees.iter().map(|fee| fee.minor()).collect();
    sqlx::query!(
        "INSERT INTO site_storage_fees (site_id, currency, fee_minor)
         SELECT $1, currency, fee_minor
         FROM unnest($2::text[], $3::bigint[]) AS given (currency, fee_minor)",
        site.0,
        &currencies,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What keeping goods costs at a site, by currency.
pub(super) async fn fees(conn: &mut PgConnection, site: SiteId) -> Result<Vec<Money>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT currency AS "currency: Currency", fee_minor FROM site_storage_fees WHERE site_id = $1 ORDER BY currency"#,
        site.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Money::from_minor(row.fee_minor, row.currency)).collect())
}
