//! Names of sheets, as Excel takes them.

use std::collections::BTreeSet;

/// The most characters, counted in UTF-16.
const MAX: usize = 31;

/// The names that sheets of a workbook have, in lower case: two that differ in nothing else are one.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name for a sheet that is called so: without what Excel does not take, and with a number if another sheet has it.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let wanted = clean(wanted);
        let mut name = cut(&wanted, MAX).to_owned();
        let mut number = 1;
        while !self.0.insert(name.to_lowercase()) {
            number += 1;
            let mark = format!(" ({number})");
            name = format!("{}{mark}", cut(&wanted, MAX - mark.len()).trim_end());
        }
        name
    }

    #[cfg(test)]
    pub(super) fn taken(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Without the characters that a name must not have, or not at its ends.
fn clean(text: &str) -> String {
    let kept: String = text.chars().map(|c| if c.is_control() || "[]:*?/\\".contains(c) { ' ' } else { c }).collect();
    let kept = kept.trim_matches(|c: char| c == '\'' || c.is_whitespace());
    // Excel keeps this one for itself.
    if kept.is_empty() || kept.eq_ignore_ascii_case("history") { "Sheet".to_owned() } else { kept.to_owned() }
}

/// As much of a text as has `most` characters in UTF-16.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    end.map_or(text, |(at, _)| &text[..at])
}
