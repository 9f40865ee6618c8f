//! Keys for what is sealed without end: each belongs to one thing, such as a conversation, and is itself sealed with a master key.
//!
//! What a data key seals is `form | nonce | ciphertext | tag`. It names no key: its thing has one of each version, and the version
//! belongs to the [`Place`]. Replacing the master key seals data keys anew and touches nothing that they have sealed.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretSlice};

use super::{KEY_BYTES, Keyring, Place, SealError, TAG};

/// How many bytes what a data key has sealed has besides the text's own.
pub const DATA_OVERHEAD: usize = HEAD + TAG;

/// The first byte of everything that a data key has sealed: not that of what a master key has sealed.
const FORM: u8 = 2;
const HEAD: usize = 1 + NONCE_LEN;

/// The key of one thing. It exists in memory while something of the thing is sealed or opened.
pub struct DataKey(LessSafeKey);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").finish_non_exhaustive()
    }
}

impl DataKey {
    fn new(bytes: &[u8]) -> Result<Self, SealError> {
        // Also refuses other lengths.
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| SealError::Form)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a text for its place.
    ///
    /// # Errors
    /// [`SealError::Broken`], for a text of many gigabytes.
    pub fn seal(&self, place: &Place, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let head = [[FORM].as_slice(), &nonce].concat();
        let aad = Aad::from(place.with(&head));
        let mut sealed = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce, aad, &mut sealed).map_err(|_| SealError::Broken)?;
        Ok([head, sealed].concat())
    }

    /// Opens what this key has sealed for this place.
    ///
    /// # Errors
    /// [`SealError::Form`] and [`SealError::Broken`].
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        let (head, text) = sealed.split_at_checked(HEAD).ok_or(SealError::Form)?;
        if head[0] != FORM {
            return Err(SealError::Form);
        }
        let nonce = Nonce::try_assume_unique_for_key(&head[1..]).map_err(|_| SealError::Form)?;
        let aad = Aad::from(place.with(head));
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(nonce, aad, &mut text).map_err(|_| SealError::Broken)?;
        let opened = SecretSlice::from(opened.to_vec());
        text.zeroize();
        Ok(opened)
    }
}

impl Keyring {
    /// Makes a data key; the bytes are what is kept of it, sealed for its place with the first master key.
    ///
    /// # Errors
    /// None that is known: a key is short.
    pub fn make_data_key(&self, place: &Place) -> Result<(DataKey, Vec<u8>), SealError> {
        let mut bytes: [u8; KEY_BYTES] = rand::random();
        let made = DataKey::new(&bytes).and_then(|key| Ok((key, self.seal(place, &bytes)?)));
        bytes.zeroize();
        made
    }

    /// Opens a data key that was sealed for this place.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open_data_key(&self, place: &Place, sealed: &[u8]) -> Result<DataKey, SealError> {
        DataKey::new(self.open(place, sealed)?.expose_secret())
    }

    /// Seals with the first key what one of the keys has sealed for this place.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn reseal(&self, place: &Place, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.seal(place, self.open(place, sealed)?.expose_secret())
    }
}

#[cfg(test)]
mod tests;
