//! SQL for categories and items.

mod calendar;
mod categories;
mod compiled;
mod fits;
mod models;
mod named;

use std::sync::Arc;

use serde_json::{Map, Value};
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Faults, Invalid, constraint_message, violated};
use sqlx::PgConnection;

use super::model::{Item, ItemChange, NewItem, Review};
use super::rules::cleaned;
use super::rules::schema::Schema;
use crate::ids::{CategoryId, ItemId};

pub use calendar::{block_days, taken_days};
pub use categories::{categories, category, change_category, create_category, lock_category};
pub use fits::{fits_of, set_fits};
pub use models::{create_model, model, models};
pub(crate) use named::{category_named, named};

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
    #[error("there is no such model")]
    NoModel,
    #[error("there is another model with this name")]
    ModelTaken,
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
    ("machine_models_category_exists", "/category_id", "there is no such category"),
    ("machine_models_make_length", "/make", "must have 1 to 100 characters"),
    ("machine_models_name_length", "/name", "must have 1 to 100 characters"),
    ("machine_models_year_from_range", "/year_from", "must lie between 1800 and 2100"),
    ("machine_models_year_to_range", "/year_to", "must lie between 1800 and 2100"),
    ("machine_models_years", "/year_to", "must not be before year_from"),
    ("item_fits_place_range", "/fits", "must have at most 500 entries"),
    ("item_fits_make_length", "/fits", "has a make that has not 1 to 100 characters"),
    ("item_fits_year_from_range", "/fits", "has a year that does not lie between 1800 and 2100"),
    ("item_fits_year_to_range", "/fits", "has a year that does not lie between 1800 and 2100"),
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
            Some("machine_models_slug_unique" | "machine_models_named") => return Self::ModelTaken,
            Some("items_fixed_by_bids" | "item_fits_fixed_by_bids") => return Self::FixedByBids,
            Some("categories_path_unique") => return Self::PathTaken,
            _ => {}
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Database(error), Self::Invalid)
    }
}

/// Creates an item for `org`. Its attributes must fit the category; those that it requires may be missing.
pub async fn create_item(conn: &mut PgConnection, org: OrgId, new: &NewItem) -> Result<Item, CatalogError> {
    let schema = sqlx::query_scalar!("SELECT attribute_schema FROM categories WHERE id = $1", new.category_id.0)
        .fetch_optional(&mut *conn)
        .await?;
    let attributes = cleaned(&new.attributes)?;
    // A missing category is reported by the foreign key below.
    if let Some(schema) = schema {
        read(&schema)?.check_present(&attributes)?;
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

/// Locks an item of `org`, and says whether its category has this flag.
async fn lock_flagged(conn: &mut PgConnection, org: OrgId, id: ItemId, flag: &str) -> Result<bool, CatalogError> {
    let category = lock_item(conn, org, id).await?.category_id;
    let flagged = sqlx::query_scalar!(
        r#"SELECT $2 = ANY (flags) AS "flagged!" FROM categories WHERE id = $1"#,
        category.0,
        flag,
    );
    Ok(flagged.fetch_one(conn).await?)
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

/// Changes an item of `org`; attributes are replaced as a whole. An item that is on offer, or waits
/// for a moderator, must stay complete.
pub async fn change_item(
    conn: &mut PgConnection,
    org: OrgId,
    id: ItemId,
    change: &ItemChange,
) -> Result<Item, CatalogError> {
    let attributes = change.attributes.as_ref().map(cleaned).transpose()?;
    if let Some(attributes) = &attributes {
        // In a statement of its own: the next one sees a listing that was published while this one waited.
        sqlx::query!("SELECT FROM items WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
            .fetch_optional(&mut *conn)
            .await?;
        let row = sqlx::query!(
            r#"SELECT c.attribute_schema,
                      EXISTS (SELECT
                              FROM listings
                              WHERE item_id = i.id
                                AND status IN ('in_review', 'published', 'suspended')) AS "offered!"
               FROM items AS i
               JOIN categories AS c ON c.id = i.category_id
               WHERE i.id = $1
                 AND i.org_id = $2"#,
            id.0,
            org.0,
        )
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(CatalogError::NotFound)?;
        let schema = read(&row.attribute_schema)?;
        if row.offered { schema.check(attributes)? } else { schema.check_present(attributes)? }
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

/// An item with what its category asks of it now, which may be more than when the item was written.
pub(crate) struct Offered {
    attributes: Map<String, Value>,
    archived: bool,
    schema: Arc<Schema>,
    pub(crate) review: Review,
}

impl Offered {
    /// What keeps the item from being offered: pointers below `/attributes`, and `/item_id`.
    pub(crate) fn faults(&self) -> Vec<Invalid> {
        let unfit = self.schema.check(&self.attributes).err();
        let archived = self.archived.then(|| Invalid::new("/item_id", "was archived"));
        archived.into_iter().chain(unfit.iter().flatten().cloned()).collect()
    }
}

/// An item that is about to be offered, locked against changes until the transaction ends.
pub(crate) async fn lock_offered(conn: &mut PgConnection, id: ItemId) -> Result<Offered, CatalogError> {
    sqlx::query!("SELECT FROM items WHERE id = $1 FOR SHARE", id.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT i.attributes, i.archived_at, c.attribute_schema, c.review AS "review: Review"
           FROM items AS i
           JOIN categories AS c ON c.id = i.category_id
           WHERE i.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(CatalogError::NotFound)?;
    Ok(Offered {
        // The column holds objects only.
        attributes: row.attributes.as_object().cloned().unwrap_or_default(),
        archived: row.archived_at.is_some(),
        schema: read(&row.attribute_schema)?,
        review: row.review,
    })
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
