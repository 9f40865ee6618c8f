use serde_json::{Value, json};
use shared::audit::{self, Actor};
use sqlx::PgConnection;

use super::CatalogError;
use crate::catalog::model::{Category, CategoryChange, NewCategory, Review};
use crate::catalog::rules::schema::Schema;
use crate::ids::CategoryId;

/// Every category, parents before children.
pub async fn categories(conn: &mut PgConnection) -> Result<Vec<Category>, sqlx::Error> {
    sqlx::query_as!(
        Category,
        r#"SELECT id AS "id: CategoryId", parent_id AS "parent_id: CategoryId", path, name, attribute_schema, flags, fee_bps,
                  review AS "review: Review"
           FROM categories
           ORDER BY path"#,
    )
    .fetch_all(conn)
    .await
}

/// Creates a category below its parent and writes it to the audit log. Its schema must be valid.
/// Needs a transaction.
pub async fn create_category(
    conn: &mut PgConnection,
    actor: Actor,
    new: &NewCategory,
) -> Result<Category, CatalogError> {
    let schema = Value::Object(new.attribute_schema.clone());
    let _ = Schema::read(&schema, "/attribute_schema")?;
    let parent = match new.parent_id {
        None => None,
        Some(parent) => {
            let path = sqlx::query_scalar!("SELECT path FROM categories WHERE id = $1", parent.0);
            Some(path.fetch_optional(&mut *conn).await?.ok_or(CatalogError::NoCategory)?)
        }
    };
    // A slash would make it look like the child of a category that it does not belong to.
    let slug = new.slug.replace('/', "_");
    let path = parent.map_or_else(|| slug.clone(), |parent| format!("{parent}/{slug}"));
    let made = sqlx::query_as!(
        Category,
        r#"INSERT INTO categories (id, parent_id, path, name, attribute_schema, flags, fee_bps, review)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           RETURNING id AS "id: CategoryId", parent_id AS "parent_id: CategoryId", path, name, attribute_schema, flags,
                     fee_bps, review AS "review: Review" "#,
        CategoryId::generate().0,
        new.parent_id.map(|id| id.0),
        path,
        new.name,
        schema,
        &new.flags,
        new.fee_bps,
        new.review as Review,
    )
    .fetch_one(&mut *conn)
    .await?;
    write_down(conn, actor, "category.create", &made).await?;
    Ok(made)
}

/// A category.
pub async fn category(conn: &mut PgConnection, id: CategoryId) -> Result<Option<Category>, sqlx::Error> {
    sqlx::query_as!(
        Category,
        r#"SELECT id AS "id: CategoryId", parent_id AS "parent_id: CategoryId", path, name, attribute_schema, flags, fee_bps,
                  review AS "review: Review"
           FROM categories
           WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// [`category`], locked against changes until the transaction ends.
pub async fn lock_category(conn: &mut PgConnection, id: CategoryId) -> Result<Category, CatalogError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM categories WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    category(conn, id).await?.ok_or(CatalogError::NoCategory)
}

/// Changes a category and writes it to the audit log. Its items are left as they are; they must fit
/// a new schema the next time they are changed or listed. Needs a transaction.
pub async fn change_category(
    conn: &mut PgConnection,
    actor: Actor,
    id: CategoryId,
    change: &CategoryChange,
) -> Result<Category, CatalogError> {
    let schema = change.attribute_schema.clone().map(Value::Object);
    if let Some(schema) = &schema {
        let _ = Schema::read(schema, "/attribute_schema")?;
    }
    let changed = sqlx::query_as!(
        Category,
        r#"UPDATE categories
           SET name = coalesce($2, name),
               attribute_schema = coalesce($3, attribute_schema),
               flags = coalesce($4, flags),
               fee_bps = coalesce($5, fee_bps),
               review = coalesce($6, review)
           WHERE id = $1
           RETURNING id AS "id: CategoryId", parent_id AS "parent_id: CategoryId", path, name, attribute_schema, flags,
                     fee_bps, review AS "review: Review" "#,
        id.0,
        change.name,
        schema,
        change.flags.as_deref(),
        change.fee_bps,
        change.review as Option<Review>,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(CatalogError::NoCategory)?;
    write_down(conn, actor, "category.change", &changed).await?;
    Ok(changed)
}

async fn write_down(conn: &mut PgConnection, actor: Actor, action: &str, now: &Category) -> Result<(), sqlx::Error> {
    let data = json!({
        "path": now.path, "schema": now.attribute_schema, "flags": now.flags, "fee_bps": now.fee_bps, "review": now.review,
    });
    let subject = ("category", now.id.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(())
}
