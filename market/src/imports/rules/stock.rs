//! What a row of stock means.

use std::collections::HashMap;

use shared::text;

use super::Cells;
use super::amounts::whole;
use super::reader::Row;
use super::shape::{Unreadable, place_of};
use crate::ids::{ItemId, SiteId};
use crate::imports::model::RowFault;
use crate::stock::rules::reserve::Count;
use crate::stock::store::StockError;

const SKU: &str = "sku";
const SITE: &str = "site";
const ON_HAND: &str = "on_hand";
const DELTA: &str = "delta";
const REASON: &str = "reason";
const COLUMNS: [&str; 5] = [SKU, SITE, ON_HAND, DELTA, REASON];

/// The most units of a level.
const MOST: i64 = 1_000_000_000;

/// Where the columns of a file of stock are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockColumns {
    sku: usize,
    site: usize,
    on_hand: Option<usize>,
    delta: Option<usize>,
    reason: Option<usize>,
}

/// A count or a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRow {
    pub sku: String,
    /// A site's name or its id.
    pub site: String,
    pub count: Count,
    pub reason: Option<String>,
}

impl StockColumns {
    /// Finds the columns. Ones that mean nothing are refused: they may be typos of others.
    pub fn find(columns: &[String]) -> Result<Self, Unreadable> {
        let known = |name: &String| place_of(&COLUMNS.map(str::to_owned), name).is_some();
        if let Some(name) = columns.iter().find(|name| !known(name)) {
            return Err(Unreadable::Unknown { name: name.clone(), known: COLUMNS.join(", ") });
        }
        let place = |name: &str| place_of(columns, name);
        let needed = |name: &str| place(name).ok_or_else(|| Unreadable::Missing(name.to_owned()));
        let (on_hand, delta) = (place(ON_HAND), place(DELTA));
        if on_hand.is_none() && delta.is_none() {
            return Err(Unreadable::Missing(ON_HAND.to_owned()));
        }
        Ok(Self { sku: needed(SKU)?, site: needed(SITE)?, on_hand, delta, reason: place(REASON) })
    }

    /// Reads a row; lists everything that is wrong with it.
    pub fn read(&self, cells: Cells<'_>) -> Result<StockRow, Vec<RowFault>> {
        let mut faults = Vec::new();
        let line = |place: usize, most: usize, faults: &mut Vec<RowFault>| {
            let text = cells.get(place)?;
            let read = text::line(text).map_err(|unshowable| unshowable.to_string());
            match read {
                Ok(text) if text.chars().count() <= most => return Some(text),
                Ok(_) => faults.push(cells.fault(place, format!("must have at most {most} characters"))),
                Err(reason) => faults.push(cells.fault(place, reason)),
            }
            None
        };
        for place in [self.sku, self.site] {
            if cells.get(place).is_none() {
                faults.push(cells.fault(place, "must not be empty"));
            }
        }
        let sku = line(self.sku, 64, &mut faults);
        let site = line(self.site, 100, &mut faults);
        let reason = self.reason.and_then(|place| line(place, 500, &mut faults));
        let count = self.count(cells, &mut faults);
        match (sku, site, count) {
            (Some(sku), Some(site), Some(count)) if faults.is_empty() => Ok(StockRow { sku, site, count, reason }),
            _ => Err(faults),
        }
    }

    fn count(&self, cells: Cells<'_>, faults: &mut Vec<RowFault>) -> Option<Count> {
        let given = |place: Option<usize>| place.and_then(|place| Some((place, cells.get(place)?)));
        let (place, read) = match (given(self.on_hand), given(self.delta)) {
            (Some((place, cell)), None) => (place, whole(cell).map(Count::To)),
            (None, Some((place, cell))) => (place, whole(cell).map(Count::By)),
            (Some(_), Some((place, _))) => {
                faults.push(cells.fault(place, "say either what is on hand or by how much it changes, not both"));
                return None;
            }
            (None, None) => {
                let place = self.on_hand.or(self.delta).unwrap_or_default();
                faults.push(cells.fault(place, "must not be empty"));
                return None;
            }
        };
        let least = match read {
            Ok(Count::To(_)) => 0,
            _ => -MOST,
        };
        match read {
            Ok(count @ (Count::To(number) | Count::By(number))) if (least..=MOST).contains(&number) => Some(count),
            Ok(_) => {
                faults.push(cells.fault(place, format!("must lie between {least} and {MOST}")));
                None
            }
            Err(error) => {
                faults.push(cells.fault(place, error.to_string()));
                None
            }
        }
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
    pub(super) fn site(&self, name: &str) -> Result<SiteId, RowFault> {
        match self.sites.get(name).map(Vec::as_slice) {
            Some([site]) => Ok(*site),
            Some([_, _, ..]) => Err(RowFault::at(SITE, "several sites are called so: name the site by its id")),
            _ => Err(RowFault::at(SITE, "the organisation has no such site")),
        }
    }
}

/// A row as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRow {
    pub line: i32,
    /// What the row calls what it is about, if that can be shown.
    pub sku: Option<String>,
    pub row: Result<StockRow, Vec<RowFault>>,
}

impl ReadRow {
    #[must_use]
    pub fn of(columns: &StockColumns, names: &[String], row: &Row) -> Self {
        let cells = row.cells.as_deref().map(|cells| Cells::of(names, cells));
        let sku = cells.ok().and_then(|cells| label(cells.get(columns.sku)?));
        let read = cells.map_err(|fault| vec![fault.clone()]).and_then(|cells| columns.read(cells));
        Self { line: i32::try_from(row.line).unwrap_or(i32::MAX), sku, row: read }
    }
}

/// A sku that can be shown, whether or not there is such an item.
pub(super) fn label(cell: &str) -> Option<String> {
    text::line(cell).ok().filter(|sku| sku.chars().count() <= 64)
}

#[cfg(test)]
mod tests;
