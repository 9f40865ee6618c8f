//! A checkout with its orders, whichever way of selling makes them.

use chrono::{DateTime, Utc};
use shared::money::{BasisPoints, Currency, Money, MoneyError};
use sqlx::PgConnection;

use crate::ids::{CheckoutId, OrderId};
use crate::money::rules::quote::{Quote, QuotedLine, Terms};
use crate::money::rules::vat::Treatment;
use crate::money::store::vat::treatment;
use crate::orders::model::{MadeOrder, NewOrder, OrderSource};
use crate::orders::store::OrderError;

/// A checkout to create: one buyer, one currency, and an order for each seller.
pub(crate) struct NewCheckout<'a> {
    pub(crate) orders: &'a [(OrderId, NewOrder)],
    pub(crate) pay_by: DateTime<Utc>,
}

/// A checkout with its orders, in the order in which they were asked for.
pub(crate) struct MadeCheckout {
    pub(crate) id: CheckoutId,
    pub(crate) orders: Vec<MadeOrder>,
}

/// Creates orders that await one payment, and freezes what they cost.
pub(crate) async fn create(conn: &mut PgConnection, new: &NewCheckout<'_>) -> Result<MadeCheckout, OrderError> {
    let mut quoted = Vec::with_capacity(new.orders.len());
    for (id, order) in new.orders {
        let (treatment, rate) = treatment(conn, order.seller, order.buyer).await??;
        let lines = order.lines.iter().map(|line| {
            let fee_rate = BasisPoints::try_from(line.fee_bps)?;
            Ok(QuotedLine { amount: line.amount, tax_rate: rate, fee_rate })
        });
        let lines: Vec<_> = lines.collect::<Result<_, MoneyError>>()?;
        // The premium is taxed as the goods are, of which it is a part for the buyer.
        let premium = order.premium.as_ref().map(|premium| (&premium.tariff, rate));
        let quote = Quote::of(&Terms { lines: &lines, premium })?;
        quoted.push((*id, order, treatment, quote.ok_or(OrderError::Empty)?));
    }
    let (_, first, _, quote) = quoted.first().ok_or(OrderError::Empty)?;
    let rest = quoted.iter().skip(1);
    let payable = rest.map(|(.., quote)| quote.payable).try_fold(quote.payable, Money::checked_add)?;
    let checkout = CheckoutId::generate();
    sqlx::query!(
        "INSERT INTO checkouts (id, buyer_org_id, placed_by, currency, payable_minor, pay_by, created_at, awarded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        checkout.0,
        first.buyer.0,
        first.placed_by.0,
        payable.currency() as Currency,
        payable.minor(),
        new.pay_by,
        first.created_at,
        first.award.is_some(),
    )
    .execute(&mut *conn)
    .await?;
    let mut orders = Vec::with_capacity(quoted.len());
    for (id, order, treatment, quote) in &quoted {
        orders.push(insert(conn, checkout, *id, order, *treatment, quote, new.pay_by).await?);
    }
    Ok(MadeCheckout { id: checkout, orders })
}

