//! A real API on a real port over a database of the test's own, and people who use it.

mod documented;
pub(crate) mod socket;

use std::collections::BTreeMap;

use market::identity::{PlatformRole, store};
use queue::testing::assert_consistent;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::audit::Actor;
use shared::config::{Config, Source};
use shared::crypto::password;
use shared::ids::{OrgId, UserId};
use shared::program::{self, Signals};
use shared::testing::TestDb;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::app;
use crate::serve::Server;
use crate::state::AppState;

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct TestApi {
    pub(crate) db: TestDb,
    pub(crate) state: AppState,
    pub(crate) base: String,
    /// What `HEALTH_ADDR` serves, for operators.
    operators: String,
    http: reqwest::Client,
    _stop: DropGuard,
}

/// A person with a session.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// The organisation that requests name.
    pub(crate) org: Option<String>,
}

impl Person {
    /// The same person, acting for this organisation.
    #[expect(clippy::needless_pass_by_value, reason = "an id, or its text, reads best without a reference")]
    pub(crate) fn acting(&self, org: impl ToString) -> Self {
        Self { org: Some(org.to_string()), ..self.clone() }
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The problem's code, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of an answer that must be a success.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Asserts a refusal with one of these codes.
    pub(crate) fn refused_with(self, codes: &[&str]) -> Self {
        assert!(self.status.is_client_error() && codes.contains(&self.code()), "{self:?}");
        self
    }

    /// Asserts a refusal.
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["trace_id"].as_str().map(str::len), Some(32), "{self:?}");
        self
    }
}

