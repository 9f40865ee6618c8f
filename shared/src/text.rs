//! What people type, made fit to be shown to others: nothing in it is invisible, reads in another direction than it is written,
//! or breaks out of its line.
//!
//! Hidden characters are dropped rather than refused: editors and keyboards put them in unasked. Control characters are refused,
//! because nobody means them. What is left must have something to see.

use serde::{Deserialize, Deserializer, de};

/// Why a text cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unshowable {
    #[error("control characters are not allowed")]
    Control,
    #[error("has no visible character")]
    Invisible,
}

/// Some character that is seen, as a class of a pattern. It says nothing of hidden characters beyond U+FFFF, for which patterns have
/// no notation that every reader knows.
macro_rules! visible {
    () => {
        concat!(
            r"[^\s\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f",
            r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]"
        )
    };
}

/// What [`line`] takes, as the `pattern` of a JSON Schema.
pub const VISIBLE_LINE: &str =
    concat!(r"^[^\u0000-\u001f\u007f-\u009f]*", visible!(), r"[^\u0000-\u001f\u007f-\u009f]*$");

/// What [`lines`] takes when something must be visible, as the `pattern` of a JSON Schema.
pub const VISIBLE_LINES: &str = concat!(
    r"^(\r\n|[^\u0000-\u0008\u000b-\u001f\u007f-\u009f])*",
    visible!(),
    r"(\r\n|[^\u0000-\u0008\u000b-\u001f\u007f-\u009f])*$",
);

/// A text of one line, without spaces around it.
pub fn line(text: &str) -> Result<String, Unshowable> {
    clean(text, |_| false)
}

/// A text that may have several lines, and be empty.
pub fn lines(text: &str) -> Result<String, Unshowable> {
    let text = text.replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    clean(&text, |c| matches!(c, '\n' | '\t'))
}

fn clean(text: &str, allowed: fn(char) -> bool) -> Result<String, Unshowable> {
    if text.chars().any(|c| c.is_control() && !allowed(c)) {
        return Err(Unshowable::Control);
    }
    let shown = without_hidden(text);
    let shown = shown.trim();
    if shown.chars().any(is_visible) { Ok(shown.to_owned()) } else { Err(Unshowable::Invisible) }
}

/// The text without characters that nobody sees: zero-width ones, those that turn the direction of reading, fillers and tags.
#[must_use]
pub fn without_hidden(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

/// Unicode's default-ignorable and format characters, but for variation selectors, without which emoji change their looks.
const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}'
            | '\u{e01f0}'..='\u{e0fff}'
    )
}

fn is_visible(c: char) -> bool {
    // A blank of Braille, and variation selectors, show nothing by themselves.
    !c.is_whitespace()
        && !is_hidden(c)
        && !matches!(c, '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// What may stand in a field of one line: a text, a list of them, or nothing. For `#[serde(deserialize_with)]`.
pub trait Lines: Sized {
    /// Cleans every text in it.
    fn cleaned(self) -> Result<Self, Unshowable>;
}

impl Lines for String {
    /// What shows nothing is empty, for the field's own rule of length to refuse.
    fn cleaned(self) -> Result<Self, Unshowable> {
        or_empty(line(&self))
    }
}

fn or_empty(cleaned: Result<String, Unshowable>) -> Result<String, Unshowable> {
    match cleaned {
        Err(Unshowable::Invisible) => Ok(String::new()),
        other => other,
    }
}

impl<T: Lines> Lines for Option<T> {
    fn cleaned(self) -> Result<Self, Unshowable> {
        self.map(T::cleaned).transpose()
    }
}

impl Lines for Vec<String> {
    /// As with a single one, what shows nothing is empty.
    fn cleaned(self) -> Result<Self, Unshowable> {
        self.into_iter().map(String::cleaned).collect()
    }
}

/// Reads a field whose texts have one line each: `#[serde(deserialize_with = "text::one_line")]`.
pub fn one_line<'de, D: Deserializer<'de>, T: Deserialize<'de> + Lines>(from: D) -> Result<T, D::Error> {
    T::deserialize(from)?.cleaned().map_err(de::Error::custom)
}

/// Reads a text of several lines, or none: `#[serde(deserialize_with = "text::many_lines")]`.
pub fn many_lines<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    or_empty(lines(&String::deserialize(from)?)).map_err(de::Error::custom)
}

