//! What is sealed of a message.

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use shared::crypto::seal::Place;

use super::{ChatError, Key};
use crate::chat::model::NewMessage;

/// The text, and what the files are called, by their places.
#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<Option<String>>,
}

impl Body {
    pub(super) fn of(new: &NewMessage<'_>) -> Self {
        let names = new.attachments.iter().map(|attachment| attachment.name().map(str::to_owned)).collect();
        Self { text: new.text.to_owned(), names }
    }

    /// What a file is called; places are counted from 1.
    pub(super) fn name(&self, place: i16) -> Option<&str> {
        let at = usize::try_from(place).ok()?.checked_sub(1)?;
        self.names.get(at)?.as_deref()
    }

    pub(super) fn seal(&self, key: &Key, place: &Place) -> Result<Vec<u8>, ChatError> {
        let mut bytes = serde_json::to_vec(self).map_err(|_| ChatError::Unreadable)?;
        let sealed = key.key.seal(place, &bytes);
        bytes.zeroize();
        Ok(sealed?)
    }

    pub(super) fn open(key: &Key, place: &Place, sealed: &[u8]) -> Result<Self, ChatError> {
        let bytes: SecretSlice<u8> = key.key.open(place, sealed)?;
        serde_json::from_slice(bytes.expose_secret()).map_err(|_| ChatError::Unreadable)
    }
}
