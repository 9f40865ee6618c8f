//! Tables for people, JSON for programs.

mod table;

use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, TimeDelta, Utc};
use queue::ops::span;
use serde::Serialize;

pub(crate) use table::{Column, Table};

/// How this run prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    /// Shows every column of a table, and its cells at full length.
    pub(crate) wide: bool,
}

impl Output {
    /// An empty table.
    pub(crate) fn table(self, columns: &[Column]) -> Table {
        Table::new(columns, self.wide)
    }

    /// Prints `value` as JSON, or what `text` makes of it.
    pub(crate) fn show<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        if self.json { print_json(value) } else { print(&text(value)) }
    }
}

/// Prints one JSON value: indented for a terminal, on one line for a program.
pub(crate) fn print_json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value)? } else { serde_json::to_string(value)? };
    print(&text)
}

/// Writes the text and a newline. A closed pipe comes back as an error that `main` ignores.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// `12 s ago`, `in 3 min 4 s`, or a dash.
pub(crate) fn relative(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    match at {
        None => "–".to_owned(),
        Some(at) if at > now => format!("in {}", span(at - now)),
        Some(at) => format!("{} ago", span(now - at)),
    }
}

/// How long it took from one time to the other, or a dash.
pub(crate) fn took(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => span((to - from).max(TimeDelta::zero())),
        _ => "–".to_owned(),
    }
}

/// The value, or a dash.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// The text, cut to one line of at most `most` characters.
pub(crate) fn short(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= most && line.len() == text.len() {
        return line.to_owned();
    }
    format!("{}…", line.chars().take(most.saturating_sub(1)).collect::<String>())
}

#[cfg(test)]
mod tests;
