//! Rows of listings.

use serde_json::{Map, Value};
use shared::invalid::Invalid;
use sqlx::{Connection as _, PgConnection};

use super::{Acting, Apply, ImportError};
use crate::catalog::model::{ItemChange, NewItem};
use crate::catalog::store::{self as catalog, CatalogError};
use crate::ids::{ItemId, ListingId, SiteId};
use crate::images::store::{self as images, ImageError};
use crate::imports::model::{ImportRow, RowFault, RowOutcome};
use crate::imports::rules::fields::{Columns, ReadRow};
use crate::imports::rules::listing::ListingRow;
use crate::imports::rules::stock::Places;
use crate::listings::store::{self as listings, ListingError};
use crate::stock::model::Moved;

/// Why nothing was made of a row.
enum Refused {
    Row(Vec<RowFault>),
    Import(ImportError),
}

impl From<RowFault> for Refused {
    fn from(fault: RowFault) -> Self {
        Self::Row(vec![fault])
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Import(error.into())
    }
}

/// Drafts a listing of each row, and publishes it if it is complete and that was asked for.
impl Apply for ListingRow {
    async fn apply(
        conn: &mut PgConnection,
        by: Acting,
        columns: &Columns,
        rows: &[ReadRow<Self>],
    ) -> Result<(Vec<ImportRow>, Vec<Moved>), ImportError> {
        if columns.terms.publish {
            listings::lock_plan(conn, by.org).await?;
        }
        let mut dealt_with = Vec::with_capacity(rows.len());
        for read in rows {
            let made = match &read.row {
                Ok(row) => made(conn, by, columns, row).await?,
                Err(faults) => Err(faults.clone()),
            };
            let (outcome, listing, faults) = match made {
                Ok((listing, missing)) if missing.is_empty() => (RowOutcome::Applied, Some(listing), missing),
                Ok((listing, missing)) => (RowOutcome::Incomplete, Some(listing), missing),
                Err(faults) => (RowOutcome::Refused, None, faults),
            };
            dealt_with.push(ImportRow { line: read.line, outcome, sku: read.label.clone(), listing, faults });
        }
        Ok((dealt_with, Vec::new()))
    }
}

/// One row; nothing stays of one that is refused.
async fn made(
    conn: &mut PgConnection,
    by: Acting,
    columns: &Columns,
    row: &ListingRow,
) -> Result<Result<(ListingId, Vec<RowFault>), Vec<RowFault>>, ImportError> {
    let mut savepoint = conn.begin().await?;
    let listed = async {
        let site = match &row.site {
            Some(name) => Some(site(&mut savepoint, by, columns, name).await?),
            None => None,
        };
        let item = item(&mut savepoint, by, columns, row).await?;
        let draft = listings::create(&mut savepoint, by.org, by.user, &row.draft(item, site)).await;
        let listing = draft.map_err(|error| of_listing(error, columns))?;
        let unknown = images::attach_named(&mut savepoint, by.org, listing, &row.pictures).await;
        let unknown = unknown.map_err(|error| of_picture(error, columns))?;
        if let Some(name) = unknown.first() {
            return Err(columns.fault_of("pictures", format!("no picture called {name:?} is ready")).into());
        }
        let missing =
            if columns.terms.publish { published(&mut savepoint, by, columns, listing).await? } else { Vec::new() };
        Ok::<_, Refused>((listing, missing))
    };
    match listed.await {
        Ok(listed) => {
            savepoint.commit().await?;
            Ok(Ok(listed))
        }
        Err(refused) => {
            savepoint.rollback().await?;
            match refused {
                Refused::Row(faults) => Ok(Err(faults)),
                Refused::Import(error) => Err(error),
            }
        }
    }
}

async fn site(conn: &mut PgConnection, by: Acting, columns: &Columns, name: &str) -> Result<SiteId, Refused> {
    let sites = super::stock::sites(conn, by.org, &[name.to_owned()]).await?;
    let known = Places { sites, ..Places::default() };
    Ok(known.site(name).map_err(|fault| columns.fault_of("site", fault.reason))?)
}

