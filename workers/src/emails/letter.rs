//! The wording of every mail. Both bodies are made from one [`Letter`], so they cannot differ.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use market::emails::model::{Content, EndingSoon, OrgApproved, OrgRejected, Outbid, ReportReady, Sold, Unsold, Won};
use market::reports::rules::Fall;
use secrecy::{ExposeSecret as _, SecretString};

use super::render::RenderError;
use super::wording::{day, money, one_line, time};
use super::{
    account, appointments, approvals, defaults, escrow, exports, imports, invoices, listings, offers, orders, payouts,
    returns, shipments, stock, watches,
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
pub(super) struct Letter {
    pub(super) subject: String,
    /// What an inbox shows beside the subject.
    pub(super) preview: String,
    pub(super) heading: String,
    pub(super) paragraphs: Vec<String>,
    /// Somebody else's words; may have several lines.
    pub(super) quote: Option<String>,
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

/// Where links lead, and the reader's time zone.
pub(super) struct Place<'a> {
    pub(super) public_url: &'a str,
    pub(super) zone: Tz,
}

impl Place<'_> {
    pub(super) fn link(&self, label: &'static str, path: std::fmt::Arguments<'_>) -> Action {
        Action { label, url: format!("{}{path}", self.public_url) }
    }
}

pub(super) fn write(content: &Content, link: &Link, place: &Place<'_>) -> Result<Letter, RenderError> {
    match (content, link) {
        (Content::VerifyAddress(_), Link::Verify { token, valid_until }) => {
            Ok(verify_address(token, *valid_until, place))
        }
        (Content::ReportReady(it), Link::Download { url, valid_until }) => {
            Ok(report_ready(it, url, *valid_until, place))
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
        (Content::PasswordChanged(_), _) => Ok(account::password_changed()),
        (Content::SessionEnded(_), _) => Ok(account::session_ended()),
        (Content::AccountSuspended(it), _) => Ok(account::account_suspended(it)),
        (Content::OrgSuspended(it), _) => Ok(account::org_suspended(it)),
        (Content::ExportReady(it), _) => Ok(exports::ready(it, place)),
        (Content::ImportEnded(it), _) => Ok(imports::ended(it, place)),
        (Content::Outbid(it), _) => Ok(outbid(it, place)),
        (Content::Won(it), _) => Ok(won(it, place)),
        (Content::Sold(it), _) => Ok(sold(it, place)),
        (Content::Unsold(it), _) => Ok(unsold(it, place)),
        (Content::EndingSoon(it), _) => Ok(ending_soon(it, place)),
        (Content::ApprovalAsked(it), _) => Ok(approvals::asked(it, place)),
        (Content::ApprovalCountered(it), _) => Ok(approvals::countered(it, place)),
        (Content::ApprovalEnded(it), _) => Ok(approvals::ended(it, place)),
        (Content::OrgApproved(it), _) => Ok(org_approved(it, place)),
        (Content::OrgRejected(it), _) => Ok(org_rejected(it, place)),
        (Content::ListingSuspended(it), _) => Ok(listings::suspended(it, place)),
        (Content::ListingReinstated(it), _) => Ok(listings::reinstated(it, place)),
        (Content::ListingApproved(it), _) => Ok(listings::approved(it, place)),
        (Content::ListingRefused(it), _) => Ok(listings::refused(it, place)),
        (Content::StockLow(it), _) => Ok(stock::low(it, place)),
        (Content::StockRecovered(it), _) => Ok(stock::recovered(it, place)),
        (Content::OrderPlaced(it), _) => Ok(orders::placed(it, place)),
        (Content::OrderExpired(it), _) => Ok(orders::expired(it, place)),
        (Content::OrderCancelled(it), _) => Ok(orders::cancelled(it, place)),
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
        (Content::AwardDefaulted(it), _) => Ok(defaults::defaulted(it, place)),
        (Content::SecondChanceOffered(it), _) => Ok(defaults::offered(it, place)),
        (Content::SecondChanceLapsed(it), _) => Ok(defaults::lapsed(it, place)),
        (Content::PayoutSent(it), _) => Ok(payouts::sent(it, place)),
        (Content::PayoutAccountNeeded(it), _) => Ok(payouts::account_needed(it, place)),
        (Content::PriceFell(it), _) => Ok(watches::price_fell(it, place)),
        (Content::Relisted(it), _) => Ok(watches::relisted(it, place)),
        (Content::SavedSearchDigest(it), _) => Ok(watches::digest(it, place)),
        (Content::InquiryReceived(it), _) => Ok(listings::inquiry(it, place)),
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
    }
}

pub(super) const fn fact(label: &'static str, value: String) -> Fact {
    Fact { label, value }
}

fn verify_address(token: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    Letter {
        subject: "Confirm your email address".to_owned(),
        preview: "Confirm it with your password, and your Tradeyard account is ready.".to_owned(),
        heading: "Confirm your email address".to_owned(),
        paragraphs: vec![
            "Please confirm that this address is yours, so that we can reach you about your bids, \
                          orders and deliveries. The page asks for the password that you registered with."
                .to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: Some(place.link("Confirm address", format_args!("/verify-email?token={}", token.expose_secret()))),
        note: Some(format!(
            "The link works once, until {}. If it was not you who registered with Tradeyard, ignore this email, or make the account \
             yours: the page offers to set a new password.",
            time(valid_until, place.zone)
        )),
        reason: "You are receiving this email because this address was used to register with Tradeyard.".to_owned(),
    }
}

fn outbid(it: &Outbid, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("You have been outbid: {title}"),
        preview: format!("The price is {} now. You can still win.", money(it.price)),
        heading: "You have been outbid".to_owned(),
        paragraphs: vec![format!(
            "Another bidder is now leading on “{title}”. You can bid again until the auction ends."
        )],
        quote: None,
        facts: vec![
            fact("Current price", money(it.price)),
            fact("Minimum next bid", money(it.next_minimum)),
            fact("Ends", time(it.ends_at, place.zone)),
        ],
        action: Some(place.link("Bid again", format_args!("/auctions/{}", it.auction))),
        note: Some("The end may move: a bid in the last minutes extends the auction.".to_owned()),
        reason: "You are receiving this email because you bid on this auction.".to_owned(),
    }
}

fn won(it: &Won, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("You won: {title}"),
        preview: format!("Please pay {} by {}.", money(it.total), time(it.pay_by, place.zone)),
        heading: "You won the auction".to_owned(),
        paragraphs: vec![format!(
            "Congratulations: “{title}” is yours. The seller will prepare it as soon as you have paid."
        )],
        quote: None,
        facts: vec![
            fact("To pay", money(it.total)),
            fact("Pay by", time(it.pay_by, place.zone)),
            fact("Seller", one_line(&it.seller)),
            fact("Order", it.order.to_string()),
        ],
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: "You are receiving this email because you won this auction.".to_owned(),
    }
}

