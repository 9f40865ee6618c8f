//! How files are read, and what their rows mean, without a database.

pub mod amounts;
pub mod dates;
pub mod fields;
pub mod listing;
pub mod past_sale;
pub mod reader;
pub mod shape;
pub mod stock;

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::model::{ImportKind, ListingTerms};

/// What makes two imports of an organisation the same: the file's bytes and how they are to be read.
pub fn checksum(mut file: impl Read, kind: ImportKind, terms: &ListingTerms) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut part = [0; 16 * 1024];
    loop {
        match file.read(&mut part)? {
            0 => break,
            read => hash.update(&part[..read]),
        }
    }
    let file = hash.finalize();
    let mut hash = Sha256::new();
    hash.update(file);
    hash.update(kind.name());
    // The maps are in the order of their keys.
    hash.update(serde_json::to_vec(terms).map_err(io::Error::other)?);
    Ok(hash.finalize().into())
}

#[cfg(test)]
pub(super) mod tests;
