//! What the ledger keeps of texts and values that handlers give it: bounded, and without the NUL that PostgreSQL does not store. A
//! handler whose words do not fit has still done its work; nothing here fails.

use std::borrow::Cow;

use serde_json::{Value, json};

/// Stands where something was cut off.
pub(crate) const MARK: char = '…';

/// The longest text beside a job's progress.
pub const PROGRESS_BYTES: usize = 500;
/// The longest line of a job's log.
pub const LINE_BYTES: usize = 2_000;
/// The largest result, about, as JSON.
pub const RESULT_BYTES: usize = 64 * 1024;
/// How much is kept of a result that is larger or deeper.
const CUT_RESULT_BYTES: usize = 4_000;
/// PostgreSQL reads JSON by recursion.
const RESULT_DEPTH: usize = 64;

/// The text without NULs and with at most `most` bytes; one that was cut ends with a mark.
#[must_use]
pub fn text(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most && !text.contains('\0') {
        return Cow::Borrowed(text);
    }
    // Bounded before it is copied: it may be huge.
    let start = &text[..text.floor_char_boundary(most + 1)];
    let mut kept = start.replace('\0', "");
    if start.len() < text.len() || kept.len() > most {
        cut(&mut kept, most);
    }
    Cow::Owned(kept)
}

/// Cuts the text to at most `most` bytes, the mark included.
pub(crate) fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most.saturating_sub(MARK.len_utf8())));
    text.push(MARK);
}

/// The value without NULs; of one that is too large or too deep only how it begins is kept, as text.
#[must_use]
pub fn value(value: &Value) -> Value {
    match size(value, RESULT_DEPTH) {
        Some(Size { bytes, nul: false }) if bytes <= RESULT_BYTES => value.clone(),
        Some(Size { bytes, nul: true }) if bytes <= RESULT_BYTES => without_nul(value),
        _ => {
            let begins = text(&begins(value), CUT_RESULT_BYTES).into_owned();
            json!({ "cut": true, "begins": begins })
        }
    }
}

/// About how much room a value takes as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: usize,
    /// Whether a text in it holds a NUL.
    pub(crate) nul: bool,
}

/// Measures the value without writing it; `None`: it is deeper than `depth`.
pub(crate) fn size(value: &Value, depth: usize) -> Option<Size> {
    let text = |text: &str, around: usize| Size { bytes: text.len() + around, nul: text.contains('\0') };
    let flat = |bytes| Size { bytes, nul: false };
    let add = |a: Size, b: Size| Size { bytes: a.bytes + b.bytes, nul: a.nul || b.nul };
    let below = depth.checked_sub(1)?;
    Some(match value {
        Value::Null | Value::Bool(_) => flat(5),
        Value::Number(_) => flat(20),
        Value::String(string) => text(string, 2),
        Value::Array(items) => {
            let mut all = flat(2 + items.len());
            for item in items {
                all = add(all, size(item, below)?);
            }
            all
        }
        Value::Object(map) => {
            let mut all = flat(2);
            for (key, item) in map {
                all = add(add(all, text(key, 4)), size(item, below)?);
            }
            all
        }
    })
}

fn without_nul(value: &Value) -> Value {
    let clean = |text: &str| text.replace('\0', "");
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (clean(key), without_nul(item))).collect(),
        other => other.clone(),
    }
}

/// The start of the value as JSON: written no further than it is kept, however large or deep the value is.
fn begins(value: &Value) -> String {
    struct Start(Vec<u8>);
    impl std::io::Write for Start {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0.len() > CUT_RESULT_BYTES {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.0.extend_from_slice(&bytes[..bytes.len().min(CUT_RESULT_BYTES + 1)]);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut start = Start(Vec::new());
    // It ends where the room ends, and that is meant.
    let _ = serde_json::to_writer(&mut start, value);
    String::from_utf8_lossy(&start.0).into_owned()
}

#[cfg(test)]
mod tests;
