use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;
use market::emails::model::{
    AccountSuspended, AlreadyRegistered, Content, EndingSoon, Invitation, ListingReinstated, ListingSuspended,
    OrgApproved, OrgRejected, OrgSuspended, Outbid, PasswordChanged, Recipient, ReportReady, ResetPassword,
    SessionEnded, Sold, Unsold, VerifyAddress, Won,
};
use market::identity::MemberRole;
use secrecy::SecretString;
use shared::config::Smtp;
use shared::ids::UserId;
use shared::money::{Currency, Money};
use sinks::smtp::{Fault, Options, Sink};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Link, Mailer, Message, Reader, RenderError, Rendered, Renderer, SendError, message_id};

fn id<T: From<uuid::Uuid>>(number: u128) -> T {
    uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number).into()
}

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, hour, minute, 0).unwrap()
}

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

/// Every template, with something hostile in what people typed.
fn every_mail() -> Vec<(Content, Link)> {
    let title = "Fendt 724 Vario <2015>, \"one owner\"\r\nBcc: x@example.com".to_owned();
    let org_name = "Hof Müller & Söhne <b>GmbH</b>".to_owned();
    vec![
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
        (Content::Unsold(Unsold { auction: id(1), title: title.clone(), highest: Some(eur(90_000)) }), Link::None),
        (Content::Unsold(Unsold { auction: id(1), title: title.clone(), highest: None }), Link::None),
        (
            Content::EndingSoon(EndingSoon {
                auction: id(1),
                title: title.clone(),
                price: Money::from_minor(1_250_000, Currency::JPY),
                leading: Some(true),
                ends_at: at(17, 0),
            }),
            Link::None,
        ),
        (
            Content::ReportReady(ReportReady {
                report: id(3),
                org_name: org_name.clone(),
                first_day: NaiveDate::from_ymd_opt(2026, 11, 19).unwrap(),
                last_day: NaiveDate::from_ymd_opt(2026, 11, 19).unwrap(),
                zone: Tz::Europe__Berlin,
                format: "XLSX".to_owned(),
                rows: 149,
                totals: vec![eur(1_830_055), Money::from_minor(12_000, Currency::JPY)],
            }),
            Link::Download {
                url: SecretString::from("https://files.example/reports/3.xlsx?a=1&X-Amz-Signature=abc"),
                valid_until: at(20, 30),
            },
        ),
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
        (
            Content::Invitation(Invitation { invitation: id(5), org_name, role: MemberRole::Trader }),
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
        (Content::ListingReinstated(ListingReinstated { listing: id(5), title }), Link::None),
    ]
}

fn reader() -> Reader {
    Reader { name: "Søren <i>Kruse</i>".to_owned(), zone: Tz::Europe__Berlin }
}

fn renderer() -> Renderer {
    Renderer::new("https://tradeyard.example")
}

#[test]
fn every_mail_looks_as_agreed() {
    for (number, (content, link)) in every_mail().into_iter().enumerate() {
        let mail = renderer().render(&content, &link, &reader()).unwrap();
        let name = format!("{number:02}_{}", content.template());
        insta::assert_snapshot!(format!("{name}_text"), format!("Subject: {}\n\n{}", mail.subject, mail.text));
        insta::assert_snapshot!(format!("{name}_html"), mail.html);
    }
}

#[test]
fn what_people_typed_stays_text() {
    for (content, link) in every_mail() {
        let mail = renderer().render(&content, &link, &reader()).unwrap();
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        assert!(!mail.html.contains("<b>") && !mail.html.contains("<i>") && !mail.html.contains("<2015>"));
        assert!(!mail.text.contains("\nBcc"));
        assert!(mail.html.contains("prefers-color-scheme: dark"));
        assert!(!mail.html.contains("<img") && !mail.html.contains("url("), "nothing is loaded from elsewhere");
    }
}

#[test]
fn names_never_lead_elsewhere() {
    let name =
        || "Your account is locked: https://evil.example/pay\r\nwww.evil.example, me@evil.example \u{202e}".to_owned();
    let reader = Reader { name: name(), zone: Tz::UTC };
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
        let mail = renderer().render(&content, &link, &reader).unwrap();
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
    let error = renderer().render(&content, &Link::None, &reader()).unwrap_err();
    assert!(matches!(error, RenderError::MissingLink));
}

struct Server {
    sink: Sink,
    mailer: Mailer,
    _dir: TempDir,
    _stop: DropGuard,
}

async fn server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let options = Options::new(dir.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
    let sink = Sink::start(options, stop.clone()).await.unwrap();
    let mailer = mailer(&format!("smtp://{}", sink.addr()));
    Server { sink, mailer, _dir: dir, _stop: stop.drop_guard() }
}

fn mailer(url: &str) -> Mailer {
    let from = "Tradeyard <no-reply@tradeyard.example>".to_owned();
    Mailer::new(&Smtp { url: SecretString::from(url), from }, 2).unwrap()
}

fn body() -> Rendered {
    let (content, link) = every_mail().swap_remove(2);
    renderer().render(&content, &link, &reader()).unwrap()
}

fn to<'a>(name: &'a str, address: &'a str, body: &'a Rendered) -> Message<'a> {
    let message_id = message_id("won", &Recipient::User(UserId(id::<UserId>(7).0)), "order 2", "tradeyard.example");
    Message { to_name: name, to_address: address, message_id, body }
}

