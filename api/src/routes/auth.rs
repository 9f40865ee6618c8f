//! Registration, login and sessions. Forgotten passwords are in [`reset`], the second step of a login in [`second_factor`].

pub(super) mod reset;
pub(super) mod second_factor;

use std::net::IpAddr;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use jobs::identity::mail;
use market::identity::store::{self, Attempt, Credentials, Device, Limit, NewUser, Opened, RefreshError, ThrottleKey};
use market::identity::{Email, PersonName, UserStatus};
use market::ids::SessionId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::config::Mode;
use shared::crypto::password;
use shared::ids::UserId;
use sqlx::{PgConnection, Postgres, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Session;
use crate::auth::caller::ClientAddr;
use crate::auth::tokens::ACCESS_MINUTES;
use crate::error::{Problem, Result};
use crate::extract::Json;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(verify_email))
        .routes(routes!(resend_verification))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .merge(reset::router())
        .merge(second_factor::router())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    email: Email,
    name: PersonName,
    /// Length is the only rule.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 1024)]
    password: SecretString,
}

/// Register
///
/// The answer is the same whether or not the address has an account.
#[utoipa::path(post, path = "/v1/auth/register", tag = "auth", security(()), request_body = Register, responses(
    (status = 202, description = "A mail is on its way: with a link to verify the address or, if it has an account, one to take \
        that over with a new password"),
    (status = 429, description = "`too_many_attempts`: too many registrations from one place"),
    (status = 422, description = "`weak_password`"),
))]
async fn register(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    Json(body): Json<Register>,
) -> Result<StatusCode> {
    register_person(&state, from, &body.email, &body.name, body.password).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes an account that has to verify its address by the mail that is on its way. Whether the address had one already does not
/// show.
pub(super) async fn register_person(
    state: &AppState,
    from: IpAddr,
    email: &Email,
    name: &PersonName,
    password: SecretString,
) -> Result<()> {
    password::check(password.expose_secret())
        .map_err(|weak| Problem::unprocessable("weak_password", weak.to_string()).at("/password", weak.to_string()))?;
    // Whoever develops at this machine, and its demo, may register as many as they like.
    if state.config.mode == Mode::Production || !from.is_loopback() {
        let mut conn = state.db.acquire().await?;
        let place = ThrottleKey::registrations(from);
        if let Attempt::Wait(wait) = store::begin_attempt(&mut conn, &[(&place, Limit::REGISTRATIONS)]).await? {
            let detail = "too many registrations from this place; wait before the next";
            return Err(Problem::too_many("too_many_attempts", detail, wait));
        }
    }
    let password_hash = state.passwords.hash(from, password).await?;
    let mut tx = state.ledger.begin().await?;
    let new = NewUser { email, name, password_hash: &password_hash };
    match store::insert_user(&mut tx, new).await? {
        Some(user) => mail::verify_address(&mut tx, user, user.to_string()).await?,
        // Whoever made that account, this may be the owner of the address, who can take it over.
        None => mail::already_registered(&mut tx, email, hour(state)).await?,
    }
    tx.commit().await?;
    Ok(())
}

/// Send the verification mail again
///
/// One mail an hour; asking more often changes nothing.
#[utoipa::path(post, path = "/v1/auth/verify-email/resend", tag = "auth", responses(
    (status = 202, description = "A mail is on its way, if there is something to verify"),
))]
async fn resend_verification(State(state): State<AppState>, Session(caller): Session) -> Result<StatusCode> {
    if !caller.email_verified {
        send_verification(&state, caller.user).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// Sends the verification mail again, once an hour.
pub(super) async fn send_verification(state: &AppState, user: UserId) -> Result<()> {
    let mut tx = state.ledger.begin().await?;
    mail::verify_address(&mut tx, user, format!("{user} {}", hour(state))).await?;
    tx.commit().await?;
    Ok(())
}

/// What makes repeated mails of one hour the same mail.
fn hour(state: &AppState) -> String {
    state.clock.now().format("%Y-%m-%dT%H").to_string()
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerifyEmail {
    /// From the link in the mail.
    #[schema(value_type = String)]
    token: SecretString,
    /// The account's: whoever has the mailbox may not be who registered.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Verify the email address
///
/// With the account's password, whose tries count as logins. Whoever does not know it asks for a new one, and is verified by setting
/// it.
#[utoipa::path(post, path = "/v1/auth/verify-email", tag = "auth", security(()), request_body = VerifyEmail, responses(
    (status = 204, description = "Verified"),
    (status = 401, description = "`invalid_credentials`: the password is wrong; the link goes on working"),
    (status = 403, description = "`suspended`"),
    (status = 422, description = "`token_invalid`: unknown, used or expired"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn verify_email(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    Json(body): Json<VerifyEmail>,
) -> Result<StatusCode> {
    verify_address(&state, from, body.token.expose_secret(), body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirms the address that the link was sent to, for whoever has the mail and knows the account's password. One of the two is not
/// enough: a stranger may have registered the address, and a mail may have been passed on.
pub(super) async fn verify_address(state: &AppState, from: IpAddr, token: &str, password: SecretString) -> Result<()> {
    let email = address_to_verify(state, token).await?;
    let (_, mut tx) = judge(state, from, &email, password).await?;
    if store::verify_email(&mut tx, token).await?.is_none() {
        // Used, or made worthless by a new password, since it was looked at.
        tx.commit().await?;
        return Err(unknown_link());
    }
    tx.commit().await?;
    Ok(())
}

/// The address that the token of a link would confirm.
pub(super) async fn address_to_verify(state: &AppState, token: &str) -> Result<Email> {
    let email = store::email_to_verify(&mut *state.db.acquire().await?, token).await?.ok_or_else(unknown_link)?;
    email.parse().map_err(Problem::internal)
}

fn unknown_link() -> Problem {
    Problem::unprocessable("token_invalid", "the link is unknown, used or expired")
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// What a session works with.
#[derive(Serialize, ToSchema)]
struct SessionTokens {
    /// Send as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// Trade it for new tokens at `/v1/auth/refresh`. Within ten seconds it gives the same ones again; later a second use ends the
    /// session.
    refresh_token: String,
    user: UserId,
}

impl SessionTokens {
    fn new(state: &AppState, user: UserId, session: SessionId, version: i32, refresh_token: String) -> Result<Self> {
        let access_token = state.tokens.sign(user, session, version).map_err(Problem::internal)?;
        Ok(Self { access_token, token_type: "Bearer", expires_in: ACCESS_MINUTES * 60, refresh_token, user })
    }
}

/// Log in
///
/// Where the account has a second factor, the problem `mfa_required` comes with an `mfa_token` for the second step.
///
/// After five failures for one account from one place, or 50 from all places together, each further one waits longer, up to 15
/// minutes. Where an account has logged in within a month, the failures of others do not keep it waiting.
#[utoipa::path(post, path = "/v1/auth/login", tag = "auth", security(()), request_body = Login, responses(
    (status = 200, description = "A new session", body = SessionTokens),
    (status = 401, description = "`invalid_credentials`; `mfa_required`: the password is right, and a code is needed as well"),
    (status = 403, description = "`suspended`"),
    (status = 429, description = "`too_many_attempts`"),
))]
async fn login(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    headers: HeaderMap,
    Json(body): Json<Login>,
) -> Result<Json<SessionTokens>> {
    let (known, mut tx) = judge(&state, from, &body.email, body.password).await?;
    if known.second_factor {
        let token = store::mint_second_step(&mut tx, known.user, known.session_version).await?;
        tx.commit().await?;
        let detail = "send a code of the second factor with the token to POST /v1/auth/login/second-factor";
        return Err(Problem::unauthenticated("mfa_required", detail).mfa_token(token));
    }
    let opened = open_session(&mut tx, known.user, from, &headers).await?;
    tx.commit().await?;
    SessionTokens::new(&state, known.user, opened.session, known.session_version, opened.refresh_token).map(Json)
}

/// Opens a session on the device that asks.
async fn open_session(conn: &mut PgConnection, user: UserId, from: IpAddr, headers: &HeaderMap) -> Result<Opened> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let device = user_agent.map(|user_agent| Device { user_agent, place: from });
    Ok(store::open_session(conn, user, device).await?)
}

/// Finds out whether the password is that of the person who is logged in, for what a stolen session must not do; returns the
/// address. Tries count as logins.
pub(super) async fn confirm_password(
    state: &AppState,
    from: IpAddr,
    user: UserId,
    password: SecretString,
) -> Result<Email> {
    let profile = store::profile(&mut *state.db.acquire().await?, user).await?;
    let email: Email = profile.ok_or(Problem::not_found("user"))?.email.parse().map_err(Problem::internal)?;
    match judge(state, from, &email, password).await {
        Ok((_, tx)) => {
            tx.commit().await?;
            Ok(email)
        }
        // The session is good: nobody has to log in again.
        Err(problem) if problem.code() == "invalid_credentials" => {
            Err(Problem::forbidden("wrong_password", "the password is not that of the account"))
        }
        Err(problem) => Err(problem),
    }
}

/// Finds out whether the password is that of the account with this address, which is not suspended. Refuses whoever tries too often,
/// and takes as long for an address without an account. The transaction is for what follows.
pub(super) async fn judge(
    state: &AppState,
    from: IpAddr,
    email: &Email,
    password: SecretString,
) -> Result<(Credentials, Transaction<'static, Postgres>)> {
    let account = ThrottleKey::account(email, from);
    let (anywhere, address) = (ThrottleKey::anywhere(email), ThrottleKey::address(from));
    let asked = [(&account, Limit::ACCOUNT), (&anywhere, Limit::ANYWHERE), (&address, Limit::ADDRESS)];
    // The count comes last, when nothing but the hashing is left to do: whoever is told to come back, or leaves while waiting, has
    // had nothing judged, and must not be kept out for it.
    let turn = state.passwords.turn(from).await?;
    let mut conn = state.db.acquire().await?;
    let known = store::credentials(&mut conn, email).await?;
    let counted = match store::begin_attempt(&mut conn, &asked).await? {
        Attempt::Judge(counted) => counted,
        Attempt::Wait(wait) => {
            return Err(Problem::too_many("too_many_attempts", "too many failed logins; wait before the next", wait));
        }
    };
    // Hashing takes long: the connection serves others meanwhile.
    drop(conn);
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let (fits, new_hash) = turn.verify(password, hash).await?;
    let Some(known) = known.filter(|_| fits) else {
        return Err(Problem::unauthenticated("invalid_credentials", "the address or the password is wrong"));
    };
    let mut tx = state.db.begin().await?;
    store::forget_attempts(&mut tx, &account, &counted).await?;
    if known.status == UserStatus::Suspended {
        tx.commit().await?;
        return Err(Problem::forbidden("suspended", "this account is suspended"));
    }
    if let Some(new_hash) = new_hash {
        store::rehash(&mut tx, known.user, &known.password_hash, &new_hash).await?;
    }
    Ok((known, tx))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// Trade a refresh token for new tokens
///
/// Requests with the same token within ten seconds get the same next refresh token, so that two tabs may refresh at once.
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "auth", security(()), request_body = Refresh, responses(
    (status = 200, description = "New tokens; the old refresh token is used up", body = SessionTokens),
    (status = 401, description = "`refresh_invalid`; `refresh_reused`: the session was ended, because the token was used before"),
))]
async fn refresh(State(state): State<AppState>, Json(body): Json<Refresh>) -> Result<Json<SessionTokens>> {
    let mut tx = state.ledger.begin().await?;
    match store::refresh(&mut tx, body.refresh_token.expose_secret()).await {
        Ok(next) => {
            tx.commit().await?;
            SessionTokens::new(&state, next.user, next.session, next.session_version, next.refresh_token).map(Json)
        }
        Err(RefreshError::Invalid) => Err(Problem::unauthenticated("refresh_invalid", "log in again")),
        Err(RefreshError::Reused(user, session)) => {
            mail::session_ended(&mut tx, user, session).await?;
            tx.commit().await?;
            tracing::warn!(user.id = %user, "a refresh token was used twice; its session has been revoked");
            Err(Problem::unauthenticated("refresh_reused", "this token was used before; log in again"))
        }
        Err(RefreshError::Sql(error)) => Err(error.into()),
    }
}

/// End this session
#[utoipa::path(post, path = "/v1/auth/logout", tag = "auth", responses((status = 204, description = "Ended")))]
async fn logout(State(state): State<AppState>, Session(caller): Session) -> Result<StatusCode> {
    let mut conn = state.db.acquire().await?;
    store::revoke_session(&mut conn, caller.session, "logout").await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
