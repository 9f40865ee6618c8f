use reqwest::Method;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::testing::socket::PATIENCE;
use crate::testing::{PASSWORD, TestApi};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only their parsing matters")]
struct Body {
    name: String,
    #[serde(default)]
    inner: Vec<Inner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only their parsing matters")]
struct Inner {
    amount: u32,
}

fn fault(body: &str) -> (&'static str, String) {
    let problem = parse::<Body>(body.as_bytes()).unwrap_err();
    let response = format!("{problem:?}");
    (problem.code(), response)
}

#[test]
fn faults_name_their_place() {
    for (body, code, place) in [
        (r#"{"name": "x""#, "malformed_json", "line 1 column 12"),
        (r#"{"name": "x"} trailing"#, "malformed_json", "line 1 column 15"),
        ("", "malformed_json", "EOF"),
        (r#"{"name": 3}"#, "invalid_body", "\"/name\""),
        (r#"{"name": "x", "inner": [{"amount": 1}, {"amount": -1}]}"#, "invalid_body", "\"/inner/1/amount\""),
        (r#"{"name": "x", "color": "red"}"#, "invalid_body", "\"/color\""),
        (r#"{"inner": []}"#, "invalid_body", "missing field `name`"),
        (r#"{"name": "a\u0000b"}"#, "zero_character", ""),
        (r#"{"name": "a\ud800b"}"#, "malformed_json", "hex escape"),
        ("[]", "invalid_body", ""),
        (r#"["x", []]"#, "invalid_body", "invalid type: sequence"),
    ] {
        let (found, text) = fault(body);
        assert_eq!(found, code, "{body}");
        assert!(text.contains(place), "{body}: {text}");
    }
}

#[test]
fn depth_counts_brackets_outside_of_text() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(check_shape(deep(32).as_bytes()).is_ok());
    assert!(check_shape(deep(33).as_bytes()).is_err());
    assert!(check_shape(format!("\"{}\\\"{}\"", deep(40), deep(40)).as_bytes()).is_ok());
    // An escaped backslash before u0000 is text, not an escape.
    assert!(check_shape(br#""\\u0000""#).is_ok());
}

/// Sends the beginning of a body of 100 bytes, and reads what comes.
async fn trickle(api: &TestApi, path: &str, kind: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(api.base.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {kind}\r\ncontent-length: 100\r\n\r\n ");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The rest of the body never comes, so the server ends the connection after its answer.
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8(answer).unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_body_that_trickles_in_is_the_clients_fault() {
    let api = TestApi::with(&[("BODY_SECONDS", "1")]).await;
    for (path, kind) in [("/v1/auth/login", "application/json"), ("/reset-password?token=x", FORM)] {
        let answer = trickle(&api, path, kind).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{path}: {answer}");
    }
    api.close().await;
}

#[tokio::test]
async fn a_form_is_refused_for_its_size_its_type_and_zero_characters_like_other_bodies() {
    let api = TestApi::new().await;
    let send = async |kind: &str, body: String| {
        let request = api.request(Method::POST, "/reset-password?token=x").header("content-type", kind);
        api.send(request.body(body)).await
    };
    let password = PASSWORD.replace(' ', "+");
    let large = format!("password={}", "x".repeat(MAX_BODY_BYTES));
    send(FORM, large).await.refused(413, "body_too_large");
    for zero in ["%00", "\0"] {
        send(FORM, format!("password={password}{zero}")).await.refused(400, "zero_character");
    }
    send("text/plain", format!("password={password}")).await.refused(415, "unsupported_media_type");
    send(FORM, "password=%ff&color=red".to_owned()).await.refused(400, "invalid_body");
    // The token is unknown; the form is read.
    assert_eq!(send(FORM, format!("password={password}")).await.status, 422);
    api.close().await;
}