impl TestApi {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With more settings, by the names of the environment.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::on(TestDb::new().await, settings).await
    }

    /// Over this database.
    pub(crate) async fn on(db: TestDb, settings: &[(&str, &str)]) -> Self {
        let mut env: BTreeMap<String, String> = [
            ("DATABASE_URL", db.url().as_str()),
            ("JWT_SECRET", "a secret for tests, not for anything else"),
            ("MASTER_KEY", shared::testing::MASTER_KEY),
            ("CHAT_KEY", shared::testing::MASTER_KEY),
            ("PASSWORD_COST", "4"),
            ("PAYMENTS_WEBHOOK_KEY", "webhooks"),
            ("CORS_ORIGINS", "https://friend.example"),
        ]
        .into_iter()
        .chain(settings.iter().copied())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let base = format!("http://{}", server.addr);
        env.entry("PUBLIC_URL".to_owned()).or_insert_with(|| base.clone());
        let config = Config::from_source(Source::new("", env)).unwrap();
        let server = server.within(config.http.connections, &config.http.trusted_proxies);
        let shutdown = CancellationToken::new();
        let state = crate::start(config, shutdown.clone()).unwrap();
        tokio::spawn(server.run(app::router(&state).unwrap(), shutdown.clone()));
        let signals = Signals { kill: shutdown.clone(), ..Signals::default() };
        signals.health.add_details(crate::routes::health::details(state.clone()));
        let operators = program::serve_health(&state.config, &signals).await.unwrap();
        let operators = format!("http://{operators}");
        Self { db, state, base, operators, http: reqwest::Client::new(), _stop: shutdown.drop_guard() }
    }

    /// Status and text of what is served to operators.
    pub(crate) async fn for_operators(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.operators)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
        let answer = Answer { status, headers, body };
        documented::check(&method, &path, &answer);
        answer
    }

    pub(crate) async fn get(&self, person: Option<&Person>, path: &str) -> Answer {
        self.send(with_token(self.request(Method::GET, path), person)).await
    }

    pub(crate) async fn post(&self, person: Option<&Person>, path: &str, body: Value) -> Answer {
        self.send(with_token(self.request(Method::POST, path), person).json(&body)).await
    }

    pub(crate) async fn call(&self, person: Option<&Person>, method: Method, path: &str, body: Value) -> Answer {
        self.send(with_token(self.request(method, path), person).json(&body)).await
    }

    /// Asserts that the ledger does not contradict itself, then drops the database. Jobs stay open: no worker runs here.
    pub(crate) async fn close(self) {
        assert_consistent(&self.db.pool).await;
        self.db.close().await;
    }

    /// Registers a person, confirms the address with a token as the mail has one, and logs in.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let person = self.unverified(name).await;
        let mut conn = self.db.pool.acquire().await.unwrap();
        let (_, token) = store::mint_email_verification(&mut conn, person.id).await.unwrap().unwrap();
        assert_eq!(store::verify_email(&mut conn, &token).await.unwrap(), Some(person.id));
        person
    }

    /// Registers a person who has not confirmed the address, and logs in.
    pub(crate) async fn unverified(&self, name: &str) -> Person {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let body = json!({"email": email, "name": name, "password": PASSWORD});
        let answer = self.post(None, "/v1/auth/register", body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        self.login(&email).await
    }

    pub(crate) async fn login(&self, email: &str) -> Person {
        let tokens = self.post(None, "/v1/auth/login", json!({"email": email, "password": PASSWORD})).await.ok();
        Person {
            id: tokens["user"].as_str().unwrap().parse().unwrap(),
            email: email.to_owned(),
            access: tokens["access_token"].as_str().unwrap().to_owned(),
            refresh: tokens["refresh_token"].as_str().unwrap().to_owned(),
            org: None,
        }
    }

    /// An administrator, made as the command line makes one.
    pub(crate) async fn admin(&self) -> Person {
        let (email, name) = ("root@example.com".parse().unwrap(), "Root".parse().unwrap());
        let password_hash = password::hash(PASSWORD, 4).unwrap();
        let mut tx = self.db.pool.begin().await.unwrap();
        let user = store::NewUser { email: &email, name: &name, password_hash: &password_hash };
        store::bootstrap_admin(&mut tx, user).await.unwrap();
        tx.commit().await.unwrap();
        self.login(email.as_str()).await
    }

    /// A person with this role on the platform.
    pub(crate) async fn staff(&self, role: PlatformRole) -> Person {
        let person = self.person(&format!("{role} staff")).await;
        if role == PlatformRole::User {
            return person;
        }
        let mut tx = self.db.pool.begin().await.unwrap();
        store::set_platform_role(&mut tx, Actor::System, person.id, role).await.unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// An organisation that waits for approval.
    pub(crate) async fn pending_org(&self, owner: &Person, name: &str) -> OrgId {
        let body = json!({"legal_name": name, "kinds": ["seller", "buyer"], "time_zone": "Europe/Berlin"});
        let org = self.post(Some(owner), "/v1/orgs", body).await.ok();
        org["id"].as_str().unwrap().parse().unwrap()
    }

    /// Invites a person to an organisation of `owner`, and accepts.
    pub(crate) async fn join(&self, owner: &Person, org: OrgId, person: &Person, role: &str) {
        let body = json!({"email": person.email, "role": role});
        let invitation = self.post(Some(owner), &format!("/v1/orgs/{org}/invitations"), body).await.ok();
        let path = format!("/v1/me/invitations/{}/accept", invitation["id"].as_str().unwrap());
        self.post(Some(person), &path, json!({})).await.ok();
    }

    /// An organisation that may trade.
    pub(crate) async fn org(&self, owner: &Person, name: &str, moderator: &Person) -> OrgId {
        let org = self.pending_org(owner, name).await;
        self.post(Some(moderator), &format!("/v1/orgs/{org}/approve"), json!({})).await.ok();
        org
    }
}

/// The test server's address.
#[expect(clippy::disallowed_methods, reason = "like TestDb: a test without its servers ends here")]
pub(crate) fn redis_url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names the test server; run ./dev test")
}

pub(crate) fn with_token(request: reqwest::RequestBuilder, person: Option<&Person>) -> reqwest::RequestBuilder {
    let Some(person) = person else { return request };
    let request = request.bearer_auth(&person.access);
    match &person.org {
        Some(org) => request.header("tradeyard-org", org),
        None => request,
    }
}
