use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

/// Locks the organisations that a person owns, and returns those that may trade and have no other owner who is active.
pub(super) async fn lock_orgs(conn: &mut PgConnection, user: UserId) -> Result<Vec<OrgId>, sqlx::Error> {
    // In a statement of its own: of two owners who are suspended at once, the second one is seen to be the last.
    sqlx::query!(
        r#"
        SELECT
        FROM orgs
        WHERE id IN (SELECT org_id FROM memberships WHERE user_id = $1 AND role = 'owner')
        ORDER BY id
        FOR NO KEY UPDATE
        "#,
        user.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        r#"
        SELECT orgs.id AS "id: OrgId"
        FROM memberships
        JOIN orgs ON orgs.id = memberships.org_id
        WHERE memberships.user_id = $1
          AND memberships.role = 'owner'
          AND orgs.status = 'approved'
          AND NOT EXISTS (
              SELECT
              FROM memberships AS other
              JOIN users ON users.id = other.user_id
              WHERE other.org_id = orgs.id
                AND other.user_id <> $1
                AND other.role = 'owner'
                AND users.status = 'active'
          )
        ORDER BY orgs.id
        "#,
        user.0,
    )
    .fetch_all(&mut *conn)
    .await
}
