use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn to(url: String) -> Sending {
    let secrets = vec![
        secrecy::SecretSlice::from(b"present".to_vec()).into(),
        secrecy::SecretSlice::from(b"before".to_vec()).into(),
    ];
    let now = DateTime::from_timestamp(1_750_000_000, 0).unwrap();
    let (endpoint, org) = (EndpointId::generate(), shared::ids::OrgId::generate());
    Sending { endpoint, org, url, body: b"{\"type\":\"webhook.test\"}".to_vec(), now, secrets }
}

fn outgoing(reach: Reach, patience: Duration) -> Outgoing {
    Outgoing::for_tests(shared::testing::MASTER_KEY, reach, patience).unwrap()
}

/// A server that sends `answer` to its first caller, keeps the connection open, and tells what it was sent.
async fn answering(answer: &'static [u8]) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        stream.write_all(answer).await.unwrap();
        // Until the caller hangs up.
        let _ = stream.read_buf(&mut Vec::new()).await;
        String::from_utf8(request).unwrap()
    });
    (port, serving)
}

#[tokio::test]
async fn what_is_sent_is_signed_with_both_secrets_by_the_standard() {
    let (port, serving) = answering(b"HTTP/1.1 204 No Content\r\nretry-after: 7\r\n\r\n").await;
    let sending = to(format!("http://127.0.0.1:{port}/hooks?shop=7"));
    let id = DeliveryId::generate();
    let attempt = outgoing(Reach::Anywhere, PATIENCE).send(id, &sending).await;
    assert_eq!((attempt.outcome, attempt.status_code), (AttemptOutcome::Delivered, Some(204)), "{attempt:?}");
    let request = serving.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hooks?shop=7 HTTP/1.1\r\n"), "{head}");
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name}: {head}")).to_owned()
    };
    assert_eq!(header("host"), format!("127.0.0.1:{port}"));
    assert_eq!(header("content-type"), "application/json");
    let (sent_id, timestamp, signatures) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    assert_eq!(sent_id, id.to_string());
    let headers = signature::Headers { id: &sent_id, timestamp: &timestamp, signature: &signatures };
    for key in [b"present".as_slice(), b"before"] {
        assert_eq!(signature::check(&[key], headers, body.as_bytes(), sending.now), Ok(()));
    }
    assert!(signature::check(&[b"another"], headers, body.as_bytes(), sending.now).is_err());
}

#[tokio::test]
async fn the_beginning_of_an_answer_is_read_and_no_more() {
    // A body that says that it is endless, and one that never comes.
    const ENDLESS: &[u8] = b"HTTP/1.1 500 Oops\r\ncontent-length: 99999999999\r\nretry-after: 90\r\n\r\nwhat a\0 pity";
    let (port, serving) = answering(ENDLESS).await;
    let attempt =
        outgoing(Reach::Anywhere, PATIENCE).send(DeliveryId::generate(), &to(format!("http://127.0.0.1:{port}"))).await;
    assert_eq!((attempt.outcome, attempt.status_code), (AttemptOutcome::Refused, Some(500)), "{attempt:?}");
    assert_eq!((attempt.detail.as_str(), attempt.asked), ("what a\0 pity", Some(TimeDelta::seconds(90))));
    serving.await.unwrap();
    let long: &'static [u8] = Box::leak(
        [b"HTTP/1.1 400 No\r\ncontent-length: 100000\r\n\r\n".to_vec(), vec![b'x'; 100_000]]
            .concat()
            .into_boxed_slice(),
    );
    let (port, serving) = answering(long).await;
    let attempt =
        outgoing(Reach::Anywhere, PATIENCE).send(DeliveryId::generate(), &to(format!("http://127.0.0.1:{port}"))).await;
    assert_eq!((attempt.status_code, attempt.detail.len()), (Some(400), MAX_BODY));
    // It may have been cut off while it was still writing.
    let _ = serving.await;
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let elsewhere = listener.local_addr().unwrap();
    let answer = format!("HTTP/1.1 307 There\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    let (port, serving) = answering(Box::leak(answer.into_boxed_str()).as_bytes()).await;
    let attempt =
        outgoing(Reach::Anywhere, PATIENCE).send(DeliveryId::generate(), &to(format!("http://127.0.0.1:{port}"))).await;
    assert_eq!((attempt.outcome, attempt.status_code), (AttemptOutcome::Redirected, Some(307)), "{attempt:?}");
    serving.await.unwrap();
    // Nobody has called there.
    assert!(timeout(Duration::ZERO, listener.accept()).await.is_err());
}

/// The name is judged by where it leads when something is sent.
#[tokio::test]
async fn nothing_reaches_an_address_that_is_not_for_everybody() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let outgoing = outgoing(Reach::Public, PATIENCE);
    for url in [
        format!("https://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("http://localhost:{port}/"),
    ] {
        let attempt = outgoing.send(DeliveryId::generate(), &to(url.clone())).await;
        assert_eq!(
            (attempt.outcome, attempt.status_code),
            (AttemptOutcome::ForbiddenAddress, None),
            "{url}: {attempt:?}"
        );
    }
    assert!(timeout(Duration::ZERO, listener.accept()).await.is_err());
}

#[tokio::test]
async fn who_is_silent_is_given_up_on_and_who_is_not_there_is_named_so() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = outgoing(Reach::Anywhere, Duration::from_millis(50));
    let attempt = silent.send(DeliveryId::generate(), &to(format!("http://127.0.0.1:{port}"))).await;
    assert_eq!(attempt.outcome, AttemptOutcome::TimedOut, "{attempt:?}");
    drop(listener);
    let attempt =
        outgoing(Reach::Anywhere, PATIENCE).send(DeliveryId::generate(), &to(format!("http://127.0.0.1:{port}"))).await;
    assert_eq!(attempt.outcome, AttemptOutcome::Unreachable, "{attempt:?}");
    let (port, serving) = answering(b"SSH-2.0-OpenSSH_9.6\r\n").await;
    let attempt =
        outgoing(Reach::Anywhere, PATIENCE).send(DeliveryId::generate(), &to(format!("http://127.0.0.1:{port}"))).await;
    assert_eq!(attempt.outcome, AttemptOutcome::Unreachable, "{attempt:?}");
    serving.await.unwrap();
}

#[tokio::test]
async fn an_endpoint_has_so_many_turns_and_another_one_its_own() {
    let outgoing = outgoing(Reach::Public, PATIENCE);
    let (slow, other) = (EndpointId::generate(), EndpointId::generate());
    let mut turns = Vec::new();
    for _ in 0..AT_ONCE {
        turns.push(outgoing.turn(slow).await.unwrap());
    }
    assert!(outgoing.turn(slow).await.is_none());
    assert!(outgoing.turn(other).await.is_some());
    drop(turns.pop());
    assert!(outgoing.turn(slow).await.is_some());
}

#[test]
fn a_time_to_come_again_is_read_in_both_forms() {
    let read = |after: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, after.parse().unwrap());
        headers.insert(hyper::header::DATE, "Wed, 21 Oct 2026 07:28:00 GMT".parse().unwrap());
        asked(&headers)
    };
    assert_eq!(read("120"), Some(TimeDelta::seconds(120)));
    assert_eq!(read("Wed, 21 Oct 2026 07:29:30 GMT"), Some(TimeDelta::seconds(90)));
    for bad in ["soon", "-1", "1.5", ""] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
