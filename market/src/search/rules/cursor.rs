//! Where a search goes on: the key and id of the last listing of a page, bound to what was searched.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::ListingId;
use crate::search::model::{Found, Key, Query, Sort};

/// Why a search does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    #[error("expected the `next` of an earlier page")]
    Malformed,
    #[error("the cursor is of another search: begin without one, or keep every other parameter as it was")]
    OfAnotherQuery,
}

/// What is searched, and a letter for its order, in this many bytes each.
const QUERY: usize = 8;
const KEY: usize = 8;
const ID: usize = 16;

/// The cursor after `last`.
#[must_use]
pub fn write(query: &Query, last: Found) -> String {
    let key = match last.key {
        Key::Time(time) => time.timestamp_micros().to_be_bytes(),
        Key::Number(number) => number.to_be_bytes(),
    };
    URL_SAFE_NO_PAD.encode([&fingerprint(query)[..], &key[..], &last.id.0.into_bytes()[..]].concat())
}

/// Reads a cursor of this search.
pub fn read(query: &Query, cursor: &str) -> Result<Found, CursorError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError::Malformed)?;
    let bytes: [u8; QUERY + KEY + ID] = bytes.try_into().map_err(|_| CursorError::Malformed)?;
    let (of, rest) = bytes.split_at(QUERY);
    let (key, id) = rest.split_at(KEY);
    if of != fingerprint(query) {
        return Err(CursorError::OfAnotherQuery);
    }
    let (Ok(key), Ok(id)) = (key.try_into(), id.try_into()) else { return Err(CursorError::Malformed) };
    let key = match query.sort {
        Sort::Newest | Sort::Ending => {
            Key::Time(DateTime::from_timestamp_micros(i64::from_be_bytes(key)).ok_or(CursorError::Malformed)?)
        }
        Sort::Price | Sort::PriceDesc | Sort::Distance | Sort::Relevance => {
            let number = f64::from_be_bytes(key);
            if !number.is_finite() {
                return Err(CursorError::Malformed);
            }
            Key::Number(number)
        }
    };
    Ok(Found { id: ListingId(Uuid::from_bytes(id)), key })
}

/// The first bytes of a hash of everything that decides what is found, and in which order.
fn fingerprint(query: &Query) -> [u8; QUERY] {
    // A query is made of texts, numbers and names, so that it can always be written.
    let hash = Sha256::digest(serde_json::to_vec(query).unwrap_or_default());
    std::array::from_fn(|place| hash[place])
}

#[cfg(test)]
mod tests;
