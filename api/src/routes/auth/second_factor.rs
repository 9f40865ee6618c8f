//! The second step of a login, and the tries of codes wherever one is asked for.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::HeaderMap;
use jobs::identity::mail;
use market::identity::store::{self, Attempt, Counted, Limit, ThrottleKey, TwoFactorsError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use shared::ids::UserId;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{SessionTokens, open_session};
use crate::auth::caller::ClientAddr;
use crate::error::{Problem, Result};
use crate::extract::Json;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(complete_login))
}

impl From<TwoFactorsError> for Problem {
    fn from(error: TwoFactorsError) -> Self {
        match error {
            TwoFactorsError::AlreadyOn => Self::conflict("second_factor_on", "there is a second factor already"),
            TwoFactorsError::Off => Self::conflict("second_factor_off", "there is no second factor"),
            TwoFactorsError::WrongCode => Self::forbidden("code_invalid", WRONG_CODE),
            TwoFactorsError::WrongToken => {
                Self::unauthenticated("mfa_token_invalid", "too late, or the login was completed; log in again")
            }
            TwoFactorsError::Seal(error) => Self::internal(error),
            TwoFactorsError::Sql(error) => error.into(),
        }
    }
}

const WRONG_CODE: &str = "the code is wrong, was used before, or is too old";

/// A try of a code, which counts as failed until it succeeds.
pub(in crate::routes) struct Try {
    here: ThrottleKey,
    counted: Counted,
}

impl Try {
    /// Counts a try of somebody at `from`; whoever tries too often is refused.
    pub(in crate::routes) async fn begin(state: &AppState, user: UserId, from: IpAddr) -> Result<Self> {
        let (here, anywhere) = (ThrottleKey::second_factor(user, from), ThrottleKey::second_factor_anywhere(user));
        let asked = [(&here, Limit::SECOND_FACTOR), (&anywhere, Limit::SECOND_FACTOR_ANYWHERE)];
        let mut conn = state.db.acquire().await?;
        match store::begin_attempt(&mut conn, &asked).await? {
            Attempt::Judge(counted) => Ok(Self { here, counted }),
            Attempt::Wait(wait) => {
                Err(Problem::too_many("too_many_attempts", "too many wrong codes; wait before the next", wait))
            }
        }
    }

    /// Forgets the failures of this place.
    pub(in crate::routes) async fn succeed(&self, conn: &mut PgConnection) -> Result<()> {
        store::forget_attempts(conn, &self.here, &self.counted).await?;
        Ok(())
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SecondStep {
    /// What the problem `mfa_required` came with.
    #[schema(value_type = String)]
    mfa_token: SecretString,
    /// The six digits that the app shows, or a recovery code.
    #[schema(value_type = String)]
    code: SecretString,
}

/// Complete a login with the second factor
///
/// Within five minutes of the first step. After five wrong codes from one place, or 20 from all places together, each further one
/// waits longer, up to 15 minutes.
#[utoipa::path(post, path = "/v1/auth/login/second-factor", tag = "auth", security(()), request_body = SecondStep, responses(
    (status = 200, description = "A new session", body = SessionTokens),
    (status = 401, description = "`code_invalid`: wrong, used before, or too old; the token goes on working; `mfa_token_invalid`: \
        unknown, used or expired, or the password has changed: log in again"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn complete_login(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    headers: HeaderMap,
    Json(body): Json<SecondStep>,
) -> Result<Json<SessionTokens>> {
    let token = body.mfa_token.expose_secret();
    let user = store::second_step_of(&mut *state.db.acquire().await?, token).await?;
    let user = user.ok_or(TwoFactorsError::WrongToken)?;
    let attempt = Try::begin(&state, user, from).await?;
    let mut tx = state.ledger.begin().await?;
    let passed = store::pass_second_step(&mut tx, user, token, body.code.expose_secret(), &state.keyring).await;
    let (version, shown) = passed.map_err(|error| match error {
        // Nobody is known yet who could be forbidden something.
        TwoFactorsError::WrongCode => Problem::unauthenticated("code_invalid", WRONG_CODE),
        error => error.into(),
    })?;
    attempt.succeed(&mut tx).await?;
    mail::code_shown(&mut tx, user, shown).await?;
    let opened = open_session(&mut tx, user, from, &headers).await?;
    tx.commit().await?;
    SessionTokens::new(&state, user, opened.session, version, opened.refresh_token).map(Json)
}
