//! The caller's second factor: an app that shows codes, and recovery codes for whoever has lost it.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use jobs::identity::mail;
use market::identity::store;
use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::crypto::totp;
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

/// What apps call the account's place.
const ISSUER: &str = "Tradeyard";
/// The least width and height of a QR code, in pixels.
const QR_PIXELS: u32 = 240;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_second_factor))
        .routes(routes!(enrol_second_factor))
        .routes(routes!(confirm_second_factor))
        .routes(routes!(renew_recovery_codes))
        .routes(routes!(disable_second_factor))
}

#[derive(Debug, Serialize, ToSchema)]
struct SecondFactor {
    /// Since when logins ask for a code; absent: they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled_at: Option<DateTime<Utc>>,
    recovery_codes_left: i64,
}

/// The caller's second factor
#[utoipa::path(get, path = "/v1/me/second-factor", tag = "me", responses(
    (status = 200, description = "Whether logins ask for one", body = SecondFactor),
))]
async fn get_second_factor(State(state): State<AppState>, caller: Caller) -> Result<Json<SecondFactor>> {
    let found = store::two_factors(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(Json(SecondFactor { enabled_at: found.enabled_at, recovery_codes_left: found.recovery_codes_left }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnrolSecondFactor {
    /// The account's.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// What an app needs to make codes. Shown only now.
#[derive(Serialize, ToSchema)]
struct SecondFactorSecret {
    /// For typing: base 32.
    secret: String,
    /// For a link: `otpauth://totp/…`.
    uri: String,
    /// For the app's camera: the link as a QR code, an SVG image.
    qr_svg: String,
}

/// Begin with a second factor
///
/// Logins ask for it once a code of the app has confirmed it. A secret that was never confirmed is replaced.
#[utoipa::path(post, path = "/v1/me/second-factor/enrol", tag = "me", request_body = EnrolSecondFactor, responses(
    (status = 200, description = "The secret, which nobody shows again", body = SecondFactorSecret),
    (status = 403, description = "`wrong_password`; `suspended`"),
    (status = 409, description = "`second_factor_on`: turn it off first"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn enrol_second_factor(
    State(state): State<AppState>,
    caller: Caller,
    ClientAddr(from): ClientAddr,
    Json(body): Json<EnrolSecondFactor>,
) -> Result<Json<SecondFactorSecret>> {
    let email = confirm_password(&state, from, caller.user, body.password).await?;
    let mut tx = state.db.begin().await?;
    let secret = store::enrol(&mut tx, caller.user, &state.keyring).await?;
    tx.commit().await?;
    let uri = totp::uri(secret.expose_secret(), ISSUER, email.as_str());
    let code = QrCode::new(uri.expose_secret()).map_err(Problem::internal)?;
    let qr_svg = code.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
    let secret = totp::base32(secret.expose_secret());
    Ok(Json(SecondFactorSecret { secret, uri: uri.expose_secret().to_owned(), qr_svg }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmSecondFactor {
    /// The six digits that the app shows.
    #[schema(value_type = String)]
    code: SecretString,
}

/// Codes that work once each in place of the app. Shown only now.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

impl RecoveryCodes {
    fn of(codes: &[SecretString]) -> Json<Self> {
        Json(Self { recovery_codes: codes.iter().map(|code| code.expose_secret().to_owned()).collect() })
    }
}

/// Turn the second factor on
///
/// From then on logins ask for a code as well. Sessions that are open stay so.
#[utoipa::path(post, path = "/v1/me/second-factor/confirm", tag = "me", request_body = ConfirmSecondFactor, responses(
    (status = 200, description = "Turned on; the recovery codes, which nobody shows again", body = RecoveryCodes),
    (status = 403, description = "`code_invalid`"),
    (status = 409, description = "`second_factor_on`: it is on already; `second_factor_off`: begin with it first"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn confirm_second_factor(
    State(state): State<AppState>,
    caller: Caller,
    ClientAddr(from): ClientAddr,
    Json(body): Json<ConfirmSecondFactor>,
) -> Result<Json<RecoveryCodes>> {
    let attempt = Try::begin(&state, caller.user, from).await?;
    let mut tx = state.ledger.begin().await?;
    let codes = store::confirm(&mut tx, caller.user, body.code.expose_secret(), &state.keyring).await?;
    attempt.succeed(&mut tx).await?;
    mail::second_factor_on(&mut tx, caller.user).await?;
    tx.commit().await?;
    Ok(RecoveryCodes::of(&codes))
}

/// That it is the person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BothFactors {
    /// The account's.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// The six digits that the app shows, or a recovery code.
    #[schema(value_type = String)]
    code: SecretString,
}

/// Replace the recovery codes
///
/// Those before are void at once.
#[utoipa::path(post, path = "/v1/me/second-factor/recovery-codes", tag = "me", request_body = BothFactors, responses(
    (status = 200, description = "New ones, which nobody shows again", body = RecoveryCodes),
    (status = 403, description = "`wrong_password`; `code_invalid`; `suspended`"),
    (status = 409, description = "`second_factor_off`"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn renew_recovery_codes(
    State(state): State<AppState>,
    caller: Caller,
    ClientAddr(from): ClientAddr,
    Json(body): Json<BothFactors>,
) -> Result<Json<RecoveryCodes>> {
    confirm_password(&state, from, caller.user, body.password).await?;
    let attempt = Try::begin(&state, caller.user, from).await?;
    let mut tx = state.ledger.begin().await?;
    let renewed = store::renew_recovery_codes(&mut tx, caller.user, body.code.expose_secret(), &state.keyring).await;
    let (codes, shown) = renewed?;
    attempt.succeed(&mut tx).await?;
    mail::code_shown(&mut tx, caller.user, shown).await?;
    tx.commit().await?;
    Ok(RecoveryCodes::of(&codes))
}

/// Turn the second factor off
///
/// The secret and the recovery codes are forgotten.
#[utoipa::path(post, path = "/v1/me/second-factor/disable", tag = "me", request_body = BothFactors, responses(
    (status = 204, description = "Turned off"),
    (status = 403, description = "`wrong_password`; `code_invalid`; `suspended`"),
    (status = 409, description = "`second_factor_off`"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn disable_second_factor(
    State(state): State<AppState>,
    caller: Caller,
    ClientAddr(from): ClientAddr,
    Json(body): Json<BothFactors>,
) -> Result<StatusCode> {
    confirm_password(&state, from, caller.user, body.password).await?;
    let attempt = Try::begin(&state, caller.user, from).await?;
    let mut tx = state.ledger.begin().await?;
    store::disable(&mut tx, caller.user, body.code.expose_secret(), &state.keyring).await?;
    attempt.succeed(&mut tx).await?;
    mail::second_factor_off(&mut tx, caller.user).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
