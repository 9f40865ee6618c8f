//! Templates with their data.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::UserId;

use crate::ids::EmailId;

mod account;
mod appointments;
mod approvals;
mod auctions;
mod categories;
mod chat;
mod defaults;
mod documents;
mod erasure;
mod exports;
mod imports;
mod invoices;
mod listings;
mod offers;
mod orders;
mod payouts;
mod person;
mod plans;
mod quiet;
mod reports;
mod returns;
mod reviews;
mod sale_events;
mod second_factor;
mod shipments;
mod stock;
mod watches;
mod webhooks;

pub use account::{
    AccountSuspended, AlreadyRegistered, Invitation, OrgApproved, OrgRejected, OrgSuspended, PasswordChanged,
    ResetPassword, SessionEnded, VerifyAddress,
};
pub use appointments::{AppointmentNews, StorageNews};
pub use approvals::ApprovalNews;
pub use auctions::{EndingSoon, Outbid, Sold, Unsold, Winning, Won};
pub use categories::EmailCategory;
pub use chat::UnreadMessages;
pub use defaults::{AwardDefaulted, SecondChanceLapsed, SecondChanceOffered};
pub use documents::DocumentExpiring;
pub use erasure::ErasureAsked;
pub use exports::ExportReady;
pub use imports::ImportEnded;
pub use invoices::{ExportProofMissing, InvoiceReady};
pub use listings::{ListingApproved, ListingRefused, ListingReinstated, ListingSuspended};
pub use offers::{OfferAccepted, OfferNews};
pub use orders::{
    DaysHired, DisputeOpened, OrderEnded, OrderNews, OrderPlaced, OrderSettled, OrderWrittenOff, PaymentFailed,
    PaymentReminder, RefundPaid,
};
pub use payouts::{PayoutAccountNeeded, PayoutSent};
pub use person::Person;
pub use plans::{OwedForPlan, PlanEvent, PlanNews, PlanNotOffered};
pub use quiet::QuietHours;
pub use reports::ReportReady;
pub use returns::ReturnNews;
pub use reviews::{ReviewAsked, ReviewShown};
pub use sale_events::{BidderApproved, BidderRefused, BidsLapsed, SaleEventCancelled};
pub use second_factor::{RecoveryCodeUsed, SecondFactorOff, SecondFactorOn};
pub use shipments::ShipmentNews;
pub use stock::{StockLow, StockRecovered};
pub use watches::{FoundListing, InquiryReceived, PriceFell, Relisted, SavedSearchDigest};
pub use webhooks::WebhooksStopped;

/// Who a mail is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Written to at the address, and in the time zone, that the user has when the mail is sent.
    User(UserId),
    /// Somebody who is not a user.
    Address(String),
}

/// A mail to be sent once.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEmail {
    pub recipient: Recipient,
    /// What it is about, such as an order's id: mails of one template, recipient and reference are one mail. At most 200 characters.
    pub reference: String,
    pub content: Content,
}

/// A mail as it is stored.
#[derive(Clone, Debug)]
pub struct Email {
    pub id: EmailId,
    pub recipient: Recipient,
    pub reference: String,
    /// `None` when this version of the program cannot read the stored data.
    pub content: Option<Content>,
    pub status: Status,
    /// Whether the server may have taken it without our knowing.
    pub in_doubt: bool,
    /// Whether its address must not be written to.
    pub is_suppressed: bool,
    /// The clock when it was read.
    pub now: DateTime<Utc>,
    /// Whose account it is for, if anybody has one.
    pub person: Option<Person>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    Queued,
    /// The server accepted it.
    Sent,
    /// It will never be sent.
    Failed,
    /// The address is on the suppression list.
    Suppressed,
    /// The recipient does not want mails of its category.
    Unwanted,
}

/// Why an address is no longer written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum SuppressionReason {
    /// The server said that there is no such mailbox, or refused it for days.
    Refused,
    Bounced,
    Complained,
    Manual,
}

/// Refusals of an address that did not say whether the mailbox exists, since the last mail that it
/// accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    pub refusals: i32,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// An address that is no longer written to, or that servers have refused.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedAddress {
    pub address: String,
    /// Why it is no longer written to; `None` if it still is.
    pub suppressed: Option<SuppressionReason>,
    /// Refusals that did not say whether the mailbox exists.
    pub refusals: i32,
    pub at: DateTime<Utc>,
    /// What the server said.
    pub detail: String,
}

