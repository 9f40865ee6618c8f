//! SQL for categories and items.

mod categories;
mod compiled;

use std::sync::Arc;

use serde_json::Value;
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Faults, Invalid, constraint_message, violated};
use sqlx::PgConnection;

use super::model::{Item, ItemChange, NewItem};
use super::rules::cleaned;
use super::rules::schema::Schema;
use crate::ids::{CategoryId, ItemId};

pub use categories::{categories, category, change_category, create_category, lock_category};

/// Why the catalogue refuses.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("there is no such item")]
    NotFound,
    #[error("the organisation has another item with this sku")]
    SkuTaken,
    #[error("a listing of the item has bids: make another item")]
    FixedByBids,
    #[error("there is no such category")]
    NoCategory,
    #[error("there is another category with this path")]
    PathTaken,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Attributes that do not fit the schema, or a schema that is not valid.
    #[error(transparent)]
    Unfit(#[from] Faults),
    #[error("the category's attribute schema cannot be applied: {0}")]
    BrokenSchema(#[source] Faults),
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("categories_path_form", "/slug", "must be of a-z, 0-9 and '-', and the whole path have at most 200 characters"),
    ("categories_name_length", "/name", "must have 1 to 100 characters"),
    ("categories_flags_known", "/flags", "must be some of waste, vehicle, part, service"),
    ("categories_fee_range", "/fee_bps", "must lie between 0 and 10000"),
    ("items_category_exists", "/category_id", "there is no such category"),
    ("items_sku_length", "/sku", "must have 1 to 64 characters"),
    ("items_title_length", "/title", "must have 1 to 200 characters"),
    ("items_unit_length", "/unit", "must have 1 to 20 characters"),
    ("categories_schema_size", "/attribute_schema", "must have at most 65536 bytes as text"),
    ("items_per_org", "", "the organisation has 10000 items: archive some first"),
    ("items_per_day", "", "the organisation has made 20000 items within a day"),
    ("items_attributes_size", "/attributes", "must have at most 16384 bytes as text"),
    ("items_compatibility_size", "/compatibility", "must have at most 20000 bytes together"),
    ("items_compatibility_count", "/compatibility", "must have at most 500 entries"),
    ("items_compatibility_blank", "/compatibility", "has an entry without a visible character"),
];

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("items_sku_unique") => return Self::SkuTaken,
            Some("items_fixed_by_bids") => return Self::FixedByBids,
            Some("categories_path_unique") => return Self::PathTaken,
            _ => {}
        }
        match constraint_message(&error, CONSTRAINTS) {
            Some(invalid) => Self::Invalid(invalid),
            None => Self::Database(error),
        }
    }
}

/// Creates an item for `org`. Its attributes must fit the category.
pub async fn create_item(conn: &mut PgConnection, org: OrgId, new: &NewItem) -> Result<Item, CatalogError> {
    let schema = sqlx::query_scalar!("SELECT attribute_schema FROM categories WHERE id = $1", new.category_id.0)
        .fetch_optional(&mut *conn)
        .await?;
    let attributes = cleaned(&new.attributes)?;
    // A missing category is reported by the foreign key below.
    if let Some(schema) = schema {
        read(&schema)?.check(&attributes)?;
    }
    let item = sqlx::query_as!(
        Item,
        r#"INSERT INTO items (id, org_id, category_id, sku, title, unit, attributes, compatibility)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           RETURNING id AS "id: ItemId", org_id AS "org_id: OrgId", category_id AS "category_id: CategoryId", sku, title,
                     unit, attributes, compatibility, created_at, updated_at"#,
        ItemId::generate().0,
        org.0,
        new.category_id.0,
        new.sku,
        new.title,
        new.unit,
        Value::Object(attributes),
        &new.compatibility,
    )
    .fetch_one(conn)
    .await?;
    Ok(item)
}

