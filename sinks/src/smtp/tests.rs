use anyhow::{Context as _, Result};
use lettre::message::{MultiPart, SinglePart, header::ContentType};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Message as Mail, Tokio1Executor};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

struct TestSmtp {
    sink: Sink,
    shutdown: CancellationToken,
    dir: tempfile::TempDir,
}

impl TestSmtp {
    async fn start() -> Result<Self> {
        Self::with_limit(1024 * 1024).await
    }

    async fn with_limit(max_message: u64) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let shutdown = CancellationToken::new();
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { max_message, ..Options::new(dir.path(), addr) };
        let sink = Sink::start(options, shutdown.clone()).await?;
        Ok(Self { sink, shutdown, dir })
    }

    /// A client of the kind that the product uses.
    fn client(&self) -> AsyncSmtpTransport<Tokio1Executor> {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(self.sink.addr().port())
            .timeout(Some(LIMIT))
            .build()
    }

    /// Sends raw bytes, closes the sending side, and returns everything that was answered.
    async fn raw(&self, bytes: &[u8]) -> Result<String> {
        let mut stream = TcpStream::connect(self.sink.addr()).await?;
        stream.write_all(bytes).await?;
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

impl Drop for TestSmtp {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn mail(to: &str, subject: &str) -> Result<Mail> {
    Ok(Mail::builder()
        .from("Tradeyard <no-reply@tradeyard.example>".parse()?)
        .to(to.parse()?)
        .subject(subject)
        .message_id(Some(format!("<{subject}@tradeyard.example>")))
        .multipart(
            MultiPart::alternative()
                .singlepart(
                    SinglePart::builder().header(ContentType::TEXT_PLAIN).body("Hej å\r\n.\r\n..två\r\n".to_owned()),
                )
                .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body("<p>Hej</p>".to_owned())),
        )?)
}

#[tokio::test]
async fn mail_from_lettre_is_kept_as_it_was_sent() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let sent = mail("Åsa <asa@y.se>", "outbid-1")?;
    smtp.client().send(sent.clone()).await?;

    smtp.sink.wait_for_count(LIMIT, 1).await?;
    let kept = smtp.sink.list();
    assert_eq!(kept.len(), 1);
    let message = &kept[0];
    assert_eq!(
        (message.from.as_str(), message.to.as_slice()),
        ("no-reply@tradeyard.example", &["asa@y.se".to_owned()][..])
    );
    assert_eq!(message.subject, "outbid-1");
    assert_eq!(message.message_id.as_deref(), Some("outbid-1@tradeyard.example"));
    // lettre adds one more line end to every message.
    let wire = [sent.formatted().as_slice(), b"\r\n"].concat();
    assert_eq!(message.bytes, wire.len() as u64);

    let raw = smtp.sink.raw(message.id).await?.context("kept")?;
    assert!(raw.ends_with(&wire), "the bytes below the trace lines are the sender's");
    Ok(())
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let answer = smtp
        .raw(b"EHLO me\r\nMAIL FROM:<a@x.se>\r\nRCPT TO:<b@y.se>\r\nDATA\r\nSubject: 1\r\n\r\nx\r\n.\r\nMAIL FROM:<a@x.se>\r\nRCPT TO:<c@y.se>\r\nDATA\r\n.\r\nQUIT\r\n")
        .await?;
    let codes: Vec<_> = answer.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "221"]);
    assert_eq!(smtp.sink.count(), 2);
    assert_eq!(smtp.sink.list()[0].to, ["c@y.se"]);
    Ok(())
}

#[tokio::test]
async fn too_big_and_smuggling_messages_are_refused_and_leave_nothing() -> Result<()> {
    let smtp = TestSmtp::with_limit(1_000).await?;
    let start = "EHLO me\r\nMAIL FROM:<a@x.se>\r\nRCPT TO:<b@y.se>\r\nDATA\r\n";

    let big = format!("{start}{}\r\n.\r\nQUIT\r\n", "x".repeat(1_001));
    let answer = smtp.raw(big.as_bytes()).await?;
    assert!(answer.contains("\r\n552 5.3.4") && answer.ends_with("221 2.0.0 Bye\r\n"), "{answer}");

    let smuggled = format!("{start}x\r\n.\nMAIL FROM:<evil@x.se>\r\n.\r\nQUIT\r\n");
    let answer = smtp.raw(smuggled.as_bytes()).await?;
    assert!(answer.contains("\r\n554 5.6.0") && answer.ends_with("221 2.0.0 Bye\r\n"), "{answer}");

    // Far over the limit, the connection is cut.
    let endless = format!("{start}{}", "x".repeat(100_000));
    let answer = smtp.raw(endless.as_bytes()).await.unwrap_or_default();
    assert!(!answer.contains("552") && !answer.contains("2.0.0 Taken"), "{answer}");

    let cut = format!("{start}half a mess");
    assert!(smtp.raw(cut.as_bytes()).await?.ends_with("<CR><LF>.<CR><LF>\r\n"));
    assert_eq!(smtp.sink.count(), 0);
    smtp.shutdown.cancel();
    smtp.sink.stopped().await;
    let names: Vec<_> = std::fs::read_dir(smtp.dir.path())?.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, [".lock"]);
    Ok(())
}

