//! What the amounts of a report add up to, by section, column and currency. Amounts that are finer than money are added up as they are;
//! a sum is rounded once.

use std::collections::BTreeMap;

use market::reports::table::{Cell, Section, Shape, Sum};
use shared::money::{Currency, FineMoney, MoneyError};

/// Counts the rows of a report and adds up its amounts.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) rows: i64,
    /// Of the sections that are complete.
    pub(super) done: Vec<Sum>,
    /// Of the one that is being written, by column: how many amounts, and their sum.
    open: BTreeMap<(usize, Currency), (i64, FineMoney)>,
}

impl Sums {
    /// # Errors
    /// When a sum no longer fits.
    pub(super) fn add(&mut self, section: &Section, row: &[Cell]) -> Result<(), MoneyError> {
        self.rows += 1;
        for (place, (column, cell)) in section.columns.iter().zip(row).enumerate() {
            let amount = match (column.shape, cell) {
                (Shape::Money, Cell::Money(amount)) => FineMoney::from(*amount),
                (Shape::Money, Cell::Rounded(_, exact)) => *exact,
                _ => continue,
            };
            let zero = FineMoney::from_parts(0, amount.currency());
            let (rows, sum) = self.open.entry((place, amount.currency())).or_insert((0, zero));
            *rows += 1;
            *sum = sum.checked_add(amount)?;
            // What is too much for a row's own money is found here and not when the section ends.
            sum.rounded()?;
        }
        Ok(())
    }

    /// Ends a section; returns its sums, in the order of its columns and then of the currencies' codes.
    pub(super) fn end(&mut self, section: &Section) -> &[Sum] {
        let begin = self.done.len();
        let open = std::mem::take(&mut self.open).into_iter().filter_map(|((place, _), (rows, sum))| {
            let column = section.columns.get(place)?.name.to_owned();
            // Each sum was found to be an amount when it was made.
            let amount = sum.rounded().ok()?;
            Some(Sum { section: section.name.to_owned(), column, rows, amount })
        });
        self.done.extend(open);
        self.done.get(begin..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