fn sold(it: &Sold, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("Sold for {}: {title}", money(it.total)),
        preview: format!("You receive {} once the buyer has paid.", money(it.net)),
        heading: "Your lot is sold".to_owned(),
        paragraphs: vec![format!(
            "“{title}” has a buyer. We will let you know when the payment has arrived; please do not \
                                  hand it over before then."
        )],
        quote: None,
        facts: vec![
            fact("Price", money(it.total)),
            fact("Our fee", money(it.fee)),
            fact("You receive", money(it.net)),
            fact("Buyer", one_line(&it.buyer)),
            fact("Order", it.order.to_string()),
        ],
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: "You are receiving this email because your organisation sold this lot.".to_owned(),
    }
}

fn unsold(it: &Unsold, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("Not sold: {title}"),
        preview: "There were no bids.".to_owned(),
        heading: "Your lot was not sold".to_owned(),
        paragraphs: vec![
            format!("The auction of “{title}” has ended without a sale. There were no bids."),
            "You can list it again, perhaps with a lower opening price or reserve.".to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: Some(place.link("View auction", format_args!("/auctions/{}", it.auction))),
        note: None,
        reason: "You are receiving this email because your organisation offered this lot.".to_owned(),
    }
}

fn ending_soon(it: &EndingSoon, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    let standing = match it.leading {
        Some(true) => "You are the highest bidder.",
        Some(false) => "You are not the highest bidder.",
        None if it.watching => "You are watching it.",
        None => "You have bid on it.",
    };
    Letter {
        subject: format!("Ending soon: {title}"),
        preview: format!("{standing} The price is {}.", money(it.price)),
        heading: "This auction ends soon".to_owned(),
        paragraphs: vec![format!("The auction of “{title}” is about to end. {standing}")],
        quote: None,
        facts: vec![fact("Current price", money(it.price)), fact("Ends", time(it.ends_at, place.zone))],
        action: Some(place.link("View auction", format_args!("/auctions/{}", it.auction))),
        note: Some("The end may move: a bid in the last minutes extends the auction.".to_owned()),
        reason: "You are receiving this email because you bid on this auction or watch it.".to_owned(),
    }
}

