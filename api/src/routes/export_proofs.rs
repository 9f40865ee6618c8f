//! Proofs that goods have left the Union, without which an export is taxed after 30 days.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use jobs::invoices::{ActError, hand_in};
use market::documents::model::{DocumentKind, file_name};
use market::ids::OrderId;
use market::images::model::UploadId;
use market::invoices::model::{ExportProof, NewProof, ProofStatus};
use market::invoices::store::{self, ProofError};
use market::offers::model::Party;
use market::orders::store as orders;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::documents::require_file;
use super::reports::Download;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_export_proof, hand_in_export_proof))
}

impl From<ProofError> for Problem {
    fn from(error: ProofError) -> Self {
        let text = error.to_string();
        match error {
            ProofError::NotFound(what) => Self::not_found(what),
            ProofError::NotNeeded => Self::conflict("not_an_export", text),
            ProofError::Invalid(invalid) => invalid.into(),
            ProofError::File(error) => error.into(),
            ProofError::Invoice(error) => Self::internal(error),
            ProofError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Proof(error) => error.into(),
            ActError::Invoice(error) => Self::internal(error),
            ActError::Enqueue(error) => error.into(),
            ActError::Mail(error) => error.into(),
            ActError::Sql(error) => error.into(),
        }
    }
}

/// Whether an order was proved to be an export, and by what.
#[derive(Debug, Serialize, ToSchema)]
struct ExportProofView {
    order: OrderId,
    status: ProofStatus,
    /// Without a proof by then the sale is taxed.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime<Utc>>,
    /// When it was taxed for want of a proof. A proof that comes later lifts the tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    taxed_at: Option<DateTime<Utc>>,
    /// The number of the customs declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    mrn: Option<String>,
    /// When the goods left the Union.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed_in_at: Option<DateTime<Utc>>,
    /// What the seller has handed in. Nobody has looked into the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Download>,
}

impl ExportProofView {
    async fn of(state: &AppState, order: OrderId, proof: ExportProof) -> Result<Self> {
        let file = match &proof.file {
            Some((content_type, key)) => {
                let name = file_name(DocumentKind::Other, content_type);
                Some(Download::sign(state, key, name).await?)
            }
            None => None,
        };
        Ok(Self {
            order,
            status: proof.status,
            due_at: proof.due_at,
            taxed_at: proof.taxed_at,
            mrn: proof.mrn,
            left_on: proof.left_on,
            handed_in_at: proof.handed_in_at,
            file,
        })
    }
}

/// Read the proof of an export
///
/// For buyer and seller. Goods that a seller in the EU sells to another country outside it are free of VAT if there is a proof within 30
/// days that they have left.
#[utoipa::path(get, path = "/v1/orders/{order}/export-proof", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "What is known; `not_needed` for other orders", body = ExportProofView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_export_proof(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<ExportProofView>> {
    let party = acting.member(&caller)?;
    let proof = store::proof(&mut *state.db.acquire().await?, party, order).await?;
    Ok(Json(ExportProofView::of(&state, order, proof).await?))
}

/// A proof as a seller hands it in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandInExportProof {
    /// The number of the export declaration (MRN): two digits of the year, a member state, 13 letters or digits, and a check digit.
    #[schema(
        pattern = "^[0-9]{2}[A-Z]{2}[A-Z0-9]{13}[0-9]$",
        min_length = 18,
        max_length = 18,
        example = "26DE586600006143E3"
    )]
    mrn: String,
    /// When the goods left the EU; not before the order.
    left_on: NaiveDate,
    /// The confirmation of exit, which has arrived: an upload of a PDF or a picture that is used nowhere else.
    upload: UploadId,
}

/// Hand in the proof of an export
///
/// By the seller, who answers for it. Within 30 days the invoice stays as it is, without VAT. After that a credit note takes back the
/// invoice that charges VAT, and one without takes its place. The same request with other content corrects what was handed in.
#[utoipa::path(put, path = "/v1/orders/{order}/export-proof", tag = "orders", request_body = HandInExportProof,
    params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "Handed in", body = ExportProofView),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_an_export`: no proof is needed, or it was not paid; `upload_missing`: nothing has arrived; \
        `upload_expired`: announce it again"),
    (status = 422, description = "`invalid_value`; `upload_size`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn hand_in_export_proof(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Json(body): Json<HandInExportProof>,
) -> Result<Json<ExportProofView>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let sold = orders::order(&mut *state.db.acquire().await?, by.org, order).await?;
    sold.filter(|sold| sold.seller_org_id == by.org).ok_or_else(|| Problem::not_found("order"))?;
    // Outside the transaction: the store may take its time.
    require_file(&state, by.org, body.upload).await?;
    let new = NewProof { mrn: body.mrn, left_on: body.left_on, upload: body.upload };
    let mut tx = state.ledger.begin().await?;
    hand_in(&mut tx, by, order, &new).await?;
    let proof = store::proof(&mut tx, by.org, order).await?;
    tx.commit().await?;
    Ok(Json(ExportProofView::of(&state, order, proof).await?))
}

#[cfg(test)]
mod tests;
