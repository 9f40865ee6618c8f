//! Which mails and notices people want, of those that they can do without.

use shared::ids::UserId;
use sqlx::PgConnection;

use crate::emails::model::{EmailCategory, QuietHours};
use crate::emails::rules::unsubscribing::{self, Claim};
use crate::identity::Locale;

/// A link that ends mails, whose token is good.
#[derive(Clone, Debug)]
pub struct Ending {
    pub user: UserId,
    pub category: EmailCategory,
    /// The person's.
    pub locale: Locale,
}

/// By which way people hear of what is mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Mails,
    /// Inside the product, of mails of the category from then on, whether they are sent or not.
    Notices,
}

/// The categories that a person does not want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOuts {
    pub mails: Vec<EmailCategory>,
    pub notices: Vec<EmailCategory>,
}

/// What the person does not want, by each way.
pub async fn opt_outs(conn: &mut PgConnection, user: UserId) -> Result<OptOuts, sqlx::Error> {
    sqlx::query_as!(
        OptOuts,
        r#"
        SELECT
            ARRAY (SELECT category FROM email_opt_outs WHERE user_id = $1 ORDER BY category) AS "mails!: Vec<EmailCategory>",
            ARRAY (SELECT category FROM notice_opt_outs WHERE user_id = $1 ORDER BY category) AS "notices!: Vec<EmailCategory>"
        "#,
        user.0,
    )
    .fetch_one(conn)
    .await
}

/// Notes whether the person wants the category by this way. Said twice, it is as said once.
pub async fn want(
    conn: &mut PgConnection,
    user: UserId,
    channel: Channel,
    category: EmailCategory,
    wanted: bool,
) -> Result<(), sqlx::Error> {
    let statement = match (channel, wanted) {
        (Channel::Mails, true) => sqlx::query!(
            "DELETE FROM email_opt_outs WHERE user_id = $1 AND category = $2",
            user.0,
            category as EmailCategory,
        ),
        (Channel::Mails, false) => sqlx::query!(
            "INSERT INTO email_opt_outs (user_id, category)
             VALUES ($1, $2)
             ON CONFLICT ON CONSTRAINT email_opt_outs_once DO NOTHING",
            user.0,
            category as EmailCategory,
        ),
        (Channel::Notices, true) => sqlx::query!(
            "DELETE FROM notice_opt_outs WHERE user_id = $1 AND category = $2",
            user.0,
            category as EmailCategory,
        ),
        (Channel::Notices, false) => sqlx::query!(
            "INSERT INTO notice_opt_outs (user_id, category)
             VALUES ($1, $2)
             ON CONFLICT ON CONSTRAINT notice_opt_outs_once DO NOTHING",
            user.0,
            category as EmailCategory,
        ),
    };
    statement.execute(conn).await?;
    Ok(())
}

/// The person's quiet hours, if they have any.
pub async fn quiet_hours(conn: &mut PgConnection, user: UserId) -> Result<Option<QuietHours>, sqlx::Error> {
    let row = sqlx::query!("SELECT quiet_from, quiet_to FROM users WHERE id = $1", user.0).fetch_optional(conn).await?;
    let minutes = row.and_then(|row| row.quiet_from.zip(row.quiet_to));
    Ok(minutes.map(|(from, to)| QuietHours::of_minutes(from, to)))
}

/// Sets or ends the person's quiet hours. A mail that waits already comes when they were to end.
pub async fn set_quiet_hours(
    conn: &mut PgConnection,
    user: UserId,
    hours: Option<QuietHours>,
) -> Result<(), sqlx::Error> {
    let minutes = hours.map(QuietHours::minutes);
    sqlx::query!(
        r#"
        UPDATE users
        SET quiet_from = $2,
            quiet_to = $3
        WHERE id = $1
        "#,
        user.0,
        minutes.map(|(from, _)| from),
        minutes.map(|(_, to)| to),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a token ends. `None`: it is not one that was made here.
pub async fn ending(conn: &mut PgConnection, token: &str) -> Result<Option<Ending>, sqlx::Error> {
    let Some(claim) = unsubscribing::read(token) else { return Ok(None) };
    let Claim { user, category, .. } = claim;
    let person = sqlx::query!("SELECT unsubscribe_key, locale FROM users WHERE id = $1", user.0);
    let Some(person) = person.fetch_optional(conn).await? else { return Ok(None) };
    let is_good = claim.is_signed_with(&person.unsubscribe_key);
    let locale = person.locale.parse().unwrap_or_default();
    Ok(is_good.then_some(Ending { user, category, locale }))
}
