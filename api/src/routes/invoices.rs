//! Invoices and credit notes as their two parties read them.

use std::time::Duration;

use axum::extract::State;
use market::identity::PlatformRole;
use market::ids::{InvoiceId, OrderId};
use market::invoices::model::Invoice;
use market::invoices::store::{self, InvoiceFilter};
use market::orders::model::Side;
use market::orders::store as orders;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::reports::Download;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// How long a document that was just issued usually takes.
const PRINTED_WITHIN: Duration = Duration::from_secs(2);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_invoices))
        .routes(routes!(get_invoice))
        .routes(routes!(get_invoice_file))
        .routes(routes!(list_order_invoices))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListInvoices {
    /// Whether to list those of what the organisation bought or of what it sold.
    #[param(inline)]
    side: Side,
    /// The `next` of an earlier page.
    after: Option<InvoiceId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's invoices and credit notes, newest first
///
/// An order has an invoice from the moment it is paid; each refund of it has a credit note. They never change. When it turns out that a sale
/// is taxed in another way, a credit note takes back what is left of the invoice, and another one takes its place (`replaces`).
#[utoipa::path(get, path = "/v1/invoices", tag = "orders", params(Acting, ListInvoices), responses(
    (status = 200, description = "A page", body = Page<Invoice>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_invoices(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListInvoices>,
) -> Result<Json<Page<Invoice>>> {
    let party = acting.member(&caller)?;
    let filter = InvoiceFilter { party, side: query.side, before: query.after, limit: query.limit.fetch() };
    let rows = store::invoices(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |invoice| invoice.id.to_string(), |invoice| invoice)))
}

/// Read an invoice or a credit note
#[utoipa::path(get, path = "/v1/invoices/{invoice}", tag = "orders", params(("invoice" = InvoiceId, Path), Acting), responses(
    (status = 200, description = "The document", body = Invoice),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_invoice(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<InvoiceId>,
) -> Result<Json<Invoice>> {
    let party = acting.member(&caller)?;
    let found = store::invoice(&mut *state.db.acquire().await?, party, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("invoice"))
}

/// Download an invoice or a credit note
///
/// As a PDF (PDF/A-3) that carries the same document as XML: Factur-X, profile EN 16931. For the organisation that buys or sells, and for
/// people of the platform's finance. A job prints it soon after it was issued, once; it stays as it is. Where nobody has stated what the
/// standard demands, such as the seller's VAT number, it is a PDF without XML and says so.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/file", tag = "orders", params(("invoice" = InvoiceId, Path), Acting), responses(
    (status = 200, description = "Where it can be downloaded for a short time", body = Download),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`not_printed`: try again in a moment"),
))]
async fn get_invoice_file(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<InvoiceId>,
) -> Result<Json<Download>> {
    let mut conn = state.db.acquire().await?;
    let found = if caller.platform(PlatformRole::Finance).is_ok() {
        store::printable(&mut conn, id).await?.map(|found| found.invoice)
    } else {
        store::invoice(&mut conn, acting.member(&caller)?, id).await?
    };
    let invoice = found.ok_or_else(|| Problem::not_found("invoice"))?;
    let file = store::file(&mut conn, invoice.id).await?;
    drop(conn);
    let not_printed = || Problem::conflict("not_printed", "the document is being printed").retry_after(PRINTED_WITHIN);
    let file = file.ok_or_else(not_printed)?;
    Ok(Json(Download::sign(&state, &file.object_key, file.name()).await?))
}

/// The documents of an order.
#[derive(Debug, Serialize, ToSchema)]
struct OrderInvoices {
    /// Oldest first: the invoice, credit notes, and invoices that take its place.
    #[schema(max_items = 1001)]
    items: Vec<Invoice>,
}

/// List the invoices and the credit notes of an order
#[utoipa::path(get, path = "/v1/orders/{order}/invoices", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "All of them; none before it is paid", body = OrderInvoices),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_order_invoices(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<OrderInvoices>> {
    let party = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    orders::order(&mut conn, party, order).await?.ok_or_else(|| Problem::not_found("order"))?;
    Ok(Json(OrderInvoices { items: store::of_order(&mut conn, party, order).await? }))
}

#[cfg(test)]
mod tests;