/// The template and what it shows. Stored as the template's name and a JSON object.
///
/// A changed struct must still read old rows: add optional fields, never rename.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "template", content = "data", rename_all = "snake_case")]
pub enum Content {
    VerifyAddress(VerifyAddress),
    Outbid(Outbid),
    Won(Won),
    Sold(Sold),
    Unsold(Unsold),
    EndingSoon(EndingSoon),
    Winning(Winning),
    ApprovalAsked(ApprovalNews),
    ApprovalCountered(ApprovalNews),
    ApprovalEnded(ApprovalNews),
    ReportReady(ReportReady),
    ExportReady(ExportReady),
    ImportEnded(ImportEnded),
    InvoiceReady(InvoiceReady),
    ExportProofMissing(ExportProofMissing),
    OrgApproved(OrgApproved),
    OrgRejected(OrgRejected),
    OrgSuspended(OrgSuspended),
    AccountSuspended(AccountSuspended),
    ResetPassword(ResetPassword),
    AlreadyRegistered(AlreadyRegistered),
    PasswordChanged(PasswordChanged),
    SessionEnded(SessionEnded),
    SecondFactorOn(SecondFactorOn),
    SecondFactorOff(SecondFactorOff),
    RecoveryCodeUsed(RecoveryCodeUsed),
    ErasureAsked(ErasureAsked),
    Invitation(Invitation),
    ListingSuspended(ListingSuspended),
    ListingReinstated(ListingReinstated),
    ListingApproved(ListingApproved),
    ListingRefused(ListingRefused),
    StockLow(StockLow),
    StockRecovered(StockRecovered),
    OrderPlaced(OrderPlaced),
    OrderExpired(OrderEnded),
    OrderCancelled(OrderEnded),
    OrderWrittenOff(OrderWrittenOff),
    DaysHired(DaysHired),
    PaymentReminder(PaymentReminder),
    PaymentFailed(PaymentFailed),
    OrderPaid(OrderNews),
    OrderShipped(OrderNews),
    OrderDelivered(OrderNews),
    OrderCompleted(OrderSettled),
    DisputeOpened(DisputeOpened),
    DisputeWithdrawn(OrderNews),
    DisputeDecided(OrderSettled),
    RefundPaid(RefundPaid),
    AwardDefaulted(AwardDefaulted),
    SecondChanceOffered(SecondChanceOffered),
    SecondChanceLapsed(SecondChanceLapsed),
    PayoutSent(PayoutSent),
    PayoutAccountNeeded(PayoutAccountNeeded),
    PlanNews(PlanNews),
    PlanNotOffered(PlanNotOffered),
    PriceFell(PriceFell),
    Relisted(Relisted),
    SavedSearchDigest(SavedSearchDigest),
    InquiryReceived(InquiryReceived),
    UnreadMessages(UnreadMessages),
    OfferReceived(OfferNews),
    OfferCountered(OfferNews),
    OfferDeclined(OfferNews),
    OfferWithdrawn(OfferNews),
    OfferExpired(OfferNews),
    OfferAccepted(OfferAccepted),
    ReturnRequested(ReturnNews),
    ReturnApproved(ReturnNews),
    ReturnRefused(ReturnNews),
    ReturnSent(ReturnNews),
    ReturnReceived(ReturnNews),
    ReviewAsked(ReviewAsked),
    ReviewShown(ReviewShown),
    BidderApproved(BidderApproved),
    BidderRefused(BidderRefused),
    BidsLapsed(BidsLapsed),
    SaleEventCancelled(SaleEventCancelled),
    ShipmentException(ShipmentNews),
    ShipmentAttemptFailed(ShipmentNews),
    ShipmentReturned(ShipmentNews),
    ShipmentStalled(ShipmentNews),
    AppointmentProposed(AppointmentNews),
    AppointmentBooked(AppointmentNews),
    AppointmentMoved(AppointmentNews),
    AppointmentCancelled(AppointmentNews),
    AppointmentReminder(AppointmentNews),
    AppointmentMissed(AppointmentNews),
    StorageBegun(StorageNews),
    WebhooksStopped(WebhooksStopped),
    DocumentExpiring(DocumentExpiring),
}

