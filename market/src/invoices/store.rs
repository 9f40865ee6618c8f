//! SQL for invoices.
//!
//! A seller's series is locked by the insert that takes its next number, until the act commits: an act that is rolled back gives its
//! number back, and no number is left out. Whoever issues several takes the sellers in the order of their ids.
//!
//! How to get this wrong: to take the number from a sequence, which does not give it back; to issue a document after the act has
//! committed, since what happens in between leaves the act without one.

use shared::ids::OrgId;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;
use uuid::Uuid;

mod file;
mod proof;
mod read;
mod replace;
#[cfg(test)]
mod tests;

use super::rules::proof::{PROVED_WITHIN, needs_proof};
use super::rules::{Left, Rates, accounting_tax, credited, credited_with_tax, note, spread};
use crate::ids::{InvoiceId, OrderId, RefundId};
use crate::money::rules::fx::{BadRate, PerEuro};
use crate::money::rules::refund::RefundError;
use crate::money::rules::vat::Treatment;
use crate::money::store::ledger::LedgerError;

pub use file::{NewFile, Unprinted, file, find, keep_file, printable, unprinted};
pub use proof::{ProofError, hand_in, missing, missing_proof, note_reminded, proof, tax_unproved, unproved};
pub use read::{InvoiceFilter, invoice, invoices, of_order};
pub(crate) use replace::settle_premium_tax;

