//! Secrets that the database keeps: sealed with a master key that the database does not have, each for its own place.
//!
//! A sealed value is `form | key id | nonce | ciphertext | tag` with AES-256-GCM. Everything before the ciphertext and the
//! [`Place`] is authenticated with it: a value that somebody changed, cut, or moved to another row does not open.
//!
//! There can be several keys: the first one seals, all of them open. So a key is replaced while everything runs (see "The master
//! key" in `docs/OPERATIONS.md`).
//!
//! # How to get this wrong
//! - Giving two values the same place, such as a row's id without the version that a change raises: whoever writes to the
//!   database can then bring back the older one.
//! - Sealing without end with one key: nonces are random, and of 2³² of them two may be the same, which would give both texts
//!   away. What is sealed for every message, and not for every secret, needs keys of its own: a [`DataKey`].
//! - Comparing sealed values: the same text is sealed differently each time.

mod data_key;

use std::fmt::{self, Display};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};

pub use data_key::{DATA_OVERHEAD, DataKey};

/// The bytes of a key.
pub const KEY_BYTES: usize = 32;
/// How many bytes a sealed value has besides the secret's own.
pub const OVERHEAD: usize = HEAD + TAG;

/// The first byte of every sealed value; another form would have another one.
const FORM: u8 = 1;
/// The bytes of a key's id.
pub const KEY_ID: usize = 4;
const HEAD: usize = 1 + KEY_ID + NONCE_LEN;
const TAG: usize = 16;

/// Why a text is not a list of master keys. It does not show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error(
        "expected {KEY_BYTES} random bytes in base64, as `openssl rand -base64 {KEY_BYTES}` makes them, and a comma between two"
    )]
    NotAKey,
    #[error("has the same key twice")]
    Twice,
}

/// Why something was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the value is not a sealed one")]
    Form,
    #[error("no master key here has sealed this value: is one missing that was replaced?")]
    UnknownKey,
    /// Changed, or sealed for another place.
    #[error("the sealed value is not what was sealed for this place")]
    Broken,
}

/// What a value is sealed for: a table, and what names the row and its version there.
#[derive(Clone, Debug)]
pub struct Place(Vec<u8>);

impl Place {
    /// The parts keep their borders: `ab|c` is another place than `a|bc`.
    #[must_use]
    pub fn new(table: &'static str, parts: &[&dyn Display]) -> Self {
        let mut place = Vec::new();
        for part in [&table as &dyn Display].iter().chain(parts) {
            let text = part.to_string();
            place.extend_from_slice(&(text.len() as u64).to_be_bytes());
            place.extend_from_slice(text.as_bytes());
        }
        Self(place)
    }

    /// What is authenticated: the head and the place.
    fn with(&self, head: &[u8]) -> Vec<u8> {
        [head, &self.0].concat()
    }
}

struct Key {
    /// The beginning of a hash of the key, so that nobody has to number keys.
    id: [u8; KEY_ID],
    key: LessSafeKey,
}

/// The master keys, the first of which seals.
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys().map(|key| hex::encode(key.id)).collect();
        f.debug_struct("Keyring").field("ids", &ids).finish_non_exhaustive()
    }
}

impl Key {
    fn read(text: &str) -> Result<Self, KeyringError> {
        let mut bytes = STANDARD.decode(text.trim()).map_err(|_| KeyringError::NotAKey)?;
        let made = Self::new(&bytes);
        bytes.zeroize();
        made
    }

    fn new(bytes: &[u8]) -> Result<Self, KeyringError> {
        // Also refuses other lengths.
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KeyringError::NotAKey)?;
        let digest = Sha256::new().chain_update(b"tradeyard master key").chain_update(bytes).finalize();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Ok(Self { id, key: LessSafeKey::new(key) })
    }
}

impl Keyring {
    /// Reads the setting: keys with commas between them.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn read(text: &SecretString) -> Result<Self, KeyringError> {
        let mut keys = text.expose_secret().split(',').map(Key::read);
        let first = keys.next().ok_or(KeyringError::NotAKey)??;
        let ring = Self { first, others: keys.collect::<Result<_, _>>()? };
        let mut ids: Vec<_> = ring.keys().map(|key| key.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|two| two[0] == two[1]) {
            return Err(KeyringError::Twice);
        }
        Ok(ring)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Seals a secret for its place with the first key.
    ///
    /// # Errors
    /// [`SealError::Broken`], for a secret of many gigabytes.
    pub fn seal(&self, place: &Place, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let head = [[FORM].as_slice(), &self.first.id, &nonce].concat();
        let aad = Aad::from(place.with(&head));
        let mut sealed = secret.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.first.key.seal_in_place_append_tag(nonce, aad, &mut sealed).map_err(|_| SealError::Broken)?;
        Ok([head, sealed].concat())
    }

    /// Opens what was sealed for this place with one of the keys.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        let (head, text) = sealed.split_at_checked(HEAD).ok_or(SealError::Form)?;
        let id = id_of(sealed)?;
        let key = self.keys().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let nonce = Nonce::try_assume_unique_for_key(&head[1 + KEY_ID..]).map_err(|_| SealError::Form)?;
        let aad = Aad::from(place.with(head));
        let mut text = text.to_vec();
        let secret = key.key.open_in_place(nonce, aad, &mut text).map_err(|_| SealError::Broken)?;
        let opened = SecretSlice::from(secret.to_vec());
        text.zeroize();
        Ok(opened)
    }

    /// The id of the first key, as everything that it seals has it behind the first byte.
    #[must_use]
    pub const fn current_id(&self) -> [u8; KEY_ID] {
        self.first.id
    }

    /// Whether the first key has sealed this, so that it opens without the others.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        id_of(sealed) == Ok(self.first.id)
    }
}

fn id_of(sealed: &[u8]) -> Result<[u8; KEY_ID], SealError> {
    match sealed {
        [FORM, rest @ ..] => rest.first_chunk().copied().ok_or(SealError::Form),
        _ => Err(SealError::Form),
    }
}

#[cfg(test)]
mod tests;