fn report_ready(it: &ReportReady, url: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let org = one_line(&it.org_name);
    let period = if it.first_day == it.last_day {
        day(it.first_day)
    } else {
        format!("{} to {}", day(it.first_day), day(it.last_day))
    };
    let mut facts =
        vec![fact("Period", period.clone()), fact("Time zone", it.zone.to_string()), fact("Rows", it.rows.to_string())];
    facts.extend(it.totals.iter().map(|total| fact("Total", money(*total))));
    facts.push(fact("Format", it.format.clone()));
    let title = it.kind.definition().title;
    let fell = it.falls.iter().map(|fall| {
        let (percent, before, now) = (fall.percent(), money(fall.before), money(fall.now));
        format!("{title} fell by {percent} % against the period before: from {before} to {now}.")
    });
    Letter {
        subject: match it.falls.iter().map(Fall::percent).max() {
            Some(most) => format!("{title} fell by {most} %, {period}: {org}"),
            None => format!("{title} report {period}: {org}"),
        },
        preview: format!("{} rows. The download is ready.", it.rows),
        heading: format!("Your report is ready: {title}"),
        paragraphs: fell.chain([format!("The report “{title}” of {org} can be downloaded now.")]).collect(),
        quote: None,
        facts,
        action: Some(Action { label: "Download report", url: url.expose_secret().to_owned() }),
        note: Some(format!(
            "The link works until {}. Anyone who has it can download the report, so please do not forward this email.",
            time(valid_until, place.zone)
        )),
        reason: "You are receiving this email because you asked for this report or subscribed to it, or own the organisation.".to_owned(),
    }
}

fn org_approved(it: &OrgApproved, place: &Place<'_>) -> Letter {
    let org = one_line(&it.org_name);
    Letter {
        subject: format!("{org} is approved"),
        preview: "You can now publish listings and bid.".to_owned(),
        heading: "Welcome to the market".to_owned(),
        paragraphs: vec![format!("We have checked the details of {org}. You can now publish listings, bid and buy.")],
        quote: None,
        facts: vec![],
        action: Some(place.link("Open your organisation", format_args!("/orgs/{}", it.org))),
        note: None,
        reason: "You are receiving this email because you are an owner of this organisation.".to_owned(),
    }
}

fn org_rejected(it: &OrgRejected, place: &Place<'_>) -> Letter {
    let org = one_line(&it.org_name);
    Letter {
        subject: format!("About the application of {org}"),
        preview: "We could not approve it. Here is why.".to_owned(),
        heading: "We could not approve your organisation".to_owned(),
        paragraphs: vec![format!(
            "We have checked the application of {org} and cannot approve it. The reason, as our team wrote it:"
        )],
        quote: Some(it.reason.trim().to_owned()),
        facts: vec![],
        action: Some(place.link("Open your organisation", format_args!("/orgs/{}", it.org))),
        note: Some("If something has changed, you can apply again.".to_owned()),
        reason: "You are receiving this email because you are an owner of this organisation.".to_owned(),
    }
}
