//! The page behind the link that ends mails of one kind, in the reader's language; and what mail programs post to when their button
//! is pressed (RFC 8058). Looking at the page ends nothing: mail scanners do. The token is enough, and nobody need log in.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::emails::model::EmailCategory;
use market::emails::store::preferences::{self, Channel, Ending};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Link, UNKNOWN, page, page_in};
use crate::error::Result;
use crate::extract::Query;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(ask_to_unsubscribe, unsubscribe))
}

/// What the page says.
struct Words {
    language: &'static str,
    heading: &'static str,
    question: &'static str,
    button: &'static str,
    done: &'static str,
    ended: &'static str,
    category: &'static str,
}

fn words(ending: &Ending) -> Words {
    if ending.locale.as_str().starts_with("de") {
        Words {
            language: "de",
            heading: "E-Mails abbestellen",
            question: "Möchten Sie keine E-Mails mehr erhalten über",
            button: "Abbestellen",
            done: "Abbestellt",
            ended: "Sie erhalten keine E-Mails mehr über",
            category: match ending.category {
                EmailCategory::AuctionReminders => "bald endende Auktionen",
                EmailCategory::Watches => "beobachtete Angebote",
                EmailCategory::SavedSearches => "Ihre gespeicherten Suchen",
                EmailCategory::Stock => "Ihren Bestand",
                EmailCategory::Reports => "regelmäßige Berichte",
                EmailCategory::Reviews => "Bewertungen",
            },
        }
    } else {
        Words {
            language: "en",
            heading: "Unsubscribe",
            question: "Do you want no more emails about",
            button: "Unsubscribe",
            done: "You are unsubscribed",
            ended: "You will get no more emails about",
            category: match ending.category {
                EmailCategory::AuctionReminders => "auctions that end soon",
                EmailCategory::Watches => "what you watch",
                EmailCategory::SavedSearches => "your saved searches",
                EmailCategory::Stock => "your stock",
                EmailCategory::Reports => "regular reports",
                EmailCategory::Reviews => "reviews",
            },
        }
    }
}

async fn found(state: &AppState, link: &Link) -> Result<Option<Ending>> {
    Ok(preferences::ending(&mut *state.db.acquire().await?, &link.token).await?)
}

/// Ask whether mails of a kind shall end
#[utoipa::path(get, path = "/unsubscribe", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page with a button", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link cannot work", body = String, content_type = "text/html"),
))]
async fn ask_to_unsubscribe(State(state): State<AppState>, Query(link): Query<Link>) -> Result<Response> {
    let Some(ending) = found(&state, &link).await? else {
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN));
    };
    let Words { language, heading, question, button, category, .. } = words(&ending);
    // The token is one of ours: it was found.
    let form = format!(
        r#"<h1>{heading}</h1><p>{question} {category}?</p><form method="post" action="/unsubscribe?token={token}"><input
        type="hidden" name="List-Unsubscribe" value="One-Click"><button>{button}</button></form>"#,
        token = link.token,
    );
    Ok(page_in(language, StatusCode::OK, &form))
}

/// End mails of a kind
///
/// What a mail program posts when its button is pressed, by `List-Unsubscribe-Post`; the body does not matter. Done again, it is
/// done.
#[utoipa::path(post, path = "/unsubscribe", tag = "pages", security(()), params(Link), responses(
    (status = 200, description = "A page that says so", body = String, content_type = "text/html"),
    (status = 422, description = "A page that says that the link cannot work", body = String, content_type = "text/html"),
))]
async fn unsubscribe(State(state): State<AppState>, Query(link): Query<Link>) -> Result<Response> {
    let Some(ending) = found(&state, &link).await? else {
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN));
    };
    preferences::want(&mut *state.db.acquire().await?, ending.user, Channel::Mails, ending.category, false).await?;
    let Words { language, done, ended, category, .. } = words(&ending);
    Ok(page_in(language, StatusCode::OK, &format!("<h1>{done}</h1><p>{ended} {category}.</p>")))
}
