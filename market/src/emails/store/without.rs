//! Who has no mail about something yet.

use shared::ids::UserId;
use sqlx::PgConnection;

/// Those of the users who have no mail of these templates with the reference.
pub async fn without(
    conn: &mut PgConnection,
    users: &[UserId],
    templates: &[&str],
    reference: &str,
) -> Result<Vec<UserId>, sqlx::Error> {
    let users: Vec<_> = users.iter().map(|user| user.0).collect();
    sqlx::query_scalar!(
        r#"
        SELECT asked.id AS "id!: UserId"
        FROM unnest($1::uuid[]) AS asked (id)
        WHERE (
            -- Looked up for each of them: joined, all the mails of a template may be read.
            SELECT true
            FROM emails
            WHERE template = ANY ($2)
              AND recipient = asked.id::text
              AND reference = $3
            LIMIT 1
        ) IS NULL
        "#,
        &users,
        templates as &[&str],
        reference,
    )
    .fetch_all(conn)
    .await
}
