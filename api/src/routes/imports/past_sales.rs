//! Files of past sales.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use market::images::model::UploadId;
use market::imports::model::{
    DateOrder, ImportRow, ListingTerms, MAX_CELL_CHARS, MAX_NAME_CHARS, RowFault, RowOutcome,
};
use market::imports::rules::fields::ReadRow;
use market::imports::rules::past_sale::{PastSale, faults_of_terms};
use serde::{Deserialize, Serialize};
use shared::invalid::{Faults, Invalid};
use shared::money::Currency;
use shared::text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::file::{FileView, preview, to_import};
use super::listings::texts;
use super::{ImportView, begin};
use crate::auth::Caller;
use crate::error::Result;
use crate::extract::Json;
use crate::idempotency::{Keyed, OptionalKey};
use crate::routes::acting::Acting;
use crate::state::AppState;

/// The most characters in the name of a book.
const MAX_BOOK_CHARS: usize = 100;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import_past_sales)).routes(routes!(preview_past_sales_import))
}

/// A file of past sales, and how it is to be read. The fields: `line_id`, which is of one line alone; `order`, which several lines may
/// have; `date`; `category` and `region`, as the book calls them; `currency`; `amount`, of the line as a whole, with up to four digits more
/// than the currency has, and negative for what came back; and, which may be left out, `product` and `quantity` (1 unless said).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PastSalesFile {
    /// Announced with the type `text/csv`, and sent.
    upload: UploadId,
    /// What the organisation calls the book that the lines are of. A `line_id` is of one line of a book.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<MAX_BOOK_CHARS>)]
    book: String,
    /// The column of each field; other columns say nothing then. Without one, the columns are called as the fields are.
    #[serde(default)]
    #[schema(schema_with = texts::<MAX_NAME_CHARS>)]
    mapping: BTreeMap<String, String>,
    /// What `category`, `region`, `currency`, `product` or `quantity` is where it has no column, or an empty cell.
    #[serde(default)]
    #[schema(schema_with = texts::<MAX_CELL_CHARS>)]
    defaults: BTreeMap<String, String>,
    /// Which comes first in dates such as `11/8/2016`. Needed for them, even where one of the numbers could be a day alone; dates such as
    /// `2016-11-08` need nothing.
    date_order: Option<DateOrder>,
    /// Try the whole file, list the faults of every row, and keep nothing. Rows are tried in groups of 250, which do not see what groups
    /// before them have said. A file may be tried again, and imported afterwards.
    #[serde(default)]
    validate_only: bool,
}

impl PastSalesFile {
    fn terms(self) -> Result<(UploadId, ListingTerms)> {
        let Self { upload, book, mapping, defaults, date_order, validate_only } = self;
        let fits = book.chars().count() <= MAX_BOOK_CHARS;
        let long = || Invalid::new("/book", format!("must have at most {MAX_BOOK_CHARS} characters"));
        let long = (!fits).then(long);
        let book = Some(book);
        let terms = ListingTerms { mapping, defaults, publish: false, validate_only, book, date_order };
        match Faults::of(long.into_iter().chain(faults_of_terms(&terms)).collect()) {
            None => Ok((upload, terms)),
            Some(faults) => Err(faults.into()),
        }
    }
}

/// Import a book of past sales
///
/// A job keeps each line, and reports of the organisation's sales count it from then on, by its own day, category and region; no order,
/// no stock and no money is made of it. Rows that are refused are listed with their lines and reasons. The same file with the same mapping
/// again is the same import. A line of the book that comes again with another file takes the place of the one before; one that comes twice
/// in a file and says two things is refused. With `validate_only` nothing is kept at all: what would be refused is listed in the same way.
#[utoipa::path(post, path = "/v1/past-sales/imports", tag = "imports", params(Acting, OptionalKey), request_body = PastSalesFile, responses(
    (status = 202, description = "A job imports it; `Location` names the import, `Link` the job", body = ImportView,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`file_unreadable`: nothing of it is kept; `upload_type`, `invalid_value`"),
    (status = 429, description = "`too_many_imports`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn import_past_sales(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<PastSalesFile>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    let new = to_import::<PastSale>(&state, &caller, org, body.terms()?).await?;
    key.once(&state.ledger, org.0, StatusCode::ACCEPTED, async |tx| begin(tx, &new).await).await
}

/// What a file of past sales says.
#[derive(Debug, Serialize, ToSchema)]
struct PastSalesPreview {
    file: FileView,
    /// Columns that say nothing.
    unused_columns: Vec<String>,
    /// The first rows, and what would become of them now.
    rows: Vec<PastSalesPreviewRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PastSalesPreviewRow {
    /// The line of the file on which the row begins.
    line: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_id: Option<String>,
    /// How the row was understood, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    understood: Option<UnderstoodPastSale>,
    outcome: RowOutcome,
    faults: Vec<RowFault>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnderstoodPastSale {
    order: String,
    date: NaiveDate,
    category: String,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    quantity: i64,
    /// With all of its digits, which may be more than its currency has.
    #[schema(example = "957.5775")]
    amount: String,
    currency: Currency,
}

impl PastSalesPreviewRow {
    fn new(read: ReadRow<PastSale>, tried: ImportRow) -> Self {
        let understood = read.row.ok().map(|sale| UnderstoodPastSale {
            order: sale.order_number,
            date: sale.sold_on,
            category: sale.category,
            region: sale.region,
            product: sale.product,
            quantity: sale.quantity,
            amount: sale.amount.amount(),
            currency: sale.amount.currency(),
        });
        Self { line: read.line, line_id: read.label, understood, outcome: tried.outcome, faults: tried.faults }
    }
}

/// See what a file of past sales says
///
/// The first 20 rows are tried and taken back; nothing is kept of them.
#[utoipa::path(post, path = "/v1/past-sales/imports/preview", tag = "imports", params(Acting), request_body = PastSalesFile, responses(
    (status = 200, description = "How it was understood", body = PastSalesPreview),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`file_unreadable`, `upload_type`, `invalid_value`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn preview_past_sales_import(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(body): Json<PastSalesFile>,
) -> Result<Json<PastSalesPreview>> {
    let org = acting.trader(&caller)?;
    let (file, unused_columns, rows) = preview(&state, &caller, org, body.terms()?, PastSalesPreviewRow::new).await?;
    Ok(Json(PastSalesPreview { file, unused_columns, rows }))
}
