//! What people may change about their organisations by themselves, what they type as their second factor, and which VAT numbers can be
//! one.

pub mod codes;
pub mod vat_numbers;

use super::model::{OrgKind, OrgStatus};

/// Whether an owner may change an organisation's kinds without a moderator. Once it is approved, an
/// owner can only give up kinds, and never that of broker, which keeps it out of auctions that
/// exclude brokers.
#[must_use]
pub fn may_change_kinds(status: OrgStatus, before: &[OrgKind], after: &[OrgKind]) -> bool {
    if !matches!(status, OrgStatus::Approved | OrgStatus::Suspended) {
        return true;
    }
    let gains = after.iter().any(|kind| !before.contains(kind));
    let loses_broker = before.contains(&OrgKind::Broker) && !after.contains(&OrgKind::Broker);
    !gains && !loses_broker
}

/// Whether an owner may change the organisation's country, by which its sales are taxed, without a moderator. Once it is
/// approved, an owner can only state one where none is stated.
#[must_use]
pub fn may_change_country(status: OrgStatus, before: Option<&str>, after: &str) -> bool {
    !matches!(status, OrgStatus::Approved | OrgStatus::Suspended) || before.is_none_or(|before| before == after)
}
