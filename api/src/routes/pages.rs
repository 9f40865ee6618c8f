//! The pages behind the links in mails. Looking at one changes nothing, because mail scanners look at every link;
//! the button does. No scripts.

mod invitation;
mod unsubscribe;

use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::crypto::password;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{address_to_verify, reset, verify_address};
use crate::auth::caller::ClientAddr;
use crate::error::{Problem, Result};
use crate::extract::{Form, Query};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(ask_to_verify, verify))
        .routes(routes!(send_new_password))
        .routes(routes!(ask_password, set_password))
        .merge(invitation::router())
        .merge(unsubscribe::router())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Link {
    token: String,
}

/// The link of a page and the form sent with it. The form comes first: a body of another type is refused as such, whatever
/// the link is.
struct LinkedForm<T>(Link, T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for LinkedForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> std::result::Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let link = Query::<Link>::from_request_parts(&mut parts, state).await;
        let Form(form) = Form::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self(link?.0, form))
    }
}

/// Ask a person to confirm the address
#[utoipa::path(get, path = "/verify-email", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page that asks for the account's password, or offers a new one", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link cannot work", body = String, content_type = "text/html"),
))]
async fn ask_to_verify(Query(link): Query<Link>) -> Response {
    // Only what a token is made of is put into the page.
    if !is_token(&link.token) {
        return page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN);
    }
    page(StatusCode::OK, &confirmation_forms(&link.token, ""))
}

/// The forms behind the link that confirms an address, and what was wrong with the last try.
fn confirmation_forms(token: &str, fault: &str) -> String {
    format!(
        r#"<h1>Confirm your address</h1><p>{fault}</p><form method="post" action="/verify-email?token={token}"><label>The password
        that you registered with <input type="password" name="password" autocomplete="current-password" required></label>
        <button>Confirm</button></form>
        <h2>It was not you who registered, or you have forgotten the password?</h2>
        <form method="post" action="/verify-email/new-password?token={token}"><button>Send me a link to set a new
        password</button></form><p>Whoever else uses the account is then logged out and cannot get back in.</p>"#,
        fault = escaped(fault),
    )
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Confirm the address by the form
#[utoipa::path(post, path = "/verify-email", tag = "pages", security(()), params(Link),
    request_body(content = Confirmation, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A page that says so", body = String, content_type = "text/html"),
    (status = 401, description = "The forms again: the password is wrong", body = String, content_type = "text/html"),
    (status = 403, description = "The forms again: the account is suspended", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link is unknown, used or expired", body = String, content_type = "text/html"),
    (status = 429, description = "The forms again: wait before the next try", body = String, content_type = "text/html"),
))]
async fn verify(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    LinkedForm(link, form): LinkedForm<Confirmation>,
) -> Result<Response> {
    match verify_address(&state, from, &link.token, form.password).await {
        Ok(()) => Ok(page(StatusCode::OK, "<h1>Thank you</h1><p>Your address is confirmed.</p>")),
        Err(problem) => confirm_again(&link, problem),
    }
}

/// The page that says what was wrong, when that is the reader's to mend.
fn confirm_again(link: &Link, problem: Problem) -> Result<Response> {
    match problem.refusal() {
        _ if problem.code() == "token_invalid" => Ok(page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN)),
        // The token is one of ours: it was found.
        Some((status, detail)) => Ok(page(status, &confirmation_forms(&link.token, detail))),
        None => Err(problem),
    }
}

/// Send a link to set a new password by the button
///
/// To the address that the link would confirm: setting the password confirms it.
#[utoipa::path(post, path = "/verify-email/new-password", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page that says that a mail is on its way", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link is unknown, used or expired", body = String, content_type = "text/html"),
    (status = 429, description = "The forms again: too many from one place", body = String, content_type = "text/html"),
))]
async fn send_new_password(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    Query(link): Query<Link>,
) -> Result<Response> {
    let asked = async { reset::ask_for_reset(&state, from, &address_to_verify(&state, &link.token).await?).await };
    match asked.await {
        Ok(()) => Ok(page(StatusCode::OK, MAIL_SENT)),
        Err(problem) => confirm_again(&link, problem),
    }
}

const MAIL_SENT: &str =
    "<h1>A mail is on its way</h1><p>Its link sets a new password, and confirms your address with it.</p>";

/// Ask for a new password
#[utoipa::path(get, path = "/reset-password", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page with a form", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link cannot work", body = String, content_type = "text/html"),
))]
async fn ask_password(Query(link): Query<Link>) -> Response {
    if !is_token(&link.token) {
        return page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN);
    }
    page(StatusCode::OK, &password_form(&link.token, ""))
}

fn password_form(token: &str, fault: &str) -> String {
    format!(
        r#"<h1>Set a new password</h1><p>{fault}</p><form method="post" action="/reset-password?token={token}"><label>New
        password, at least {} characters <input type="password" name="password" autocomplete="new-password" required></label>
        <button>Set password</button></form>"#,
        password::MIN_CHARS
    )
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Set a new password by the form
#[utoipa::path(post, path = "/reset-password", tag = "pages", security(()), params(Link),
    request_body(content = NewPassword, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A page that says so", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says what is wrong", body = String, content_type = "text/html"),
))]
async fn set_password(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    LinkedForm(link, form): LinkedForm<NewPassword>,
) -> Result<Response> {
    if !is_token(&link.token) {
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN));
    }
    let weak = || password_form(&link.token, &password::Weak.to_string());
    match reset::set_password(&state, from, &link.token, form.password).await {
        Ok(()) => Ok(page(StatusCode::OK, "<h1>Thank you</h1><p>The password is set. Log in with it.</p>")),
        Err(problem) if problem.code() == "token_invalid" => Ok(page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN)),
        Err(problem) if problem.code() == "weak_password" => Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &weak())),
        Err(problem) => Err(problem),
    }
}

/// Text as it may stand in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const UNKNOWN: &str =
    "<h1>This link does not work</h1><p>It is unknown, used or expired. Log in and ask for another mail.</p>";

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn page(status: StatusCode, body: &str) -> Response {
    page_in("en", status, body)
}

/// A page in the language with this code.
fn page_in(language: &str, status: StatusCode, body: &str) -> Response {
    let html = format!(
        r#"<!doctype html><html lang="{language}"><meta name="viewport" content="width=device-width"><meta charset="utf-8"><title>Tradeyard</title>{body}</html>"#
    );
    let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    (status, [(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}
