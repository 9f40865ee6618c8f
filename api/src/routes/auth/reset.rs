//! Forgotten passwords: a link by mail sets a new one. Nothing here shows whether an address has an account: what depends on it
//! happens when the mail is sent.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::StatusCode;
use jobs::identity::mail;
use market::identity::Email;
use market::identity::store::{self, Attempt, Limit, ThrottleKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use shared::crypto::password;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{hour, unknown_link};
use crate::auth::caller::ClientAddr;
use crate::error::{Problem, Result};
use crate::extract::Json;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(request_password_reset)).routes(routes!(confirm_password_reset))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskForReset {
    email: Email,
}

/// Ask for a new password
///
/// One mail an hour; asking more often changes nothing. The answer, and the time it takes, are the same whether or not the address
/// has an account.
#[utoipa::path(post, path = "/v1/auth/password-reset", tag = "auth", security(()), request_body = AskForReset, responses(
    (status = 202, description = "If the address has an account, a mail with a link is on its way"),
    (status = 429, description = "`too_many_attempts`: too many from one place"),
))]
async fn request_password_reset(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    Json(body): Json<AskForReset>,
) -> Result<StatusCode> {
    ask_for_reset(&state, from, &body.email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sends the mail with the link that sets a new password, once an hour, if the address has an account.
pub(in crate::routes) async fn ask_for_reset(state: &AppState, from: IpAddr, email: &Email) -> Result<()> {
    let mut tx = state.ledger.begin().await?;
    let place = ThrottleKey::resets(from);
    if let Attempt::Wait(wait) = store::begin_attempt(&mut tx, &[(&place, Limit::RESETS)]).await? {
        let detail = "too many password resets from this place; wait before the next";
        return Err(Problem::too_many("too_many_attempts", detail, wait));
    }
    mail::reset_password(&mut tx, email, hour(state)).await?;
    tx.commit().await?;
    Ok(())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmReset {
    /// From the link in the mail.
    #[schema(value_type = String)]
    token: SecretString,
    /// The new password. Length is the only rule.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 1024)]
    password: SecretString,
}

/// Set a new password
///
/// Ends every session. The address counts as verified: whoever has the link reads its mail.
#[utoipa::path(post, path = "/v1/auth/password-reset/confirm", tag = "auth", security(()), request_body = ConfirmReset, responses(
    (status = 204, description = "Set; log in with it"),
    (status = 422, description = "`token_invalid`: unknown, used or expired; `weak_password`"),
))]
async fn confirm_password_reset(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    Json(body): Json<ConfirmReset>,
) -> Result<StatusCode> {
    set_password(&state, from, body.token.expose_secret(), body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the password of the token's owner, and tells the person by mail.
pub(in crate::routes) async fn set_password(
    state: &AppState,
    from: IpAddr,
    token: &str,
    password: SecretString,
) -> Result<()> {
    password::check(password.expose_secret())
        .map_err(|weak| Problem::unprocessable("weak_password", weak.to_string()).at("/password", weak.to_string()))?;
    // Hashing is dear: nobody makes us do it with a token that was made up.
    if !store::is_password_reset(&mut *state.db.acquire().await?, token).await? {
        return Err(unknown_link());
    }
    let password_hash = state.passwords.hash(from, password).await?;
    let mut tx = state.ledger.begin().await?;
    let user = store::reset_password(&mut tx, token, &password_hash).await?.ok_or_else(unknown_link)?;
    mail::password_changed(&mut tx, user).await?;
    tx.commit().await?;
    Ok(())
}
