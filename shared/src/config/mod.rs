//! Settings from one documented file and the environment (`tradeyard.example.toml` lists all of
//! them). Nothing else reads either.

mod address;
mod cache;
mod connections;
mod encryption;
pub mod keys;
mod log;
mod mode;
mod network;
mod payments;
mod smtp;
mod source;
mod webhooks;

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;

use crate::db::Limits;

use address::{Kind, Way};
pub use connections::ConnectionLimits;
pub use encryption::Encryption;
pub use log::{Log, LogFormat};
pub use mode::Mode;
pub use network::Network;
pub use payments::{PaymentProvider, Payments};
pub use smtp::Smtp;
pub use source::{ConfigError, Fault, Key, Source};
pub use webhooks::Webhooks;

/// The minimum length of the secret that signs tokens, so that it cannot be guessed.
const MIN_JWT_SECRET: usize = 32;

#[derive(Clone, Debug)]
pub struct Database {
    pub url: SecretString,
    /// How `tradeyard migrate` connects, as the owner of the tables; `url` unless set. No other
    /// program uses it.
    pub migrate_url: SecretString,
    /// Where reports are read: a replica of the database at `url`; that one unless set.
    pub read_url: Option<SecretString>,
    /// The most connections of each of a process's pools; `docs/OPERATIONS.md` adds them up.
    pub connections: u32,
    /// The limits that the server enforces on the statements of requests; handlers and the engine
    /// have limits of their own.
    pub limits: Limits,
}

/// Settings of worker programs, unless their command line says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    /// How many jobs of each queue run at once, 1 to 2,000; what suits the pool, if it is not said.
    pub concurrency: Option<u16>,
    /// How long running jobs may take to end after SIGTERM.
    pub grace: Duration,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub addr: SocketAddr,
    /// How people reach the API, without a trailing slash; links in emails begin with it.
    pub public_url: String,
    /// Origins whose pages may call the API, besides `public_url`.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Network>,
    pub rate_limits: RateLimits,
    pub connections: ConnectionLimits,
}

/// How many requests per hour a caller may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Callers who are not logged in, by address.
    pub anonymous: u32,
    /// A person, on the free plan.
    pub user: u32,
    /// A member of an approved organisation on the plan: where it is not set, no less than the one before it.
    pub standard: u32,
    pub pro: u32,
    /// A member of a partner organisation, or somebody who looks after the platform.
    pub partner: u32,
}

