//! Files of listings.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::identity::OrgKind;
use market::images::model::UploadId;
use market::imports::model::{ImportRow, ListingTerms, MAX_CELL_CHARS, MAX_NAME_CHARS, RowFault, RowOutcome};
use market::imports::rules::fields::ReadRow;
use market::imports::rules::listing::{ListingRow, faults_of_terms};
use market::listings::model::SaleMode;
use serde::{Deserialize, Serialize};
use shared::invalid::Faults;
use shared::money::Money;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
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
    OpenApiRouter::new().routes(routes!(import_listings)).routes(routes!(preview_listing_import))
}

/// A file of listings, and how it is to be read. The fields: `sku`, `title` and `currency`, which are needed; `category`, by its path,
/// for an item that is new; `unit`, `description`, `language`, `sale_mode` (`fixed` unless said), `price`, `takes_offers`, `quantity`,
/// `min_quantity`, `site`, by name or id; `attributes.NAME` for each attribute of the item; and `compatibility`, `delivery_options` and
/// `pictures`, which hold several values with `|` between them. Pictures are named by their files.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListingFile {
    /// Announced with the type `text/csv`, and sent.
    upload: UploadId,
    /// The column of each field; other columns say nothing then. Without one, the columns are called as the fields are.
    #[serde(default)]
    #[schema(schema_with = texts::<MAX_NAME_CHARS>)]
    mapping: BTreeMap<String, String>,
    /// What a field says where it has no column, or an empty cell.
    #[serde(default)]
    #[schema(schema_with = texts::<MAX_CELL_CHARS>)]
    defaults: BTreeMap<String, String>,
    /// Publish what is complete. What is not is drafted, and what it lacks is listed.
    #[serde(default)]
    publish: bool,
    /// Try the whole file, list the faults of every row, and make nothing. Rows are tried in groups of 250, which do not see what groups
    /// before them would have made. A file may be tried again, and listed afterwards.
    #[serde(default)]
    validate_only: bool,
}

/// Texts by the names of fields.
pub(super) fn texts<const MAX: usize>() -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX));
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(text)).build()
}

impl ListingFile {
    fn terms(self) -> Result<(UploadId, ListingTerms)> {
        let Self { upload, mapping, defaults, publish, validate_only } = self;
        let terms = ListingTerms { mapping, defaults, publish, validate_only, ..ListingTerms::default() };
        match Faults::of(faults_of_terms(&terms)) {
            None => Ok((upload, terms)),
            Some(faults) => Err(faults.into()),
        }
    }
}

/// List what a file says
///
/// A job drafts a listing of each row, of the item with its `sku` or of a new one, and publishes it if that is wished; rows that are
/// refused, and what drafts lack, are listed with their lines and reasons. The same file with the same mapping again is the same
/// import, and nothing is made twice. With `validate_only` nothing is made at all: what would be refused or lacking is listed in the same
/// way.
#[utoipa::path(post, path = "/v1/listings/imports", tag = "imports", params(Acting, OptionalKey), request_body = ListingFile, responses(
    (status = 202, description = "A job lists it; `Location` names the import, `Link` the job", body = ImportView,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`file_unreadable`: nothing of it is listed; `upload_type`, `invalid_value`"),
    (status = 429, description = "`too_many_imports`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn import_listings(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<ListingFile>,
) -> Result<Response> {
    let org = acting.trader_as(OrgKind::Seller, &caller)?;
    let new = to_import::<ListingRow>(&state, &caller, org, body.terms()?).await?;
    key.once(&state.ledger, org.0, StatusCode::ACCEPTED, async |tx| begin(tx, &new).await).await
}

/// What a file of listings would make.
#[derive(Debug, Serialize, ToSchema)]
struct ListingPreview {
    file: FileView,
    /// Columns that say nothing.
    unused_columns: Vec<String>,
    /// The first rows, and what would become of them now.
    rows: Vec<ListingPreviewRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ListingPreviewRow {
    /// The line of the file on which the row begins.
    line: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// How the row was understood, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    understood: Option<UnderstoodListing>,
    outcome: RowOutcome,
    faults: Vec<RowFault>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnderstoodListing {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    description: String,
    sale_mode: SaleMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    quantity: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    /// As they were written.
    attributes: BTreeMap<String, String>,
    pictures: Vec<String>,
}

impl ListingPreviewRow {
    fn new(read: ReadRow<ListingRow>, tried: ImportRow) -> Self {
        let understood = read.row.ok().map(|row| UnderstoodListing {
            title: row.title,
            category: row.category,
            description: row.description,
            sale_mode: row.sale_mode,
            price: row.price,
            quantity: row.quantity,
            site: row.site,
            attributes: row.attributes,
            pictures: row.pictures,
        });
        Self { line: read.line, sku: read.label, understood, outcome: tried.outcome, faults: tried.faults }
    }
}

/// See what a file of listings would make
///
/// The first 20 rows are tried and taken back; nothing is kept of them.
#[utoipa::path(post, path = "/v1/listings/imports/preview", tag = "imports", params(Acting), request_body = ListingFile, responses(
    (status = 200, description = "How it was understood", body = ListingPreview),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`file_unreadable`, `upload_type`, `invalid_value`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn preview_listing_import(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(body): Json<ListingFile>,
) -> Result<Json<ListingPreview>> {
    let org = acting.trader_as(OrgKind::Seller, &caller)?;
    let (file, unused_columns, rows) = preview(&state, &caller, org, body.terms()?, ListingPreviewRow::new).await?;
    Ok(Json(ListingPreview { file, unused_columns, rows }))
}
