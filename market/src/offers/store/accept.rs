//! Accepting: an offer becomes one order.

use shared::ids::UserId;
use shared::invalid::violated;
use shared::money::MoneyError;
use sqlx::PgConnection;

use super::act::{end, lock, standing_terms};
use super::{OfferError, listed, may_trade};
use crate::checkout::store::{NewCheckout, create};
use crate::ids::{CategoryId, CheckoutId, OfferId, OrderId};
use crate::money::store::tariffs::fees;
use crate::offers::model::{OfferStatus, Party, Proposal};
use crate::offers::rules::{Act, TermsRefusal, judge_act, judge_terms};
use crate::orders::model::{NewOrder, OrderLine, OrderSource, PAYMENT_TERM, Side};
use crate::orders::store::OrderError;
use crate::stock::model::{Holder, Want};
use crate::stock::store::{StockError, reserve, reserve_at};

/// What an accepted offer has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub order: OrderId,
    pub checkout: CheckoutId,
}

/// Accepts the terms of `version`: reserves the units and orders them, to be paid within three days. After an error the transaction
/// must be rolled back, and the offer stays as it is.
pub async fn accept(conn: &mut PgConnection, by: Party, id: OfferId, version: i32) -> Result<Accepted, OfferError> {
    let locked = lock(conn, by.org, id).await?;
    judge_act(Act::Accept, locked.side, version, &locked.standing)?;
    let (price, quantity) = standing_terms(conn, id, &locked).await?;
    let order = OrderId::generate();
    let holder = Holder::Line { order, line_no: 1 };
    let listed_as = match (locked.listing, locked.site) {
        (Some(listing), _) => {
            let reserved = reserve(conn, &[Want { listing, quantity, holder }]).await;
            // Judged while the listing is locked; what is not on offer is told before that it is out of stock.
            let listed = listed(conn, listing).await?;
            let offerer = if listed.goods.lister == locked.buyer { locked.seller } else { locked.buyer };
            judge_terms(&listed.goods, offerer, &Proposal { price, quantity, note: None })?;
            reserved.map_err(out_of_stock)?;
            Some(listed.title)
        }
        (None, Some(site)) => {
            reserve_at(conn, (locked.item, site), quantity, holder).await.map_err(out_of_stock)?;
            None
        }
        // The table has none.
        (None, None) => return Err(OfferError::NotFound),
    };
    if !may_trade(conn, locked.buyer, locked.seller).await? {
        return Err(TermsRefusal::NotOnOffer.into());
    }
    let item = sqlx::query!(
        r#"SELECT unit, title, category_id AS "category: CategoryId" FROM items WHERE id = $1"#,
        locked.item.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    let source = if locked.listing.is_some() { OrderSource::Offer } else { OrderSource::Trade };
    let fee = fees(conn, &[(locked.seller, item.category)]).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
    let line = OrderLine {
        listing_id: locked.listing,
        item_id: locked.item,
        title: listed_as.unwrap_or(item.title),
        quantity,
        unit: item.unit,
        unit_price: Some(price),
        amount: price.checked_mul(quantity)?,
        fee_bps: fee.get(),
        days: Vec::new(),
    };
    let new = NewOrder {
        source,
        award: None,
        offer: Some(id),
        buyer: locked.buyer,
        seller: locked.seller,
        placed_by: buyers_person(conn, by, locked.side, id).await?,
        created_at: locked.standing.now,
        premium: None,
        lines: vec![line],
    };
    let pay_by = locked.standing.now + PAYMENT_TERM;
    let checkout = create(conn, &NewCheckout { orders: &[(order, new)], pay_by }).await.map_err(refused)?.id;
    end(conn, id, OfferStatus::Accepted).await?;
    Ok(Accepted { order, checkout })
}

fn out_of_stock(error: StockError) -> OfferError {
    match error {
        StockError::OutOfStock { available, .. } => OfferError::OutOfStock(available),
        StockError::Database(error) => error.into(),
        error => OfferError::Stock(error),
    }
}

/// Who buys: the one who accepts, or whoever has proposed what the seller accepts.
async fn buyers_person(conn: &mut PgConnection, by: Party, side: Side, id: OfferId) -> Result<UserId, OfferError> {
    if side == Side::Buyer {
        return Ok(by.user);
    }
    let placed_by = sqlx::query_scalar!(
        r#"SELECT placed_by AS "user: UserId"
           FROM offer_terms
           WHERE offer_id = $1
             AND side = 'buyer'
           ORDER BY version DESC
           LIMIT 1"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(placed_by)
}

fn refused(error: OrderError) -> OfferError {
    match error {
        OrderError::Database(error)
            if matches!(
                violated(&error),
                Some("checkouts_payable_range" | "orders_total_positive" | "order_lines_amount_positive")
            ) =>
        {
            MoneyError::Overflow.into()
        }
        OrderError::Database(error) => error.into(),
        OrderError::Money(error) => error.into(),
        error @ OrderError::Empty => OfferError::Order(error),
    }
}
