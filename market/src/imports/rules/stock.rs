//! What a row of stock means.

use std::collections::HashMap;

use super::amounts::whole;
use super::fields::{FromFields, Reader, line, some};
use crate::ids::{ItemId, SiteId};
use crate::imports::model::{ImportKind, RowFault};
use crate::stock::rules::reserve::Count;
use crate::stock::store::StockError;

const SKU: &str = "sku";
const SITE: &str = "site";
const ON_HAND: &str = "on_hand";
const DELTA: &str = "delta";
const REASON: &str = "reason";

/// The most units of a level.
const MOST: i64 = 1_000_000_000;

/// A count or a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRow {
    pub sku: String,
    /// A site's name or its id.
    pub site: String,
    pub count: Count,
    pub reason: Option<String>,
}

impl FromFields for StockRow {
    const KIND: ImportKind = ImportKind::Stock;
    const FIELDS: &'static [&'static str] = &[SKU, SITE, ON_HAND, DELTA, REASON];
    const NEEDED: &'static [&'static [&'static str]] = &[&[ON_HAND, DELTA], &[SKU], &[SITE]];
    const LABEL: &'static str = SKU;

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        // What is empty is listed before what cannot be read.
        for field in [SKU, SITE] {
            fields.needed(field, |_| Ok(()));
        }
        let sku = fields.or(SKU, String::new(), |cell| line(cell, 64));
        let site = fields.or(SITE, String::new(), |cell| line(cell, 100));
        let reason = fields.or(REASON, None, some(|cell: &str| line(cell, 500)));
        let count = count(fields);
        Some(Self { sku: sku?, site: site?, count: count?, reason: reason? })
    }
}

fn count(fields: &mut Reader<'_>) -> Option<Count> {
    let (field, least, read) = match (fields.cell(ON_HAND), fields.cell(DELTA)) {
        (Some(cell), None) => (ON_HAND, 0, whole(cell).map(Count::To)),
        (None, Some(cell)) => (DELTA, -MOST, whole(cell).map(Count::By)),
        (Some(_), Some(_)) => {
            return fields.fault(DELTA, "say either what is on hand or by how much it changes, not both");
        }
        (None, None) => {
            let field = if fields.columns.places.contains_key(ON_HAND) { ON_HAND } else { DELTA };
            return fields.fault(field, "must not be empty");
        }
    };
    match read {
        Ok(count @ (Count::To(number) | Count::By(number))) if (least..=MOST).contains(&number) => Some(count),
        Ok(_) => fields.fault(field, format!("must lie between {least} and {MOST}")),
        Err(error) => fields.fault(field, error.to_string()),
    }
}

impl StockRow {
    /// The column that says how much.
    const fn quantity(&self) -> &'static str {
        match self.count {
            Count::To(_) => ON_HAND,
            Count::By(_) => DELTA,
        }
    }

    /// What it is about, of the organisation's items and sites.
    pub fn place(&self, known: &Places) -> Result<(ItemId, SiteId), RowFault> {
        let item = known.items.get(&self.sku).ok_or_else(|| RowFault::at(SKU, "the organisation has no such item"))?;
        Ok((*item, known.site(&self.site)?))
    }

    /// Why the level was not changed; absent: not for a reason of the row's.
    #[must_use]
    pub fn fault(&self, error: &StockError) -> Option<RowFault> {
        match error {
            StockError::OutOfStock { .. } | StockError::LevelFull | StockError::SiteFull => {
                Some(RowFault::at(self.quantity(), error.to_string()))
            }
            StockError::SiteArchived => Some(RowFault::at(SITE, error.to_string())),
            StockError::Invalid(invalid) => Some(RowFault::at(self.quantity(), &invalid.message)),
            _ => None,
        }
    }
}

/// Items and sites that rows may mean.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// By sku.
    pub items: HashMap<String, ItemId>,
    /// By name and by id; those with the name of another have only their ids.
    pub sites: HashMap<String, Vec<SiteId>>,
}

impl Places {
    /// The site that is called so, if one alone is.
    pub fn site(&self, name: &str) -> Result<SiteId, RowFault> {
        match self.sites.get(name).map(Vec::as_slice) {
            Some([site]) => Ok(*site),
            Some([_, _, ..]) => Err(RowFault::at(SITE, "several sites are called so: name the site by its id")),
            _ => Err(RowFault::at(SITE, "the organisation has no such site")),
        }
    }
}

#[cfg(test)]
mod tests;
