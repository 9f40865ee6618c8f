//! Why a mail was not taken.

use std::error::Error as _;

use super::server::{Ended, Failure, Step};

/// Why a mail was not taken. The texts are fit for logs and operators: the server's own words,
/// which may quote the address, are only in [`SendError::reply`].
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such mailbox, and the address must not be written to again.
    #[error("the address does not exist ({})", .0.code)]
    NoSuchMailbox(Reply),
    /// The server does not take mail for the address, but does not say that the mailbox is missing.
    /// A sender that is only blocked for an hour gets the same answer.
    #[error("the mail server refused the recipient ({})", .0.code)]
    RecipientRefused(Reply),
    /// This mail will never be taken; another one might be.
    #[error("the mail was refused ({})", .0.code)]
    Refused(Reply),
    /// The server could not be reached, is busy or rejects our credentials: it is not the mail's
    /// fault.
    #[error("the mail server could not take the mail now ({})", .0.code)]
    Temporary(Reply),
}

/// What the server said, or what we say in its place.
pub struct Reply {
    /// `550 5.1.1`, or words of our own if no server answered.
    pub code: String,
    /// May contain personal data.
    pub words: String,
    /// Whether the server may have taken the mail: it was on its way there, and no answer came.
    pub in_doubt: bool,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("code", &self.code).finish_non_exhaustive()
    }
}

impl Reply {
    pub(super) fn ours(words: impl Into<String>) -> Self {
        Self { code: "not sent".to_owned(), words: words.into(), in_doubt: false }
    }

    fn none(words: String, in_doubt: bool) -> Self {
        Self { code: "no answer".to_owned(), words, in_doubt }
    }
}

impl SendError {
    pub const fn reply(&self) -> &Reply {
        match self {
            Self::NoSuchMailbox(reply)
            | Self::RecipientRefused(reply)
            | Self::Refused(reply)
            | Self::Temporary(reply) => reply,
        }
    }

    /// The server took longer than a conversation may last.
    pub(super) fn late(limit: std::time::Duration) -> Self {
        Self::Temporary(Reply::none(format!("the conversation was not over after {} s", limit.as_secs()), true))
    }
}

/// Enhanced codes (RFC 3463, RFC 7505) that concern the recipient's address and will be the same
/// tomorrow: no such mailbox, no such domain, bad syntax, moved without a new address, a domain
/// that takes no mail, a disabled mailbox.
const NO_SUCH_MAILBOX: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

/// Distinguishes an address at fault from a fault of ours and from a passing problem (RFC 5321 has
/// the codes).
///
/// Only an enhanced code that concerns the mailbox condemns the address at once. A bare 550 is also
/// the answer to a blocked sender, to an unknown sender and to rejected content.
impl From<Ended> for SendError {
    fn from(Ended { step, error }: Ended) -> Self {
        let error = match error {
            Failure::Smtp(error) => error,
            Failure::Ours(words) => return Self::Temporary(Reply::none(words, false)),
        };
        let words = error.to_string();
        let Some(status) = error.status() else {
            return Self::Temporary(Reply::none(words, step == Step::Content));
        };
        let status = status.to_string();
        let enhanced = error.source().and_then(|said| enhanced_code(&said.to_string(), &status));
        let code = enhanced.as_ref().map_or_else(|| status.clone(), |enhanced| format!("{status} {enhanced}"));
        let reply = Reply { code, words, in_doubt: false };
        // A server that turns us away altogether says nothing about the mail.
        if !error.is_permanent() || step == Step::Connect {
            return Self::Temporary(reply);
        }
        let speaks_of_mailbox = enhanced.as_deref().is_some_and(|it| NO_SUCH_MAILBOX.contains(&it));
        let vague = matches!(enhanced.as_deref(), None | Some("5.0.0" | "5.1.0" | "5.2.0"));
        match (step, status.as_str()) {
            // Authentication is for the operator to fix; the mail is fine.
            (_, "530" | "534" | "535" | "538") => Self::Temporary(reply),
            // There is only one recipient, so an answer to the content can concern it as well.
            (Step::Recipient | Step::Content, _) if speaks_of_mailbox => Self::NoSuchMailbox(reply),
            (Step::Recipient, "550" | "551" | "553") if vague => Self::RecipientRefused(reply),
            _ => Self::Refused(reply),
        }
    }
}

/// An enhanced code such as `5.1.1`, if the answer begins with one of the same class as its status.
fn enhanced_code(said: &str, status: &str) -> Option<String> {
    let word = said.split_whitespace().next()?;
    let mut parts = word.split('.');
    let is_number = |it: &str| (1..=3).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_digit());
    let class = parts.next()?;
    let whole = class.len() == 1 && status.starts_with(class) && word.split('.').count() == 3 && parts.all(is_number);
    whole.then(|| word.to_owned())
}
