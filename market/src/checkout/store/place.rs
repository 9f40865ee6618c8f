//! Buying at fixed prices.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;

use super::{CheckoutError, NewCheckout, create};
use crate::checkout::model::CheckoutLine;
use crate::checkout::rules::{LineRefusal, MAX_LINES, MAX_QUANTITY, Offer, currency, judge, repeated};
use crate::ids::{CategoryId, CheckoutId, ItemId, ListingId, OrderId};
use crate::listings::model::{ListingStatus, SaleMode};
use crate::money::store::tariffs::fees;
use crate::orders::model::{NewOrder, OrderLine, OrderSource};
use crate::orders::store::OrderError;
use crate::stock::model::{Holder, Want};
use crate::stock::store::{StockError, reserve};

/// Reserves these listings for `buyer` and orders them, one order for each seller: all of them or none. What is not paid within
/// `term` is sold to others. After an error the transaction must be rolled back.
pub async fn place(
    conn: &mut PgConnection,
    buyer: OrgId,
    by: UserId,
    lines: &[CheckoutLine],
    term: TimeDelta,
) -> Result<CheckoutId, CheckoutError> {
    if lines.is_empty() {
        return Err(CheckoutError::Empty);
    }
    if lines.len() > MAX_LINES {
        return Err(CheckoutError::TooMany(MAX_LINES));
    }
    if let Some((line, _)) = repeated(lines) {
        return Err(CheckoutError::Twice(line));
    }
    // Stock is never asked for nothing.
    if let Some(line) = lines.iter().position(|line| !(1..=MAX_QUANTITY).contains(&line.quantity)) {
        let refusal = LineRefusal::Quantity { least: 1, most: MAX_QUANTITY };
        return Err(CheckoutError::Line { line, refusal });
    }
    currency(lines).map_err(CheckoutError::Currencies)?;
    // A listing keeps its seller, so that this needs no lock.
    let sellers = sellers(conn, lines).await?;
    let mut orders: BTreeMap<OrgId, (OrderId, Vec<usize>)> = BTreeMap::new();
    let mut wants = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        let seller = sellers.get(&line.listing);
        let seller = seller.ok_or(CheckoutError::Line { line: place, refusal: LineRefusal::NotOnOffer })?;
        let (order, places) = orders.entry(*seller).or_insert_with(|| (OrderId::generate(), Vec::new()));
        places.push(place);
        let line_no = i16::try_from(places.len()).map_err(|_| CheckoutError::TooMany(MAX_LINES))?;
        let holder = Holder::Line { order: *order, line_no };
        wants.push(Want { listing: line.listing, quantity: line.quantity, holder });
    }
    let reserved = reserve(conn, &wants).await;
    // Judged while the listings are locked; what is not on offer is told before that it is out of stock.
    let listings: Vec<_> = lines.iter().map(|line| line.listing).collect();
    let rows = offers(conn, &listings).await?;
    let now = rows.first().ok_or(CheckoutError::Empty)?.now;
    for (place, (line, row)) in lines.iter().zip(&rows).enumerate() {
        judge(line, &row.offer, buyer).map_err(|refusal| CheckoutError::Line { line: place, refusal })?;
    }
    reserved.map_err(|error| refused(error, lines))?;
    let mut made = Vec::with_capacity(orders.len());
    for (seller, (id, places)) in orders {
        let lines: Result<Vec<OrderLine>, _> =
            places.iter().map(|place| order_line(&lines[*place], &rows[*place])).collect();
        made.push((
            id,
            NewOrder {
                source: OrderSource::Checkout,
                award: None,
                offer: None,
                buyer,
                seller,
                placed_by: by,
                created_at: now,
                premium: None,
                lines: lines?,
            },
        ));
    }
    let new = NewCheckout { orders: &made, pay_by: now + term };
    let placed = create(conn, &new).await.map_err(|error| match error {
        OrderError::Database(error) if violated(&error) == Some("orders_not_by_sellers_people") => {
            CheckoutError::SellersPeople
        }
        OrderError::Database(error)
            if matches!(
                violated(&error),
                Some("checkouts_payable_range" | "orders_total_positive" | "order_lines_amount_positive")
            ) =>
        {
            MoneyError::Overflow.into()
        }
        OrderError::Money(error) => error.into(),
        error => error.into(),
    })?;
    Ok(placed.id)
}

fn order_line(line: &CheckoutLine, row: &Row) -> Result<OrderLine, CheckoutError> {
    Ok(OrderLine {
        listing_id: Some(line.listing),
        item_id: row.item,
        title: row.title.clone(),
        quantity: line.quantity,
        unit: row.unit.clone(),
        unit_price: Some(line.price),
        amount: line.price.checked_mul(line.quantity)?,
        fee_bps: row.fee_bps,
        days: Vec::new(),
    })
}

fn refused(error: StockError, lines: &[CheckoutLine]) -> CheckoutError {
    match error {
        StockError::OutOfStock { listing: Some(listing), available, .. } => {
            let line = lines.iter().position(|line| line.listing == listing).unwrap_or_default();
            CheckoutError::OutOfStock { line, available }
        }
        StockError::Database(error) => CheckoutError::Sql(error),
        error => CheckoutError::Stock(error),
    }
}

async fn sellers(conn: &mut PgConnection, lines: &[CheckoutLine]) -> Result<BTreeMap<ListingId, OrgId>, sqlx::Error> {
    let ids: Vec<_> = lines.iter().map(|line| line.listing.0).collect();
    let rows = sqlx::query!(
        r#"SELECT id AS "id: ListingId", seller_org_id AS "seller: OrgId" FROM listings WHERE id = ANY ($1)"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.seller)).collect())
}

/// A listing with what an order of it says.
pub(super) struct Row {
    pub(super) offer: Offer,
    item: ItemId,
    title: String,
    unit: String,
    fee_bps: i32,
    now: DateTime<Utc>,
}

/// These listings in their order, without those that there are not.
pub(super) async fn offers(conn: &mut PgConnection, listings: &[ListingId]) -> Result<Vec<Row>, sqlx::Error> {
    let ids: Vec<_> = listings.iter().map(|listing| listing.0).collect();
    let rows = sqlx::query!(
        r#"SELECT l.seller_org_id AS "seller: OrgId", o.status = 'approved' AS "seller_trades!",
                  l.status AS "status: ListingStatus", l.sale_mode AS "sale_mode: SaleMode",
                  l.currency AS "currency: Currency", l.price_minor, l.min_quantity, l.quantity,
                  l.item_id AS "item: ItemId", l.title, i.unit, i.category_id AS "category: CategoryId",
                  clock_timestamp() AS "now!"
           FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
           JOIN listings AS l ON l.id = wanted.id
           JOIN orgs AS o ON o.id = l.seller_org_id
           JOIN items AS i ON i.id = l.item_id
           ORDER BY wanted.place"#,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let goods: Vec<_> = rows.iter().map(|row| (row.seller, row.category)).collect();
    let fees = fees(conn, &goods).await?;
    Ok(rows
        .into_iter()
        .zip(fees)
        .map(|(row, fee)| Row {
            offer: Offer {
                seller: row.seller,
                seller_trades: row.seller_trades,
                status: row.status,
                sale_mode: row.sale_mode,
                price: row.price_minor.map(|minor| Money::from_minor(minor, row.currency)),
                min_quantity: row.min_quantity,
                quantity: row.quantity,
            },
            item: row.item,
            title: row.title,
            unit: row.unit,
            fee_bps: fee.get(),
            now: row.now,
        })
        .collect())
}
