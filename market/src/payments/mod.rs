//! Payments: what the market and a payment gateway say to each other.

pub mod model;
pub mod rules;

pub use model::{
    Account, AccountState, Act, Call, CaptureMode, Charge, Disbursement, DisbursementState, Found, NewAccount, Payment,
    PaymentPage, PaymentState, Provider, ProviderRef,
};
