//! The tokens in the links that end mails: whose, of which category, and a code by the person's own key (HMAC-SHA256, cut to 16 bytes).
//! They hold no secret of anybody else, work for good, and cannot be made for another person or category.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretString;
use sha2::Sha256;
use shared::ids::UserId;
use uuid::Uuid;

use crate::emails::model::EmailCategory;

/// Bytes of the code.
const CODE: usize = 16;
/// Bytes of what it is about: the person and the category.
const SUBJECT: usize = 17;

/// What a token claims. Nothing of it is true before [`Claim::is_signed_with`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub user: UserId,
    pub category: EmailCategory,
    code: [u8; CODE],
}

/// Makes the token of a person's link. `None`: the key is unfit.
#[must_use]
pub fn token(key: &[u8], user: UserId, category: EmailCategory) -> Option<SecretString> {
    let code = code(key, user, category)?.finalize().into_bytes();
    let mut bytes = subject(user, category).to_vec();
    bytes.extend(code.iter().take(CODE));
    Some(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
}

/// Reads a token. `None`: it is not one.
#[must_use]
pub fn read(token: &str) -> Option<Claim> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (subject, code) = bytes.split_at_checked(SUBJECT)?;
    let (category, user) = subject.split_last()?;
    Some(Claim {
        user: UserId(Uuid::from_slice(user).ok()?),
        category: EmailCategory::of_number(*category)?,
        code: code.try_into().ok()?,
    })
}

impl Claim {
    /// Whether the token was made with this key, in a time that does not depend on where they differ.
    #[must_use]
    pub fn is_signed_with(&self, key: &[u8]) -> bool {
        code(key, self.user, self.category).is_some_and(|code| code.verify_truncated_left(&self.code).is_ok())
    }
}

fn subject(user: UserId, category: EmailCategory) -> [u8; SUBJECT] {
    let mut subject = [0; SUBJECT];
    subject[..16].copy_from_slice(user.0.as_bytes());
    subject[16] = category.number();
    subject
}

fn code(key: &[u8], user: UserId, category: EmailCategory) -> Option<Hmac<Sha256>> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).ok()?;
    code.update(b"unsubscribe");
    code.update(&subject(user, category));
    Some(code)
}

#[cfg(test)]
mod tests;