/// Whether the text contains an address of the web or of mail, as mail programs recognise one: no name has that.
#[must_use]
pub fn has_address(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("://") || text.contains("www.") || text.contains('@')
}

/// The text with its addresses broken, so that no mail program makes a link of them. It looks the same.
#[must_use]
pub fn without_links(text: &str) -> String {
    const JOINER: char = '\u{2060}';
    let text = without_hidden(text);
    let mut broken = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let joins = matches!(c, '.' | '@') && before.is_alphanumeric() && after.is_alphanumeric();
        if joins || (c == '/' && before == ':') {
            broken.push(JOINER);
        }
        broken.push(c);
        before = c;
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_dropped() {
        for (typed, shown) in [
            (" Fendt\u{200b} 724 ", "Fendt 724"),
            ("gnp.exe\u{202e}", "gnp.exe"),
            ("\u{2066}a\u{2069}\u{feff}b\u{ad}c", "abc"),
            ("Ünsal & Söhne", "Ünsal & Söhne"),
            ("مزرعة", "مزرعة"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
        ] {
            assert_eq!(line(typed).as_deref(), Ok(shown), "{typed:?}");
        }
        assert_eq!(lines("a\r\n\u{200b}b\n").as_deref(), Ok("a\nb"));
        assert_eq!(lines(" \n").as_deref(), Ok(""));
    }

    #[test]
    fn what_shows_nothing_or_breaks_the_line_is_refused() {
        for typed in ["", "  ", "\u{200b}", "\u{3164}\u{2800}", "\u{202e}\u{a0}", "\u{fe0f}"] {
            assert_eq!(line(typed), Err(Unshowable::Invisible), "{typed:?}");
        }
        for typed in ["a\nb", "a\0", "a\u{7f}", "a\u{85}", "\t"] {
            assert_eq!(line(typed), Err(Unshowable::Control), "{typed:?}");
        }
        assert_eq!(lines("a\0b"), Err(Unshowable::Control));
        assert_eq!(lines("\u{200b}"), Err(Unshowable::Invisible));
    }

    #[test]
    fn the_patterns_take_what_the_rules_take() {
        let (pattern, one) = (regex::Regex::new(VISIBLE_LINES).unwrap(), regex::Regex::new(VISIBLE_LINE).unwrap());
        for c in (0..=0xffff).filter_map(char::from_u32) {
            // Text before and after it, so that lines end within; and the character alone.
            for text in [format!("a{c}b"), c.to_string()] {
                let taken = lines(&text).is_ok_and(|text| !text.is_empty());
                assert_eq!(pattern.is_match(&text), taken, "{text:?}");
                assert_eq!(one.is_match(&text), line(&text).is_ok(), "{text:?}");
            }
        }
        for (text, taken) in [("a\r\nb", true), ("\r\n", false), ("a\rb", false), ("", false), (" \n\t", false)] {
            assert_eq!(pattern.is_match(text), taken, "{text:?}");
        }
    }

    #[test]
    fn addresses_are_found_and_broken() {
        for address in ["https://a", "WWW.evil.example", "me@evil.example"] {
            assert!(has_address(address), "{address}");
        }
        for name in ["J.R.R. Tolkien", "Booking.com B.V.", "Mærsk A/S", "St.John"] {
            assert!(!has_address(name), "{name}");
        }
        let broken = without_links("Pay at https://evil.example/x or me@evil.example. Mærsk A/S, J. R.");
        for link in ["https://", "evil.example", "me@evil"] {
            assert!(!broken.contains(link), "{broken:?}");
        }
        assert_eq!(without_hidden(&broken), "Pay at https://evil.example/x or me@evil.example. Mærsk A/S, J. R.");
        assert_eq!(without_links(&broken), broken);
        assert_eq!(without_links("Mærsk A/S, J. R."), "Mærsk A/S, J. R.");
    }
}
