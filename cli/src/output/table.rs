//! A table whose lines fit 100 columns, unless it is asked for in full.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal};

use comfy_table::{Attribute, Cell, ContentArrangement, presets};

use super::short;

/// How wide a table may be.
const WIDTH: usize = 100;
/// The space between two columns.
const GAP: usize = 2;

/// A column, and what happens to it if there is no room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    heading: &'static str,
    /// Longer cells may be cut down to this length.
    least: usize,
    only_wide: bool,
}

impl Column {
    /// A column shown in full, such as an id or a number.
    pub(crate) const fn full(heading: &'static str) -> Self {
        Self { heading, least: usize::MAX, only_wide: false }
    }

    /// A column that is cut if there is no room, but never below `least` characters.
    pub(crate) const fn cut(heading: &'static str, least: usize) -> Self {
        Self { heading, least, only_wide: false }
    }

    /// A column left out unless the table is wide.
    pub(crate) const fn wide(heading: &'static str) -> Self {
        Self { heading, least: usize::MAX, only_wide: true }
    }
}

/// Rows of text under headings.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    wide: bool,
}

impl Table {
    pub(super) fn new(columns: &[Column], wide: bool) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), wide }
    }

    /// Adds a row with a cell for every column, including those that are left out.
    pub(crate) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The width of each column; the widest one that may be cut gives way first.
    fn widths(&self, shown: &[usize]) -> Vec<usize> {
        let natural = |&place: &usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            longest.max(self.columns[place].heading.len())
        };
        let mut widths: Vec<_> = shown.iter().map(natural).collect();
        if self.wide {
            return widths;
        }
        let room = WIDTH.saturating_sub(GAP * shown.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let least = |place: usize| self.columns[shown[place]].least.max(self.columns[shown[place]].heading.len());
            let widest =
                (0..widths.len()).filter(|&place| widths[place] > least(place)).max_by_key(|&place| widths[place]);
            let Some(widest) = widest else { break };
            widths[widest] -= 1;
        }
        widths
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> =
            (0..self.columns.len()).filter(|&place| self.wide || !self.columns[place].only_wide).collect();
        let widths = self.widths(&shown);
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        // In a pipe, every row is one line, however long.
        if io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        let headings = shown.iter().map(|&place| Cell::new(self.columns[place].heading).add_attribute(Attribute::Bold));
        table.set_header(headings);
        for row in &self.rows {
            let cells = shown.iter().zip(&widths).map(|(&place, &width)| {
                let cell = row.get(place).map_or("", String::as_str);
                if self.wide { cell.to_owned() } else { short(cell, width) }
            });
            table.add_row(cells);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, u16::try_from(GAP).unwrap_or(u16::MAX)));
        }
        let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests;
