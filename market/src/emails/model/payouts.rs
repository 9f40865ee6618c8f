//! Money on its way to sellers.

use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::PayoutId;

/// To those who trade for the seller. Reference: the payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutSent {
    pub payout: PayoutId,
    pub amount: Money,
}

/// To those who trade for the seller. Reference: the payout that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutAccountNeeded {
    pub payout: PayoutId,
    pub amount: Money,
}
