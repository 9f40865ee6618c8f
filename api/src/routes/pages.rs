//! The page behind the link in a verification mail. Looking at it changes nothing, because mail scanners look at every link;
//! the button does. No scripts.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use market::identity::store;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::extract::Query;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(ask, verify))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Link {
    token: String,
}

/// Ask a person to confirm the address
#[utoipa::path(get, path = "/verify-email", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page with a button", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link cannot work", body = String, content_type = "text/html"),
))]
async fn ask(Query(link): Query<Link>) -> Response {
    // Only what a token is made of is put into the page.
    if !is_token(&link.token) {
        return page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN);
    }
    let form = format!(
        r#"<h1>Confirm your address</h1><form method="post" action="/verify-email?token={}"><button>Confirm</button></form>"#,
        link.token
    );
    page(StatusCode::OK, &form)
}

/// Confirm the address
#[utoipa::path(post, path = "/verify-email", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page that says so", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link is unknown, used or expired", body = String, content_type = "text/html"),
))]
async fn verify(State(state): State<AppState>, Query(link): Query<Link>) -> Result<Response> {
    let verified = store::verify_email(&mut *state.db.acquire().await?, &link.token).await?;
    Ok(match verified {
        Some(_) => page(StatusCode::OK, "<h1>Thank you</h1><p>Your address is confirmed.</p>"),
        None => page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN),
    })
}

const UNKNOWN: &str =
    "<h1>This link does not work</h1><p>It is unknown, used or expired. Log in and ask for another mail.</p>";

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Tradeyard</title>{body}</html>"#);
    let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    (status, [(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}