#[tokio::test]
async fn long_lines_and_bare_line_ends_are_500_and_the_dialogue_goes_on() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let long = format!("NOOP {}\r\nNOOP\nEHLO me\r\nQUIT\r\n", "x".repeat(1_000_000));
    let answer = smtp.raw(long.as_bytes()).await?;
    let codes: Vec<_> = answer.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "500", "500", "250", "221"], "{answer}");
    Ok(())
}

#[tokio::test]
async fn faults_reach_the_client_as_their_kind_and_wear_off() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let client = smtp.client();
    smtp.sink.inject("gone@y.se", Fault::Permanent);
    smtp.sink.inject("busy@y.se", Fault::Temporary { times: 1 });

    let gone = client.send(mail("gone@y.se", "a")?).await.expect_err("550");
    assert!(gone.is_permanent(), "{gone:?}");
    let busy = client.send(mail("busy@y.se", "b")?).await.expect_err("451");
    assert!(busy.is_transient(), "{busy:?}");
    client.send(mail("busy@y.se", "b")?).await?;
    smtp.sink.heal();
    client.send(mail("gone@y.se", "a")?).await?;
    assert_eq!(smtp.sink.count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_dropped_reply_leaves_the_message_and_an_unsure_client() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    smtp.sink.inject("asa@y.se", Fault::DropAfterTaken { times: 1 });
    let unsure = smtp.client().send(mail("asa@y.se", "won-7")?).await.expect_err("no reply");
    assert!(!unsure.is_permanent() && !unsure.is_transient(), "no code was given: {unsure:?}");
    assert_eq!(smtp.sink.count(), 1);
    smtp.client().send(mail("asa@y.se", "won-7")?).await?;
    let ids: Vec<_> = smtp.sink.list().iter().map(|message| message.message_id.clone()).collect();
    assert_eq!(ids[0], ids[1], "the sender's Message-ID shows that they are one");
    Ok(())
}

#[tokio::test]
async fn a_delayed_reply_comes_after_the_message_was_taken() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let delay = Duration::from_millis(300);
    smtp.sink.inject("*", Fault::Delay(delay));
    let (client, mail) = (smtp.client(), mail("asa@y.se", "slow")?);
    let begun = tokio::time::Instant::now();
    let sending = tokio::spawn(async move { client.send(mail).await });
    smtp.sink.wait_for_count(LIMIT, 1).await?;
    assert!(!sending.is_finished(), "the message is there before its reply");
    sending.await??;
    assert!(begun.elapsed() >= delay);
    Ok(())
}

#[tokio::test]
async fn waiting_ends_with_what_was_looked_for_or_says_what_came_instead() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let (client, mail) = (smtp.client(), mail("asa@y.se", "won")?);
    let sending = tokio::spawn(async move { client.send(mail).await });
    let found = smtp
        .sink
        .wait_for(LIMIT, |messages| messages.iter().find(|message| message.is_to("ASA@y.se")).cloned())
        .await?;
    assert_eq!(found.subject, "won");
    sending.await??;
    let late = smtp.sink.wait_for_count(Duration::from_millis(10), 2).await.expect_err("only one came");
    assert!(late.to_string().contains("1 messages were taken"), "{late}");
    Ok(())
}

#[tokio::test]
async fn many_clients_at_once_lose_nothing() -> Result<()> {
    let smtp = TestSmtp::start().await?;
    let client = smtp.client();
    let sending: Vec<_> = (0..100)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                client.send(mail("asa@y.se", &format!("n{number}"))?).await.map_err(anyhow::Error::from)
            })
        })
        .collect();
    for sent in sending {
        sent.await??;
    }
    assert_eq!(smtp.sink.count(), 100);
    let ids: Vec<_> = smtp.sink.list().iter().map(|message| message.id).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "newest first, each id once: {ids:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever bytes arrive, in whatever pieces, the connection ends by itself and every reply line has a code.
    #[test]
    fn no_bytes_break_a_connection(
        pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            prop::sample::select(vec![
                "EHLO me\r\n", "MAIL FROM:<a@x.se>\r\n", "RCPT TO:<b@y.se>\r\n", "DATA\r\n", ".\r\n", "\r\n", "RSET\r\n",
            ]).prop_map(|text| text.as_bytes().to_vec()),
        ], 0..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async {
            let dir = tempfile::tempdir()?;
            let context = Context { store: Store::open(dir.path(), 10)?, faults: Faults::default(), max_message: 500 };
            let (mut client, server) = tokio::io::duplex(64 * 1024);
            let said = async {
                for piece in &pieces {
                    // The server may have hung up already.
                    if client.write_all(piece).await.is_err() {
                        break;
                    }
                }
                let _ = client.shutdown().await;
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.map(|_| answer)
            };
            let (answer, talked) = tokio::join!(said, connection::talk(server, &context));
            talked?;
            Ok::<_, anyhow::Error>(answer?)
        });
        let answer = answer.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(answer.lines().all(|line| line[..3].parse::<u16>().is_ok_and(|code| (200..600).contains(&code))), "{}", answer);
    }
}
