use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;

use crate::identity::model::MemberRole;

#[derive(Clone, Debug)]
pub struct Member {
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub role: MemberRole,
    pub created_at: DateTime<Utc>,
}

/// Everybody who acts for the organisation, longest-standing first.
pub async fn members(conn: &mut PgConnection, org: OrgId) -> Result<Vec<Member>, sqlx::Error> {
    sqlx::query_as!(
        Member,
        r#"
        SELECT
            users.id AS "user: UserId", users.name, users.email, memberships.role AS "role: MemberRole",
            memberships.created_at
        FROM memberships
        JOIN users ON users.id = memberships.user_id
        WHERE memberships.org_id = $1
        ORDER BY memberships.created_at, users.id
        "#,
        org.0,
    )
    .fetch_all(conn)
    .await
}

/// The people who trade for these organisations, each once: up to `most` of every organisation, the
/// longest-standing first. Suspended people and those of organisations that may not trade are left
/// out: they get no news of trade.
pub async fn traders(conn: &mut PgConnection, orgs: &[OrgId], most: i64) -> Result<Vec<UserId>, sqlx::Error> {
    let orgs: Vec<_> = orgs.iter().map(|org| org.0).collect();
    sqlx::query_scalar!(
        r#"
        SELECT DISTINCT member.user_id AS "user!: UserId"
        FROM (
            SELECT user_id, row_number() OVER (PARTITION BY org_id ORDER BY since, user_id) AS place
            FROM org_traders
            WHERE org_id = ANY ($1)
        ) AS member
        WHERE member.place <= $2
        "#,
        &orgs,
        most,
    )
    .fetch_all(conn)
    .await
}

/// Why the members were not changed.
#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    #[error("no such member")]
    Unknown,
    #[error("already a member")]
    AlreadyMember,
    #[error("an organisation keeps at least one owner")]
    LastOwner,
    #[error("an organisation has at most 500 members")]
    OrgFull,
    #[error("a person belongs to at most 20 organisations")]
    PersonFull,
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for MembersError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("memberships_per_org") => Self::OrgFull,
            Some("memberships_per_person") => Self::PersonFull,
            _ => Self::Sql(error),
        }
    }
}

/// Gives a member another role. Needs a transaction.
pub async fn change_member(
    conn: &mut PgConnection,
    actor: Actor,
    org: OrgId,
    user: UserId,
    role: MemberRole,
) -> Result<(), MembersError> {
    lock_members(conn, org).await?;
    let before = sqlx::query_scalar!("SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2", org.0, user.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(MembersError::Unknown)?;
    if before == role.name() {
        return Ok(());
    }
    sqlx::query!("UPDATE memberships SET role = $3 WHERE org_id = $1 AND user_id = $2", org.0, user.0, role.name())
        .execute(&mut *conn)
        .await?;
    an_owner_remains(conn, org).await?;
    let data = json!({"user": user, "role": role.name()});
    let subject = ("org", org.to_string());
    let entry = audit::Entry { actor, action: "org.change_member", subject, data };
    audit::append(conn, entry).await?;
    Ok(())
}

/// Removes a member. Needs a transaction.
pub async fn remove_member(
    conn: &mut PgConnection,
    actor: Actor,
    org: OrgId,
    user: UserId,
) -> Result<(), MembersError> {
    lock_members(conn, org).await?;
    let removed = sqlx::query!("DELETE FROM memberships WHERE org_id = $1 AND user_id = $2", org.0, user.0)
        .execute(&mut *conn)
        .await?;
    if removed.rows_affected() == 0 {
        return Err(MembersError::Unknown);
    }
    an_owner_remains(conn, org).await?;
    let subject = ("org", org.to_string());
    let data = json!({"user": user});
    let entry = audit::Entry { actor, action: "org.remove_member", subject, data };
    audit::append(conn, entry).await?;
    Ok(())
}

/// Makes two owners who remove each other take turns, so that the second sees that it would remove
/// the last one.
async fn lock_members(conn: &mut PgConnection, org: OrgId) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"SELECT id FROM orgs WHERE id = $1 FOR NO KEY UPDATE"#, org.0).fetch_optional(conn).await?;
    Ok(())
}

async fn an_owner_remains(conn: &mut PgConnection, org: OrgId) -> Result<(), MembersError> {
    let remains = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM memberships WHERE org_id = $1 AND role = 'owner') AS "remains!""#,
        org.0,
    )
    .fetch_one(conn)
    .await?;
    if remains { Ok(()) } else { Err(MembersError::LastOwner) }
}
