//! What every mail says. Both bodies are made from one [`Letter`], so they cannot differ.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use market::emails::model::Content;
use market::ids::{AuctionId, OrderId};
use market::orders::model::Side;
use secrecy::SecretString;
use shared::money::Money;

use super::formats::{Formats, one_line};
use super::render::RenderError;
use super::words::Words;
use super::{
    account, appointments, approvals, auctions, chat, defaults, documents, escrow, exports, imports, invoices,
    listings, offers, orders, payouts, plans, reports, returns, reviews, sale_events, second_factor, shipments, stock,
    watches, webhooks,
};

/// A link that grants something, made when the mail is sent.
#[derive(Debug)]
pub enum Link {
    None,
    /// Proves an address.
    Verify {
        token: SecretString,
        valid_until: DateTime<Utc>,
    },
    /// Sets a new password.
    Reset {
        token: SecretString,
        valid_until: DateTime<Utc>,
    },
    /// Answers an invitation.
    Invitation {
        token: SecretString,
        valid_until: DateTime<Utc>,
    },
    /// Downloads a file.
    Download {
        url: SecretString,
        valid_until: DateTime<Utc>,
    },
}

/// A mail before it is turned into HTML and text.
#[derive(Default)]
pub(super) struct Letter {
    pub(super) subject: String,
    /// What an inbox shows beside the subject.
    pub(super) preview: String,
    pub(super) heading: String,
    pub(super) paragraphs: Vec<String>,
    /// Somebody else's words; may have several lines.
    pub(super) quote: Option<String>,
    /// The one fact that the mail is about, shown large.
    pub(super) figure: Option<Fact>,
    pub(super) facts: Vec<Fact>,
    pub(super) action: Option<Action>,
    /// Small print below the button.
    pub(super) note: Option<String>,
    /// Why the reader gets this.
    pub(super) reason: String,
}

pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

pub(super) struct Action {
    pub(super) label: &'static str,
    pub(super) url: String,
}

/// Where links lead, and how the reader reads.
pub(super) struct Place<'a> {
    pub(super) public_url: &'a str,
    pub(super) zone: Tz,
    pub(super) words: &'static dyn Words,
    pub(super) formats: &'a Formats,
}

