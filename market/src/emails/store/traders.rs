//! Mail to those who trade for organisations.

use std::collections::HashMap;

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
/// [`crate::identity::store::traders`]. Those who already have one are left out. Returns each mail that was stored with the place of what
/// it is one of; of several with the same template and reference, the first.
pub async fn insert_for_traders(
    conn: &mut PgConnection,
    mails: &[ToTraders],
    most: i64,
) -> Result<Vec<(EmailId, usize)>, EmailError> {
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
        RETURNING id AS "id: EmailId", template, reference
        "#,
        &orgs,
        &templates as &[&str],
        &references as &[&str],
        &data,
        most,
    )
    .fetch_all(conn)
    .await?;
    let mut places = HashMap::with_capacity(mails.len());
    for (place, mail) in mails.iter().enumerate() {
        places.entry((mail.content.template(), mail.reference.as_str())).or_insert(place);
    }
    let stored = inserted.iter().filter_map(|row| {
        let place = places.get(&(row.template.as_str(), row.reference.as_str()))?;
        Some((row.id, *place))
    });
    Ok(stored.collect())
}

#[cfg(test)]
mod tests;
