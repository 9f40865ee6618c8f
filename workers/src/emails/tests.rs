use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;
use market::emails::model::{
    AccountSuspended, AlreadyRegistered, Content, EndingSoon, ErasureAsked, FoundListing, InquiryReceived, Invitation,
    ListingApproved, ListingRefused, ListingReinstated, ListingSuspended, OfferAccepted, OfferNews, OrgApproved,
    OrgRejected, OrgSuspended, Outbid, PasswordChanged, PayoutAccountNeeded, PayoutSent, PriceFell, RecoveryCodeUsed,
    Relisted, ReportReady, ResetPassword, SavedSearchDigest, SecondFactorOff, SecondFactorOn, SessionEnded, Sold,
    StockLow, StockRecovered, UnreadMessages, Unsold, VerifyAddress, WebhooksStopped, Won,
};
use market::identity::{Locale, MemberRole};
use market::reports::model::Kind;
use market::reports::rules::Fall;
use market::webhooks::model::StopReason;
use secrecy::SecretString;
use shared::money::{Currency, Money};

use super::{Language, Link, Reader, RenderError, Rendered, Renderer};

mod auctions;
mod categories;
mod documents;
mod files;
mod languages;
mod orders;
mod plans;
mod sending;
mod sheet;

fn id<T: From<uuid::Uuid>>(number: u128) -> T {
    uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number).into()
}

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, hour, minute, 0).unwrap()
}

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn download(file: &str) -> Link {
    let url = SecretString::from(format!("https://files.example/{file}?a=1&X-Amz-Signature=abc"));
    Link::Download { url, valid_until: at(20, 30) }
}

