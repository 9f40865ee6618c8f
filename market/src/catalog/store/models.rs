use shared::audit::{self, Actor};
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::CatalogError;
use crate::catalog::model::{MachineModel, NewModel};
use crate::ids::{CategoryId, ModelId};

/// Adds a model and writes it to the audit log. Needs a transaction.
pub async fn create_model(conn: &mut PgConnection, actor: Actor, new: &NewModel) -> Result<MachineModel, CatalogError> {
    let slug = slug::slugify(format!("{} {}", new.make, new.name));
    if slug.is_empty() {
        return Err(Invalid::new("/name", "make and name must have a letter or a digit").into());
    }
    let made = sqlx::query_as!(
        MachineModel,
        r#"INSERT INTO machine_models (id, category_id, make, name, slug, year_from, year_to)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           RETURNING id AS "id: ModelId", category_id AS "category_id: CategoryId", make, name, slug, year_from, year_to"#,
        ModelId::generate().0,
        new.category_id.0,
        new.make,
        new.name,
        slug,
        new.year_from,
        new.year_to,
    )
    .fetch_one(&mut *conn)
    .await?;
    let data = serde_json::json!({"make": made.make, "name": made.name});
    let subject = ("machine_model", made.id.to_string());
    audit::append(conn, audit::Entry { actor, action: "machine_model.create", subject, data }).await?;
    Ok(made)
}

/// A model by its slug.
pub async fn model(conn: &mut PgConnection, slug: &str) -> Result<Option<MachineModel>, sqlx::Error> {
    sqlx::query_as!(
        MachineModel,
        r#"SELECT id AS "id: ModelId", category_id AS "category_id: CategoryId", make, name, slug, year_from, year_to
           FROM machine_models
           WHERE slug = $1"#,
        slug,
    )
    .fetch_optional(conn)
    .await
}

/// Up to `limit` models, of one make if it is given, by slug after `after`.
pub async fn models(
    conn: &mut PgConnection,
    make: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<MachineModel>, sqlx::Error> {
    sqlx::query_as!(
        MachineModel,
        r#"SELECT id AS "id: ModelId", category_id AS "category_id: CategoryId", make, name, slug, year_from, year_to
           FROM machine_models
           WHERE ($1::text IS NULL OR lower(make) = lower($1))
             AND slug > coalesce($2, '')
           ORDER BY slug
           LIMIT $3"#,
        make,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}
