//! What secrets in the database are sealed with.

use secrecy::{ExposeSecret as _, SecretString};

use super::source::{ConfigError, Key, Source};
use super::{Config, keys};
use crate::crypto::seal::Keyring;

/// Each as [`Keyring::read`] takes it; a program has those that it opens something with.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// For the secrets that carriers and endpoints sign webhooks with, and those of second factors.
    pub master_key: SecretString,
    /// For the keys of conversations.
    pub chat_key: SecretString,
}

impl Encryption {
    pub(super) fn read(s: &mut Source) -> Self {
        Self { master_key: read(s, keys::MASTER_KEY), chat_key: read(s, keys::CHAT_KEY) }
    }
}

fn read(s: &mut Source, key: Key) -> SecretString {
    let secret = s.secret(key).unwrap_or_default();
    if !secret.expose_secret().is_empty()
        && let Err(error) = Keyring::read(&secret)
    {
        s.fault(key.env, error.to_string());
    }
    secret
}

impl Config {
    /// For programs that seal secrets of others or open them: refuses a missing key in any mode.
    pub fn keyring(&self) -> Result<Keyring, ConfigError> {
        keyring(keys::MASTER_KEY, &self.encryption.master_key)
    }

    /// For programs that read what is written in conversations, or seal their keys: refuses a missing key in any mode.
    pub fn chat_keyring(&self) -> Result<Keyring, ConfigError> {
        keyring(keys::CHAT_KEY, &self.encryption.chat_key)
    }
}

fn keyring(key: Key, secret: &SecretString) -> Result<Keyring, ConfigError> {
    if secret.expose_secret().is_empty() {
        return Err(ConfigError::of(key, "is not set"));
    }
    Keyring::read(secret).map_err(|error| ConfigError::of(key, error.to_string()))
}