/// Why a document is not issued.
#[derive(Debug, thiserror::Error)]
pub enum InvoiceError {
    #[error(transparent)]
    Shares(#[from] RefundError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Rate(#[from] BadRate),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// What an order says about its documents.
pub(crate) struct Terms {
    order: OrderId,
    tax: Money,
    treatment: Treatment,
    sellers_country: Option<String>,
    target: Option<Currency>,
    rates: Rates,
}

/// The terms of orders, in the order of their sellers, whose series are locked. Nothing of them is changed by a payment, so that they
/// can be read before anything is locked that other buyers wait for.
pub(crate) async fn terms(conn: &mut PgConnection, orders: &[OrderId]) -> Result<Vec<Terms>, InvoiceError> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let rows = sqlx::query!(
        r#"SELECT o.id AS "order: OrderId", o.tax_minor, o.currency AS "currency: Currency", o.vat_treatment AS "treatment: Treatment",
                  s.country AS "sellers_country?", c.currency AS "target?: Currency",
                  (SELECT per_euro::text FROM fx_rates AS r WHERE r.snapshot_id = o.fx_snapshot_id AND r.currency = o.currency) AS "from",
                  (SELECT per_euro::text FROM fx_rates AS r WHERE r.snapshot_id = o.fx_snapshot_id AND r.currency = c.currency) AS "to"
           FROM orders AS o
           JOIN orgs AS s ON s.id = o.seller_org_id
           LEFT JOIN countries AS c ON c.code = s.country
           WHERE o.id = ANY ($1)
           ORDER BY o.seller_org_id, o.id"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let rate = |text: Option<String>| text.map(|text| text.parse::<PerEuro>()).transpose();
    let terms = rows.into_iter().map(|row| {
        Ok(Terms {
            order: row.order,
            tax: Money::from_minor(row.tax_minor, row.currency),
            treatment: row.treatment,
            sellers_country: row.sellers_country,
            target: row.target,
            rates: Rates { from: rate(row.from)?, to: rate(row.to)? },
        })
    });
    terms.collect()
}

async fn terms_of(conn: &mut PgConnection, order: OrderId) -> Result<Terms, InvoiceError> {
    Ok(terms(conn, &[order]).await?.pop().ok_or(sqlx::Error::RowNotFound)?)
}

/// Issues the invoices of orders that were just paid, by their [`terms`]. Needs a transaction, which locks the orders.
pub(crate) async fn issue(conn: &mut PgConnection, orders: Vec<Terms>) -> Result<(), InvoiceError> {
    for Terms { order, tax, treatment, sellers_country, target, rates } in orders {
        let accounting = accounting_tax(tax, target, rates)?;
        sqlx::query!(
            "WITH issued AS (
                 INSERT INTO invoices
                     (id, kind, seller_org_id, buyer_org_id, order_id, currency, net_minor, tax_minor, gross_minor,
                      vat_treatment, vat_note, accounting_currency, accounting_tax_minor, fx_snapshot_id, seller, buyer)
                 SELECT $2, 'invoice', o.seller_org_id, o.buyer_org_id, o.id, o.currency, o.total_minor + o.premium_minor,
                        o.tax_minor, o.payable_minor, o.vat_treatment, $3, $4, $5, o.fx_snapshot_id,
                        jsonb_build_object('org', s.id, 'name', s.legal_name, 'vat_number', s.vat_number, 'country', s.country),
                        jsonb_build_object('org', b.id, 'name', b.legal_name, 'vat_number', b.vat_number, 'country', b.country)
                 FROM orders AS o
                 JOIN orgs AS s ON s.id = o.seller_org_id
                 JOIN orgs AS b ON b.id = o.buyer_org_id
                 WHERE o.id = $1
             ), lines AS (
                 INSERT INTO invoice_lines (invoice_id, line_no, part, title, quantity, unit, net_minor, days)
                 SELECT $2, n.line_no, 'goods', n.title, n.quantity, n.unit, n.amount_minor,
                        nullif(ARRAY (SELECT d.day
                                      FROM hire_days AS d
                                      WHERE d.order_id = n.order_id
                                        AND d.line_no = n.line_no
                                      ORDER BY d.day), '{}')
                 FROM order_lines AS n
                 WHERE n.order_id = $1
                 UNION ALL
                 SELECT $2, (SELECT max(line_no) + 1 FROM order_lines WHERE order_id = $1)::smallint, 'premium', 'Buyer''s premium', 1,
                        'piece', premium_minor, NULL
                 FROM orders
                 WHERE id = $1 AND premium_minor > 0
             )
             INSERT INTO invoice_taxes (invoice_id, rate_bps, net_minor, tax_minor)
             SELECT $2, rate_bps, net_minor, goods_minor + premium_minor
             FROM order_taxes
             WHERE order_id = $1
             UNION ALL
             SELECT $2, 0, o.total_minor + o.premium_minor - t.net_minor, 0
             FROM orders AS o
             CROSS JOIN LATERAL (SELECT coalesce(sum(net_minor), 0)::bigint AS net_minor FROM order_taxes WHERE order_id = o.id) AS t
             WHERE o.id = $1 AND o.total_minor + o.premium_minor > t.net_minor",
            order.0,
            InvoiceId::generate().0,
            note(treatment),
            accounting.map(|tax| tax.currency().code()),
            accounting.map(Money::minor),
        )
        .execute(&mut *conn)
        .await?;
        if needs_proof(treatment, sellers_country.as_deref()) {
            sqlx::query!(
                // Until the end of the day, where the seller is: mails name days.
                "INSERT INTO export_proofs (order_id, due_at)
                 SELECT o.id, (date_trunc('day', (clock_timestamp() + make_interval(secs => $2)) AT TIME ZONE s.time_zone) + interval '1 day')
                              AT TIME ZONE s.time_zone
                 FROM orders AS o
                 JOIN orgs AS s ON s.id = o.seller_org_id
                 WHERE o.id = $1",
                order.0,
                PROVED_WITHIN.as_seconds_f64(),
            )
            .execute(&mut *conn)
            .await?;
        }
    }
    Ok(())
}

/// What a refund takes back.
#[derive(Clone, Copy, Debug)]
pub struct Credit {
    pub order: OrderId,
    pub refund: RefundId,
    pub goods: Money,
    pub premium: Money,
    pub tax: Money,
}

/// The invoice of an order that no other one has taken the place of.
struct Current {
    id: InvoiceId,
    seller: OrgId,
    currency: Currency,
    /// What was paid includes a tax that the order does not know of, because an export was not proved.
    taxed: bool,
}

async fn current(conn: &mut PgConnection, order: OrderId) -> Result<Option<Current>, sqlx::Error> {
    sqlx::query_as!(
        Current,
        r#"SELECT i.id AS "id: InvoiceId", i.seller_org_id AS "seller: OrgId", i.currency AS "currency: Currency",
                  (i.tax_minor > 0 AND o.tax_minor = 0) AS "taxed!"
           FROM invoices AS i
           JOIN orders AS o ON o.id = i.order_id
           WHERE i.order_id = $1
             AND i.kind = 'invoice'
             AND NOT EXISTS (SELECT FROM invoices AS r WHERE r.replaces = i.id)"#,
        order.0,
    )
    .fetch_optional(conn)
    .await
}

/// Issues the credit note of a refund; an order from before invoices has none, and its refunds neither. Needs a transaction, which
/// locks the order.
pub async fn credit(conn: &mut PgConnection, credit: Credit) -> Result<(), InvoiceError> {
    let Some(invoice) = current(conn, credit.order).await? else { return Ok(()) };
    let net = credit.goods.checked_add(credit.premium)?;
    let left = left(conn, invoice.id, net.currency()).await?;
    let (mut goods, mut premium) = (credit.goods, credit.premium);
    let by_rate = if invoice.taxed {
        let by_rate = credited_with_tax(net.checked_add(credit.tax)?, &left)?;
        if let [of_goods, of_premium] = spread(sum(&by_rate, net.currency(), |of| of.net)?, &[goods, premium])?[..] {
            (goods, premium) = (of_goods, of_premium);
        }
        by_rate
    } else {
        credited(net, credit.tax, &left)?
    };
    let taken = TakenBack { invoice: invoice.id, refund: Some(credit.refund), goods, premium, by_rate };
    take_back(conn, credit.order, &taken).await?;
    Ok(())
}

fn sum(of: &[Left], currency: Currency, amount: fn(&Left) -> Money) -> Result<Money, MoneyError> {
    of.iter().try_fold(Money::from_minor(0, currency), |sum, of| sum.checked_add(amount(of)))
}

/// What a credit note takes back; net amounts of goods and premium, which come to those of all rates.
struct TakenBack {
    invoice: InvoiceId,
    /// Nothing: another invoice takes the place.
    refund: Option<RefundId>,
    goods: Money,
    premium: Money,
    by_rate: Vec<Left>,
}

/// Writes a credit note.
async fn take_back(conn: &mut PgConnection, order: OrderId, taken: &TakenBack) -> Result<InvoiceId, InvoiceError> {
    let (net, by_rate) = (taken.goods.checked_add(taken.premium)?, &taken.by_rate);
    let tax = sum(by_rate, net.currency(), |of| of.tax)?;
    let Terms { target, rates, .. } = terms_of(conn, order).await?;
    let accounting = accounting_tax(tax, target, rates)?;
    let of = |amount: fn(&Left) -> i64| by_rate.iter().map(amount).collect::<Vec<i64>>();
    let bps: Vec<i32> = by_rate.iter().map(|of| of.rate_bps).collect();
    let id = InvoiceId::generate();
    sqlx::query!(
        "WITH issued AS (
             INSERT INTO invoices
                 (id, kind, seller_org_id, buyer_org_id, order_id, refers_to, refund_id, currency, net_minor, tax_minor, gross_minor,
                  vat_treatment, vat_note, accounting_currency, accounting_tax_minor, fx_snapshot_id, seller, buyer)
             SELECT $2, 'credit_note', i.seller_org_id, i.buyer_org_id, i.order_id, i.id, $3, i.currency, $4, $5, $4::bigint + $5::bigint,
                    i.vat_treatment, i.vat_note, $6, $7, i.fx_snapshot_id, i.seller, i.buyer
             FROM invoices AS i
             WHERE i.id = $1
         ), lines AS (
             INSERT INTO invoice_lines (invoice_id, line_no, part, title, quantity, unit, net_minor)
             SELECT $2, n, part, CASE WHEN $3::uuid IS NULL THEN anew ELSE refunded END, 1, 'piece', net
             FROM (VALUES (1::smallint, 'goods', 'Refund of goods', 'Goods, invoiced anew', $8::bigint),
                          (2::smallint, 'premium', 'Refund of buyer''s premium', 'Buyer''s premium, invoiced anew', $9::bigint))
                  AS l (n, part, refunded, anew, net)
             WHERE net > 0
         )
         INSERT INTO invoice_taxes (invoice_id, rate_bps, net_minor, tax_minor)
         SELECT $2, rate, net, tax FROM unnest($10::integer[], $11::bigint[], $12::bigint[]) AS t (rate, net, tax)",
        taken.invoice.0,
        id.0,
        taken.refund.map(|refund| refund.0),
        net.minor(),
        tax.minor(),
        accounting.map(|tax| tax.currency().code()),
        accounting.map(Money::minor),
        taken.goods.minor(),
        taken.premium.minor(),
        &bps,
        &of(|of| of.net.minor()),
        &of(|of| of.tax.minor()),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// What earlier credit notes have left of each rate.
async fn left(conn: &mut PgConnection, invoice: InvoiceId, currency: Currency) -> Result<Vec<Left>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT t.rate_bps, (t.net_minor - c.net)::bigint AS "net!", (t.tax_minor - c.tax)::bigint AS "tax!"
           FROM invoice_taxes AS t
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(c.net_minor), 0) AS net, coalesce(sum(c.tax_minor), 0) AS tax
               FROM invoices AS i
               JOIN invoice_taxes AS c ON c.invoice_id = i.id AND c.rate_bps = t.rate_bps
               WHERE i.refers_to = $1) AS c
           WHERE t.invoice_id = $1
           ORDER BY t.rate_bps"#,
        invoice.0,
    )
    .fetch_all(conn)
    .await?;
    let money = |minor| Money::from_minor(minor, currency);
    Ok(rows.into_iter().map(|row| Left { rate_bps: row.rate_bps, net: money(row.net), tax: money(row.tax) }).collect())
}
