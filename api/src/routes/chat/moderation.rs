//! Reports of abusive messages: parties make them, moderators decide.

use std::fmt;

use axum::extract::State;
use market::chat::model::{ChatReport, ChatReportDetail, ChatReportOutcome, ChatReportReason};
use market::chat::store;
use market::identity::PlatformRole;
use market::ids::{ChatReportId, ConversationId};
use market::offers::model::Party;
use serde::Deserialize;
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::routes::acting::Acting;
use crate::routes::orgs::{given_reason, reason_schema};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report_message))
        .routes(routes!(list_chat_reports))
        .routes(routes!(get_chat_report))
        .routes(routes!(decide_chat_report))
}

/// Which message is abusive, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportMessage {
    /// The number of a message of the other party.
    #[schema(minimum = 1)]
    seq: i64,
    reason: ChatReportReason,
    /// For the moderators.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(
        pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$",
        min_length = 1,
        max_length = 1_000
    )]
    note: Option<String>,
}

/// What a reporter adds is no log's business.
impl fmt::Debug for ReportMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportMessage").field("seq", &self.seq).field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// Report an abusive message
///
/// Moderators read it, and up to five messages before it, which is written to the audit log.
#[utoipa::path(post, path = "/v1/conversations/{conversation}/reports", tag = "conversations", request_body = ReportMessage,
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 200, description = "Reported", body = ChatReport),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `own_message`"),
    (status = 409, description = "`reported`: the organisation has reported it before"),
    (status = 422, description = "`invalid_value`"),
))]
async fn report_message(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
    Json(body): Json<ReportMessage>,
) -> Result<Json<ChatReport>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let report =
        store::report(&mut tx, &state.chat_keyring, by, id, body.seq, body.reason, body.note.as_deref()).await?;
    tx.commit().await?;
    Ok(Json(report))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListChatReports {
    /// Also those that are decided.
    #[serde(default)]
    all: bool,
    /// The `next` of an earlier page.
    after: Option<ChatReportId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List reports of abusive messages
///
/// Those that nobody has decided, oldest first, without what was written. For moderators.
#[utoipa::path(get, path = "/v1/admin/chat-reports", tag = "admin", params(ListChatReports), responses(
    (status = 200, description = "A page", body = Page<ChatReport>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_chat_reports(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListChatReports>,
) -> Result<Json<Page<ChatReport>>> {
    caller.platform(PlatformRole::Moderator)?;
    let mut conn = state.db.acquire().await?;
    let rows = store::reports(&mut conn, !query.all, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |report| report.id.to_string(), |report| report)))
}

/// Read what was reported
///
/// The message, with up to five before it, in clear. For moderators who belong to neither party; each reading is in the audit log.
#[utoipa::path(get, path = "/v1/admin/chat-reports/{chat_report}", tag = "admin",
    params(("chat_report" = ChatReportId, Path)), responses(
    (status = 200, description = "The report", body = ChatReportDetail),
    (status = 403, description = "`role_too_low`; `own_org`"),
))]
async fn get_chat_report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ChatReportId>,
) -> Result<Json<ChatReportDetail>> {
    caller.platform(PlatformRole::Moderator)?;
    let mut tx = state.ledger.begin().await?;
    let detail = store::open_report(&mut tx, &state.chat_keyring, caller.user, id).await?;
    tx.commit().await?;
    Ok(Json(detail))
}

/// What becomes of a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecideChatReport {
    outcome: ChatReportOutcome,
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Decide about a report of an abusive message
///
/// What follows for whoever has written it, such as a suspension, is an act of its own. For moderators who belong to neither party.
#[utoipa::path(post, path = "/v1/admin/chat-reports/{chat_report}/decide", tag = "admin", request_body = DecideChatReport,
    params(("chat_report" = ChatReportId, Path)), responses(
    (status = 200, description = "Decided", body = ChatReport),
    (status = 403, description = "`role_too_low`; `own_org`"),
    (status = 409, description = "`report_decided`"),
    (status = 422, description = "`reason_length`"),
))]
async fn decide_chat_report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ChatReportId>,
    Json(body): Json<DecideChatReport>,
) -> Result<Json<ChatReport>> {
    caller.platform(PlatformRole::Moderator)?;
    let reason = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    let report = store::decide(&mut tx, caller.user, id, body.outcome, &reason).await?;
    tx.commit().await?;
    Ok(Json(report))
}
