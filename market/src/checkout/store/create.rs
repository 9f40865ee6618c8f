//! A checkout with its orders, whichever way of selling makes them.

use chrono::{DateTime, Utc};
use shared::money::{BasisPoints, Money, MoneyError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{CheckoutId, OrderId};
use crate::money::rules::quote::{Quote, QuotedLine, Terms};
use crate::money::rules::vat::Treatment;
use crate::money::store::vat::treatments;
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
    create_all(conn, std::slice::from_ref(new)).await?.pop().ok_or(OrderError::Empty)
}

/// [`create`] for several checkouts, in as many statements as for one: all of them or, on [`Err`], none.
pub(crate) async fn create_all(
    conn: &mut PgConnection,
    all: &[NewCheckout<'_>],
) -> Result<Vec<MadeCheckout>, OrderError> {
    let sales: Vec<_> = all.iter().flat_map(|new| new.orders).map(|(_, order)| (order.seller, order.buyer)).collect();
    let mut treatments = treatments(conn, &sales).await??.into_iter();
    let (mut checkouts, mut quoted) = (Checkouts::default(), Vec::with_capacity(sales.len()));
    for new in all {
        let checkout = CheckoutId::generate();
        let first = quoted.len();
        for ((id, order), (treatment, rate)) in new.orders.iter().zip(&mut treatments) {
            let quote = quote(order, rate)?;
            quoted.push(Quoted { id: *id, checkout, order, treatment, quote, pay_by: new.pay_by });
        }
        checkouts.push(checkout, &quoted[first..])?;
    }
    checkouts.insert(conn).await?;
    let mut made = insert(conn, &quoted).await?.into_iter();
    let checkouts = all.iter().zip(checkouts.ids);
    Ok(checkouts
        .map(|(new, id)| MadeCheckout { id: CheckoutId(id), orders: made.by_ref().take(new.orders.len()).collect() })
        .collect())
}

/// What an order costs and earns, with tax at this rate.
fn quote(order: &NewOrder, rate: BasisPoints) -> Result<Quote, OrderError> {
    let lines = order.lines.iter().map(|line| {
        let fee_rate = BasisPoints::try_from(line.fee_bps)?;
        Ok(QuotedLine { amount: line.amount, tax_rate: rate, fee_rate })
    });
    let lines: Vec<_> = lines.collect::<Result<_, MoneyError>>()?;
    // The premium is taxed as the goods are, of which it is a part for the buyer.
    let premium = order.premium.as_ref().map(|premium| (&premium.tariff, rate));
    Quote::of(&Terms { lines: &lines, premium })?.ok_or(OrderError::Empty)
}

/// An order whose amounts are settled.
struct Quoted<'a> {
    id: OrderId,
    checkout: CheckoutId,
    order: &'a NewOrder,
    treatment: Treatment,
    quote: Quote,
    pay_by: DateTime<Utc>,
}

/// Checkouts as the statement takes them.
#[derive(Default)]
struct Checkouts {
    ids: Vec<Uuid>,
    buyers: Vec<Uuid>,
    people: Vec<Uuid>,
    currencies: Vec<&'static str>,
    payables: Vec<i64>,
    pay_by: Vec<DateTime<Utc>>,
    created_at: Vec<DateTime<Utc>>,
    awarded: Vec<bool>,
}

