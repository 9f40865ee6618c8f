//! What the mail provider reports of mails that it has taken.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use market::emails::rules::postmark::{self, Report};
use market::emails::store;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Problem, Result};
use crate::extract::Raw;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(take_mail_report))
}

/// Take a report of Postmark's
///
/// At `https://user:password@…/v1/webhooks/postmark`, with the user and password that are configured here. An address that has
/// bounced for good, or whose owner has complained, is not written to any more; other reports are answered and change nothing.
#[utoipa::path(post, path = "/v1/webhooks/postmark", tag = "admin", security(()),
    request_body(content = serde_json::Value, content_type = "application/json"), responses(
    (status = 204, description = "Taken, or nothing that is of use here"),
    (status = 400, description = "`invalid_body`: it is not what Postmark sends"),
    (status = 401, description = "`wrong_credentials`: not those that are configured"),
))]
async fn take_mail_report(State(state): State<AppState>, headers: HeaderMap, Raw(body): Raw) -> Result<StatusCode> {
    let expected = state.config.smtp.webhook_key.expose_secret();
    if expected.is_empty() || !is_signed_in(&headers, expected) {
        let detail = "user and password are not those of this installation's webhooks";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials", detail));
    }
    let report: Report =
        serde_json::from_slice(&body).map_err(|error| Problem::bad_request("invalid_body", error.to_string()))?;
    if let Some(found) = postmark::suppression(&report) {
        let mut conn = state.db.acquire().await?;
        let suppressed = store::suppress(&mut conn, found.address, found.reason, &found.detail, None).await;
        suppressed.map_err(Problem::internal)?;
        tracing::info!(reason = ?found.reason, "an address is not written to any more");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the request names `user:password` by basic authentication. Digests are compared, which tell nothing of what is expected.
fn is_signed_in(headers: &HeaderMap, expected: &str) -> bool {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let sent = sent.and_then(|(_, credentials)| STANDARD.decode(credentials.trim()).ok());
    sent.is_some_and(|sent| Sha256::digest(sent) == Sha256::digest(expected))
}

#[cfg(test)]
mod tests;
