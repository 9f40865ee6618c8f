use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
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

/// Who trades for these organisations, once each; of every organisation the `most` longest-standing.
pub async fn traders(conn: &mut PgConnection, orgs: &[OrgId], most: i64) -> Result<Vec<UserId>, sqlx::Error> {
    let orgs: Vec<_> = orgs.iter().map(|org| org.0).collect();
    sqlx::query_scalar!(
        r#"
        SELECT DISTINCT member.user_id AS "user: UserId"
        FROM (
            SELECT user_id, row_number() OVER (PARTITION BY org_id ORDER BY created_at, user_id) AS place
            FROM memberships
            WHERE org_id = ANY ($1)
              AND role IN ('trader', 'owner')
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
    #[error("nobody is registered with this address")]
    NoSuchUser,
    #[error("already a member")]
    AlreadyMember,
    #[error("an organisation keeps at least one owner")]
    LastOwner,
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Adds a registered person. Those who look after the platform cannot be added: a member does not decide about the organisation,
/// so that anybody could keep a moderator away from the own one. They look like nobody.
pub async fn add_member(
    conn: &mut PgConnection,
    org: OrgId,
    email: &str,
    role: MemberRole,
) -> Result<UserId, MembersError> {
    let user = sqlx::query_scalar!(
        r#"SELECT id AS "id: UserId" FROM users WHERE email = $1 AND platform_role = 'user'"#,
        email,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(MembersError::NoSuchUser)?;
    let added = sqlx::query!(
        r#"
        INSERT INTO memberships (org_id, user_id, role)
        VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT memberships_once DO NOTHING
        "#,
        org.0,
        user.0,
        role.name(),
    )
    .execute(conn)
    .await?;
    if added.rows_affected() == 1 { Ok(user) } else { Err(MembersError::AlreadyMember) }
}

/// Gives a member another role. Needs a transaction.
pub async fn change_member(
    conn: &mut PgConnection,
    org: OrgId,
    user: UserId,
    role: MemberRole,
) -> Result<(), MembersError> {
    lock_members(conn, org).await?;
    let changed =
        sqlx::query!("UPDATE memberships SET role = $3 WHERE org_id = $1 AND user_id = $2", org.0, user.0, role.name())
            .execute(&mut *conn)
            .await?;
    if changed.rows_affected() == 0 {
        return Err(MembersError::Unknown);
    }
    an_owner_remains(conn, org).await
}

/// Removes a member. Needs a transaction.
pub async fn remove_member(conn: &mut PgConnection, org: OrgId, user: UserId) -> Result<(), MembersError> {
    lock_members(conn, org).await?;
    let removed = sqlx::query!("DELETE FROM memberships WHERE org_id = $1 AND user_id = $2", org.0, user.0)
        .execute(&mut *conn)
        .await?;
    if removed.rows_affected() == 0 {
        return Err(MembersError::Unknown);
    }
    an_owner_remains(conn, org).await
}

/// Two owners who remove each other take turns, so that the second one sees that it would be the last.
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
