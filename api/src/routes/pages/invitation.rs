//! The page behind an invitation's link: it shows the invitation, and whoever has an account with the invited address joins there, with
//! its password. Everybody else registers first. The link alone lets nobody in, because it may have been passed on: the address must
//! be verified by a mail of its own.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::identity::store::{self, Invitation, InvitationError, Refusal};
use market::identity::{Email, PersonName};
use secrecy::SecretString;
use serde::Deserialize;
use shared::crypto::password;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Link, LinkedForm, escaped, page};
use crate::auth::caller::ClientAddr;
use crate::error::{Problem, Result};
use crate::extract::Query;
use crate::routes::auth::{judge, register_person, send_verification};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show_invitation, decline_invitation))
        .routes(routes!(accept_invitation))
        .routes(routes!(register_for_invitation))
}

const ANSWERED: &str =
    "<h1>This link does not work</h1><p>It is unknown, or its invitation answered, taken back or expired.</p>";

fn answered() -> Response {
    page(StatusCode::UNPROCESSABLE_ENTITY, ANSWERED)
}

async fn found(state: &AppState, link: &Link) -> Result<Option<Invitation>> {
    Ok(store::invitation_of_token(&mut *state.db.acquire().await?, &link.token).await?)
}

/// The invitation with its three answers, and what was wrong with the last one.
fn forms(invitation: &Invitation, token: &str, fault: &str) -> String {
    // The token is one of ours: it was found.
    format!(
        r#"<h1>You are invited</h1><p>{org} invites {email} to join as {role}.</p><p>{fault}</p>
        <h2>You have an account</h2>
        <form method="post" action="/invitation/accept?token={token}"><label>Password of {email}
        <input type="password" name="password" autocomplete="current-password" required></label>
        <button>Accept</button></form>
        <h2>You are new here</h2>
        <form method="post" action="/invitation/register?token={token}"><label>Your name
        <input name="name" autocomplete="name" maxlength="100" required></label>
        <label>A password, at least {least} characters <input type="password" name="password"
        autocomplete="new-password" required></label><button>Register</button></form>
        <h2>You do not want to join</h2>
        <form method="post" action="/invitation?token={token}"><button>Decline</button></form>"#,
        org = escaped(&invitation.org_name),
        email = escaped(&invitation.email),
        role = invitation.role,
        fault = escaped(fault),
        least = password::MIN_CHARS,
    )
}

/// The forms again when the problem is the reader's to mend.
fn again(invitation: &Invitation, link: &Link, problem: Problem) -> Result<Response> {
    match problem.refusal() {
        Some((status, detail)) => Ok(page(status, &forms(invitation, &link.token, detail))),
        None => Err(problem),
    }
}

/// Show an invitation
#[utoipa::path(get, path = "/invitation", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page that says what it is, with forms to accept, to register and to decline", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link is unknown, answered or expired", body = String, content_type = "text/html"),
))]
async fn show_invitation(State(state): State<AppState>, Query(link): Query<Link>) -> Result<Response> {
    let Some(invitation) = found(&state, &link).await? else { return Ok(answered()) };
    Ok(page(StatusCode::OK, &forms(&invitation, &link.token, "")))
}

