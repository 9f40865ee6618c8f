//! What may be kept of an error: its text without personal data, and a fingerprint that groups errors of one cause.

use crate::kept::cut;

/// The longest error text that is kept with a job.
const MOST: usize = 4_000;
const FINGERPRINT_MOST: usize = 160;

/// The error's text without email addresses, credentials in URLs and control characters, at most 4,000 bytes; one that was cut ends with a mark.
#[must_use]
pub fn scrub(error: &str) -> String {
    let mut text = String::with_capacity(error.len().min(MOST));
    for (place, word) in error.split(' ').enumerate() {
        if place > 0 {
            text.push(' ');
        }
        if word.contains('@') {
            text.push_str(if word.contains("://") { "<url>" } else { "<address>" });
        } else {
            text.extend(word.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }));
        }
        if text.len() > MOST {
            cut(&mut text, MOST);
            break;
        }
    }
    text
}

/// Kind and first line with numbers and ids left out: the same cause gives the same text, and a person can read it.
#[must_use]
pub fn fingerprint(kind: &str, error: &str) -> String {
    let line = error.lines().next().unwrap_or("");
    let mut text = format!("{kind}: ");
    let mut in_number = false;
    for word in line.split_inclusive(' ') {
        let bare = word.trim_end();
        if bare.len() >= 8 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            text.push_str("# ");
            continue;
        }
        for c in word.chars() {
            if c.is_ascii_digit() {
                if !in_number {
                    text.push('#');
                }
                in_number = true;
            } else {
                in_number = false;
                text.push(c);
            }
        }
    }
    text.truncate(text.floor_char_boundary(FINGERPRINT_MOST));
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
