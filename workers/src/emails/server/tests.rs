use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;
use shared::config::Smtp;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::emails::{Language, Mailer, Message, Rendered, SendError};

/// What a server does with one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Says nothing more once it has read a line that begins with this; `.` ends a mail.
    SilentAt(&'static str),
    Polite,
}

/// What happened to a connection.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Mail(usize),
    Silent(usize),
    Closed(usize),
}

/// A server whose first connections behave as listed, and all later ones politely.
async fn server(manners: Vec<Manner>) -> (SocketAddr, mpsc::UnboundedReceiver<Event>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (events, happened) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let manner = manners.get(number).copied().unwrap_or(Manner::Polite);
            tokio::spawn(talk(stream, number, manner, events.clone()));
        }
    });
    (addr, happened)
}

async fn talk(stream: TcpStream, number: usize, manner: Manner, events: mpsc::UnboundedSender<Event>) {
    let mut stream = BufReader::new(stream);
    let mut line = "greeting".to_owned();
    let mut in_mail = false;
    loop {
        let end_of_mail = in_mail && line == ".\r\n";
        if manner != Manner::Polite && matches!(manner, Manner::SilentAt(at) if line.starts_with(at)) {
            events.send(Event::Silent(number)).unwrap();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {}
            events.send(Event::Closed(number)).unwrap();
            return;
        }
        let answer = match line.as_str() {
            "greeting" => "220 here\r\n",
            _ if end_of_mail => "250 2.0.0 taken\r\n",
            _ if in_mail => "",
            it if it.starts_with("DATA") => "354 go on\r\n",
            _ => "250 fine\r\n",
        };
        in_mail = (in_mail && !end_of_mail) || line.starts_with("DATA");
        if end_of_mail {
            events.send(Event::Mail(number)).unwrap();
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        line.clear();
        if !stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            return;
        }
    }
}

fn mailer(addr: SocketAddr) -> Mailer {
    let from = "Tradeyard <no-reply@tradeyard.example>".to_owned();
    let url = SecretString::from(format!("smtp://{addr}"));
    Mailer::new(&Smtp { url, from, stream: None, broadcast_stream: None, webhook_key: SecretString::default() }, 1)
        .unwrap()
}

async fn send(mailer: &Mailer) -> Result<String, SendError> {
    let body = Rendered {
        subject: "News".to_owned(),
        text: "News".to_owned(),
        html: "<p>News</p>".to_owned(),
        language: Language::English,
        unsubscribe: None,
    };
    let message_id = "<1@tradeyard.example>".to_owned();
    mailer.send(&Message { to_name: "", to_address: "ada@example.com", message_id, body: &body }).await
}

/// Silence at any step, including the greeting, comes to an end; the next mail goes over another
/// connection and gets its own answers.
#[tokio::test]
async fn a_silent_server_costs_one_conversation_and_its_connection() {
    for step in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let (addr, mut happened) = server(vec![Manner::SilentAt(step)]).await;
        let mailer = mailer(addr).with_limit(Duration::from_millis(300));
        let error = send(&mailer).await.unwrap_err();
        assert!(matches!(error, SendError::Temporary(_)), "{step}: {error}");
        assert_eq!(happened.recv().await, Some(Event::Silent(0)), "{step}");
        assert_eq!(happened.recv().await, Some(Event::Closed(0)), "{step}");
        let mailer = mailer.with_limit(Duration::from_mins(1));
        assert_eq!(send(&mailer).await.unwrap(), "250 2.0.0 taken", "{step}");
        assert_eq!(happened.recv().await, Some(Event::Mail(1)), "{step}");
    }
}

/// A worker that stops, or a job that has run out of time, drops the conversation wherever it is.
#[tokio::test]
async fn an_abandoned_connection_is_closed_and_a_used_one_is_used_again() {
    let (addr, mut happened) = server(vec![Manner::SilentAt("DATA")]).await;
    let mailer = mailer(addr);
    {
        let sending = send(&mailer);
        tokio::pin!(sending);
        tokio::select! {
            sent = &mut sending => panic!("{sent:?}"),
            event = happened.recv() => assert_eq!(event, Some(Event::Silent(0))),
        }
    }
    assert_eq!(happened.recv().await, Some(Event::Closed(0)));
    for _ in 0..3 {
        send(&mailer).await.unwrap();
        assert_eq!(happened.recv().await, Some(Event::Mail(1)));
    }
}

#[test]
fn the_url_says_how_to_reach_the_server() {
    let opening = |url: &str| super::Opening::parse(url).unwrap();
    let ports = ["smtp://h", "smtp://h?tls=required", "smtps://h", "smtp://h:2525/"].map(|url| opening(url).port);
    assert_eq!(ports, [25, 587, 465, 2525]);
    let with_login = opening("smtps://us%40er:p%3Aw@h/mail.example?tls=required");
    assert_eq!(with_login.hello.to_string(), "mail.example");
    assert_eq!(format!("{:?}", with_login.credentials), "Some(Credentials)");
    assert!(!format!("{with_login:?}").contains("p:w"));
    for wrong in ["gopher://user:hunter2@h", "smtp://h?tls=maybe", "smtp:", "no url"] {
        let error = super::Opening::parse(wrong).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
