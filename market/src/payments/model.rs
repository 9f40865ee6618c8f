//! What a payment provider knows, in our words. Amounts are in our own minor units; each provider's are
//! turned into them at its gateway.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::money::Money;
use utoipa::ToSchema;

/// Who moves the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Provider {
    Stripe,
    Mollie,
    /// A server of our own for development and tests; production refuses it.
    Simulator,
}

impl Provider {
    /// Whether it opens accounts for sellers when we ask. Elsewhere a seller opens one, and lets us pay to it.
    #[must_use]
    pub const fn opens_accounts(self) -> bool {
        match self {
            Self::Stripe | Self::Simulator => true,
            Self::Mollie => false,
        }
    }

    /// Whether it pays out of a seller's account when we ask. Elsewhere it does so by itself, in the rhythm that
    /// the seller has chosen there: what has reached the account is paid.
    #[must_use]
    pub const fn pays_out_on_request(self) -> bool {
        match self {
            Self::Stripe | Self::Simulator => true,
            Self::Mollie => false,
        }
    }
}

/// What a provider is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Act {
    Charge,
    Capture,
    Cancel,
    Refund,
    Transfer,
    Payout,
    Account,
}

/// A provider's own name for a payment, a refund, a transfer, a payout or an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ProviderRef(pub String);

impl fmt::Display for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When the money of a charge is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMode {
    /// At once.
    Automatic,
    /// By captures that follow; until then it is only held for us.
    Manual,
}

/// A charge to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// More than zero.
    pub amount: Money,
    pub capture: CaptureMode,
    /// The provider's name for the buyer's way to pay.
    pub method: String,
    /// Our name for the payment, shown to people at the provider.
    pub reference: String,
}

/// Where a payment is in its life at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The provider has not decided yet.
    Pending,
    /// Held for us, and nothing taken yet.
    Authorised,
    /// At least a part was taken.
    Captured,
    Failed,
    Cancelled,
}

/// A payment as its provider has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub reference: ProviderRef,
    pub state: PaymentState,
    pub amount: Money,
    pub captured: Money,
    pub refunded: Money,
    /// Why it failed: a code of the provider.
    pub failure: Option<String>,
    /// The page at which the buyer has to confirm it with their bank before anything else happens; only while it is
    /// pending.
    pub confirm_at: Option<String>,
}

/// Where a refund, a transfer or a payout is in its life at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisbursementState {
    Pending,
    Done,
    Failed,
}

/// A refund, a transfer or a payout as its provider has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disbursement {
    pub reference: ProviderRef,
    pub state: DisbursementState,
    pub amount: Money,
}

/// Whether money can be paid out to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AccountState {
    /// The provider still checks who the seller is.
    Pending,
    Active,
    /// The provider wants something more before it pays out.
    Restricted,
    Closed,
}

/// A seller's account as its provider has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub reference: ProviderRef,
    pub state: AccountState,
    /// What the provider still wants, in its words.
    pub requirements: Vec<String>,
}

/// An account to be opened for a seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Our name for the seller.
    pub reference: String,
    /// The provider's name for the account that the seller has there already, if [`Provider::opens_accounts`] is
    /// false.
    pub own: Option<ProviderRef>,
}

/// What an idempotency key was used for, as its caller had written it down before it called. Not every
/// provider can be asked for a key alone: some know only what hangs on a payment or on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Charge,
    /// Of a part of this payment.
    Capture(ProviderRef),
    /// Of this payment.
    Cancel(ProviderRef),
    /// Of a part of this payment.
    Refund(ProviderRef),
    /// To this account.
    Transfer(ProviderRef),
    /// Out of this account.
    Payout(ProviderRef),
    OpenAccount,
}

/// What an idempotency key made at the provider, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// By a charge, a capture or a cancellation.
    Payment(Payment),
    /// By a refund, a transfer or a payout.
    Disbursement(Disbursement),
    Account(Account),
}

/// Some payments, in the order in which the provider lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentPage {
    pub payments: Vec<Payment>,
    /// Whether there are more after the last one.
    pub more: bool,
}