/// The item that the row lists: the one with its sku, with what the row says of its attributes, or else a new one.
async fn item(conn: &mut PgConnection, by: Acting, columns: &Columns, row: &ListingRow) -> Result<ItemId, Refused> {
    let refused = |error| of_item(error, columns);
    if let Some(item) = catalog::named(conn, by.org, &row.sku).await.map_err(refused)? {
        if item.archived {
            return Err(columns.fault_of("sku", "the item was archived").into());
        }
        if row.category.as_ref().is_some_and(|category| *category != item.category) {
            return Err(columns.fault_of("category", format!("the item is in {}", item.category)).into());
        }
        if !row.attributes.is_empty() {
            let attributes: Map<String, Value> = item.attributes.into_iter().chain(row.typed(&item.schema)).collect();
            let change = ItemChange { attributes: Some(attributes), ..ItemChange::default() };
            catalog::change_item(conn, by.org, item.id, &change).await.map_err(refused)?;
        }
        return Ok(item.id);
    }
    let Some(path) = &row.category else {
        return Err(columns.fault_of("category", "a new item needs a category").into());
    };
    let Some((category_id, schema)) = catalog::category_named(conn, path).await.map_err(refused)? else {
        return Err(columns.fault_of("category", "there is no such category").into());
    };
    let new = NewItem {
        category_id,
        sku: row.sku.clone(),
        title: row.title.clone(),
        unit: row.unit.clone().unwrap_or_else(|| "piece".to_owned()),
        attributes: row.typed(&schema),
        compatibility: row.compatibility.clone(),
    };
    Ok(catalog::create_item(conn, by.org, &new).await.map_err(refused)?.id)
}

/// Publishes a draft; or else what it lacks.
async fn published(
    conn: &mut PgConnection,
    by: Acting,
    columns: &Columns,
    listing: ListingId,
) -> Result<Vec<RowFault>, Refused> {
    match listings::publish(conn, by.org, listing).await {
        Ok(_) => Ok(Vec::new()),
        // Found before anything is written.
        Err(ListingError::Incomplete(faults)) => {
            Ok(faults.iter().map(|fault| ListingRow::fault(columns, fault)).collect())
        }
        Err(error @ ListingError::PlanLimit(_)) => Ok(vec![RowFault::of_row(error.to_string())]),
        Err(error) => Err(of_listing(error, columns)),
    }
}

fn of_invalid(invalid: &Invalid, columns: &Columns) -> Refused {
    ListingRow::fault(columns, invalid).into()
}

fn of_item(error: CatalogError, columns: &Columns) -> Refused {
    match error {
        CatalogError::Invalid(invalid) => of_invalid(&invalid, columns),
        CatalogError::Unfit(faults) => {
            Refused::Row(faults.iter().map(|fault| ListingRow::fault(columns, fault)).collect())
        }
        CatalogError::FixedByBids | CatalogError::BrokenSchema(_) => RowFault::of_row(error.to_string()).into(),
        // Somebody else has just made it.
        CatalogError::SkuTaken => columns.fault_of("sku", error.to_string()).into(),
        error => Refused::Import(error.into()),
    }
}

fn of_listing(error: ListingError, columns: &Columns) -> Refused {
    match error {
        ListingError::Invalid(invalid) => of_invalid(&invalid, columns),
        ListingError::Item(error) => of_item(error, columns),
        ListingError::Pictures(error) => of_picture(error, columns),
        error => Refused::Import(error.into()),
    }
}

fn of_picture(error: ImageError, columns: &Columns) -> Refused {
    match error {
        ImageError::TooMany | ImageError::TooManyOfOrg => columns.fault_of("pictures", error.to_string()).into(),
        error => Refused::Import(error.into()),
    }
}
