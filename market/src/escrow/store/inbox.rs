//! What providers tell us: a row first, once for each event, then a job that asks the provider.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::unsettled::seconds;
use crate::payments::rules::notice::Notice;
use crate::payments::{Provider, ProviderRef};

/// Names a webhook that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct InboxId(pub i64);

/// A webhook that is authentic.
#[derive(Clone, Copy, Debug)]
pub struct NewWebhook<'a> {
    pub provider: Provider,
    pub notice: &'a Notice,
    pub body: &'a [u8],
}

/// Keeps a webhook; `None`: this event is there already. One that names no event is kept each time: nothing tells it from news.
pub async fn receive(conn: &mut PgConnection, new: NewWebhook<'_>) -> Result<Option<InboxId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO webhook_inbox (provider, event_id, kind, subject, body)
         VALUES ($1, coalesce($2, 'unnamed-' || gen_random_uuid()), $3, $4, $5)
         ON CONFLICT (provider, event_id) DO NOTHING
         RETURNING id",
        new.provider as Provider,
        new.notice.event_id.as_deref(),
        new.notice.kind,
        new.notice.subject.0,
        new.body,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(InboxId))
}

/// A webhook that is to be applied.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub provider: Provider,
    pub subject: ProviderRef,
    /// How long ago it arrived, in seconds.
    pub age: i64,
}

/// A webhook that nobody has applied.
pub async fn webhook(conn: &mut PgConnection, id: InboxId) -> Result<Option<Webhook>, sqlx::Error> {
    sqlx::query_as!(
        Webhook,
        r#"SELECT provider AS "provider: Provider", subject AS "subject: ProviderRef",
                  extract(epoch FROM clock_timestamp() - received_at)::bigint AS "age!"
           FROM webhook_inbox
           WHERE id = $1 AND outcome IS NULL"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// What came of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum WebhookOutcome {
    Applied,
    /// What it tells was known.
    NothingNew,
    /// It is about nothing of ours.
    UnknownSubject,
}

/// Writes down what came of a webhook, if nobody has.
pub async fn applied(conn: &mut PgConnection, id: InboxId, outcome: WebhookOutcome) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhook_inbox SET outcome = $2, applied_at = clock_timestamp() WHERE id = $1 AND outcome IS NULL",
        id.0,
        outcome as WebhookOutcome,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest `most` webhooks that nobody has applied for so long.
pub async fn unapplied(conn: &mut PgConnection, age: TimeDelta, most: i64) -> Result<Vec<InboxId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id
         FROM webhook_inbox
         WHERE outcome IS NULL AND received_at < clock_timestamp() - make_interval(secs => $1)
         ORDER BY received_at, id
         LIMIT $2",
        seconds(age),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(InboxId).collect())
}
