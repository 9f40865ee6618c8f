//! Exchange rates, tariffs, and the accounts, transfers and entries of the money ledger.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::{BasisPoints, Currency, Money};
use utoipa::ToSchema;

use crate::ids::OrderId;
use crate::money::rules::fx::PerEuro;
use crate::money::rules::premium::PremiumTariff;

/// Names one snapshot of exchange rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub i64);

/// The rates of a day, as their source states them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSnapshot {
    /// Who states them, such as `ecb`.
    pub source: String,
    pub day: NaiveDate,
    /// SHA-256 of the source's file.
    pub checksum: [u8; 32],
    /// At least one; none of the euro, whose rate is 1.
    pub rates: BTreeMap<Currency, PerEuro>,
}

/// The rates of a day, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub id: SnapshotId,
    pub source: String,
    pub day: NaiveDate,
    pub fetched_at: DateTime<Utc>,
    /// Without the euro, whose rate is 1.
    pub rates: BTreeMap<Currency, PerEuro>,
}

/// What became of a snapshot that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Now(SnapshotId),
    /// The same was stored before, and nothing was stored now.
    Before(SnapshotId),
}

/// The commission of a plan in a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commission {
    pub id: i64,
    pub revision: i32,
    pub fee: BasisPoints,
}

/// The buyer's premium in a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Premium {
    pub id: i64,
    pub revision: i32,
    pub tariff: PremiumTariff,
}

/// What the platform takes of a sale from either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariffs {
    /// The seller's commission.
    pub fee: BasisPoints,
    pub premium: Option<Premium>,
}

/// Names one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub i64);

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AccountKind {
    /// An organisation's: on its way out, to the seller's bank or back to the buyer.
    Payable,
    /// An organisation's: earned.
    Receivable,
    /// An organisation's: paid by a buyer, not yet earned.
    Held,
    /// An organisation's: what it owes the platform, as a number below zero.
    Debt,
    /// An organisation's: what buyers owe it for storage. The platform has none of it.
    Claim,
    /// An organisation's: what it owes sellers for storage, as a number below zero.
    Due,
    /// The platform's: what lies at the payment provider, as a number below zero.
    Cash,
    /// The platform's: commissions.
    Commission,
    /// The platform's: buyers' premiums.
    Premium,
    /// The platform's: tax that it owes.
    Tax,
    /// The platform's: refunds that it paid for sellers, as a number below zero.
    Refunds,
    /// The platform's: what conversions leave over.
    Rounding,
    /// The platform's: what organisations have paid for their plans.
    Plans,
}

/// Whose money an entry moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// `None`: the platform.
    pub org: Option<OrgId>,
    pub kind: AccountKind,
}

impl Account {
    #[must_use]
    pub const fn of(org: OrgId, kind: AccountKind) -> Self {
        Self { org: Some(org), kind }
    }

    #[must_use]
    pub const fn platform(kind: AccountKind) -> Self {
        Self { org: None, kind }
    }
}

/// Why money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TransferKind {
    /// A buyer's payment is held for its sellers.
    Capture,
    /// What was held is the seller's, the platform's and the state's.
    Release,
    RefundHeld,
    RefundReleased,
    RefundPaid,
    /// Earned money is on its way to the seller's bank.
    Payout,
    PayoutPaid,
    PayoutFailed,
    /// A seller gives back what the platform refunded for it.
    Recover,
    /// Takes another transfer back.
    Correction,
    /// A buyer owes a seller a day of storage.
    StorageFee,
    /// The seller has got it from the buyer, or has given it up.
    StorageSettled,
    /// An organisation has paid for its plan.
    PlanFee,
    /// The tax on the premium of an export that was not proved is kept back from the seller, or given back.
    ExportTax,
}

/// The account's holder has `amount` more, or less if it is below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub account: Account,
    pub amount: Money,
}

impl Entry {
    /// The account's holder has so much more.
    #[must_use]
    pub const fn more(account: Account, amount: Money) -> Self {
        Self { account, amount }
    }

    /// The account's holder has so much less.
    #[must_use]
    pub const fn less(account: Account, amount: Money) -> Self {
        Self { account, amount: Money::from_minor(-amount.minor(), amount.currency()) }
    }
}

/// A transfer that is to be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransfer {
    pub kind: TransferKind,
    /// What is booked; once for each kind.
    pub reference: String,
    pub order: Option<OrderId>,
    /// Entries of one account and currency are booked as one.
    pub entries: Vec<Entry>,
}

/// What an organisation's account holds, or what was added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub kind: AccountKind,
    pub amount: Money,
}

/// What an organisation had in one currency when a period began, what moved, and what it had when the period ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub opening: Vec<Balance>,
    pub closing: Vec<Balance>,
    /// What each kind of transfer added up to.
    pub totals: Vec<Total>,
}

/// What all transfers of one kind did to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub transfer: TransferKind,
    pub transfers: i64,
    pub moved: Balance,
}

/// One transfer, as an organisation's statement shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    pub transfer: TransferId,
    pub kind: TransferKind,
    pub reference: String,
    pub order: Option<OrderId>,
    pub booked_at: DateTime<Utc>,
    /// What it did to the organisation's accounts, in the order of their kinds.
    pub moved: Vec<Balance>,
}

/// What became of a transfer that was to be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    Now(TransferId),
    /// The same was booked before, and nothing was booked now.
    Before(TransferId),
}

/// Accounts with their currency and amount, in the order of the accounts; every amount differs from zero.
pub type Merged = Vec<(Account, Currency, i64)>;