/// A mail from every template, with something hostile in the text that people typed.
fn every_mail() -> Vec<(Content, Link)> {
    let title = "Fendt 724 Vario <2015>, \"one owner\"\r\nBcc: x@example.com".to_owned();
    let org_name = "Hof Müller & Söhne <b>GmbH</b>".to_owned();
    let offer = || OfferNews {
        offer: id(11),
        title: title.clone(),
        other: org_name.clone(),
        price: eur(8_500_000),
        quantity: 2,
        note: Some("Cash.\n<b>Today</b>.".to_owned()),
        expires_at: at(17, 0),
    };
    let agreed = |buys| OfferAccepted {
        offer: id(11),
        order: id(2),
        title: title.clone(),
        other: org_name.clone(),
        buys,
        payable: eur(20_230_000),
        net: eur(16_150_000),
        pay_by: at(12, 0),
    };
    let unread = |unread| {
        let (title, other) = (title.clone(), org_name.clone());
        Content::UnreadMessages(UnreadMessages { conversation: id(12), title, other, unread })
    };
    let report = |falls, regular| {
        Content::ReportReady(ReportReady {
            report: id(3),
            kind: Kind::Sales,
            org_name: org_name.clone(),
            first_day: NaiveDate::from_ymd_opt(2026, 11, 19).unwrap(),
            last_day: NaiveDate::from_ymd_opt(2026, 11, 19).unwrap(),
            zone: Tz::Europe__Berlin,
            format: "XLSX".to_owned(),
            rows: 149,
            totals: vec![eur(1_830_055), Money::from_minor(12_000, Currency::JPY)],
            falls,
            regular,
        })
    };
    let mut mails = vec![
        (
            Content::VerifyAddress(VerifyAddress {}),
            Link::Verify { token: SecretString::from("k3y_ABC-123"), valid_until: at(20, 30) },
        ),
        (
            Content::Outbid(Outbid {
                auction: id(1),
                title: title.clone(),
                price: eur(12_345_600),
                next_minimum: eur(12_355_600),
                ends_at: at(17, 0),
            }),
            Link::None,
        ),
        (
            Content::Won(Won {
                auction: id(1),
                order: id(2),
                title: title.clone(),
                seller: org_name.clone(),
                total: eur(12_345_600),
                pay_by: at(12, 0),
            }),
            Link::None,
        ),
        (
            Content::Sold(Sold {
                auction: id(1),
                order: id(2),
                title: title.clone(),
                buyer: org_name.clone(),
                total: eur(12_345_600),
                fee: eur(617_280),
                net: eur(11_728_320),
            }),
            Link::None,
        ),
        (Content::Unsold(Unsold { auction: id(1), title: title.clone() }), Link::None),
        (
            Content::EndingSoon(EndingSoon {
                auction: id(1),
                title: title.clone(),
                price: Money::from_minor(1_250_000, Currency::JPY),
                leading: Some(true),
                watching: false,
                ends_at: at(17, 0),
            }),
            Link::None,
        ),
        (report(Vec::new(), false), download("reports/3.xlsx")),
        (report(vec![Fall { before: eur(2_440_074), now: eur(1_830_055) }], true), download("reports/3.xlsx")),
        (Content::OrgApproved(OrgApproved { org: id(4), org_name: org_name.clone() }), Link::None),
        (
            Content::OrgRejected(OrgRejected {
                org: id(4),
                org_name: org_name.clone(),
                reason: "The VAT number belongs to another company.\nPlease send a current register extract."
                    .to_owned(),
            }),
            Link::None,
        ),
        (
            Content::OrgSuspended(OrgSuspended {
                org: id(4),
                org_name: org_name.clone(),
                reason: "Unpaid fees.".to_owned(),
            }),
            Link::None,
        ),
        (Content::AccountSuspended(AccountSuspended { reason: "Fraud.\nWrite to us.".to_owned() }), Link::None),
        (
            Content::ResetPassword(ResetPassword {}),
            Link::Reset { token: SecretString::from("k3y_ABC-123"), valid_until: at(20, 30) },
        ),
        (
            Content::AlreadyRegistered(AlreadyRegistered {}),
            Link::Reset { token: SecretString::from("k3y_ABC-123"), valid_until: at(20, 30) },
        ),
        (Content::PasswordChanged(PasswordChanged {}), Link::None),
        (Content::SessionEnded(SessionEnded {}), Link::None),
        (Content::ErasureAsked(ErasureAsked { due_at: at(12, 0) }), Link::None),
        (Content::SecondFactorOn(SecondFactorOn {}), Link::None),
        (Content::SecondFactorOff(SecondFactorOff {}), Link::None),
        (Content::RecoveryCodeUsed(RecoveryCodeUsed { left: 9 }), Link::None),
        (Content::RecoveryCodeUsed(RecoveryCodeUsed { left: 0 }), Link::None),
        (
            Content::Invitation(Invitation { invitation: id(5), org_name: org_name.clone(), role: MemberRole::Trader }),
            Link::Invitation { token: SecretString::from("k3y_ABC-123"), valid_until: at(20, 30) },
        ),
        (
            Content::ListingSuspended(ListingSuspended {
                listing: id(5),
                title: title.clone(),
                reason: "The photographs show another machine.\nPlease send us the serial number.".to_owned(),
                in_auction: true,
            }),
            Link::None,
        ),
        (Content::ListingReinstated(ListingReinstated { listing: id(5), title: title.clone() }), Link::None),
        (Content::ListingApproved(ListingApproved { listing: id(5), title: title.clone() }), Link::None),
        (
            Content::ListingRefused(ListingRefused {
                listing: id(5),
                title: title.clone(),
                reason: "The waste code is not that of the material.".to_owned(),
            }),
            Link::None,
        ),
        (
            Content::StockLow(StockLow {
                item: id(6),
                site: id(7),
                title: title.clone(),
                site_name: "Halle <3> & Hof".to_owned(),
                on_hand: 4,
                low_at: Some(5),
            }),
            Link::None,
        ),
        (
            Content::StockRecovered(StockRecovered {
                item: id(6),
                site: id(7),
                title: title.clone(),
                site_name: "Halle <3> & Hof".to_owned(),
                on_hand: 40,
                low_at: None,
            }),
            Link::None,
        ),
        (
            Content::EndingSoon(EndingSoon {
                auction: id(1),
                title: title.clone(),
                price: eur(90_000),
                leading: None,
                watching: true,
                ends_at: at(17, 0),
            }),
            Link::None,
        ),
        (
            Content::PriceFell(PriceFell {
                listing: id(8),
                title: title.clone(),
                was: eur(9_500_000),
                now: eur(9_000_000),
            }),
            Link::None,
        ),
        (Content::Relisted(Relisted { listing: id(8), title: title.clone(), price: Some(eur(9_000_000)) }), Link::None),
        (
            Content::SavedSearchDigest(SavedSearchDigest {
                search: id(9),
                name: "Tractors <b>near</b> me".to_owned(),
                found: vec![
                    FoundListing { listing: id(8), title: title.clone(), price: Some(eur(9_000_000)) },
                    FoundListing { listing: id(10), title: "Plough".to_owned(), price: None },
                ],
                more: 3,
            }),
            Link::None,
        ),
        (
            Content::InquiryReceived(InquiryReceived {
                listing: id(8),
                title: title.clone(),
                org_name: org_name.clone(),
                text: "How many hours has it run?\n<b>Cash</b> is ready.".to_owned(),
            }),
            Link::None,
        ),
        (unread(1), Link::None),
        (unread(3), Link::None),
        (unread(100), Link::None),
        (Content::OfferReceived(offer()), Link::None),
        (Content::OfferCountered(offer()), Link::None),
        (Content::OfferDeclined(offer()), Link::None),
        (Content::OfferWithdrawn(offer()), Link::None),
        (Content::OfferExpired(offer()), Link::None),
        (Content::OfferAccepted(agreed(true)), Link::None),
        (Content::OfferAccepted(agreed(false)), Link::None),
        (Content::PayoutSent(PayoutSent { payout: id(8), amount: eur(123_456) }), Link::None),
        (Content::PayoutAccountNeeded(PayoutAccountNeeded { payout: id(8), amount: eur(123_456) }), Link::None),
    ];
    mails.extend(orders::mails(&title, &org_name).into_iter().map(|mail| (mail, Link::None)));
    mails.extend(files::mails(&title, &org_name));
    for reason in [StopReason::Failing, StopReason::Gone] {
        let content = Content::WebhooksStopped(WebhooksStopped {
            endpoint: id(13),
            name: title.clone(),
            origin: "https://shop.example".to_owned(),
            reason,
            failing_since: at(12, 0),
        });
        mails.push((content, Link::None));
    }
    mails.extend(documents::mails(&org_name).map(|mail| (mail, Link::None)));
    mails.extend(plans::mails());
    mails.extend(orders::bidders(&title).map(|mail| (mail, Link::None)));
    mails.extend(orders::in_sale_events(&title).map(|mail| (mail, Link::None)));
    mails.extend(plans::ended());
    mails.extend(files::missing_proofs(&title, &org_name).map(|mail| (mail, Link::None)));
    mails.extend(files::documents_anew(&title, &org_name));
    mails.extend(auctions::leads(&title).map(|mail| (mail, Link::None)));
    mails.extend(orders::written_off(&title, &org_name).map(|mail| (mail, Link::None)));
    mails.extend(orders::deliveries(&title, &org_name).into_iter().map(|mail| (mail, Link::None)));
    mails.extend(orders::hired(&title, &org_name).map(|mail| (mail, Link::None)));
    mails
}