#[tokio::test]
async fn a_mail_arrives_with_both_parts() {
    let server = server().await;
    let body = body();
    let said = server.mailer.send(&to("Søren Kruse", "soren@example.com", &body)).await.unwrap();
    assert!(said.starts_with("250"), "{said}");
    server.sink.wait_for_count(Duration::from_secs(10), 1).await.unwrap();
    let taken = &server.sink.list()[0];
    assert!(taken.is_to("soren@example.com"));
    assert_eq!(taken.subject, body.subject);
    let message_id = message_id("won", &Recipient::User(id(7)), "order 2", "tradeyard.example");
    assert_eq!(taken.message_id.as_deref(), Some(message_id.trim_matches(['<', '>'])));
    let raw = String::from_utf8(server.sink.raw(taken.id).await.unwrap().unwrap()).unwrap();
    for part in ["multipart/alternative", "text/plain", "text/html", "Auto-Submitted: auto-generated"] {
        assert!(raw.contains(part), "{part} is missing");
    }
    // Nothing that a title says becomes a header.
    assert!(!raw.lines().any(|line| line.starts_with("Bcc")));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let server = server().await;
    let body = body();
    server.sink.inject("gone@example.com", Fault::Permanent);
    server.sink.inject("busy@example.com", Fault::Temporary { times: 1 });
    let send = async |name, address| server.mailer.send(&to(name, address, &body)).await;

    let error = send("", "gone@example.com").await.unwrap_err();
    assert!(matches!(error, SendError::NoSuchMailbox(_)), "{error}");
    let error = send("", "busy@example.com").await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    send("", "busy@example.com").await.unwrap();
    for address in ["", "nobody", "a b@example.com", "x@example.com\r\nRCPT TO:<y@example.com>"] {
        let error = send("", address).await.unwrap_err();
        assert!(matches!(error, SendError::NoSuchMailbox(_)), "{address:?}: {error}");
    }
    for name in ["Eve\r\nBcc: y@example.com", "Eve\0", "Eve\u{85}"] {
        let error = send(name, "eve@example.com").await.unwrap_err();
        assert!(matches!(error, SendError::Refused(_)), "{name:?}: {error}");
    }
    assert_eq!(server.sink.count(), 1, "only the second try for busy@ arrived");
}

/// The DNS knows `bücher.example` by another name, and every server takes that one.
#[tokio::test]
async fn a_domain_goes_out_as_the_dns_knows_it_and_a_local_part_outside_of_ascii_is_refused() {
    let server = server().await;
    let body = body();
    server.mailer.send(&to("Jörg", "ada@Bücher.example", &body)).await.unwrap();
    server.sink.wait_for_count(Duration::from_secs(20), 1).await.unwrap();
    assert!(server.sink.list()[0].is_to("ada@xn--bcher-kva.example"));
    let error = server.mailer.send(&to("", "jörg@example.com", &body)).await.unwrap_err();
    assert!(matches!(&error, SendError::Refused(reply) if reply.words.contains("ASCII")), "{error}");
    let error = server.mailer.send(&to("", "ada@bü_cher.example", &body)).await.unwrap_err();
    assert!(matches!(error, SendError::NoSuchMailbox(_)), "{error}");
}

