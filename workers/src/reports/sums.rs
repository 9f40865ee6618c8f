//! What the amounts of a report add up to, by section, column and currency.

use std::collections::BTreeMap;

use market::reports::table::{Cell, Section, Shape, Sum};
use shared::money::{Currency, Money, MoneyError};

/// Counts the rows of a report and adds up its amounts.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) rows: i64,
    /// Of the sections that are complete.
    pub(super) done: Vec<Sum>,
    /// Of the one that is being written, by column: how many amounts, and their sum.
    open: BTreeMap<(usize, Currency), (i64, Money)>,
}

impl Sums {
    /// # Errors
    /// When a sum no longer fits.
    pub(super) fn add(&mut self, section: &Section, row: &[Cell]) -> Result<(), MoneyError> {
        self.rows += 1;
        for (place, (column, cell)) in section.columns.iter().zip(row).enumerate() {
            if let (Shape::Money, Cell::Money(amount)) = (column.shape, cell) {
                let zero = Money::from_minor(0, amount.currency());
                let (rows, sum) = self.open.entry((place, amount.currency())).or_insert((0, zero));
                *rows += 1;
                *sum = sum.checked_add(*amount)?;
            }
        }
        Ok(())
    }

    /// Ends a section; returns its sums, in the order of its columns and then of the currencies' codes.
    pub(super) fn end(&mut self, section: &Section) -> &[Sum] {
        let begin = self.done.len();
        let open = std::mem::take(&mut self.open).into_iter().filter_map(|((place, _), (rows, amount))| {
            let column = section.columns.get(place)?.name.to_owned();
            Some(Sum { section: section.name.to_owned(), column, rows, amount })
        });
        self.done.extend(open);
        self.done.get(begin..).unwrap_or_default()
    }
}