/// One order with its lines, its taxes and its first event, in one statement, which also reads what its parties are called.
async fn insert(
    conn: &mut PgConnection,
    checkout: CheckoutId,
    id: OrderId,
    new: &NewOrder,
    treatment: Treatment,
    quote: &Quote,
    pay_by: DateTime<Utc>,
) -> Result<MadeOrder, OrderError> {
    let tax = quote.goods_tax.checked_add(quote.premium_tax)?;
    let charged: Vec<_> = quote.taxes.iter().filter(|tax| tax.goods.minor() + tax.premium.minor() > 0).collect();
    let rates: Vec<i32> = charged.iter().map(|tax| tax.rate.get()).collect();
    let nets: Vec<i64> = charged.iter().map(|tax| tax.net.minor()).collect();
    let goods_taxes: Vec<i64> = charged.iter().map(|tax| tax.goods.minor()).collect();
    let premium_taxes: Vec<i64> = charged.iter().map(|tax| tax.premium.minor()).collect();
    let listings: Vec<_> = new.lines.iter().map(|line| line.listing_id.0).collect();
    let items: Vec<_> = new.lines.iter().map(|line| line.item_id.0).collect();
    let titles: Vec<String> = new.lines.iter().map(|line| line.title.clone()).collect();
    let quantities: Vec<i64> = new.lines.iter().map(|line| line.quantity).collect();
    let units: Vec<String> = new.lines.iter().map(|line| line.unit.clone()).collect();
    let unit_prices: Vec<Option<i64>> = new.lines.iter().map(|line| line.unit_price.map(Money::minor)).collect();
    let amounts: Vec<i64> = new.lines.iter().map(|line| line.amount.minor()).collect();
    let fees: Vec<i32> = new.lines.iter().map(|line| line.fee_bps).collect();
    let one_fee = fees.first().filter(|first| fees.iter().all(|fee| fee == *first)).copied();
    let parties = sqlx::query!(
        r#"WITH made AS (
             INSERT INTO orders
                 (id, source, award_id, offer_id, checkout_id, buyer_org_id, seller_org_id, placed_by, currency, total_minor,
                  premium_minor, tax_minor, vat_treatment, fx_snapshot_id, fee_bps, fee_minor, net_minor, created_at, pay_by,
                  premium_tariff_id)
             VALUES ($1, $2, $3, $31, $4, $5, $6, $7, $8, $9, $10, $11, $12, (SELECT max(id) FROM fx_snapshots), $13, $14, $15,
                     $16, $17, $30)
         ), lines AS (
             INSERT INTO order_lines
                 (order_id, line_no, listing_id, item_id, title, quantity, unit, unit_price_minor, amount_minor,
                  fee_bps)
             SELECT $1, n, listing_id, item_id, title, quantity, unit, unit_price, amount, fee
             FROM unnest($18::uuid[], $19::uuid[], $20::text[], $21::bigint[], $22::text[], $23::bigint[], $24::bigint[],
                         $28::integer[])
                  WITH ORDINALITY AS l (listing_id, item_id, title, quantity, unit, unit_price, amount, fee, n)
         ), taxes AS (
             INSERT INTO order_taxes (order_id, rate_bps, net_minor, goods_minor, premium_minor)
             SELECT $1, rate, net, goods, premium
             FROM unnest($25::integer[], $26::bigint[], $27::bigint[], $29::bigint[]) AS t (rate, net, goods, premium)
         )
         INSERT INTO order_events (order_id, version, status, actor)
         VALUES ($1, 1, 'pending_payment', $7)
         RETURNING (SELECT legal_name FROM orgs WHERE id = $5) AS "buyer!",
                   (SELECT legal_name FROM orgs WHERE id = $6) AS "seller!""#,
        id.0,
        new.source as OrderSource,
        new.award.map(|award| award.0),
        checkout.0,
        new.buyer.0,
        new.seller.0,
        new.placed_by.0,
        quote.total.currency() as Currency,
        quote.total.minor(),
        quote.premium.minor(),
        tax.minor(),
        treatment as Treatment,
        one_fee,
        quote.fee.minor(),
        quote.net.minor(),
        new.created_at,
        pay_by,
        &listings,
        &items,
        &titles,
        &quantities,
        &units,
        &unit_prices as &[Option<i64>],
        &amounts,
        &rates,
        &nets,
        &goods_taxes,
        &fees,
        &premium_taxes,
        new.premium.as_ref().map(|premium| premium.id),
        new.offer.map(|offer| offer.0),
    )
    .fetch_one(conn)
    .await?;
    Ok(MadeOrder {
        id,
        checkout,
        buyer_name: parties.buyer,
        seller_name: parties.seller,
        total: quote.total,
        fee: quote.fee,
        net: quote.net,
        pay_by,
        created_at: new.created_at,
    })
}
