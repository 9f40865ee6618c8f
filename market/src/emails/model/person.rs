//! People as mails know them.

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use shared::ids::UserId;

use super::EmailCategory;
use crate::emails::rules::unsubscribing;
use crate::identity::{Locale, UserStatus};

/// Whoever reads a mail, as they are when it is sent.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub address: String,
    pub is_verified: bool,
    pub name: String,
    pub status: UserStatus,
    pub locale: Locale,
    pub time_zone: String,
    /// What the links are signed with that end mails.
    pub unsubscribe_key: SecretSlice<u8>,
    /// What they do not want.
    pub opt_outs: Vec<EmailCategory>,
}

impl Person {
    /// Whether they want mails of the category.
    #[must_use]
    pub fn wants(&self, category: EmailCategory) -> bool {
        !self.opt_outs.contains(&category)
    }

    /// The token of the link that ends the category for them.
    #[must_use]
    pub fn unsubscribe_token(&self, category: EmailCategory) -> Option<SecretString> {
        unsubscribing::token(self.unsubscribe_key.expose_secret(), self.id, category)
    }
}
