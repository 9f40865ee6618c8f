use serde::Deserialize;

use super::*;

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

#[tokio::test]
async fn a_body_that_trickles_in_is_the_clients_fault() {
    let problem = within(Duration::ZERO, std::future::pending::<()>()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (StatusCode::REQUEST_TIMEOUT, "request_timeout"));
}
