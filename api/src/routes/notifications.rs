//! Which mails and notices the caller wants, of those that people can do without, and when no mails. [`super::pages`] has the page behind the link in a mail.

use axum::extract::State;
use axum::http::StatusCode;
use market::emails::model::{EmailCategory, QuietHours};
use market::emails::store::preferences::{self, Channel};
use market::identity::store;
use serde::{Deserialize, Serialize};
use shared::ids::UserId;
use shared::invalid::Invalid;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::Result;
use crate::extract::Json;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_notifications, change_notifications)).routes(routes!(
        get_quiet_hours,
        set_quiet_hours,
        end_quiet_hours
    ))
}

/// Whether the caller wants each kind. All others are about something that the caller takes part in, and always there.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each kind of mail")]
struct WantedKinds {
    /// Auctions that end soon.
    auction_reminders: bool,
    /// What became of watched listings.
    watches: bool,
    /// What saved searches have found.
    saved_searches: bool,
    /// Stock that has become low, or has recovered.
    stock: bool,
    /// Reports that come after each period.
    reports: bool,
    /// What to say about completed orders, and what others have said.
    reviews: bool,
}

impl WantedKinds {
    fn without(opt_outs: &[EmailCategory]) -> Self {
        let wanted = |category| !opt_outs.contains(&category);
        Self {
            auction_reminders: wanted(EmailCategory::AuctionReminders),
            watches: wanted(EmailCategory::Watches),
            saved_searches: wanted(EmailCategory::SavedSearches),
            stock: wanted(EmailCategory::Stock),
            reports: wanted(EmailCategory::Reports),
            reviews: wanted(EmailCategory::Reviews),
        }
    }
}

/// Which mails are sent, and which of them are notices inside the product.
#[derive(Debug, Serialize, ToSchema)]
struct Notifications {
    #[serde(flatten)]
    mails: WantedKinds,
    /// Whether mails of each kind are notices, too, be they sent or not.
    notices: WantedKinds,
}

impl Notifications {
    async fn of(conn: &mut PgConnection, user: UserId) -> Result<Self> {
        let unwanted = preferences::opt_outs(conn, user).await?;
        Ok(Self { mails: WantedKinds::without(&unwanted.mails), notices: WantedKinds::without(&unwanted.notices) })
    }
}

/// Read which mails and notices the caller wants
#[utoipa::path(get, path = "/v1/me/notifications", tag = "me", responses(
    (status = 200, description = "Each kind that can be turned off, by mail and as notices", body = Notifications),
))]
async fn get_notifications(State(state): State<AppState>, caller: Caller) -> Result<Json<Notifications>> {
    Ok(Json(Notifications::of(&mut *state.db.acquire().await?, caller.user).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeNotifications {
    auction_reminders: Option<bool>,
    watches: Option<bool>,
    saved_searches: Option<bool>,
    stock: Option<bool>,
    reports: Option<bool>,
    reviews: Option<bool>,
    /// Inside the product. What was there before stays.
    notices: Option<ChangeKinds>,
}

impl ChangeNotifications {
    const fn mails(&self) -> ChangeKinds {
        ChangeKinds {
            auction_reminders: self.auction_reminders,
            watches: self.watches,
            saved_searches: self.saved_searches,
            stock: self.stock,
            reports: self.reports,
            reviews: self.reviews,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeKinds {
    auction_reminders: Option<bool>,
    watches: Option<bool>,
    saved_searches: Option<bool>,
    stock: Option<bool>,
    reports: Option<bool>,
    reviews: Option<bool>,
}

impl ChangeKinds {
    const fn of(&self, category: EmailCategory) -> Option<bool> {
        match category {
            EmailCategory::AuctionReminders => self.auction_reminders,
            EmailCategory::Watches => self.watches,
            EmailCategory::SavedSearches => self.saved_searches,
            EmailCategory::Stock => self.stock,
            EmailCategory::Reports => self.reports,
            EmailCategory::Reviews => self.reviews,
        }
    }
}

/// Change which mails and notices the caller wants
///
/// A mail that was posted before and is sent later follows the change, too.
#[utoipa::path(patch, path = "/v1/me/notifications", tag = "me", params(IfMatch), request_body = ChangeNotifications, responses(
    (status = 200, description = "Each kind that can be turned off, by mail and as notices", body = Notifications),
))]
async fn change_notifications(
    State(state): State<AppState>,
    caller: Caller,
    expected: IfMatch,
    Json(body): Json<ChangeNotifications>,
) -> Result<Json<Notifications>> {
    let mut tx = state.db.begin().await?;
    let _profile = store::lock_profile(&mut tx, caller.user).await?;
    if expected.is_sent() {
        expected.check(&Notifications::of(&mut tx, caller.user).await?)?;
    }
    for category in EmailCategory::ALL {
        let notices = body.notices.as_ref().and_then(|notices| notices.of(category));
        for (channel, wanted) in [(Channel::Mails, body.mails().of(category)), (Channel::Notices, notices)] {
            if let Some(wanted) = wanted {
                preferences::want(&mut tx, caller.user, channel, category, wanted).await?;
            }
        }
    }
    let notifications = Notifications::of(&mut tx, caller.user).await?;
    tx.commit().await?;
    Ok(Json(notifications))
}

/// When the caller wants no mail that can wait.
#[derive(Debug, Serialize, ToSchema)]
struct MyQuietHours {
    /// By the clock on the wall in the caller's time zone; absent: at no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<QuietHours>,
}

/// Read the caller's quiet hours
#[utoipa::path(get, path = "/v1/me/quiet-hours", tag = "me", responses(
    (status = 200, description = "The hours, if there are any", body = MyQuietHours),
))]
async fn get_quiet_hours(State(state): State<AppState>, caller: Caller) -> Result<Json<MyQuietHours>> {
    let hours = preferences::quiet_hours(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(Json(MyQuietHours { hours }))
}

/// Set the caller's quiet hours
///
/// Mails that can wait are sent when they end. Those about security or money, about what the caller has asked for and about what is due
/// soon do not wait.
#[utoipa::path(put, path = "/v1/me/quiet-hours", tag = "me", request_body = QuietHours, responses(
    (status = 200, description = "As they are now", body = MyQuietHours),
    (status = 422, description = "`invalid_value`: they do not end"),
))]
async fn set_quiet_hours(
    State(state): State<AppState>,
    caller: Caller,
    Json(hours): Json<QuietHours>,
) -> Result<Json<MyQuietHours>> {
    if !hours.ends() {
        return Err(Invalid::new("/to", "must be another time than `from`").into());
    }
    let mut conn = state.db.acquire().await?;
    preferences::set_quiet_hours(&mut conn, caller.user, Some(hours)).await?;
    let hours = preferences::quiet_hours(&mut conn, caller.user).await?;
    Ok(Json(MyQuietHours { hours }))
}

/// End the caller's quiet hours
///
/// Mails that wait come when the hours would have ended.
#[utoipa::path(delete, path = "/v1/me/quiet-hours", tag = "me", responses((status = 204, description = "There are none")))]
async fn end_quiet_hours(State(state): State<AppState>, caller: Caller) -> Result<StatusCode> {
    preferences::set_quiet_hours(&mut *state.db.acquire().await?, caller.user, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