impl Checkouts {
    /// Adds the checkout of these orders.
    fn push(&mut self, id: CheckoutId, orders: &[Quoted<'_>]) -> Result<(), OrderError> {
        let (first, rest) = orders.split_first().ok_or(OrderError::Empty)?;
        let mut others = rest.iter().map(|order| order.quote.payable);
        let payable = others.try_fold(first.quote.payable, Money::checked_add)?;
        self.ids.push(id.0);
        self.buyers.push(first.order.buyer.0);
        self.people.push(first.order.placed_by.0);
        self.currencies.push(payable.currency().code());
        self.payables.push(payable.minor());
        self.pay_by.push(first.pay_by);
        self.created_at.push(first.order.created_at);
        self.awarded.push(first.order.award.is_some());
        Ok(())
    }

    async fn insert(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "INSERT INTO checkouts (id, buyer_org_id, placed_by, currency, payable_minor, pay_by, created_at, awarded)
             SELECT id, buyer, person, currency, payable, pay_by, created_at, awarded
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
                         $8::boolean[]) WITH ORDINALITY
                 AS new (id, buyer, person, currency, payable, pay_by, created_at, awarded, place)
             ORDER BY place",
            &self.ids,
            &self.buyers,
            &self.people,
            &self.currencies as &[&str],
            &self.payables,
            &self.pay_by,
            &self.created_at,
            &self.awarded,
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}

/// Orders as the statement takes them.
#[derive(Default)]
struct Orders {
    ids: Vec<Uuid>,
    sources: Vec<OrderSource>,
    awards: Vec<Option<Uuid>>,
    offers: Vec<Option<Uuid>>,
    checkouts: Vec<Uuid>,
    buyers: Vec<Uuid>,
    sellers: Vec<Uuid>,
    people: Vec<Uuid>,
    currencies: Vec<&'static str>,
    totals: Vec<i64>,
    premiums: Vec<i64>,
    taxes: Vec<i64>,
    treatments: Vec<Treatment>,
    fee_rates: Vec<Option<i32>>,
    fees: Vec<i64>,
    nets: Vec<i64>,
    created_at: Vec<DateTime<Utc>>,
    pay_by: Vec<DateTime<Utc>>,
    tariffs: Vec<Option<i64>>,
}

/// Their lines.
#[derive(Default)]
struct Lines {
    orders: Vec<Uuid>,
    listings: Vec<Option<Uuid>>,
    items: Vec<Uuid>,
    titles: Vec<String>,
    quantities: Vec<i64>,
    units: Vec<String>,
    unit_prices: Vec<Option<i64>>,
    amounts: Vec<i64>,
    fee_rates: Vec<i32>,
}

/// Their taxes, by rate.
#[derive(Default)]
struct Taxes {
    orders: Vec<Uuid>,
    rates: Vec<i32>,
    nets: Vec<i64>,
    goods: Vec<i64>,
    premiums: Vec<i64>,
}

impl Orders {
    fn push(&mut self, quoted: &Quoted<'_>) -> Result<(), MoneyError> {
        let Quoted { order, quote, .. } = quoted;
        let rates = || order.lines.iter().map(|line| line.fee_bps);
        self.ids.push(quoted.id.0);
        self.sources.push(order.source);
        self.awards.push(order.award.map(|award| award.0));
        self.offers.push(order.offer.map(|offer| offer.0));
        self.checkouts.push(quoted.checkout.0);
        self.buyers.push(order.buyer.0);
        self.sellers.push(order.seller.0);
        self.people.push(order.placed_by.0);
        self.currencies.push(quote.total.currency().code());
        self.totals.push(quote.total.minor());
        self.premiums.push(quote.premium.minor());
        self.taxes.push(quote.goods_tax.checked_add(quote.premium_tax)?.minor());
        self.treatments.push(quoted.treatment);
        // Only if it is the rate of all lines.
        self.fee_rates.push(rates().next().filter(|first| rates().all(|rate| rate == *first)));
        self.fees.push(quote.fee.minor());
        self.nets.push(quote.net.minor());
        self.created_at.push(order.created_at);
        self.pay_by.push(quoted.pay_by);
        self.tariffs.push(order.premium.as_ref().map(|premium| premium.id));
        Ok(())
    }

