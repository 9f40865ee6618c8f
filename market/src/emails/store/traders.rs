//! Mail to those who trade for organisations.

use shared::ids::OrgId;
use sqlx::PgConnection;

use super::{EmailError, data};
use crate::emails::model::Content;
use crate::ids::EmailId;

/// A mail to everybody who trades for an organisation.
#[derive(Clone, Debug)]
pub struct ToTraders {
    pub org: OrgId,
    /// Each of them gets one mail of a template with it.
    pub reference: String,
    pub content: Content,
}

/// Stores mails for those who trade for their organisations, in one statement: up to `most` people of each, the same as
/// [`crate::identity::store::traders`]. Those who already have one are left out. Returns each mail with its template.
pub async fn insert_for_traders(
    conn: &mut PgConnection,
    mails: &[ToTraders],
    most: i64,
) -> Result<Vec<(EmailId, String)>, EmailError> {
    let orgs: Vec<_> = mails.iter().map(|mail| mail.org.0).collect();
    let templates: Vec<_> = mails.iter().map(|mail| mail.content.template()).collect();
    let references: Vec<_> = mails.iter().map(|mail| mail.reference.as_str()).collect();
    let data: Vec<_> = mails.iter().map(|mail| data(&mail.content)).collect::<Result<_, _>>()?;
    let inserted = sqlx::query!(
        r#"
        INSERT INTO emails (id, template, user_id, reference, data)
        SELECT uuid_v7(), mail.template, member.user_id, mail.reference, mail.data
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) WITH ORDINALITY
            AS mail (org, template, reference, data, place)
        CROSS JOIN LATERAL (
            SELECT user_id
            FROM org_traders
            WHERE org_id = mail.org
            ORDER BY since, user_id
            LIMIT $5
        ) AS member
        ORDER BY mail.place
        ON CONFLICT ON CONSTRAINT emails_once DO NOTHING
        RETURNING id AS "id: EmailId", template
        "#,
        &orgs,
        &templates as &[&str],
        &references as &[&str],
        &data,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(inserted.into_iter().map(|row| (row.id, row.template)).collect())
}

#[cfg(test)]
mod tests;
