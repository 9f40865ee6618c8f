//! Items and categories by the names that files have for them.

use std::sync::Arc;

use serde_json::{Map, Value};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::{CatalogError, read};
use crate::catalog::rules::schema::Schema;
use crate::ids::{CategoryId, ItemId};

/// An item with what its category asks of it now.
pub(crate) struct Named {
    pub(crate) id: ItemId,
    /// Its category's path.
    pub(crate) category: String,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) archived: bool,
    pub(crate) schema: Arc<Schema>,
}

/// The item of `org` with this sku, archived or not.
pub(crate) async fn named(conn: &mut PgConnection, org: OrgId, sku: &str) -> Result<Option<Named>, CatalogError> {
    let row = sqlx::query!(
        r#"SELECT i.id AS "id: ItemId", i.attributes, i.archived_at, c.path, c.attribute_schema
           FROM items AS i
           JOIN categories AS c ON c.id = i.category_id
           WHERE i.org_id = $1
             AND i.sku = $2"#,
        org.0,
        sku,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Named {
            id: row.id,
            category: row.path,
            // The column holds objects only.
            attributes: row.attributes.as_object().cloned().unwrap_or_default(),
            archived: row.archived_at.is_some(),
            schema: read(&row.attribute_schema)?,
        })
    })
    .transpose()
}

/// The category with this path, and its schema.
pub(crate) async fn category_named(
    conn: &mut PgConnection,
    path: &str,
) -> Result<Option<(CategoryId, Arc<Schema>)>, CatalogError> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: CategoryId", attribute_schema
           FROM categories
           WHERE path = $1"#,
        path,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.id, read(&row.attribute_schema)?))).transpose()
}
