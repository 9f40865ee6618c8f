//! Mails on their way to a server, and the server's answers.

use std::net::SocketAddr;
use std::time::Duration;

use market::emails::model::Recipient;
use secrecy::SecretString;
use shared::config::Smtp;
use shared::ids::UserId;
use sinks::smtp::{Fault, Options, Sink};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{every_mail, id, reader, renderer};
use crate::emails::{Mailer, Message, Rendered, SendError, message_id};

struct TestSmtp {
    sink: Sink,
    mailer: Mailer,
    _dir: TempDir,
    _stop: DropGuard,
}

async fn start() -> TestSmtp {
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let options = Options::new(dir.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
    let sink = Sink::start(options, stop.clone()).await.unwrap();
    let mailer = mailer(&format!("smtp://{}", sink.addr()));
    TestSmtp { sink, mailer, _dir: dir, _stop: stop.drop_guard() }
}

fn mailer(url: &str) -> Mailer {
    mailer_on(url, None)
}

fn settings(url: &str, from: &str, streams: Option<[&str; 2]>) -> Smtp {
    let [stream, broadcast_stream] = streams.map_or([None, None], |streams| streams.map(|it| Some(it.to_owned())));
    let (url, from) = (SecretString::from(url), from.to_owned());
    Smtp { url, from, stream, broadcast_stream, webhook_key: SecretString::default() }
}

/// A mailer that names these streams, of mails that are always sent and of those that can be ended.
fn mailer_on(url: &str, streams: Option<[&str; 2]>) -> Mailer {
    Mailer::new(&settings(url, "Tradeyard <no-reply@tradeyard.example>", streams), 2).unwrap()
}

fn body() -> Rendered {
    let (content, link) = every_mail().swap_remove(2);
    renderer().render(&content, &link, &reader(), None).unwrap()
}

fn to<'a>(name: &'a str, address: &'a str, body: &'a Rendered) -> Message<'a> {
    let message_id = message_id("won", &Recipient::User(UserId(id::<UserId>(7).0)), "order 2", "tradeyard.example");
    Message { to_name: name, to_address: address, message_id, body }
}

#[tokio::test]
async fn a_mail_arrives_with_both_parts() {
    let server = start().await;
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
    // Nothing in a title becomes a header.
    assert!(!raw.lines().any(|line| line.starts_with("Bcc")));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let server = start().await;
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

/// The DNS knows `bücher.example` by another name, which every server accepts.
#[tokio::test]
async fn a_domain_goes_out_as_the_dns_knows_it_and_a_local_part_outside_of_ascii_is_refused() {
    let server = start().await;
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
    let server = start().await;
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

/// A server that answers one command with the given line and every other one with 250.
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
    let smtp = |url: &str, from: &str| Mailer::new(&settings(url, from, None), 1).unwrap_err().to_string();
    assert!(smtp("smtp://127.0.0.1:25", "nobody").contains("SMTP_FROM"));
    let error = smtp("gopher://user:hunter2@127.0.0.1", "a@b.example");
    assert!(error.contains("SMTP_URL") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn streams_are_named_to_a_provider_that_has_them() {
    let server = start().await;
    let body = body();
    server.mailer.send(&to("", "a@example.com", &body)).await.unwrap();
    let named = mailer_on(&format!("smtp://{}", server.sink.addr()), Some(["outbound", "broadcast"]));
    named.send(&to("", "b@example.com", &body)).await.unwrap();
    server.sink.wait_for_count(Duration::from_secs(10), 2).await.unwrap();
    for mail in server.sink.list() {
        let raw = String::from_utf8(server.sink.raw(mail.id).await.unwrap().unwrap()).unwrap();
        assert_eq!(raw.contains("\r\nX-PM-Message-Stream: outbound\r\n"), mail.is_to("b@example.com"), "{raw}");
        assert_eq!(raw.contains("X-PM-"), mail.is_to("b@example.com"), "{raw}");
    }
}