fn reader() -> Reader {
    reads("en")
}

/// Somebody who reads mails in this locale.
fn reads(locale: &str) -> Reader {
    let locale: Locale = locale.parse().unwrap();
    Reader { name: "Søren <i>Kruse</i>".to_owned(), zone: Tz::Europe__Berlin, locale }
}

fn renderer() -> Renderer {
    Renderer::new("https://tradeyard.example")
}

/// A mail as it is sent: with the link that ends its kind, if it can be ended.
fn rendered(content: &Content, link: &Link, reader: &Reader) -> Rendered {
    let token = SecretString::from("b7Xv-0_unsubscribe");
    renderer().render(content, link, reader, content.category().map(|it| (it, &token))).unwrap()
}

fn in_every_language() -> [Reader; 2] {
    let readers = ["en", "de"].map(reads);
    assert_eq!(readers.each_ref().map(|it| Language::of(&it.locale)), Language::ALL);
    readers
}

/// The layout is the same in every language, so it is kept in one.
#[test]
fn every_mail_looks_as_agreed() {
    for (number, (content, link)) in every_mail().into_iter().enumerate() {
        let name = format!("{number:02}_{}", content.template());
        let [english, german] = in_every_language().map(|reader| rendered(&content, &link, &reader));
        for (suffix, mail) in [("text", &english), ("text_de", &german)] {
            let text = format!("Subject: {}\n\n{}", mail.subject, mail.text);
            insta::assert_snapshot!(format!("{name}_{suffix}"), text);
        }
        insta::assert_snapshot!(format!("{name}_html"), english.html);
    }
}