/// An item of `org`, unless it has been archived.
pub async fn item(conn: &mut PgConnection, org: OrgId, id: ItemId) -> Result<Option<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        r#"SELECT id AS "id: ItemId", org_id AS "org_id: OrgId", category_id AS "category_id: CategoryId", sku, title, unit,
                  attributes, compatibility, created_at, updated_at
           FROM items
           WHERE id = $1
             AND org_id = $2
             AND archived_at IS NULL"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// [`item`], locked against changes until the transaction ends.
pub async fn lock_item(conn: &mut PgConnection, org: OrgId, id: ItemId) -> Result<Item, CatalogError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM items WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    item(conn, org, id).await?.ok_or(CatalogError::NotFound)
}

/// Up to `limit` items of `org` after `after`, oldest first.
pub async fn items_of(
    conn: &mut PgConnection,
    org: OrgId,
    after: Option<ItemId>,
    limit: i64,
) -> Result<Vec<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        r#"SELECT id AS "id: ItemId", org_id AS "org_id: OrgId", category_id AS "category_id: CategoryId", sku, title, unit,
                  attributes, compatibility, created_at, updated_at
           FROM items
           WHERE org_id = $1
             AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             AND archived_at IS NULL
           ORDER BY id
           LIMIT $3"#,
        org.0,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Changes an item of `org`; attributes are replaced as a whole.
pub async fn change_item(
    conn: &mut PgConnection,
    org: OrgId,
    id: ItemId,
    change: &ItemChange,
) -> Result<Item, CatalogError> {
    let attributes = change.attributes.as_ref().map(cleaned).transpose()?;
    if let Some(attributes) = &attributes {
        let schema = sqlx::query_scalar!(
            "SELECT c.attribute_schema
             FROM items AS i
             JOIN categories AS c ON c.id = i.category_id
             WHERE i.id = $1
               AND i.org_id = $2",
            id.0,
            org.0,
        )
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(CatalogError::NotFound)?;
        read(&schema)?.check(attributes)?;
    }
    sqlx::query_as!(
        Item,
        r#"UPDATE items
           SET title = coalesce($3, title),
               attributes = coalesce($4, attributes),
               compatibility = coalesce($5, compatibility),
               updated_at = clock_timestamp()
           WHERE id = $1
             AND org_id = $2
             AND archived_at IS NULL
           RETURNING id AS "id: ItemId", org_id AS "org_id: OrgId", category_id AS "category_id: CategoryId", sku, title,
                     unit, attributes, compatibility, created_at, updated_at"#,
        id.0,
        org.0,
        change.title,
        attributes.map(Value::Object),
        change.compatibility.as_deref(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(CatalogError::NotFound)
}

/// Checks that an item can be offered: it is not archived and fits its category as it is now, which
/// may have become stricter since the item was written.
pub async fn check_item(conn: &mut PgConnection, id: ItemId) -> Result<(), CatalogError> {
    let row = sqlx::query!(
        "SELECT i.attributes, i.archived_at, c.attribute_schema
         FROM items AS i
         JOIN categories AS c ON c.id = i.category_id
         WHERE i.id = $1",
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(CatalogError::NotFound)?;
    if row.archived_at.is_some() {
        return Err(Invalid::new("/item_id", "was archived").into());
    }
    // The column holds objects only.
    let attributes = row.attributes.as_object().cloned().unwrap_or_default();
    Ok(read(&row.attribute_schema)?.check(&attributes)?)
}

/// Reads a stored schema. One that was not saved by this program may be unreadable.
fn read(schema: &Value) -> Result<Arc<Schema>, CatalogError> {
    compiled::compiled(schema).map_err(CatalogError::BrokenSchema)
}

/// Hides an item of `org` from lists; listings and orders keep it.
pub async fn archive_item(conn: &mut PgConnection, org: OrgId, id: ItemId) -> Result<(), CatalogError> {
    let done = sqlx::query!(
        "UPDATE items
         SET archived_at = clock_timestamp()
         WHERE id = $1
           AND org_id = $2
           AND archived_at IS NULL",
        id.0,
        org.0,
    )
    .execute(conn)
    .await?;
    match done.rows_affected() {
        0 => Err(CatalogError::NotFound),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
