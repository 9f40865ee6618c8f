//! What parties read.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::ids::{InvoiceId, OrderId, RefundId};
use crate::invoices::model::{Invoice, InvoiceKind, InvoiceLine, InvoicePart, InvoiceParty, InvoiceTax};
use crate::money::rules::vat::Treatment;
use crate::orders::model::Side;

/// Which documents a list shows.
#[derive(Clone, Copy, Debug)]
pub struct InvoiceFilter {
    pub party: OrgId,
    /// Whether the party sells or buys.
    pub side: Side,
    /// Only those before this one.
    pub before: Option<InvoiceId>,
    pub limit: i64,
}

/// Documents, newest first.
pub async fn invoices(conn: &mut PgConnection, filter: InvoiceFilter) -> Result<Vec<Invoice>, sqlx::Error> {
    let before = filter.before.map(|before| before.0);
    let ids = match filter.side {
        Side::Seller => {
            sqlx::query_scalar!(
                "SELECT id
                 FROM invoices
                 WHERE seller_org_id = $1 AND ($2::uuid IS NULL OR id < $2)
                 ORDER BY id DESC
                 LIMIT $3",
                filter.party.0,
                before,
                filter.limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Side::Buyer => {
            sqlx::query_scalar!(
                "SELECT id
                 FROM invoices
                 WHERE buyer_org_id = $1 AND ($2::uuid IS NULL OR id < $2)
                 ORDER BY id DESC
                 LIMIT $3",
                filter.party.0,
                before,
                filter.limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    let mut found = documents(conn, &ids).await?;
    found.reverse();
    Ok(found)
}

/// A document, if `party` buys or sells.
pub async fn invoice(conn: &mut PgConnection, party: OrgId, id: InvoiceId) -> Result<Option<Invoice>, sqlx::Error> {
    let found = documents(conn, &[id.0]).await?.pop();
    Ok(found.filter(|invoice| invoice.seller.org == party || invoice.buyer.org == party))
}

/// The documents of an order, oldest first, if `party` buys or sells it.
pub async fn of_order(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<Vec<Invoice>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id
         FROM invoices
         WHERE order_id = $1 AND $2 IN (seller_org_id, buyer_org_id)
         ORDER BY id
         LIMIT 1001",
        order.0,
        party.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    documents(conn, &ids).await
}

/// Documents in the order of their ids.
pub(super) async fn documents(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Invoice>, sqlx::Error> {
    struct Row {
        id: InvoiceId,
        kind: InvoiceKind,
        year: i16,
        number: i64,
        issued_at: DateTime<Utc>,
        order: OrderId,
        refers_to: Option<InvoiceId>,
        refund: Option<RefundId>,
        replaces: Option<InvoiceId>,
        currency: Currency,
        net_minor: i64,
        tax_minor: i64,
        gross_minor: i64,
        vat_treatment: Treatment,
        vat_note: Option<String>,
        accounting_currency: Option<Currency>,
        accounting_tax_minor: Option<i64>,
        seller: Json<InvoiceParty>,
        buyer: Json<InvoiceParty>,
    }
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: InvoiceId", kind AS "kind: InvoiceKind", year, number, issued_at, order_id AS "order: OrderId",
                  refers_to AS "refers_to: InvoiceId", refund_id AS "refund: RefundId",
                  replaces AS "replaces: InvoiceId", currency AS "currency: Currency", net_minor, tax_minor, gross_minor, vat_treatment AS "vat_treatment: Treatment", vat_note,
                  accounting_currency AS "accounting_currency: Currency", accounting_tax_minor,
                  seller AS "seller: Json<InvoiceParty>", buyer AS "buyer: Json<InvoiceParty>"
           FROM invoices
           WHERE id = ANY ($1)
           ORDER BY id"#,
        ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut lines = lines(conn, ids).await?;
    let mut taxes = taxes(conn, ids).await?;
    let documents = rows.into_iter().map(|row| {
        let money = |minor| Money::from_minor(minor, row.currency);
        let line = |(part, title, quantity, unit, net, days): LineRow| InvoiceLine {
            part,
            title,
            quantity,
            unit,
            net: money(net),
            days: days.unwrap_or_default(),
        };
        let tax = |(rate_bps, net, tax): TaxRow| InvoiceTax { rate_bps, net: money(net), tax: money(tax) };
        Invoice {
            id: row.id,
            kind: row.kind,
            year: row.year,
            number: row.number,
            reference: row.kind.reference(row.year, row.number),
            issued_at: row.issued_at,
            order: row.order,
            refers_to: row.refers_to,
            refund: row.refund,
            replaces: row.replaces,
            seller: row.seller.0,
            buyer: row.buyer.0,
            net: money(row.net_minor),
            tax: money(row.tax_minor),
            gross: money(row.gross_minor),
            vat_treatment: row.vat_treatment,
            vat_note: row.vat_note,
            accounting_tax: row
                .accounting_currency
                .zip(row.accounting_tax_minor)
                .map(|(currency, minor)| Money::from_minor(minor, currency)),
            lines: lines.remove(&row.id.0).unwrap_or_default().into_iter().map(line).collect(),
            taxes: taxes.remove(&row.id.0).unwrap_or_default().into_iter().map(tax).collect(),
        }
    });
    Ok(documents.collect())
}

/// Part, title, quantity, unit, net and days.
type LineRow = (InvoicePart, String, i64, String, i64, Option<Vec<NaiveDate>>);
/// Rate, net and tax.
type TaxRow = (i32, i64, i64);

async fn lines(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<LineRow>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT invoice_id, part AS "part: InvoicePart", title, quantity, unit, net_minor, days
           FROM invoice_lines
           WHERE invoice_id = ANY ($1)
           ORDER BY invoice_id, line_no"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut lines: HashMap<Uuid, Vec<LineRow>> = HashMap::new();
    for row in rows {
        let line = (row.part, row.title, row.quantity, row.unit, row.net_minor, row.days);
        lines.entry(row.invoice_id).or_default().push(line);
    }
    Ok(lines)
}

async fn taxes(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<TaxRow>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT invoice_id, rate_bps, net_minor, tax_minor
         FROM invoice_taxes
         WHERE invoice_id = ANY ($1)
         ORDER BY invoice_id, rate_bps",
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut taxes: HashMap<Uuid, Vec<TaxRow>> = HashMap::new();
    for row in rows {
        taxes.entry(row.invoice_id).or_default().push((row.rate_bps, row.net_minor, row.tax_minor));
    }
    Ok(taxes)
}
