//! Being forgotten: asked for, taken back while there is time, and done by a job.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use jobs::identity::{AskError, ask_erasure, mail};
use market::identity::store::{self, Erasure, ErasureError, Hindrance, TwoFactorsError};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::confirm_password;
use super::auth::second_factor::Try;
use crate::auth::Caller;
use crate::auth::caller::ClientAddr;
use crate::error::{Problem, Result};
use crate::extract::Json;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(erase_me)).routes(routes!(get_erasure, take_erasure_back))
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Erasure(ErasureError::Role) => {
                Self::conflict("role_on_platform", "have somebody take your role on the platform first")
            }
            AskError::Erasure(ErasureError::Open(open)) => Self::conflict("erasure_hindered", listed(&open)),
            AskError::Erasure(ErasureError::Org(error)) => error.into(),
            AskError::Erasure(ErasureError::Sql(error)) => error.into(),
            AskError::Enqueue(error) => error.into(),
            AskError::Mail(error) => error.into(),
        }
    }
}

/// What stands in the way.
fn listed(open: &[Hindrance]) -> String {
    let open: Vec<_> = open.iter().map(|one| format!("{} of {}", one.open, one.org)).collect();
    format!("organisations that nobody else owns have something open: {}", open.join(", "))
}

/// An erasure that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct MyErasure {
    asked_at: DateTime<Utc>,
    /// When it happens, unless it is taken back before.
    due_at: DateTime<Utc>,
}

impl From<Erasure> for MyErasure {
    fn from(erasure: Erasure) -> Self {
        Self { asked_at: erasure.asked_at, due_at: erasure.due_at }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EraseMe {
    /// The account's.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Of the second factor, where there is one.
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
}

/// Erase the caller's account
///
/// After some days, until when it can be taken back: the name, the address, settings, sessions and mails go, and what was done stays with
/// an id that says nothing. Organisations that nobody else owns are suspended. Asked again, nothing changes.
#[utoipa::path(post, path = "/v1/me/erase", tag = "me", request_body = EraseMe, responses(
    (status = 200, description = "When it happens", body = MyErasure),
    (status = 403, description = "`wrong_password`; `code_required`: there is a second factor; `code_invalid`; `suspended`"),
    (status = 409, description = "`erasure_hindered`: an organisation that nobody else owns has an order, an auction, a bid, a return or a \
        payout open; `role_on_platform`"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn erase_me(
    State(state): State<AppState>,
    caller: Caller,
    ClientAddr(from): ClientAddr,
    Json(body): Json<EraseMe>,
) -> Result<Json<MyErasure>> {
    confirm_password(&state, from, caller.user, body.password).await?;
    let on = store::two_factors(&mut *state.db.acquire().await?, caller.user).await?.enabled_at.is_some();
    let needed = || Problem::forbidden("code_required", "the account has a second factor: send a code of it as well");
    let code = if on { Some(body.code.ok_or_else(needed)?) } else { None };
    let attempt = match &code {
        Some(_) => Some(Try::begin(&state, caller.user, from).await?),
        None => None,
    };
    let mut tx = state.ledger.begin().await?;
    if let Some((attempt, code)) = attempt.zip(code) {
        match store::show_code(&mut tx, caller.user, code.expose_secret(), &state.keyring).await {
            Ok(shown) => mail::code_shown(&mut tx, caller.user, shown).await?,
            // Turned off a moment ago: the password is enough.
            Err(TwoFactorsError::Off) => {}
            Err(error) => return Err(error.into()),
        }
        attempt.succeed(&mut tx).await?;
    }
    let asked = ask_erasure(&mut tx, caller.user, state.config.auth.erasure_days).await?;
    tx.commit().await?;
    Ok(Json(asked.into()))
}

/// The erasure that the caller waits for
#[utoipa::path(get, path = "/v1/me/erasure", tag = "me", responses(
    (status = 200, description = "When it happens", body = MyErasure),
    (status = 404, description = "None was asked for"),
))]
async fn get_erasure(State(state): State<AppState>, caller: Caller) -> Result<Json<MyErasure>> {
    let found = store::erasure(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(Json(found.ok_or(Problem::not_found("erasure"))?.into()))
}

/// Take an erasure back
#[utoipa::path(delete, path = "/v1/me/erasure", tag = "me", responses(
    (status = 204, description = "Nothing is erased"),
    (status = 404, description = "None was asked for"),
))]
async fn take_erasure_back(State(state): State<AppState>, caller: Caller) -> Result<StatusCode> {
    let mut tx = state.db.begin().await?;
    let was = store::cancel_erasure(&mut tx, caller.user).await?;
    tx.commit().await?;
    if was { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("erasure")) }
}

#[cfg(test)]
mod tests;
