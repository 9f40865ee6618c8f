//! SQL for keys.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use sqlx::PgConnection;

use super::model::{ApiKey, Holder, NewApiKey, known};
use super::rules::{self, KeyHash, OVERLAP};
use crate::identity::store::Membership;
use crate::identity::{MemberRole, OrgStatus};
use crate::ids::ApiKeyId;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("there is no such key")]
    NotFound,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("api_keys_name_length", "/name", "must have 1 to 100 characters"),
    ("api_keys_scopes_form", "/scopes", "must be 1 to 40"),
    ("api_keys_expire_later", "/expires_at", "must be later than now"),
    ("api_keys_per_org", "", "the organisation has 50 keys: revoke some first"),
];

impl From<sqlx::Error> for KeyError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

struct Row {
    id: ApiKeyId,
    org_id: OrgId,
    created_by: UserId,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            org_id: row.org_id,
            created_by: row.created_by,
            name: row.name,
            prefix: row.prefix,
            scopes: known(&row.scopes),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Makes a key of `org` that acts in the name of `by`.
pub async fn create(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    new: &NewApiKey,
) -> Result<(ApiKey, SecretString), KeyError> {
    let scopes: Vec<String> = new.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let made = insert(conn, org, by, &new.name, &scopes, new.expires_at).await?;
    write_down(conn, by, "api_key.create", made.0.id, json!({"scopes": scopes, "expires_at": new.expires_at})).await?;
    Ok(made)
}

async fn insert(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    name: &str,
    scopes: &[String],
    expires_at: Option<DateTime<Utc>>,
) -> Result<(ApiKey, SecretString), KeyError> {
    let (secret, hash) = rules::generate();
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO api_keys (id, org_id, created_by, name, prefix, hash, scopes, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           RETURNING id AS "id: ApiKeyId", org_id AS "org_id: OrgId", created_by AS "created_by: UserId", name, prefix, scopes,
                     created_at, expires_at, last_used_at"#,
        ApiKeyId::generate().0,
        org.0,
        by.0,
        name,
        rules::prefix(&secret),
        hash.as_slice(),
        scopes,
        expires_at,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.into(), secret))
}

async fn write_down(
    conn: &mut PgConnection,
    by: UserId,
    action: &str,
    key: ApiKeyId,
    data: serde_json::Value,
) -> Result<(), sqlx::Error> {
    let actor = Actor::User(by);
    audit::append(conn, audit::Entry { actor, action, subject: ("api_key", key.to_string()), data }).await?;
    Ok(())
}

/// A key of `org` that was not revoked.
pub async fn get(conn: &mut PgConnection, org: OrgId, id: ApiKeyId) -> Result<Option<ApiKey>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: ApiKeyId", org_id AS "org_id: OrgId", created_by AS "created_by: UserId", name, prefix, scopes,
                  created_at, expires_at, last_used_at
           FROM api_keys
           WHERE id = $1
             AND org_id = $2
             AND revoked_at IS NULL"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ApiKey::from))
}

/// Up to `limit` keys of `org` that were not revoked, oldest first, after `after`.
pub async fn page(
    conn: &mut PgConnection,
    org: OrgId,
    after: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<ApiKey>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: ApiKeyId", org_id AS "org_id: OrgId", created_by AS "created_by: UserId", name, prefix, scopes,
                  created_at, expires_at, last_used_at
           FROM api_keys
           WHERE org_id = $1
             AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             AND revoked_at IS NULL
           ORDER BY id
           LIMIT $3"#,
        org.0,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// [`get`], locked until the transaction ends.
async fn lock(conn: &mut PgConnection, org: OrgId, id: ApiKeyId) -> Result<ApiKey, KeyError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM api_keys WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    get(conn, org, id).await?.ok_or(KeyError::NotFound)
}

/// Makes a key with the name and the scopes of an older one, which works for another day. The new one acts in the name of `by`, and
/// lives as long as the older one was meant to.
pub async fn rotate(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    id: ApiKeyId,
) -> Result<(ApiKey, SecretString), KeyError> {
    let old = lock(conn, org, id).await?;
    let now = sqlx::query_scalar!(
        r#"UPDATE api_keys
           SET expires_at = least(expires_at, clock_timestamp() + make_interval(secs => $2))
           WHERE id = $1
           RETURNING clock_timestamp() AS "now!""#,
        id.0,
        OVERLAP.as_seconds_f64(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let expires_at = old.expires_at.map(|expires_at| now + (expires_at - old.created_at));
    let scopes: Vec<String> = old.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let made = insert(conn, org, by, &old.name, &scopes, expires_at).await?;
    write_down(conn, by, "api_key.rotate", id, json!({"successor": made.0.id})).await?;
    Ok(made)
}

/// Ends a key at once, by the wish of `by`.
pub async fn revoke(conn: &mut PgConnection, org: OrgId, by: UserId, id: ApiKeyId) -> Result<(), KeyError> {
    lock(conn, org, id).await?;
    sqlx::query!("UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = $1", id.0).execute(&mut *conn).await?;
    Ok(write_down(conn, by, "api_key.revoke", id, json!({})).await?)
}

/// What whoever holds the key with this hash may do now. `None`: there is no such key, it has ended, who made it has left or may not act
/// any more, or the organisation is suspended. One statement, for each request: a key that was revoked is worth nothing from the next
/// request on.
pub async fn holder(conn: &mut PgConnection, hash: &KeyHash) -> Result<Option<Holder>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT k.id AS "id: ApiKeyId", k.created_by AS "created_by: UserId", k.scopes,
                  m.org_id AS "org: OrgId", m.role AS "role: MemberRole",
                  o.status AS "status: OrgStatus", o.kinds, o.plan,
                  coalesce(k.last_used_at < clock_timestamp() - interval '5 minutes', true) AS "is_unnoted!"
           FROM api_keys AS k
           JOIN memberships AS m ON m.org_id = k.org_id AND m.user_id = k.created_by
           JOIN orgs AS o ON o.id = k.org_id
           JOIN users AS u ON u.id = k.created_by
           WHERE k.hash = $1
             -- Not as the index of an organisation's keys has it, which a plan of before there were any would read from end to end.
             AND (k.revoked_at IS NULL) IS TRUE
             AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
             AND u.status = 'active'
             AND u.email_verified_at IS NOT NULL
             AND o.status <> 'suspended'"#,
        hash.as_slice(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Holder {
        key: row.id,
        user: row.created_by,
        membership: Membership {
            org: row.org,
            // What is an owner's alone is done by people.
            role: if row.role.includes(MemberRole::Trader) { MemberRole::Trader } else { row.role },
            status: row.status,
            kinds: row.kinds.iter().filter_map(|kind| kind.parse().ok()).collect(),
            plan: row.plan,
        },
        scopes: known(&row.scopes),
        is_unnoted: row.is_unnoted,
    }))
}

/// Notes that a key is used, unless somebody has just done so.
pub async fn note_use(conn: &mut PgConnection, id: ApiKeyId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE api_keys
         SET last_used_at = clock_timestamp()
         WHERE id = $1
           AND revoked_at IS NULL
           AND coalesce(last_used_at < clock_timestamp() - interval '5 minutes', true)",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