#[tokio::test]
async fn a_lost_answer_is_temporary_and_the_second_copy_has_the_same_id() {
    let server = server().await;
    let body = body();
    server.sink.inject("*", Fault::DropAfterTaken { times: 1 });
    let error = server.mailer.send(&to("", "a@example.com", &body)).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    server.mailer.send(&to("", "a@example.com", &body)).await.unwrap();
    let ids: Vec<_> = server.sink.list().iter().map(|it| it.message_id.clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_server_that_is_away_is_temporary() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let body = body();
    let error = mailer(&format!("smtp://{free}")).send(&to("", "a@example.com", &body)).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
}

/// A server that answers one command with a line of its own and every other with 250.
async fn answering(command: &'static str, answer: &'static str) -> SocketAddr {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 here\r\n").await.unwrap();
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            let reply = match line.as_str() {
                it if it.starts_with(command) => answer,
                it if it.starts_with("DATA") => "354 go on",
                _ => "250 fine",
            };
            if line.starts_with("DATA") && command != "DATA" {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                while line != ".\r\n" {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                }
                line.clear();
                let end = if command == "." { answer } else { "250 taken" };
                stream.write_all(format!("{end}\r\n").as_bytes()).await.unwrap();
                continue;
            }
            line.clear();
            if stream.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    });
    addr
}

#[tokio::test]
async fn only_the_mailbox_condemns_the_address() {
    let cases = [
        ("RCPT", "550 no such user", "recipient"),
        ("RCPT", "550 5.1.0 address rejected", "recipient"),
        ("RCPT", "550 blocked, see 5.1.1 in our manual", "recipient"),
        ("RCPT", "553 sorry", "recipient"),
        ("RCPT", "556 5.1.10 this domain takes no mail", "mailbox"),
        ("RCPT", "550 4.1.1 which class", "recipient"),
        ("RCPT", "550 5.1.1 no such user", "mailbox"),
        ("RCPT", "554 5.2.1 mailbox disabled", "mailbox"),
        ("RCPT", "550 5.7.1 blocked by policy", "refused"),
        ("RCPT", "452 4.2.2 mailbox full", "temporary"),
        ("MAIL", "550 5.1.8 bad sender", "refused"),
        ("MAIL", "550 5.1.1 you are nobody", "refused"),
        ("MAIL", "550 go away", "refused"),
        ("EHLO", "554 5.7.1 your address is blocked", "temporary"),
        ("MAIL", "530 5.7.0 authentication required", "temporary"),
        (".", "554 5.6.0 looks like spam", "refused"),
        (".", "550 no", "refused"),
        (".", "550 5.1.1 no such user after all", "mailbox"),
        (".", "451 4.3.0 try later", "temporary"),
    ];
    let body = body();
    for (command, answer, expected) in cases {
        let addr = answering(command, answer).await;
        let error = mailer(&format!("smtp://{addr}")).send(&to("", "a@example.com", &body)).await.unwrap_err();
        let got = match error {
            SendError::NoSuchMailbox(_) => "mailbox",
            SendError::RecipientRefused(_) => "recipient",
            SendError::Refused(_) => "refused",
            SendError::Temporary(_) => "temporary",
        };
        assert_eq!(got, expected, "{command}: {answer}: {error}");
    }
}

#[test]
fn the_message_id_depends_on_what_makes_it_one_mail() {
    let one = |template, user, reference| message_id(template, &Recipient::User(id(user)), reference, "d.example");
    let base = one("won", 1, "a");
    assert_eq!(base, one("won", 1, "a"));
    for other in [one("sold", 1, "a"), one("won", 2, "a"), one("won", 1, "b")] {
        assert_ne!(base, other);
    }
    let address = |it: &str| message_id("won", &Recipient::Address(it.to_owned()), "a", "d.example");
    assert_eq!(address("A@Example.com"), address("a@example.com"));
    assert!(!address("anna@example.com").contains("anna"), "an address is personal data");
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_without_printing_it() {
    let smtp = |url: &str, from: &str| {
        Mailer::new(&Smtp { url: SecretString::from(url), from: from.to_owned() }, 1).unwrap_err().to_string()
    };
    assert!(smtp("smtp://127.0.0.1:25", "nobody").contains("SMTP_FROM"));
    let error = smtp("gopher://user:hunter2@127.0.0.1", "a@b.example");
    assert!(error.contains("SMTP_URL") && !error.contains("hunter2"), "{error}");
}
