use shared::ids::OrgId;
use shared::invalid::{Faults, Invalid};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{CatalogError, lock_flagged};
use crate::catalog::model::Fit;
use crate::ids::ItemId;

/// What an item fits, in its seller's order.
pub async fn fits_of(conn: &mut PgConnection, item: ItemId) -> Result<Vec<Fit>, sqlx::Error> {
    sqlx::query_as!(
        Fit,
        r#"SELECT f.make AS "make?", m.slug AS "model?", f.year_from, f.year_to
           FROM item_fits AS f
           LEFT JOIN machine_models AS m ON m.id = f.model_id
           WHERE f.item_id = $1
           ORDER BY f.place"#,
        item.0,
    )
    .fetch_all(conn)
    .await
}

/// Replaces what an item of `org` fits. Only parts fit something. Needs a transaction.
pub async fn set_fits(conn: &mut PgConnection, org: OrgId, item: ItemId, fits: &[Fit]) -> Result<(), CatalogError> {
    let is_part = lock_flagged(conn, org, item, "part").await?;
    if !is_part && !fits.is_empty() {
        return Err(Invalid::new("/fits", "only items of a category of parts fit something").into());
    }
    let rows = resolved(conn, fits).await?;
    sqlx::query!("DELETE FROM item_fits WHERE item_id = $1", item.0).execute(&mut *conn).await?;
    let makes: Vec<String> = rows.iter().map(|row| row.make.clone()).collect();
    let models: Vec<Option<Uuid>> = rows.iter().map(|row| row.model).collect();
    let from: Vec<Option<i16>> = fits.iter().map(|fit| fit.year_from).collect();
    let to: Vec<Option<i16>> = fits.iter().map(|fit| fit.year_to).collect();
    sqlx::query!(
        r#"INSERT INTO item_fits (item_id, place, make, model_id, year_from, year_to)
           SELECT $1, place, make, model_id, year_from, year_to
           FROM unnest($2::text[], $3::uuid[], $4::smallint[], $5::smallint[])
                WITH ORDINALITY AS given (make, model_id, year_from, year_to, place)"#,
        item.0,
        &makes,
        &models as &[Option<Uuid>],
        &from as &[Option<i16>],
        &to as &[Option<i16>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Resolved {
    make: String,
    model: Option<Uuid>,
}

/// Finds the models that are named; lists every fault.
async fn resolved(conn: &mut PgConnection, fits: &[Fit]) -> Result<Vec<Resolved>, CatalogError> {
    let slugs: Vec<String> = fits.iter().filter_map(|fit| fit.model.clone()).collect();
    let known =
        sqlx::query!("SELECT id, slug, make FROM machine_models WHERE slug = ANY ($1)", &slugs).fetch_all(conn).await?;
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for (place, fit) in fits.iter().enumerate() {
        let mut fault =
            |field: &str, message: &str| faults.push(Invalid::new(format!("/fits/{place}/{field}"), message));
        match (&fit.make, &fit.model) {
            (make, Some(slug)) => match known.iter().find(|model| model.slug == *slug) {
                None => fault("model", "there is no such model"),
                Some(model) if make.as_ref().is_some_and(|make| make.to_lowercase() != model.make.to_lowercase()) => {
                    fault("make", &format!("the model is of {}", model.make));
                }
                Some(model) => rows.push(Resolved { make: model.make.clone(), model: Some(model.id) }),
            },
            (Some(make), None) => rows.push(Resolved { make: make.clone(), model: None }),
            (None, None) => fault("make", "is needed where no model is named"),
        }
        if fit.year_from > fit.year_to && fit.year_to.is_some() {
            fault("year_to", "must not be before year_from");
        }
    }
    Faults::of(faults).map_or(Ok(rows), |faults| Err(faults.into()))
}
