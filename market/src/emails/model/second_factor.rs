//! Mails about a person's second factor.

use serde::{Deserialize, Serialize};

/// Says that logins ask for a second factor from now on. Reference: one for each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorOn {}

/// Says that the password alone is enough again. Reference: one for each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorOff {}

/// Says that somebody has used a recovery code. Reference: one for each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodeUsed {
    pub left: i64,
}
