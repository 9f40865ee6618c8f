//! The fields of a file: which column says what, and rows that are read from them.

use std::collections::BTreeMap;

use shared::invalid::{Invalid, escaped};
use shared::text;

use super::reader::Row;
use super::shape::{Shape, Unreadable, place_of};
use crate::imports::model::{ImportKind, ListingTerms, MAX_CELL_CHARS, MAX_NAME_CHARS, RowFault, Separator};

/// What a row of one kind says.
pub trait FromFields: Sized + Send + Sync + 'static {
    const KIND: ImportKind;
    /// What a file may say.
    const FIELDS: &'static [&'static str];
    /// What a file has to say, by a column or by default: of each list one field at least.
    const NEEDED: &'static [&'static [&'static str]];
    /// The field that tells people which row it is.
    const LABEL: &'static str;

    /// The field that is called so. Capitals do not matter.
    fn field(name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        Self::FIELDS.contains(&lower.as_str()).then_some(lower)
    }

    /// The fields that there are, as people are shown them.
    fn known() -> String {
        Self::FIELDS.join(", ")
    }

    /// The row; whatever it returns is dropped when `fields` has found a fault.
    fn read(fields: &mut Reader<'_>) -> Option<Self>;
}

/// What is wrong with terms, whatever the file. `unknown` says why a field cannot stand in `mapping` or `defaults`.
pub(super) fn faults_of_terms(
    terms: &ListingTerms,
    unknown: impl Fn(&'static str, &str) -> Option<String>,
) -> Vec<Invalid> {
    let mapped = terms.mapping.iter().map(|(field, text)| ("mapping", field, text, MAX_NAME_CHARS));
    let defaults = terms.defaults.iter().map(|(field, text)| ("defaults", field, text, MAX_CELL_CHARS));
    let mut faults = Vec::new();
    for (place, field, text, most) in mapped.chain(defaults) {
        let at = format!("/{place}/{}", escaped(field));
        if let Some(reason) = unknown(place, field) {
            faults.push(Invalid::new(at.clone(), reason));
        }
        if !(1..=most).contains(&text.chars().count()) {
            faults.push(Invalid::new(at, format!("must have 1 to {most} characters")));
        }
    }
    faults
}

/// Where the fields of a file are, and what stands for those that are nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) places: BTreeMap<String, usize>,
    names: Vec<String>,
    pub(super) separator: Separator,
    pub terms: ListingTerms,
}

impl Columns {
    /// Finds the columns. Without a mapping each must be a field: others may be typos. With one, others are left alone.
    pub fn find<R: FromFields>(shape: &Shape, terms: &ListingTerms) -> Result<Self, Unreadable> {
        let names = &shape.columns;
        let mut places = BTreeMap::new();
        if terms.mapping.is_empty() {
            for (place, name) in names.iter().enumerate() {
                let unknown = || Unreadable::Unknown { name: name.clone(), known: R::known() };
                places.insert(R::field(name).ok_or_else(unknown)?, place);
            }
        } else {
            for (field, name) in &terms.mapping {
                let place = place_of(names, name).ok_or_else(|| Unreadable::Missing(name.clone()))?;
                places.insert(field.clone(), place);
            }
        }
        let said = |field: &str| places.contains_key(field) || terms.defaults.contains_key(field);
        if let Some(lacking) = R::NEEDED.iter().find(|fields| !fields.iter().any(|field| said(field))) {
            return Err(Unreadable::Missing(lacking[0].to_owned()));
        }
        Ok(Self { places, names: names.clone(), separator: shape.separator, terms: terms.clone() })
    }

    /// Columns that say nothing.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let used: Vec<_> = self.places.values().collect();
        let unused = self.names.iter().enumerate().filter(|(place, _)| !used.contains(&place));
        unused.map(|(_, name)| name.clone()).collect()
    }

    /// A fault of the column that this field has, or of the field itself where a default stands for it.
    pub fn fault_of(&self, field: &str, reason: impl Into<String>) -> RowFault {
        let column = self.places.get(field).and_then(|place| self.names.get(*place));
        RowFault::at(column.map_or(field, String::as_str), reason)
    }
}

/// A row as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRow<R> {
    pub line: i32,
    /// What the row calls what it is about, if that can be shown.
    pub label: Option<String>,
    pub row: Result<R, Vec<RowFault>>,
}

impl<R: FromFields> ReadRow<R> {
    #[must_use]
    pub fn of(columns: &Columns, row: &Row) -> Self {
        let line = i32::try_from(row.line).unwrap_or(i32::MAX);
        let cells = match &row.cells {
            Ok(cells) => cells,
            Err(fault) => return Self { line, label: None, row: Err(vec![fault.clone()]) },
        };
        let mut fields = Reader { columns, cells, faults: Vec::new() };
        let label = fields.cell(R::LABEL).and_then(|cell| self::line(cell, 64).ok());
        let row = match R::read(&mut fields) {
            Some(row) if fields.faults.is_empty() => Ok(row),
            _ => Err(fields.faults),
        };
        Self { line, label, row }
    }
}

/// Reads on after a fault, so that all of them are listed.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) columns: &'a Columns,
    cells: &'a [String],
    faults: Vec<RowFault>,
}

impl<'a> Reader<'a> {
    /// What is said of a field, by the row or by default, without the blanks around it; absent when nothing is left.
    pub(super) fn cell(&self, field: &str) -> Option<&'a str> {
        let text = |said: Option<&'a String>| said.map(|text| text.trim()).filter(|text| !text.is_empty());
        let said = self.columns.places.get(field).and_then(|place| self.cells.get(*place));
        text(said).or_else(|| text(self.columns.terms.defaults.get(field)))
    }

    pub(super) fn fault<T>(&mut self, field: &str, reason: impl Into<String>) -> Option<T> {
        self.faults.push(self.columns.fault_of(field, reason));
        None
    }

    /// A field that is read as `read` does, or what it is when it is not said.
    pub(super) fn or<T>(&mut self, field: &str, unsaid: T, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.cell(field).map(read) {
            None => Some(unsaid),
            Some(Ok(value)) => Some(value),
            Some(Err(reason)) => self.fault(field, reason),
        }
    }

    pub(super) fn needed<T>(&mut self, field: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.or(field, None, some(read))? {
            Some(value) => Some(value),
            None => self.fault(field, "must not be empty"),
        }
    }
}

/// Reads what may be unsaid.
pub(super) fn some<T>(read: impl FnOnce(&str) -> Result<T, String>) -> impl FnOnce(&str) -> Result<Option<T>, String> {
    move |cell| read(cell).map(Some)
}

/// A text of one line that is not too long.
pub(super) fn line(cell: &str, most: usize) -> Result<String, String> {
    let text = text::line(cell).map_err(|unshowable| unshowable.to_string())?;
    if text.chars().count() <= most { Ok(text) } else { Err(format!("must have at most {most} characters")) }
}
