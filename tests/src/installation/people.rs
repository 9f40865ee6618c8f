//! People, and what they are answered.

use std::time::Duration;

use market::identity::store;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared::crypto::password;
use uuid::Uuid;

use super::TestInstallation;

const PASSWORD: &str = "correct horse battery";

/// A person with a session.
#[derive(Clone, Debug)]
pub struct Person {
    pub email: String,
    /// The organisation that requests name; empty for none.
    pub org: String,
    base: String,
    token: String,
    http: Client,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must be a success.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Asserts a refusal.
    ///
    /// # Panics
    /// When it is another answer.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
    }
}

/// The id of what an answer shows.
///
/// # Panics
/// When it has none.
#[must_use]
#[track_caller]
pub fn id(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("no id: {body}")).to_owned()
}

/// An amount of euros, as requests and answers have it.
#[must_use]
pub fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

impl Person {
    /// A request of this person, with a key of its own where it changes something.
    fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        if !method.is_safe() {
            request = request.header("idempotency-key", Uuid::now_v7().to_string());
        }
        if self.org.is_empty() { request } else { request.header("tradeyard-org", &self.org) }
    }

    /// The same person in the same session, at another API.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(&Method::GET, path)).await
    }

    /// Reads until the field has this value.
    ///
    /// # Panics
    /// When it has not after a minute.
    pub async fn until(&self, path: &str, field: &str, wanted: &str) -> Value {
        self.until_that(path, |read| read[field] == wanted).await
    }

    /// Reads `path` until this holds of it.
    ///
    /// # Panics
    /// When it has not after a minute.
    pub async fn until_that(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let read = self.get(path).await.ok();
            if holds(&read) {
                return read;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("after a minute {path} is {:?}", self.get(path).await);
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(&Method::PATCH, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(&Method::PUT, path).json(&body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(&Method::POST, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(&Method::DELETE, path)).await
    }
}

/// Sends a request and reads the answer.
#[expect(clippy::expect_used, reason = "a test without an answer ends here")]
async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the API answers");
    let status = response.status();
    let bytes = response.bytes().await.expect("a body");
    let text = || Value::String(String::from_utf8_lossy(&bytes).into());
    Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
}

#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test without its people ends here")]
impl TestInstallation {
    /// An administrator, made as the command line makes one.
    pub async fn admin(&self) -> Person {
        let (email, name) = ("root@example.com".parse().expect("an address"), "Root".parse().expect("a name"));
        let password_hash = password::hash(PASSWORD, 4).expect("a hash");
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let user = store::NewUser { email: &email, name: &name, password_hash: &password_hash };
        store::bootstrap_admin(&mut tx, user).await.expect("an administrator");
        tx.commit().await.expect("committed");
        self.login(email.as_str()).await
    }

    /// What somebody without a session reads.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// What whoever sends a form without a session is answered.
    pub async fn post_form(&self, path: &str, form: &'static str) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base));
        send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await
    }

    /// What somebody without a session is answered.
    async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.http.post(format!("{}{path}", self.base)).json(&body)).await
    }

    /// Registers, confirms the address by the mail's link and logs in.
    pub async fn person(&self, name: &str) -> Person {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let registration = json!({"email": email, "name": name, "password": PASSWORD});
        let _ = self.post("/v1/auth/register", registration).await.ok();
        let mail = self.mail_to(&email, "Confirm").await;
        let token = mail.split("token=").nth(1).expect("a link");
        let token = token.split(char::is_whitespace).next().expect("a token");
        let confirmation = json!({"token": token, "password": PASSWORD});
        let _ = self.post("/v1/auth/verify-email", confirmation).await.ok();
        self.login(&email).await
    }

    async fn login(&self, email: &str) -> Person {
        let tokens = self.post("/v1/auth/login", json!({"email": email, "password": PASSWORD})).await.ok();
        let text = |name: &str| tokens[name].as_str().expect("text").to_owned();
        Person {
            email: email.to_owned(),
            org: String::new(),
            base: self.base.clone(),
            token: text("access_token"),
            http: self.http.clone(),
        }
    }

    /// A new session of somebody, for the same organisation: a token lasts a quarter of an hour.
    pub async fn anew(&self, person: &Person) -> Person {
        Person { org: person.org.clone(), ..self.login(&person.email).await }
    }

    /// Registers the owner of a new organisation that buys and sells, and has it approved.
    pub async fn trader(&self, admin: &Person, name: &str) -> Person {
        let mut owner = self.person(name).await;
        let org = json!({"legal_name": format!("{name} Ltd"), "kinds": ["seller", "buyer"], "time_zone": "UTC"});
        let org = id(&owner.post("/v1/orgs", org).await.ok());
        let _ = admin.post(&format!("/v1/orgs/{org}/approve"), json!({})).await.ok();
        owner.org = org;
        owner
    }
}
