//! Nonsense sent to every operation of the document: whatever comes, the answer is no failure of ours, and a refusal is a problem.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::test_market::TestMarket;
use super::{document, operations};
use crate::extract::{MAX_BODY_BYTES, MAX_DEPTH};
use crate::testing::{Answer, Person, with_token};

/// What no field expects, and what fields expect at its most extreme.
fn nasty() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "x",
        "-1",
        "NaN",
        "1e400",
        "99999999999999999999.99",
        "../../etc/passwd",
        "'; DROP TABLE jobs; --",
        "\u{202e}\u{fffd}\u{1f69c}",
        "0000-01-01",
        "9999-12-31",
        "+262142-12-31T23:59:59Z",
        "-262143-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-02-30T25:00:00Z",
        "Pacific/Apia",
        "00000000-0000-0000-0000-000000000000",
        "* * * * * *",
        "local",
    ];
    let mut values: Vec<_> = texts.into_iter().map(Value::from).collect();
    values.extend([json!(null), json!(true), json!(-1), json!(0), json!(1), json!(32_768), json!(-2_147_483_649_i64)]);
    values.extend([json!(i64::MIN), json!(i64::MAX), json!(u64::MAX), json!(1e308), json!(0.5)]);
    values.extend([json!([]), json!([null]), json!({}), json!({"x": {"y": []}}), json!("x".repeat(70_000))]);
    values.extend(["0", "-0.01", "1e9", "999999999999999999999"].map(|it| json!({"amount": it, "currency": "EUR"})));
    values.extend([json!({"amount": "1", "currency": "XXX"}), json!(["x", "x"]), json!([{}])]);
    values
}

/// The names of a request's fields, as the document has them.
fn fields(document: &Value, schema: &Value, into: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return fields(document, &document["components"]["schemas"][name], into);
    }
    for alternative in ["oneOf", "anyOf", "allOf"] {
        for schema in schema[alternative].as_array().into_iter().flatten() {
            fields(document, schema, into);
        }
    }
    if schema["type"] == "array" {
        fields(document, &schema["items"], into);
    }
    into.extend(schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys().cloned()));
}

/// A body that the operation might take, to be spoilt field by field: the document's example.
fn good(operation: &Value) -> Value {
    match &operation["requestBody"]["content"]["application/json"]["example"] {
        Value::Null => json!({}),
        example => example.clone(),
    }
}

struct Abuse {
    market: TestMarket,
    requests: usize,
    failures: Vec<String>,
}

impl Abuse {
    fn judge(&mut self, what: &str, answer: &Answer) {
        self.requests += 1;
        let status = answer.status.as_u16();
        let problem = answer.headers.get("content-type").is_some_and(|it| it == "application/problem+json");
        // A store that is not there is no fault of the request; nor is a page for people that is a page.
        let away = answer.code() == "store_unavailable";
        let page =
            [" /verify-email", " /reset-password", " /invitation", " /unsubscribe"].iter().any(|it| what.contains(it));
        if (status >= 500 && !away) || (status >= 400 && !problem && !page) {
            self.failures.push(format!("{what}: {answer:?}"));
        }
    }

    async fn send(&mut self, who: &Person, method: &Method, path: &str, body: Vec<u8>) {
        self.send_with(who, method, path, None, body).await;
    }

    async fn send_with(
        &mut self,
        who: &Person,
        method: &Method,
        path: &str,
        header: Option<(&str, &str)>,
        body: Vec<u8>,
    ) {
        let request = self.market.api.request(method.clone(), path).header("content-type", "application/json");
        let mut request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string());
        if let Some((name, value)) = header {
            request = request.header(name, value.as_bytes());
        }
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let answer = self.market.api.send(with_token(request.body(body), Some(who))).await;
        self.judge(&format!("{method} {path} {shown}"), &answer);
    }

    /// Ends with what was no answer to nonsense.
    async fn end(self) {
        assert!(self.requests > 1_500, "only {} requests", self.requests);
        assert!(self.failures.is_empty(), "{} of {}: {:#?}", self.failures.len(), self.requests, self.failures);
        self.market.api.close().await;
    }
}

/// Every operation of the document that can be sent more than once. What takes away comes last: the others shall find something.
fn sendable() -> Vec<(String, Method)> {
    let mut operations = operations();
    operations.sort_by_key(|(path, method, _)| *method == Method::DELETE || path.ends_with("/suspend"));
    // Whoever logs out has no session for the rest; a socket is no request.
    operations.retain(|(path, _, _)| path != "/v1/auth/logout" && path != "/v1/ws");
    operations.into_iter().map(|(path, method, _)| (path, method)).collect()
}

/// Who looks after the platform gets further there, who owns the market gets further with what is in it.
fn who(market: &TestMarket, path: &str) -> Person {
    let staff = [
        "/jobs",
        "/admin/",
        "/queues",
        "/schedules",
        "/categories",
        "/regions",
        "/workers",
        "/approve",
        "/reject",
        "/suspend",
    ];
    if staff.iter().any(|part| path.contains(part)) { market.admin.clone() } else { market.ann.clone() }
}

#[tokio::test]
async fn nonsense_in_parameters_is_refused_and_never_breaks_anything() {
    let document = document();
    let mut abuse = Abuse { market: TestMarket::new().await, requests: 0, failures: Vec::new() };
    for (path, method) in sendable() {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let (filled, who) = (abuse.market.path(&path), who(&abuse.market, &path));
        for name in operation["parameters"].as_array().into_iter().flatten() {
            let name_in = (name["in"].as_str().unwrap(), name["name"].as_str().unwrap());
            for value in nasty() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if text.len() > 5_000 {
                    continue;
                }
                let body = good(operation).to_string().into_bytes();
                if let ("header", name) = name_in {
                    abuse.send_with(&who, &method, &filled, Some((name, &text)), body).await;
                    continue;
                }
                let text = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
                let target = match name_in {
                    ("query", name) => format!("{filled}?{name}={text}"),
                    ("path", name) if !text.is_empty() => {
                        abuse.market.path(&path.replace(&format!("{{{name}}}"), &text))
                    }
                    _ => continue,
                };
                abuse.send(&who, &method, &target, body).await;
            }
        }
    }
    abuse.end().await;
}

#[tokio::test]
async fn nonsense_in_bodies_is_refused_and_never_breaks_anything() {
    let document = document();
    let mut abuse = Abuse { market: TestMarket::new().await, requests: 0, failures: Vec::new() };
    for (path, method) in sendable() {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let (filled, who) = (abuse.market.path(&path), who(&abuse.market, &path));
        if operation["requestBody"].is_null() {
            continue;
        }
        let mut names = BTreeSet::new();
        for content in operation["requestBody"]["content"].as_object().into_iter().flat_map(|it| it.values()) {
            fields(&document, &content["schema"], &mut names);
        }
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        let whole = [
            b"{".to_vec(),
            b"{\"x\": 1,}".to_vec(),
            vec![0xff, 0xfe, 0x00],
            vec![b' '; MAX_BODY_BYTES + 1],
            deep.into_bytes(),
            b"{\"surprise\": 1}".to_vec(),
            b"{\"x\": \"\\u0000\"}".to_vec(),
        ];
        for body in whole.into_iter().chain(nasty().into_iter().map(|value| value.to_string().into_bytes())) {
            abuse.send(&who, &method, &filled, body).await;
        }
        for name in &names {
            for value in nasty() {
                let mut body = good(operation);
                body[name] = value;
                abuse.send(&who, &method, &filled, body.to_string().into_bytes()).await;
            }
        }
    }
    abuse.end().await;
}