    /// Writes orders with their lines, their taxes and their first events in one statement; returns what buyer and seller of each are
    /// called.
    async fn insert(
        &self,
        conn: &mut PgConnection,
        lines: &Lines,
        taxes: &Taxes,
    ) -> Result<Vec<(String, String)>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"WITH new AS (
                 SELECT *
                 FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[],
                             $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::integer[], $15::bigint[],
                             $16::bigint[], $17::timestamptz[], $18::timestamptz[], $19::bigint[]) WITH ORDINALITY
                     AS o (id, source, award, offer, checkout, buyer, seller, person, currency, total, premium, tax, treatment,
                           fee_bps, fee, net, created_at, pay_by, tariff, place)
             ), made AS (
                 INSERT INTO orders
                     (id, source, award_id, offer_id, checkout_id, buyer_org_id, seller_org_id, placed_by, currency, total_minor,
                      premium_minor, tax_minor, vat_treatment, fx_snapshot_id, fee_bps, fee_minor, net_minor, created_at, pay_by,
                      premium_tariff_id)
                 SELECT id, source, award, offer, checkout, buyer, seller, person, currency, total, premium, tax, treatment,
                        (SELECT max(id) FROM fx_snapshots), fee_bps, fee, net, created_at, pay_by, tariff
                 FROM new
                 ORDER BY place
             ), lines AS (
                 INSERT INTO order_lines
                     (order_id, line_no, listing_id, item_id, title, quantity, unit, unit_price_minor, amount_minor,
                      fee_bps)
                 SELECT order_id, row_number() OVER (PARTITION BY order_id ORDER BY place), listing_id, item_id, title, quantity,
                        unit, unit_price, amount, fee
                 FROM unnest($20::uuid[], $21::uuid[], $22::uuid[], $23::text[], $24::bigint[], $25::text[], $26::bigint[],
                             $27::bigint[], $28::integer[]) WITH ORDINALITY
                     AS l (order_id, listing_id, item_id, title, quantity, unit, unit_price, amount, fee, place)
             ), taxes AS (
                 INSERT INTO order_taxes (order_id, rate_bps, net_minor, goods_minor, premium_minor)
                 SELECT order_id, rate, net, goods, premium
                 FROM unnest($29::uuid[], $30::integer[], $31::bigint[], $32::bigint[], $33::bigint[])
                     AS t (order_id, rate, net, goods, premium)
             ), events AS (
                 INSERT INTO order_events (order_id, version, status, actor)
                 SELECT id, 1, 'pending_payment', person
                 FROM new
                 ORDER BY place
             )
             SELECT (SELECT legal_name FROM orgs WHERE id = new.buyer) AS "buyer!",
                    (SELECT legal_name FROM orgs WHERE id = new.seller) AS "seller!"
             FROM new
             ORDER BY place"#,
            &self.ids,
            &self.sources as &[OrderSource],
            &self.awards as &[Option<Uuid>],
            &self.offers as &[Option<Uuid>],
            &self.checkouts,
            &self.buyers,
            &self.sellers,
            &self.people,
            &self.currencies as &[&str],
            &self.totals,
            &self.premiums,
            &self.taxes,
            &self.treatments as &[Treatment],
            &self.fee_rates as &[Option<i32>],
            &self.fees,
            &self.nets,
            &self.created_at,
            &self.pay_by,
            &self.tariffs as &[Option<i64>],
            &lines.orders,
            &lines.listings as &[Option<Uuid>],
            &lines.items,
            &lines.titles,
            &lines.quantities,
            &lines.units,
            &lines.unit_prices as &[Option<i64>],
            &lines.amounts,
            &lines.fee_rates,
            &taxes.orders,
            &taxes.rates,
            &taxes.nets,
            &taxes.goods,
            &taxes.premiums,
        )
        .fetch_all(conn)
        .await?;
        Ok(rows.into_iter().map(|row| (row.buyer, row.seller)).collect())
    }
}

impl Lines {
    fn push(&mut self, quoted: &Quoted<'_>) {
        for line in &quoted.order.lines {
            self.orders.push(quoted.id.0);
            self.listings.push(line.listing_id.map(|listing| listing.0));
            self.items.push(line.item_id.0);
            self.titles.push(line.title.clone());
            self.quantities.push(line.quantity);
            self.units.push(line.unit.clone());
            self.unit_prices.push(line.unit_price.map(Money::minor));
            self.amounts.push(line.amount.minor());
            self.fee_rates.push(line.fee_bps);
        }
    }
}

impl Taxes {
    fn push(&mut self, quoted: &Quoted<'_>) {
        for tax in quoted.quote.taxes.iter().filter(|tax| tax.goods.minor() + tax.premium.minor() > 0) {
            self.orders.push(quoted.id.0);
            self.rates.push(tax.rate.get());
            self.nets.push(tax.net.minor());
            self.goods.push(tax.goods.minor());
            self.premiums.push(tax.premium.minor());
        }
    }
}

/// Orders with their lines, their taxes and their first events.
async fn insert(conn: &mut PgConnection, all: &[Quoted<'_>]) -> Result<Vec<MadeOrder>, OrderError> {
    let (mut orders, mut lines, mut taxes) = (Orders::default(), Lines::default(), Taxes::default());
    for quoted in all {
        orders.push(quoted)?;
        lines.push(quoted);
        taxes.push(quoted);
    }
    let parties = orders.insert(conn, &lines, &taxes).await?;
    let made = all.iter().zip(parties).map(|(quoted, (buyer_name, seller_name))| MadeOrder {
        id: quoted.id,
        checkout: quoted.checkout,
        buyer_name,
        seller_name,
        total: quoted.quote.total,
        fee: quoted.quote.fee,
        net: quoted.quote.net,
        pay_by: quoted.pay_by,
        created_at: quoted.order.created_at,
    });
    Ok(made.collect())
}