#[test]
fn every_template_has_a_sample() {
    let shown: BTreeSet<_> = every_mail().iter().map(|(content, _)| content.template()).collect();
    // The message lists every name that the type knows.
    let complaint = serde_json::from_value::<Content>(serde_json::json!({"template": "none"})).unwrap_err().to_string();
    let known: BTreeSet<_> = complaint.split('`').skip(3).step_by(2).collect();
    assert!(known.len() > 60, "{complaint}");
    assert_eq!(shown, known);
}

#[test]
fn what_people_typed_stays_text() {
    for (content, link) in every_mail() {
        for reader in in_every_language() {
            let mail = rendered(&content, &link, &reader);
            assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
            assert!(!mail.html.contains("<b>") && !mail.html.contains("<i>") && !mail.html.contains("<2015>"));
            assert!(!mail.text.contains("\nBcc"));
            assert!(mail.html.contains("prefers-color-scheme: dark"));
            assert!(!mail.html.contains("<img") && !mail.html.contains("url("), "nothing is loaded from elsewhere");
        }
    }
}

#[test]
fn names_never_lead_elsewhere() {
    let name =
        || "Your account is locked: https://evil.example/pay\r\nwww.evil.example, me@evil.example \u{202e}".to_owned();
    let reader = Reader { name: name(), zone: Tz::UTC, locale: Locale::default() };
    let token = || SecretString::from("k3y");
    let order = |seller| Won { auction: id(1), order: id(2), title: name(), seller, total: eur(1), pay_by: at(12, 0) };
    for (content, link) in [
        (Content::OrgApproved(OrgApproved { org: id(4), org_name: name() }), Link::None),
        (Content::OrgSuspended(OrgSuspended { org: id(4), org_name: name(), reason: "x".to_owned() }), Link::None),
        (Content::Won(order(name())), Link::None),
        (
            Content::Invitation(Invitation { invitation: id(5), org_name: name(), role: MemberRole::Owner }),
            Link::Invitation { token: token(), valid_until: at(20, 30) },
        ),
    ] {
        let mail = rendered(&content, &link, &reader);
        for shown in [&mail.subject, &mail.text, &mail.html] {
            for trap in ["evil.example", "https://e", "me@evil", "\u{202e}", "pay\r", "pay\n"] {
                assert!(!shown.contains(trap), "{trap:?}: {shown}");
            }
        }
        assert!(mail.text.contains("evil") && mail.html.contains("evil"), "it still can be read");
    }
}

#[test]
fn a_granting_link_must_be_made() {
    let content = Content::VerifyAddress(VerifyAddress {});
    let error = renderer().render(&content, &Link::None, &reader(), None).unwrap_err();
    assert!(matches!(error, RenderError::MissingLink));
}
