//! Rows of stock.

use std::collections::{BTreeSet, HashMap};

use shared::ids::OrgId;
use sqlx::{Connection as _, PgConnection};

use super::{Acting, Apply, ImportError};
use crate::ids::{ItemId, SiteId};
use crate::imports::model::{ImportRow, RowFault, RowOutcome};
use crate::imports::rules::fields::{Columns, ReadRow};
use crate::imports::rules::stock::{Places, StockRow};
use crate::stock::model::Moved;
use crate::stock::store as stock;

impl Apply for StockRow {
    async fn apply(
        conn: &mut PgConnection,
        by: Acting,
        _: &Columns,
        rows: &[ReadRow<Self>],
    ) -> Result<(Vec<ImportRow>, Vec<Moved>), ImportError> {
        let known = places(conn, by.org, rows).await?;
        let placed: Vec<_> = rows.iter().map(|read| place(read, &known)).collect();
        let levels: BTreeSet<_> = placed.iter().filter_map(|placed| placed.as_ref().ok().map(|(_, at)| *at)).collect();
        stock::lock_all(conn, &levels).await?;
        let (mut dealt_with, mut moved) = (Vec::with_capacity(rows.len()), Vec::new());
        for (read, placed) in rows.iter().zip(placed) {
            let (outcome, faults) = match placed {
                Err(faults) => (RowOutcome::Refused, faults),
                Ok((row, at)) => match count(conn, by, row, at).await? {
                    Ok(Some(change)) => {
                        moved.push(change);
                        (RowOutcome::Applied, Vec::new())
                    }
                    Ok(None) => (RowOutcome::Unchanged, Vec::new()),
                    Err(fault) => (RowOutcome::Refused, vec![fault]),
                },
            };
            dealt_with.push(ImportRow { line: read.line, outcome, sku: read.label.clone(), listing: None, faults });
        }
        Ok((dealt_with, moved))
    }
}

type Placed<'a> = Result<(&'a StockRow, (ItemId, SiteId)), Vec<RowFault>>;

fn place<'a>(read: &'a ReadRow<StockRow>, known: &Places) -> Placed<'a> {
    let row = read.row.as_ref().map_err(Clone::clone)?;
    Ok((row, row.place(known).map_err(|fault| vec![fault])?))
}

/// One row; nothing stays of one that is refused.
async fn count(
    conn: &mut PgConnection,
    by: Acting,
    row: &StockRow,
    (item, site): (ItemId, SiteId),
) -> Result<Result<Option<Moved>, RowFault>, ImportError> {
    let reason = row.reason.as_deref();
    let adjust = stock::Adjust { org: by.org, item, site, count: row.count, reason, actor: by.user };
    let mut savepoint = conn.begin().await?;
    match stock::import(&mut savepoint, &adjust, by.import).await {
        Ok(moved) => {
            savepoint.commit().await?;
            Ok(Ok(moved))
        }
        Err(error) => {
            savepoint.rollback().await?;
            row.fault(&error).map(Err).ok_or(ImportError::Stock(error))
        }
    }
}

/// The items and sites that these rows name, of those that are in use.
async fn places(conn: &mut PgConnection, org: OrgId, rows: &[ReadRow<StockRow>]) -> Result<Places, ImportError> {
    let read = || rows.iter().filter_map(|read| read.row.as_ref().ok());
    let skus: Vec<_> = read().map(|row| row.sku.clone()).collect();
    let names: Vec<_> = read().map(|row| row.site.clone()).collect();
    let items = sqlx::query!(
        r#"SELECT sku, id AS "id: ItemId"
           FROM items
           WHERE org_id = $1
             AND sku = ANY ($2)
             AND archived_at IS NULL"#,
        org.0,
        &skus,
    )
    .fetch_all(&mut *conn)
    .await?;
    let items = items.into_iter().map(|row| (row.sku, row.id)).collect();
    Ok(Places { items, sites: sites(conn, org, &names).await? })
}

/// An organisation's sites in use that are called so, by name and by id.
pub(super) async fn sites(
    conn: &mut PgConnection,
    org: OrgId,
    names: &[String],
) -> Result<HashMap<String, Vec<SiteId>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: SiteId", name
           FROM sites
           WHERE org_id = $1
             AND archived_at IS NULL
             AND (name = ANY ($2) OR id::text = ANY ($2))"#,
        org.0,
        names,
    )
    .fetch_all(conn)
    .await?;
    let mut sites: HashMap<String, Vec<SiteId>> = HashMap::new();
    for row in rows {
        sites.entry(row.id.to_string()).or_default().push(row.id);
        sites.entry(row.name).or_default().push(row.id);
    }
    Ok(sites)
}
