//! Public tracking: what whoever knows a shipment's number may see of it.

use axum::extract::State;
use market::shipments::model::{Track, Tracking};
use market::shipments::store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(track_shipment))
}

/// Follow a shipment by its tracking number
///
/// Without an account. It says how far the shipment has come, and nothing about people, organisations, goods and addresses: the regions
/// between which it goes, its milestones, when it may arrive and, while it is on its way, the neighbourhood in which it was last seen.
#[utoipa::path(get, path = "/v1/track/{number}", tag = "shipments", security(()),
    params(("number" = String, Path, description = "The tracking number")), responses(
    (status = 200, description = "How far it has come", body = Track),
    (status = 404, description = "`not_found`: there is no such shipment, or the number is mistyped"),
))]
async fn track_shipment(State(state): State<AppState>, Path(number): Path<String>) -> Result<Json<Track>> {
    // That a number is mistyped is no secret: anybody can compute its last character.
    let number = Tracking::read(&number).ok_or_else(|| Problem::not_found("shipment"))?;
    let found = store::track(&mut *state.db.acquire().await?, &number).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("shipment"))
}