impl Place<'_> {
    pub(super) fn link(&self, label: &'static str, path: std::fmt::Arguments<'_>) -> Action {
        Action { label, url: format!("{}{path}", self.public_url) }
    }

    pub(super) fn order(&self, order: OrderId) -> Action {
        self.link(self.words.view_order(), format_args!("/orders/{order}"))
    }

    pub(super) fn auction(&self, auction: AuctionId) -> Action {
        self.link(self.words.view_auction(), format_args!("/auctions/{auction}"))
    }

    pub(super) fn money(&self, amount: Money) -> String {
        self.formats.money(amount)
    }

    pub(super) fn time(&self, at: DateTime<Utc>) -> String {
        self.formats.time(at, self.zone)
    }

    pub(super) fn day(&self, day: NaiveDate) -> String {
        self.formats.day(day)
    }

    pub(super) fn days(&self, days: &[NaiveDate]) -> String {
        self.formats.days(days)
    }

    pub(super) fn number(&self, number: i64) -> String {
        self.formats.number(number)
    }

    pub(super) fn count(&self, count: usize) -> String {
        self.number(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// What was ordered: the first listing, and how many more.
    pub(super) fn goods(&self, title: &str, more: usize) -> String {
        let title = one_line(title);
        match more {
            0 => self.words.quoted(&title),
            1 => self.words.and_one_more(&title),
            more => self.words.and_more(&title, &self.count(more)),
        }
    }

    /// The party that does not read this.
    pub(super) fn other(&self, side: Side, name: &str) -> Fact {
        let label = match side {
            Side::Buyer => self.words.seller(),
            Side::Seller => self.words.buyer(),
        };
        fact(label, one_line(name))
    }

    pub(super) fn order_fact(&self, order: OrderId) -> Fact {
        fact(self.words.order(), order.to_string())
    }

    /// Why those who trade for one side of an order get a mail about it.
    pub(super) fn because(&self, side: Side) -> String {
        match side {
            Side::Buyer => self.words.because_buyer(),
            Side::Seller => self.words.because_seller(),
        }
        .to_owned()
    }
}

pub(super) fn write(content: &Content, link: &Link, place: &Place<'_>) -> Result<Letter, RenderError> {
    match (content, link) {
        (Content::VerifyAddress(_), Link::Verify { token, valid_until }) => {
            Ok(account::verify_address(token, *valid_until, place))
        }
        (Content::ReportReady(it), Link::Download { url, valid_until }) => {
            Ok(reports::ready(it, url, *valid_until, place))
        }
        (Content::InvoiceReady(it), Link::Download { url, valid_until }) => {
            Ok(invoices::ready(it, url, *valid_until, place))
        }
        (Content::ResetPassword(_), Link::Reset { token, valid_until }) => {
            Ok(account::reset_password(token, *valid_until, place))
        }
        (Content::AlreadyRegistered(_), Link::Reset { token, valid_until }) => {
            Ok(account::already_registered(token, *valid_until, place))
        }
        (Content::Invitation(it), Link::Invitation { token, valid_until }) => {
            Ok(account::invitation(it, token, *valid_until, place))
        }
        (
            Content::VerifyAddress(_)
            | Content::ReportReady(_)
            | Content::InvoiceReady(_)
            | Content::ResetPassword(_)
            | Content::AlreadyRegistered(_)
            | Content::Invitation(_),
            _,
        ) => Err(RenderError::MissingLink),
        (Content::PasswordChanged(_), _) => Ok(account::password_changed(place)),
        (Content::SessionEnded(_), _) => Ok(account::session_ended(place)),
        (Content::ErasureAsked(it), _) => Ok(account::erasure_asked(it, place)),
        (Content::SecondFactorOn(_), _) => Ok(second_factor::turned_on(place)),
        (Content::SecondFactorOff(_), _) => Ok(second_factor::turned_off(place)),
        (Content::RecoveryCodeUsed(it), _) => Ok(second_factor::recovery_code_used(it, place)),
        (Content::AccountSuspended(it), _) => Ok(account::account_suspended(it, place)),
        (Content::OrgApproved(it), _) => Ok(account::org_approved(it, place)),
        (Content::OrgRejected(it), _) => Ok(account::org_rejected(it, place)),
        (Content::OrgSuspended(it), _) => Ok(account::org_suspended(it, place)),
        (Content::ExportReady(it), _) => Ok(exports::ready(it, place)),
        (Content::ExportProofMissing(it), _) => Ok(invoices::proof_missing(it, place)),
        (Content::ImportEnded(it), _) => Ok(imports::ended(it, place)),
        (Content::Outbid(it), _) => Ok(auctions::outbid(it, place)),
        (Content::Won(it), _) => Ok(auctions::won(it, place)),
        (Content::Sold(it), _) => Ok(auctions::sold(it, place)),
        (Content::Unsold(it), _) => Ok(auctions::unsold(it, place)),
        (Content::EndingSoon(it), _) => Ok(auctions::ending_soon(it, place)),
        (Content::Winning(it), _) => Ok(auctions::winning(it, place)),
        (Content::ApprovalAsked(it), _) => Ok(approvals::asked(it, place)),
        (Content::ApprovalCountered(it), _) => Ok(approvals::countered(it, place)),
        (Content::ApprovalEnded(it), _) => Ok(approvals::ended(it, place)),
        (Content::AwardDefaulted(it), _) => Ok(defaults::defaulted(it, place)),
        (Content::SecondChanceOffered(it), _) => Ok(defaults::offered(it, place)),
        (Content::SecondChanceLapsed(it), _) => Ok(defaults::lapsed(it, place)),
        (Content::ListingSuspended(it), _) => Ok(listings::suspended(it, place)),
        (Content::ListingReinstated(it), _) => Ok(listings::reinstated(it, place)),
        (Content::ListingApproved(it), _) => Ok(listings::approved(it, place)),
        (Content::ListingRefused(it), _) => Ok(listings::refused(it, place)),
        (Content::InquiryReceived(it), _) => Ok(listings::inquiry(it, place)),
        (Content::UnreadMessages(it), _) => Ok(chat::unread(it, place)),
        (Content::StockLow(it), _) => Ok(stock::low(it, place)),
        (Content::StockRecovered(it), _) => Ok(stock::recovered(it, place)),
        (Content::PriceFell(it), _) => Ok(watches::price_fell(it, place)),
        (Content::Relisted(it), _) => Ok(watches::relisted(it, place)),
        (Content::SavedSearchDigest(it), _) => Ok(watches::digest(it, place)),
        (Content::OrderPlaced(it), _) => Ok(orders::placed(it, place)),
        (Content::OrderExpired(it), _) => Ok(orders::expired(it, place)),
        (Content::OrderCancelled(it), _) => Ok(orders::cancelled(it, place)),
        (Content::OrderWrittenOff(it), _) => Ok(defaults::written_off(it, place)),
        (Content::DaysHired(it), _) => Ok(orders::hired(it, place)),
        (Content::PaymentReminder(it), _) => Ok(orders::reminder(it, place)),
        (Content::PaymentFailed(it), _) => Ok(escrow::payment_failed(it, place)),
        (Content::OrderPaid(it), _) => Ok(escrow::paid(it, place)),
        (Content::OrderShipped(it), _) => Ok(escrow::shipped(it, place)),
        (Content::OrderDelivered(it), _) => Ok(escrow::delivered(it, place)),
        (Content::OrderCompleted(it), _) => Ok(escrow::completed(it, place)),
        (Content::DisputeOpened(it), _) => Ok(escrow::disputed(it, place)),
        (Content::DisputeWithdrawn(it), _) => Ok(escrow::withdrawn(it, place)),
        (Content::DisputeDecided(it), _) => Ok(escrow::decided(it, place)),
        (Content::RefundPaid(it), _) => Ok(escrow::refund_paid(it, place)),
        (Content::PayoutSent(it), _) => Ok(payouts::sent(it, place)),
        (Content::PayoutAccountNeeded(it), _) => Ok(payouts::account_needed(it, place)),
        (Content::PlanNews(it), _) => Ok(plans::news(it, place)),
        (Content::PlanNotOffered(it), _) => Ok(plans::not_offered(it, place)),
        (Content::OfferReceived(it), _) => Ok(offers::received(it, place)),
        (Content::OfferCountered(it), _) => Ok(offers::countered(it, place)),
        (Content::OfferDeclined(it), _) => Ok(offers::declined(it, place)),
        (Content::OfferWithdrawn(it), _) => Ok(offers::withdrawn(it, place)),
        (Content::OfferExpired(it), _) => Ok(offers::expired(it, place)),
        (Content::OfferAccepted(it), _) => Ok(offers::accepted(it, place)),
        (Content::ReturnRequested(it), _) => Ok(returns::requested(it, place)),
        (Content::ReturnApproved(it), _) => Ok(returns::approved(it, place)),
        (Content::ReturnRefused(it), _) => Ok(returns::refused(it, place)),
        (Content::ReturnSent(it), _) => Ok(returns::sent(it, place)),
        (Content::ReturnReceived(it), _) => Ok(returns::received(it, place)),
        (Content::ReviewAsked(it), _) => Ok(reviews::asked(it, place)),
        (Content::ReviewShown(it), _) => Ok(reviews::shown(it, place)),
        (Content::BidderApproved(it), _) => Ok(sale_events::approved(it, place)),
        (Content::BidderRefused(it), _) => Ok(sale_events::refused(it, place)),
        (Content::BidsLapsed(it), _) => Ok(sale_events::lapsed(it, place)),
        (Content::SaleEventCancelled(it), _) => Ok(sale_events::cancelled(it, place)),
        (Content::ShipmentException(it), _) => Ok(shipments::exception(it, place)),
        (Content::ShipmentAttemptFailed(it), _) => Ok(shipments::attempt_failed(it, place)),
        (Content::ShipmentReturned(it), _) => Ok(shipments::returned(it, place)),
        (Content::ShipmentStalled(it), _) => Ok(shipments::stalled(it, place)),
        (Content::AppointmentProposed(it), _) => Ok(appointments::proposed(it, place)),
        (Content::AppointmentBooked(it), _) => Ok(appointments::booked(it, place)),
        (Content::AppointmentMoved(it), _) => Ok(appointments::moved(it, place)),
        (Content::AppointmentCancelled(it), _) => Ok(appointments::cancelled(it, place)),
        (Content::AppointmentReminder(it), _) => Ok(appointments::reminder(it, place)),
        (Content::AppointmentMissed(it), _) => Ok(appointments::missed(it, place)),
        (Content::StorageBegun(it), _) => Ok(appointments::storage(it, place)),
        (Content::WebhooksStopped(it), _) => Ok(webhooks::stopped(it, place)),
        (Content::DocumentExpiring(it), _) => Ok(documents::expiring(it, place)),
    }
}

pub(super) const fn fact(label: &'static str, value: String) -> Fact {
    Fact { label, value }
}