impl RateLimits {
    /// The defaults. Development plays an hour of a whole market in a minute, from one address.
    const fn of(mode: Mode) -> Self {
        match mode {
            Mode::Production => Self { anonymous: 100, user: 1_000, standard: 2_000, pro: 3_000, partner: 5_000 },
            Mode::Development => {
                let most = 1_000_000;
                Self { anonymous: most, user: most, standard: most, pro: most, partner: most }
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct Auth {
    pub jwt_secret: SecretString,
    /// The bcrypt cost, 4 to 31; production refuses less than 10.
    pub password_cost: u32,
    /// Whether roles on the platform count only with a second factor.
    pub staff_second_factor: bool,
    /// How many days an erasure can be taken back, 1 to 30.
    pub erasure_days: u32,
}

#[derive(Clone, Debug)]
pub struct S3 {
    pub endpoint: String,
    /// The address that browsers use, if it differs from `endpoint`.
    pub public_endpoint: String,
    pub region: String,
    pub bucket: String,
    pub access_key_id: SecretString,
    pub secret_access_key: SecretString,
}

/// Everything that can be set from outside a process.
#[derive(Clone, Debug)]
pub struct Config {
    pub mode: Mode,
    /// Prefixes every name that we use in Redis and RabbitMQ, so that several installations can share a server.
    pub namespace: String,
    pub log: Log,
    pub health_addr: SocketAddr,
    pub workers: Workers,
    pub database: Database,
    /// Where cargo events are stored; the main database unless set.
    pub events_database_url: SecretString,
    /// [`Database::migrate_url`] for the database of the cargo events.
    pub migrate_events_url: SecretString,
    /// Without it, queues that would use Redis use the `local` transport.
    pub redis_url: Option<SecretString>,
    /// A database of Redis for answers that everybody asks for; without it, each is read anew.
    pub cache_url: Option<SecretString>,
    /// Without it, queues that would use RabbitMQ use the `local` transport.
    pub amqp_url: Option<SecretString>,
    pub http: Http,
    pub auth: Auth,
    pub encryption: Encryption,
    pub s3: S3,
    pub smtp: Smtp,
    pub payments: Payments,
    /// The file that states the exchange rates of a day, in the format of the European Central Bank.
    pub fx_url: Option<String>,
    pub webhooks: Webhooks,
}

impl Config {
    /// Reads the file and the environment of this process.
    pub fn load() -> Result<Self, ConfigError> {
        Self::load_with(&[])
    }

    /// [`Config::load`] for a program that cannot work without these secrets.
    pub fn load_with(needed: &[Key]) -> Result<Self, ConfigError> {
        Self::read(Source::from_process(), needed)
    }

    /// Reads from `source`; every fault is listed.
    pub fn from_source(source: Source) -> Result<Self, ConfigError> {
        Self::read(source, &[])
    }

    fn read(mut source: Source, needed: &[Key]) -> Result<Self, ConfigError> {
        let s = &mut source;
        let mode = s.value(keys::MODE, Mode::Development);
        for &key in [keys::DATABASE_URL].iter().chain(needed) {
            if s.secret(key).is_none() {
                s.fault(key.env, "is not set");
            }
        }
        let database_url = checked(s, mode, keys::DATABASE_URL, &address::POSTGRES).unwrap_or_default();
        let migrate = checked(s, mode, keys::MIGRATE_DATABASE_URL, &address::POSTGRES);
        let migrate_url = migrate.unwrap_or_else(|| database_url.clone());
        let read_url = checked(s, mode, keys::READ_DATABASE_URL, &address::POSTGRES);
        let events = checked(s, mode, keys::EVENTS_DATABASE_URL, &address::POSTGRES);
        let migrate_events = checked(s, mode, keys::MIGRATE_EVENTS_DATABASE_URL, &address::POSTGRES);
        if migrate_events.is_some() && events.is_none() {
            s.fault(keys::MIGRATE_EVENTS_DATABASE_URL.env, "is set, and EVENTS_DATABASE_URL is not");
        }
        let redis_url = checked(s, mode, keys::REDIS_URL, &address::REDIS);
        let cache_url = cache::read(s, mode, redis_url.as_ref());
        let cloudamqp = checked(s, mode, keys::CLOUDAMQP_URL, &address::AMQP);
        let amqp_url = checked(s, mode, keys::AMQP_URL, &address::AMQP).or(cloudamqp);
        let http = Http {
            addr: s.value(keys::HTTP_ADDR, SocketAddr::from(([127, 0, 0, 1], 7300))),
            public_url: web(s, mode, keys::PUBLIC_URL, "http://127.0.0.1:7300").trim_end_matches('/').to_owned(),
            cors_origins: s
                .text(keys::CORS_ORIGINS)
                .map(|list| list.split(',').map(|one| one.trim().to_owned()).collect())
                .unwrap_or_default(),
            trusted_proxies: networks(s),
            rate_limits: rate_limits(s, mode),
            connections: ConnectionLimits::read(s),
        };
        let endpoint = web(s, mode, keys::S3_ENDPOINT, "http://127.0.0.1:7310");
        let public_endpoint = match s.text(keys::S3_PUBLIC_ENDPOINT) {
            Some(_) => web(s, mode, keys::S3_PUBLIC_ENDPOINT, ""),
            None => endpoint.clone(),
        };
        let fx_url = checked(s, mode, keys::FX_URL, &address::HTTP);
        let config = Self {
            mode,
            namespace: s.value(keys::NAMESPACE, "tradeyard".to_owned()),
            log: Log {
                filter: s.value(keys::LOG, "info".to_owned()),
                format: s
                    .value(keys::LOG_FORMAT, if mode == Mode::Production { LogFormat::Json } else { LogFormat::Text }),
            },
            health_addr: s.value(keys::HEALTH_ADDR, SocketAddr::from(([127, 0, 0, 1], 0))),
            workers: Workers {
                concurrency: s.text(keys::CONCURRENCY).map(|_| s.value(keys::CONCURRENCY, 1)),
                grace: Duration::from_secs(s.value(keys::GRACE_SECONDS, 30)),
            },
            database: Database {
                url: database_url.clone(),
                migrate_url: migrate_url.clone(),
                read_url,
                connections: s.value(keys::DATABASE_CONNECTIONS, 10),
                limits: Limits {
                    statement: seconds(s, keys::DATABASE_STATEMENT_SECONDS, Limits::SERVING.statement),
                    lock: seconds(s, keys::DATABASE_LOCK_SECONDS, Limits::SERVING.lock),
                    idle_in_transaction: seconds(s, keys::DATABASE_IDLE_SECONDS, Limits::SERVING.idle_in_transaction),
                },
            },
            migrate_events_url: migrate_events.or_else(|| events.clone()).unwrap_or(migrate_url),
            events_database_url: events.unwrap_or(database_url),
            redis_url,
            cache_url,
            amqp_url,
            http,
            auth: Auth {
                jwt_secret: s.secret(keys::JWT_SECRET).unwrap_or_default(),
                password_cost: s.value(keys::PASSWORD_COST, 12),
                staff_second_factor: s.value(keys::STAFF_SECOND_FACTOR, false),
                erasure_days: s.value(keys::ERASURE_DAYS, 14),
            },
            encryption: Encryption::read(s),
            s3: S3 {
                public_endpoint,
                endpoint,
                region: s.value(keys::S3_REGION, "us-east-1".to_owned()),
                bucket: s.value(keys::S3_BUCKET, "tradeyard".to_owned()),
                access_key_id: s.secret(keys::S3_ACCESS_KEY_ID).unwrap_or_default(),
                secret_access_key: s.secret(keys::S3_SECRET_ACCESS_KEY).unwrap_or_default(),
            },
            smtp: Smtp::read(s, mode),
            payments: Payments::read(s, mode),
            fx_url: fx_url.map(|url| url.expose_secret().to_owned()),
            webhooks: Webhooks::read(s, mode),
        };
        config.check(s);
        source.finish(config)
    }

    fn check(&self, s: &mut Source) {
        if let Err(error) = EnvFilter::try_new(&self.log.filter) {
            s.fault(keys::LOG.env, error.to_string());
        }
        if self.workers.concurrency.is_some_and(|at_once| !(1..=2_000).contains(&at_once)) {
            s.fault(keys::CONCURRENCY.env, "expected 1 to 2000");
        }
        if self.database.connections == 0 {
            s.fault(keys::DATABASE_CONNECTIONS.env, "must be at least 1");
        }
        if !self.namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            s.fault(keys::NAMESPACE.env, "expected letters, digits, - and _");
        }
        for origin in &self.http.cors_origins {
            if !address::is_origin(origin) {
                s.fault(keys::CORS_ORIGINS.env, format!("{origin:?} is not an origin such as https://shop.example"));
            }
        }
        if (1..MIN_JWT_SECRET).contains(&self.auth.jwt_secret.expose_secret().len()) {
            s.fault(keys::JWT_SECRET.env, format!("expected at least {MIN_JWT_SECRET} characters"));
        }
        if !(4..=31).contains(&self.auth.password_cost) {
            s.fault(keys::PASSWORD_COST.env, "expected 4 to 31");
        } else if self.mode == Mode::Production && self.auth.password_cost < 10 {
            s.fault(keys::PASSWORD_COST.env, "production needs at least 10");
        }
        if !(1..=30).contains(&self.auth.erasure_days) {
            s.fault(keys::ERASURE_DAYS.env, "expected 1 to 30");
        }
        if !address::is_bucket(&self.s3.bucket) {
            s.fault(keys::S3_BUCKET.env, "expected 3 to 63 lower-case letters, digits, - and .");
        }
        self.smtp.check(s);
    }

    /// For programs that sign tokens: refuses a missing key in any mode.
    pub fn jwt_secret(&self) -> Result<&SecretString, ConfigError> {
        if self.auth.jwt_secret.expose_secret().is_empty() {
            return Err(ConfigError::of(keys::JWT_SECRET, "is not set"));
        }
        Ok(&self.auth.jwt_secret)
    }
}

fn rate_limits(s: &mut Source, mode: Mode) -> RateLimits {
    let usual = RateLimits::of(mode);
    let user = s.value(keys::RATE_LIMIT_USER, usual.user);
    let standard = s.value(keys::RATE_LIMIT_STANDARD, usual.standard.max(user));
    let pro = s.value(keys::RATE_LIMIT_PRO, usual.pro.max(standard));
    RateLimits {
        anonymous: s.value(keys::RATE_LIMIT_ANONYMOUS, usual.anonymous),
        user,
        standard,
        pro,
        partner: s.value(keys::RATE_LIMIT_PARTNER, usual.partner.max(pro)),
    }
}

/// Reads a number of seconds, at least one: nothing may wait for ever.
fn seconds(s: &mut Source, key: Key, default: Duration) -> Duration {
    let seconds = s.value(key, default.as_secs());
    if seconds == 0 {
        s.fault(key.env, "must be at least 1");
    }
    Duration::from_secs(seconds)
}

fn networks(s: &mut Source) -> Vec<Network> {
    let list = s.text(keys::TRUSTED_PROXIES).unwrap_or_default();
    let parsed: Result<_, _> = list.split_terminator(',').map(|one| one.trim().parse()).collect();
    parsed.unwrap_or_else(|problem: String| {
        s.fault(keys::TRUSTED_PROXIES.env, problem);
        Vec::new()
    })
}

/// The address, if it is set. A wrong one is a fault, and in production so is one that others can
/// listen in on.
fn checked(s: &mut Source, mode: Mode, key: Key, kind: &Kind) -> Option<SecretString> {
    let url = s.secret(key)?;
    match (kind.read)(url.expose_secret()) {
        None => s.fault(key.env, format!("expected {}", kind.like)),
        Some(Way::Plain) if mode == Mode::Production => s.fault(key.env, format!("production needs {}", kind.private)),
        Some(_) => {}
    }
    Some(url)
}

/// [`checked`], with a default for development only.
fn checked_or(s: &mut Source, mode: Mode, key: Key, kind: &Kind, default: &str) -> SecretString {
    checked(s, mode, key, kind).unwrap_or_else(|| {
        if mode == Mode::Production {
            s.fault(key.env, format!("is not set; production needs {}", kind.private));
        }
        default.to_owned().into()
    })
}

/// Reads an address that is not a secret.
fn web(s: &mut Source, mode: Mode, key: Key, default: &str) -> String {
    checked_or(s, mode, key, &address::HTTP, default).expose_secret().to_owned()
}

#[cfg(test)]
mod tests;
