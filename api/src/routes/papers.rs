//! Papers: asked for here, printed by a job, downloaded from the store. Invoices are printed when they are issued.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::papers::{AskError, ask};
use market::ids::PaperId;
use market::offers::model::Party;
use market::papers::model::{NewPaper, Paper, PaperKind, PaperStatus, WasteData};
use market::papers::rules;
use market::papers::store::{self, PaperError};
use serde::Serialize;
use shared::ids::JobId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::acting::Acting;
use super::reports::Download;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_paper)).routes(routes!(get_paper))
}

impl From<PaperError> for Problem {
    fn from(error: PaperError) -> Self {
        let text = error.to_string();
        match error {
            PaperError::NotFound(what) => Self::not_found(what),
            PaperError::OrderStatus(_) => Self::conflict("order_status", text),
            PaperError::ShipmentStatus => Self::conflict("shipment_status", text),
            PaperError::NoWaste => Self::conflict("no_waste", text),
            PaperError::TooMany => Self::too_many("too_many_papers", text, std::time::Duration::from_hours(1)),
            PaperError::Appointment(error) => error.into(),
            PaperError::Sql(error) => error.into(),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Paper(error) => error.into(),
            AskError::Enqueue(error) => error.into(),
        }
    }
}

/// A paper.
#[derive(Debug, Serialize, ToSchema)]
struct PaperView {
    id: PaperId,
    kind: PaperKind,
    /// The order, the shipment or the appointment.
    about: Uuid,
    /// What was stated for the document of a shipment of waste.
    #[serde(skip_serializing_if = "Option::is_none")]
    waste: Option<WasteData>,
    status: PaperStatus,
    /// Why it could not be printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<Download>,
    created_at: DateTime<Utc>,
    /// When the file is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

impl PaperView {
    async fn of(state: &AppState, paper: Paper) -> Result<Self> {
        let download = match &paper.object_key {
            Some(key) => Some(Download::sign(state, key, paper.file_name()).await?),
            None => None,
        };
        Ok(Self {
            id: paper.id,
            kind: paper.kind,
            about: paper.about,
            waste: paper.waste,
            status: paper.status,
            failure: paper.failure,
            job: paper.job,
            download,
            created_at: paper.created_at,
            expires_at: paper.expires_at,
        })
    }
}

/// Ask for a paper
///
/// A job prints it as things are then. A picking list is about an order of the seller's, with what has not left yet; a label and the
/// document of waste are about a shipment of the shipper's; a release pass is about an appointment of the buyer's, and holds a new pass.
/// `waste` states what the market does not know of a shipment of waste; what it leaves out is filled in by hand.
#[utoipa::path(post, path = "/v1/papers", tag = "papers", params(Acting, OptionalKey), request_body = NewPaper, responses(
    (status = 202, description = "A job prints it; `Location` names the paper, `Link` the job", body = PaperView,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 404, description = "`not_found`: there is no such order, shipment or appointment of the organisation's"),
    (status = 409, description = "`order_status`: nothing of it is sent now; `shipment_status`: it was cancelled; `no_waste`: nothing in \
        it is of a category of waste; `appointment_status`: it is not booked; `not_collected`: it is a delivery; `pass_expired`: it is over"),
    (status = 422, description = "`invalid_value`: what is stated of the waste, each field by name"),
    (status = 429, description = "`too_many_papers`"),
))]
async fn create_paper(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewPaper>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    rules::judge(&new)?;
    key.once(&state.ledger, by.org.0, StatusCode::ACCEPTED, async |tx| {
        let (id, job, created_at) = ask(tx, by, &new).await?;
        let view = PaperView {
            id,
            kind: new.kind,
            about: new.about,
            waste: new.waste.clone(),
            status: PaperStatus::Queued,
            failure: None,
            job: Some(job),
            download: None,
            created_at,
            expires_at: None,
        };
        Ok(Made::at(format!("/v1/papers/{id}"), view).by(Some(job)))
    })
    .await
}

/// Read a paper's state, and where to download it
///
/// For the organisation that asked for it. Whoever has the file of a release pass gets the goods.
#[utoipa::path(get, path = "/v1/papers/{paper}", tag = "papers", params(("paper" = PaperId, Path), Acting), responses(
    (status = 200, description = "The paper", body = PaperView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_paper(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<PaperId>,
) -> Result<Json<PaperView>> {
    let found = store::find(&mut *state.db.acquire().await?, id).await?.ok_or(PaperError::NotFound("paper"))?;
    acting.owner(found.org, &caller, "paper")?;
    Ok(Json(PaperView::of(&state, found).await?))
}

#[cfg(test)]
mod tests;
