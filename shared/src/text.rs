//! Makes what people type fit to be shown to others: nothing in it is invisible, reads in another
//! direction than it is written, or breaks out of its line.
//!
//! Hidden characters are dropped rather than refused: editors and keyboards insert them unasked.
//! Control characters are refused, because nobody types them on purpose. What is left must have
//! something visible.

use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

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

/// Cleans a text of one line, and trims it.
pub fn line(text: &str) -> Result<String, Unshowable> {
    clean(text, |_| false)
}

/// Cleans a text that may have several lines, or be empty.
pub fn lines(text: &str) -> Result<String, Unshowable> {
    let text = text.replace("\r\n", "\n");
    match clean(&text, |c| matches!(c, '\n' | '\t')) {
        Err(Unshowable::Invisible) if text.trim().is_empty() => Ok(String::new()),
        cleaned => cleaned,
    }
}

fn clean(text: &str, allowed: fn(char) -> bool) -> Result<String, Unshowable> {
    if text.chars().any(|c| c.is_control() && !allowed(c)) {
        return Err(Unshowable::Control);
    }
    let shown = without_hidden(text);
    let shown = shown.trim();
    if shown.chars().any(is_visible) { Ok(shown.to_owned()) } else { Err(Unshowable::Invisible) }
}

/// The text without characters that nobody sees: zero-width ones, those that change the reading
/// direction, fillers and tags.
#[must_use]
pub fn without_hidden(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

/// Unicode's default-ignorable and format characters, except variation selectors, without which
/// emoji would look different.
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
    // A Braille blank and variation selectors show nothing by themselves.
    !c.is_whitespace()
        && !is_hidden(c)
        && !matches!(c, '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// What a field of one line may contain: a text, a list of texts, or nothing. For
/// `#[serde(deserialize_with)]`.
pub trait Lines: Sized {
    /// Cleans every text in it.
    fn cleaned(self) -> Result<Self, Unshowable>;
}

impl Lines for String {
    /// A text that shows nothing becomes empty, and is left to the field's own length rule to
    /// refuse.
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
    /// As with a single text, one that shows nothing becomes empty.
    fn cleaned(self) -> Result<Self, Unshowable> {
        self.into_iter().map(String::cleaned).collect()
    }
}

/// Reads a field whose texts have one line each: `#[serde(deserialize_with = "text::one_line")]`.
pub fn one_line<'de, D: Deserializer<'de>, T: Deserialize<'de> + Lines>(from: D) -> Result<T, D::Error> {
    T::deserialize(from)?.cleaned().map_err(de::Error::custom)
}

/// What [`one_line`] reads, as the OpenAPI document says it: `#[schema(schema_with = text::line_schema::<100>)]`, at most
/// `MAX` characters.
#[must_use]
pub fn line_schema<const MAX: usize>() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(VISIBLE_LINE)).min_length(Some(1)).max_length(Some(MAX))
}

/// The same for a field that may be null.
#[must_use]
pub fn line_or_null_schema<const MAX: usize>() -> ObjectBuilder {
    line_schema::<MAX>().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// Reads a text of several lines, or none: `#[serde(deserialize_with = "text::many_lines")]`.
pub fn many_lines<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    or_empty(lines(&String::deserialize(from)?)).map_err(de::Error::custom)
}

/// [`many_lines`] of a field that may be absent or null.
pub fn many_lines_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| or_empty(lines(&text))).transpose().map_err(de::Error::custom)
}

/// Whether the text contains a web or mail address, as mail programs recognise one: no real name
/// does.
#[must_use]
pub fn has_address(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("://") || text.contains("www.") || text.contains('@')
}

/// The text with its addresses broken, so that no mail program turns them into links. It looks the
/// same.
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
mod tests;
