//! Files of stock.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::images::model::UploadId;
use market::imports::model::{ImportRow, ListingTerms, RowFault, RowOutcome};
use market::imports::rules::fields::ReadRow;
use market::imports::rules::stock::StockRow;
use market::stock::rules::reserve::Count;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::file::{FileView, preview, to_import};
use super::{ImportView, begin};
use crate::auth::Caller;
use crate::error::Result;
use crate::extract::Json;
use crate::idempotency::{Keyed, OptionalKey};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import_stock)).routes(routes!(preview_stock_import))
}

/// A file of stock. Its columns: `sku`; `site`, by name or id; `on_hand`, which is a count, or `delta`, which is a correction; and
/// `reason`, which may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StockFile {
    /// Announced with the type `text/csv`, and sent.
    upload: UploadId,
    /// Try the whole file, list the faults of every row, and apply nothing. Rows are tried in groups of 250, which do not see what groups
    /// before them would have changed. A file may be tried again, and applied afterwards.
    #[serde(default)]
    validate_only: bool,
}

impl StockFile {
    fn terms(self) -> (UploadId, ListingTerms) {
        (self.upload, ListingTerms { validate_only: self.validate_only, ..ListingTerms::default() })
    }
}

/// Apply a file of stock
///
/// A job applies it row by row; rows that are refused are listed with their lines and reasons. The same file again is the same import,
/// and nothing is applied twice. With `validate_only` nothing is applied at all: the rows that would be refused are listed in the same way.
#[utoipa::path(post, path = "/v1/stock/imports", tag = "imports", params(Acting, OptionalKey), request_body = StockFile, responses(
    (status = 202, description = "A job applies it; `Location` names the import, `Link` the job", body = ImportView,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`file_unreadable`: nothing of it is applied; `upload_type`, `invalid_value`"),
    (status = 429, description = "`too_many_imports`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn import_stock(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<StockFile>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    let new = to_import::<StockRow>(&state, &caller, org, body.terms()).await?;
    key.once(&state.ledger, org.0, StatusCode::ACCEPTED, async |tx| begin(tx, &new).await).await
}

/// What a file of stock would do.
#[derive(Debug, Serialize, ToSchema)]
struct StockPreview {
    file: FileView,
    /// The first rows, and what would become of them now.
    rows: Vec<StockPreviewRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StockPreviewRow {
    /// The line of the file on which the row begins.
    line: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    /// How many units there are now.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_hand: Option<i64>,
    /// How many units came, or left.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    outcome: RowOutcome,
    faults: Vec<RowFault>,
}

impl StockPreviewRow {
    fn new(read: ReadRow<StockRow>, tried: ImportRow) -> Self {
        let ImportRow { outcome, faults, .. } = tried;
        let row = read.row.ok();
        let (on_hand, delta) = match row.as_ref().map(|row| row.count) {
            Some(Count::To(count)) => (Some(count), None),
            Some(Count::By(delta)) => (None, Some(delta)),
            None => (None, None),
        };
        let (site, reason) = row.map_or((None, None), |row| (Some(row.site), row.reason));
        Self { line: read.line, sku: read.label, site, on_hand, delta, reason, outcome, faults }
    }
}

/// See what a file of stock would do
///
/// The first 20 rows are tried and taken back; nothing is kept of them.
#[utoipa::path(post, path = "/v1/stock/imports/preview", tag = "imports", params(Acting), request_body = StockFile, responses(
    (status = 200, description = "How it was understood", body = StockPreview),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`file_unreadable`, `upload_type`, `invalid_value`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn preview_stock_import(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(body): Json<StockFile>,
) -> Result<Json<StockPreview>> {
    let org = acting.trader(&caller)?;
    let (file, _, rows) = preview(&state, &caller, org, body.terms(), StockPreviewRow::new).await?;
    Ok(Json(StockPreview { file, rows }))
}
