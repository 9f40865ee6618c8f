//! People as mails know them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use shared::ids::UserId;

use super::{EmailCategory, QuietHours};
use crate::emails::rules::{quiet, unsubscribing};
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
    /// When they want no mail that can wait.
    pub quiet_hours: Option<QuietHours>,
}

impl Person {
    /// Whether they want mails of the category.
    #[must_use]
    pub fn wants(&self, category: EmailCategory) -> bool {
        !self.opt_outs.contains(&category)
    }

    /// When their quiet hours end, if it is quiet now.
    #[must_use]
    pub fn quiet_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let zone: Tz = self.time_zone.parse().unwrap_or(Tz::UTC);
        quiet::quiet_until(self.quiet_hours?, zone, now)
    }

    /// The token of the link that ends the category for them.
    #[must_use]
    pub fn unsubscribe_token(&self, category: EmailCategory) -> Option<SecretString> {
        unsubscribing::token(self.unsubscribe_key.expose_secret(), self.id, category)
    }
}