/// Decline an invitation by the button
#[utoipa::path(post, path = "/invitation", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page that says so", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link is unknown, answered or expired", body = String, content_type = "text/html"),
))]
async fn decline_invitation(State(state): State<AppState>, Query(link): Query<Link>) -> Result<Response> {
    let mut tx = state.db.begin().await?;
    let declined = match store::invitation_of_token(&mut tx, &link.token).await? {
        Some(invitation) => store::refuse(&mut tx, invitation.id, Refusal::Link).await,
        None => Err(InvitationError::Unknown),
    };
    match declined {
        Ok(()) => {
            tx.commit().await?;
            Ok(page(StatusCode::OK, "<h1>Declined</h1><p>Nothing else happens.</p>"))
        }
        Err(InvitationError::Unknown) => Ok(answered()),
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptInvitation {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Accept an invitation by the form
#[utoipa::path(post, path = "/invitation/accept", tag = "pages", security(()), params(Link),
    request_body(content = AcceptInvitation, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A page that says so", body = String, content_type = "text/html"),
    (status = 401, description = "The forms again: the password is wrong, or the address has no account", body = String, content_type = "text/html"),
    (status = 403, description = "The forms again: the account is suspended, or its address not verified, or it looks after the \
        platform; or a page that says to log in first, because the account has a second factor", body = String, content_type = "text/html"),
    (status = 409, description = "The forms again: already a member, one organisation too many, or a bid in an auction of this one",
        body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link is unknown, answered or expired", body = String, content_type = "text/html"),
    (status = 429, description = "The forms again: wait before the next try", body = String, content_type = "text/html"),
))]
async fn accept_invitation(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    LinkedForm(link, form): LinkedForm<AcceptInvitation>,
) -> Result<Response> {
    let Some(invitation) = found(&state, &link).await? else { return Ok(answered()) };
    let email: Email = invitation.email.parse().map_err(Problem::internal)?;
    let known = match judge(&state, from, &email, form.password).await {
        Ok((known, tx)) => {
            tx.commit().await?;
            known
        }
        Err(problem) => return again(&invitation, &link, problem),
    };
    if known.second_factor {
        return Ok(page(StatusCode::FORBIDDEN, LOG_IN_FIRST));
    }
    let mut tx = state.db.begin().await?;
    let verified = store::profile(&mut tx, known.user).await?.is_some_and(|profile| profile.email_verified);
    if !verified {
        drop(tx);
        send_verification(&state, known.user).await?;
        return Ok(page(StatusCode::FORBIDDEN, CONFIRM_FIRST));
    }
    match store::accept(&mut tx, invitation.id, known.user).await {
        Ok((_, role)) => {
            tx.commit().await?;
            let joined = format!("<h1>Welcome</h1><p>You are {role} at {} now.</p>", escaped(&invitation.org_name));
            Ok(page(StatusCode::OK, &joined))
        }
        Err(InvitationError::Unknown) => Ok(answered()),
        Err(error) => again(&invitation, &link, error.into()),
    }
}

const LOG_IN_FIRST: &str = "<h1>Log in first</h1><p>Your account asks for a code besides the password. Log in where you use Tradeyard, \
    and accept the invitation there.</p>";

const CONFIRM_FIRST: &str = "<h1>Confirm your address first</h1><p>A mail with a link is on its way to it. When you have confirmed the \
    address, open the invitation again and accept it with your password.</p>";

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterForInvitation {
    /// As it was typed: a name that cannot be one is refused with the forms.
    name: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Register for an invitation by the form
///
/// The answer is the same whether or not the address has an account.
#[utoipa::path(post, path = "/invitation/register", tag = "pages", security(()), params(Link),
    request_body(content = RegisterForInvitation, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A page that says to confirm the address first", body = String, content_type = "text/html"),
    (status = 422, description = "The forms again: the name or the password will not do; or a page that says that the link is unknown, \
        answered or expired", body = String, content_type = "text/html"),
    (status = 429, description = "The forms again: too many registrations from one place", body = String, content_type = "text/html"),
))]
async fn register_for_invitation(
    State(state): State<AppState>,
    ClientAddr(from): ClientAddr,
    LinkedForm(link, form): LinkedForm<RegisterForInvitation>,
) -> Result<Response> {
    let Some(invitation) = found(&state, &link).await? else { return Ok(answered()) };
    let email: Email = invitation.email.parse().map_err(Problem::internal)?;
    let name: PersonName = match form.name.parse() {
        Ok(name) => name,
        Err(unfit) => {
            let problem = Problem::unprocessable("invalid_value", format!("the name: {unfit}"));
            return again(&invitation, &link, problem);
        }
    };
    match register_person(&state, from, &email, &name, form.password).await {
        Ok(()) => Ok(page(StatusCode::OK, CONFIRM_FIRST)),
        Err(problem) => again(&invitation, &link, problem),
    }
}

#[cfg(test)]
mod tests;
