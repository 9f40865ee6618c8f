use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::*;
use crate::smtp::Options;

struct TestMailbox {
    base: String,
    sink: Sink,
    shutdown: CancellationToken,
    _dir: tempfile::TempDir,
}

impl TestMailbox {
    async fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let shutdown = CancellationToken::new();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let sink = Sink::start(Options::new(dir.path(), any), shutdown.clone()).await?;
        let server = serve(sink.clone(), any, shutdown.clone()).await?;
        Ok(Self { base: format!("http://{}", server.addr()), sink, shutdown, _dir: dir })
    }

    /// Sends a message as plain SMTP, so that nothing tidies it up on the way.
    async fn send(&self, to: &str, message: &str) -> Result<()> {
        let mut stream = tokio::net::TcpStream::connect(self.sink.addr()).await?;
        let talk = format!("EHLO me\r\nMAIL FROM:<shop@x.se>\r\nRCPT TO:<{to}>\r\nDATA\r\n{message}\r\n.\r\nQUIT\r\n");
        stream.write_all(talk.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::ensure!(answer.contains("Taken"), "{answer}");
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response> {
        Ok(reqwest::get(format!("{}{path}", self.base)).await?)
    }

    async fn json(&self, path: &str) -> Result<Value> {
        Ok(self.get(path).await?.error_for_status()?.json().await?)
    }
}

impl Drop for TestMailbox {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

const NASTY: &str = "Subject: <script>alert(1)</script>\r\nFrom: =?utf-8?q?=C3=85sa?= <shop@x.se>\r\nTo: you@y.se\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nS=C3=A5ld </pre><b>\r\n\
    --b\r\nContent-Type: text/html\r\n\r\n<p onclick=\"x()\">Sold</p><script>alert(2)</script>\r\n--b--";

#[tokio::test]
async fn lists_are_newest_first_and_filtered_by_recipient() -> Result<()> {
    let mailbox = TestMailbox::start().await?;
    for (to, subject) in [("a@y.se", "1"), ("b@y.se", "2"), ("a@y.se", "3")] {
        mailbox.send(to, &format!("Subject: {subject}\r\n\r\nx")).await?;
    }
    let subjects = |list: &Value| -> Vec<String> {
        let messages = list["messages"].as_array().into_iter().flatten();
        messages.filter_map(|message| message["subject"].as_str().map(str::to_owned)).collect()
    };
    let all = mailbox.json("/messages.json").await?;
    assert_eq!(subjects(&all), ["3", "2", "1"]);
    assert_eq!(all["taken"], 3);
    assert_eq!(subjects(&mailbox.json("/messages.json?to=A@y.se").await?), ["3", "1"]);
    assert_eq!(subjects(&mailbox.json("/messages.json?to=a@y.se&limit=1").await?), ["3"]);
    assert_eq!(mailbox.json("/count").await?, serde_json::json!({ "taken": 3, "kept": 3 }));

    for (query, expected) in [
        ("q=3", vec!["3"]),
        ("q=A@Y", vec!["3", "1"]),
        ("q=y.se+1", vec!["1"]),
        ("q=1&to=b@y.se", vec![]),
        ("q=nothing", vec![]),
    ] {
        assert_eq!(subjects(&mailbox.json(&format!("/messages.json?{query}")).await?), expected, "{query}");
    }
    let page = mailbox.get("/?q=%3Cb%3E").await?.text().await?;
    assert!(page.contains("&#60;b&#62;") && !page.contains("/messages/"), "{page}");

    let page = mailbox.get("/?to=b@y.se").await?.text().await?;
    assert!(page.contains("/messages/2") && !page.contains("/messages/1"), "{page}");
    Ok(())
}

#[tokio::test]
async fn a_message_is_shown_decoded_and_nothing_in_it_runs() -> Result<()> {
    let mailbox = TestMailbox::start().await?;
    mailbox.send("you@y.se", NASTY).await?;

    let body = mailbox.json("/messages/1/message.json").await?;
    assert_eq!(body["text"], "Såld </pre><b>");
    assert_eq!(body["header_from"], "Åsa <shop@x.se>");
    assert!(body["html"].as_str().context("html")?.starts_with("<p onclick"));

    for path in ["/", "/messages/1"] {
        let response = mailbox.get(path).await?;
        let policy = response.headers()["content-security-policy"].to_str()?.to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let page = response.text().await?;
        assert!(!page.contains("<script") && !page.contains("</pre><b>"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    }
    let page = mailbox.get("/messages/1").await?.text().await?;
    assert!(page.contains(r#"<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="#), "{page}");

    let html = mailbox.get("/messages/1/html").await?;
    let policy = html.headers()["content-security-policy"].to_str()?;
    assert!(
        policy.contains("default-src 'none'")
            && policy.ends_with("sandbox allow-popups allow-popups-to-escape-sandbox")
            && !policy.contains("script"),
        "{policy}"
    );
    let raw = mailbox.get("/messages/1/raw").await?;
    assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(raw.headers()["x-content-type-options"], "nosniff");
    assert!(raw.text().await?.starts_with("Return-Path: <shop@x.se>\r\nDelivered-To: you@y.se\r\n"));
    Ok(())
}

/// A mail with the same link in its text and in its HTML.
fn linked(link: &str) -> String {
    let escaped = link.replace('&', "&amp;");
    format!(
        "Subject: Confirm\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nConfirm:\r\n{link}\r\njavascript:alert(1)\r\n\
         --b\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html><html><head lang=en><title>x</title></head>\
         <a href=\"{escaped}\">Confirm</a>\r\n--b--"
    )
}

/// Where the page's first link to elsewhere leads, read once, as a browser does.
fn href(page: &str) -> Result<String> {
    let (_, rest) = page.split_once("<a href=\"http").context("no link to elsewhere")?;
    let (written, _) = rest.split_once('"').context("a link without an end")?;
    let mut pieces = written.split('&');
    let mut address = format!("http{}", pieces.next().unwrap_or_default());
    for piece in pieces {
        let rest = ["amp;", "#38;"].into_iter().find_map(|entity| piece.strip_prefix(entity));
        address.push('&');
        address.push_str(rest.with_context(|| format!("{written}: an ampersand as it is"))?);
    }
    Ok(address)
}

/// Opens the address, and returns the request line that the server behind it is sent.
async fn follow(server: &TcpListener, address: &str) -> Result<String> {
    let serve = async {
        let (stream, _) = server.accept().await?;
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let request = lines.next_line().await?.context("no request")?;
        while lines.next_line().await?.is_some_and(|header| !header.is_empty()) {}
        write.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await?;
        anyhow::Ok(request)
    };
    let open = async { anyhow::Ok(reqwest::get(address).await?.error_for_status()?) };
    let (request, _) = tokio::try_join!(serve, open)?;
    Ok(request)
}

/// Pages refuse to be shown in a frame, so links open beside it, and are listed as well. Both lead to where the mail says, with all of
/// the query.
#[tokio::test]
async fn links_of_a_message_can_be_followed() -> Result<()> {
    const PLACE: &str = "/verify-email?token=a%2Bb%26amp%3B&amp=c&next=%2Forders%3Fa%3D1";
    let mailbox = TestMailbox::start().await?;
    let server = TcpListener::bind(("127.0.0.1", 0)).await?;
    let link = format!("http://{}{PLACE}", server.local_addr()?);
    mailbox.send("you@y.se", &linked(&link)).await?;
    for path in ["/messages/1", "/messages/1/html"] {
        let address = href(&mailbox.get(path).await?.text().await?)?;
        assert_eq!(address, link, "{path}");
        assert_eq!(follow(&server, &address).await?, format!("GET {PLACE} HTTP/1.1"));
    }

    let page = mailbox.get("/messages/1").await?.text().await?;
    assert!(page.contains(r#"next=%2Forders%3Fa%3D1" target="_blank" rel="noreferrer">"#), "{page}");
    assert!(!page.contains("href=\"javascript"), "{page}");
    let html = mailbox.get("/messages/1/html").await?.text().await?;
    assert!(html.starts_with(r#"<!DOCTYPE html><html><head lang=en><base target="_blank"><title>"#), "{html}");
    mailbox.send("you@y.se", "Subject: x\r\nContent-Type: text/html\r\n\r\n<a href=x>").await?;
    assert!(mailbox.get("/messages/2/html").await?.text().await?.starts_with(r#"<base target="_blank"><a"#));
    Ok(())
}

#[tokio::test]
async fn bad_requests_are_4xx() -> Result<()> {
    let mailbox = TestMailbox::start().await?;
    mailbox.send("you@y.se", "Subject: plain\r\n\r\nno html").await?;
    for (path, status) in [
        ("/messages/2", 404),
        ("/messages/-1", 404),
        ("/messages/..%2f.lock/raw", 404),
        ("/messages/1/html", 404),
        ("/nothing", 404),
        ("/messages.json?limit=many", 400),
        ("/messages.json?too=x", 400),
    ] {
        assert_eq!(mailbox.get(path).await?.status(), status, "{path}");
    }
    let rebound = reqwest::Client::new().get(&mailbox.base).header("host", "evil.example").send().await?;
    assert_eq!(rebound.status(), 403);
    Ok(())
}

#[tokio::test]
async fn the_sink_reads_whatever_mail_it_took() -> Result<()> {
    let mailbox = TestMailbox::start().await?;
    for odd in [
        "",
        "\r\n",
        ": \r\n",
        "Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n--",
        "Subject: =?x?y?z?=\r\n\r\n\u{0}\u{1}",
    ] {
        mailbox.send("you@y.se", odd).await?;
    }
    for id in 1..=5 {
        assert_eq!(mailbox.get(&format!("/messages/{id}")).await?.status(), 200, "{id}");
        mailbox.json(&format!("/messages/{id}/message.json")).await?;
    }
    Ok(())
}