impl Content {
    /// The template's permanent name.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::VerifyAddress(_) => "verify_address",
            Self::Outbid(_) => "outbid",
            Self::Won(_) => "won",
            Self::Sold(_) => "sold",
            Self::Unsold(_) => "unsold",
            Self::EndingSoon(_) => "ending_soon",
            Self::Winning(_) => "winning",
            Self::ApprovalAsked(_) => "approval_asked",
            Self::ApprovalCountered(_) => "approval_countered",
            Self::ApprovalEnded(_) => "approval_ended",
            Self::ReportReady(_) => "report_ready",
            Self::ExportReady(_) => "export_ready",
            Self::ImportEnded(_) => "import_ended",
            Self::InvoiceReady(_) => "invoice_ready",
            Self::ExportProofMissing(_) => "export_proof_missing",
            Self::OrgApproved(_) => "org_approved",
            Self::OrgRejected(_) => "org_rejected",
            Self::OrgSuspended(_) => "org_suspended",
            Self::AccountSuspended(_) => "account_suspended",
            Self::ResetPassword(_) => "reset_password",
            Self::AlreadyRegistered(_) => "already_registered",
            Self::PasswordChanged(_) => "password_changed",
            Self::SessionEnded(_) => "session_ended",
            Self::SecondFactorOn(_) => "second_factor_on",
            Self::SecondFactorOff(_) => "second_factor_off",
            Self::RecoveryCodeUsed(_) => "recovery_code_used",
            Self::ErasureAsked(_) => "erasure_asked",
            Self::Invitation(_) => "invitation",
            Self::ListingSuspended(_) => "listing_suspended",
            Self::ListingReinstated(_) => "listing_reinstated",
            Self::ListingApproved(_) => "listing_approved",
            Self::ListingRefused(_) => "listing_refused",
            Self::StockLow(_) => "stock_low",
            Self::StockRecovered(_) => "stock_recovered",
            Self::OrderPlaced(_) => "order_placed",
            Self::OrderExpired(_) => "order_expired",
            Self::OrderCancelled(_) => "order_cancelled",
            Self::OrderWrittenOff(_) => "order_written_off",
            Self::DaysHired(_) => "days_hired",
            Self::PaymentReminder(_) => "payment_reminder",
            Self::PaymentFailed(_) => "payment_failed",
            Self::OrderPaid(_) => "order_paid",
            Self::OrderShipped(_) => "order_shipped",
            Self::OrderDelivered(_) => "order_delivered",
            Self::OrderCompleted(_) => "order_completed",
            Self::DisputeOpened(_) => "dispute_opened",
            Self::DisputeWithdrawn(_) => "dispute_withdrawn",
            Self::DisputeDecided(_) => "dispute_decided",
            Self::RefundPaid(_) => "refund_paid",
            Self::AwardDefaulted(_) => "award_defaulted",
            Self::SecondChanceOffered(_) => "second_chance_offered",
            Self::SecondChanceLapsed(_) => "second_chance_lapsed",
            Self::PayoutSent(_) => "payout_sent",
            Self::PayoutAccountNeeded(_) => "payout_account_needed",
            Self::PlanNews(_) => "plan_news",
            Self::PlanNotOffered(_) => "plan_not_offered",
            Self::PriceFell(_) => "price_fell",
            Self::Relisted(_) => "relisted",
            Self::SavedSearchDigest(_) => "saved_search_digest",
            Self::InquiryReceived(_) => "inquiry_received",
            Self::UnreadMessages(_) => "unread_messages",
            Self::OfferReceived(_) => "offer_received",
            Self::OfferCountered(_) => "offer_countered",
            Self::OfferDeclined(_) => "offer_declined",
            Self::OfferWithdrawn(_) => "offer_withdrawn",
            Self::OfferExpired(_) => "offer_expired",
            Self::OfferAccepted(_) => "offer_accepted",
            Self::ReturnRequested(_) => "return_requested",
            Self::ReturnApproved(_) => "return_approved",
            Self::ReturnRefused(_) => "return_refused",
            Self::ReturnSent(_) => "return_sent",
            Self::ReturnReceived(_) => "return_received",
            Self::ReviewAsked(_) => "review_asked",
            Self::ReviewShown(_) => "review_shown",
            Self::BidderApproved(_) => "bidder_approved",
            Self::BidderRefused(_) => "bidder_refused",
            Self::BidsLapsed(_) => "bids_lapsed",
            Self::SaleEventCancelled(_) => "sale_event_cancelled",
            Self::ShipmentException(_) => "shipment_exception",
            Self::ShipmentAttemptFailed(_) => "shipment_attempt_failed",
            Self::ShipmentReturned(_) => "shipment_returned",
            Self::ShipmentStalled(_) => "shipment_stalled",
            Self::AppointmentProposed(_) => "appointment_proposed",
            Self::AppointmentBooked(_) => "appointment_booked",
            Self::AppointmentMoved(_) => "appointment_moved",
            Self::AppointmentCancelled(_) => "appointment_cancelled",
            Self::AppointmentReminder(_) => "appointment_reminder",
            Self::AppointmentMissed(_) => "appointment_missed",
            Self::StorageBegun(_) => "storage_begun",
            Self::WebhooksStopped(_) => "webhooks_stopped",
            Self::DocumentExpiring(_) => "document_expiring",
        }
    }

    /// Whether it is sent to suspended people: only the mail about their suspension is.
    #[must_use]
    pub const fn reaches_suspended(&self) -> bool {
        matches!(self, Self::AccountSuspended(_))
    }
}

#[cfg(test)]
mod tests;
