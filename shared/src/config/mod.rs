//! One documented file plus the environment (`tradeyard.example.toml` lists every setting). Nobody else reads either.

mod network;
mod source;

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

pub use network::Network;
pub use source::{ConfigError, Fault, Key, Source};

const fn key(env: &'static str, file: &'static str) -> Key {
    Key { env, file }
}

/// Every setting there is.
pub mod keys {
    use super::{Key, key};

    pub const MODE: Key = key("MODE", "mode");
    pub const LOG: Key = key("LOG", "log.filter");
    pub const LOG_FORMAT: Key = key("LOG_FORMAT", "log.format");
    pub const HEALTH_ADDR: Key = key("HEALTH_ADDR", "health.addr");
    pub const DATABASE_URL: Key = key("DATABASE_URL", "database.url");
    pub const DATABASE_CONNECTIONS: Key = key("DATABASE_CONNECTIONS", "database.connections");
    pub const EVENTS_DATABASE_URL: Key = key("EVENTS_DATABASE_URL", "events.database_url");
    pub const REDIS_URL: Key = key("REDIS_URL", "redis.url");
    pub const AMQP_URL: Key = key("AMQP_URL", "amqp.url");
    pub const CLOUDAMQP_URL: Key = key("CLOUDAMQP_URL", "amqp.cloudamqp_url");
    pub const NAMESPACE: Key = key("NAMESPACE", "namespace");
    pub const HTTP_ADDR: Key = key("HTTP_ADDR", "http.addr");
    pub const PUBLIC_URL: Key = key("PUBLIC_URL", "http.public_url");
    pub const CORS_ORIGINS: Key = key("CORS_ORIGINS", "http.cors_origins");
    pub const TRUSTED_PROXIES: Key = key("TRUSTED_PROXIES", "http.trusted_proxies");
    pub const JWT_SECRET: Key = key("JWT_SECRET", "auth.jwt_secret");
    pub const PASSWORD_COST: Key = key("PASSWORD_COST", "auth.password_cost");
    pub const S3_ENDPOINT: Key = key("S3_ENDPOINT", "s3.endpoint");
    pub const S3_PUBLIC_ENDPOINT: Key = key("S3_PUBLIC_ENDPOINT", "s3.public_endpoint");
    pub const S3_REGION: Key = key("S3_REGION", "s3.region");
    pub const S3_BUCKET: Key = key("S3_BUCKET", "s3.bucket");
    pub const S3_ACCESS_KEY_ID: Key = key("S3_ACCESS_KEY_ID", "s3.access_key_id");
    pub const S3_SECRET_ACCESS_KEY: Key = key("S3_SECRET_ACCESS_KEY", "s3.secret_access_key");
    pub const SMTP_URL: Key = key("SMTP_URL", "smtp.url");
    pub const SMTP_FROM: Key = key("SMTP_FROM", "smtp.from");
}

/// Production refuses plaintext connections and missing secrets; development does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Development,
    Production,
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("expected development or production".to_owned()),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".to_owned()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Log {
    /// A `tracing` filter, such as `info,sqlx=warn`.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Debug)]
pub struct Database {
    pub url: SecretString,
    /// The most connections one process opens for its own statements.
    pub connections: u32,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub addr: SocketAddr,
    /// How people reach the API, without a trailing slash; links in emails begin with it.
    pub public_url: String,
    /// Origins whose pages may call the API, besides `public_url`.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

#[derive(Clone, Debug)]
pub struct Auth {
    pub jwt_secret: SecretString,
    /// The bcrypt cost, 4 to 31; production refuses less than 10.
    pub password_cost: u32,
}

#[derive(Clone, Debug)]
pub struct S3 {
    pub endpoint: String,
    /// The address that browsers use, when it differs from `endpoint`.
    pub public_endpoint: String,
    pub region: String,
    pub bucket: String,
    pub access_key_id: SecretString,
    pub secret_access_key: SecretString,
}

#[derive(Clone, Debug)]
pub struct Smtp {
    /// `smtp://host:port`, `smtps://user:password@host`.
    pub url: SecretString,
    /// The sender, such as `Tradeyard <no-reply@tradeyard.example>`.
    pub from: String,
}

/// Everything that a process may be told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    pub mode: Mode,
    /// Prefixes every name that we use in Redis and RabbitMQ, so that several installations can share a server.
    pub namespace: String,
    pub log: Log,
    pub health_addr: SocketAddr,
    pub database: Database,
    /// Where cargo events are stored; the main database unless set.
    pub events_database_url: SecretString,
    /// Without it, queues that would use Redis use the `local` transport.
    pub redis_url: Option<SecretString>,
    /// Without it, queues that would use RabbitMQ use the `local` transport.
    pub amqp_url: Option<SecretString>,
    pub http: Http,
    pub auth: Auth,
    pub s3: S3,
    pub smtp: Smtp,
}

impl Config {
    /// Reads the file and the environment of this process.
    pub fn load() -> Result<Self, ConfigError> {
        Self::from_source(Source::from_process())
    }

    /// Reads from `source`; every fault is listed.
    pub fn from_source(mut source: Source) -> Result<Self, ConfigError> {
        let s = &mut source;
        let mode = s.value(keys::MODE, Mode::Development);
        let database_url = required_secret(s, keys::DATABASE_URL);
        check_url(s, keys::DATABASE_URL, Some(&database_url), &["postgres", "postgresql"]);
        let events = s.secret(keys::EVENTS_DATABASE_URL);
        check_url(s, keys::EVENTS_DATABASE_URL, events.as_ref(), &["postgres", "postgresql"]);
        let redis_url = s.secret(keys::REDIS_URL);
        check_url(s, keys::REDIS_URL, redis_url.as_ref(), &["redis", "rediss"]);
        let cloudamqp = s.secret(keys::CLOUDAMQP_URL);
        let amqp_url = s.secret(keys::AMQP_URL).or(cloudamqp);
        check_url(s, keys::AMQP_URL, amqp_url.as_ref(), &["amqp", "amqps"]);
        let http = Http {
            addr: s.value(keys::HTTP_ADDR, SocketAddr::from(([127, 0, 0, 1], 7300))),
            public_url: s.value(keys::PUBLIC_URL, "http://127.0.0.1:7300".to_owned()).trim_end_matches('/').to_owned(),
            cors_origins: s
                .text(keys::CORS_ORIGINS)
                .map(|list| list.split(',').map(|one| one.trim().to_owned()).collect())
                .unwrap_or_default(),
            trusted_proxies: networks(s),
        };
        let endpoint = s.value(keys::S3_ENDPOINT, "http://127.0.0.1:7310".to_owned());
        let smtp = Smtp {
            url: s.secret(keys::SMTP_URL).unwrap_or_else(|| "smtp://127.0.0.1:7325".to_owned().into()),
            from: s.value(keys::SMTP_FROM, "Tradeyard <no-reply@tradeyard.example>".to_owned()),
        };
        check_url(s, keys::SMTP_URL, Some(&smtp.url), &["smtp", "smtps"]);
        let config = Self {
            mode,
            namespace: s.value(keys::NAMESPACE, "tradeyard".to_owned()),
            log: Log {
                filter: s.value(keys::LOG, "info".to_owned()),
                format: s
                    .value(keys::LOG_FORMAT, if mode == Mode::Production { LogFormat::Json } else { LogFormat::Text }),
            },
            health_addr: s.value(keys::HEALTH_ADDR, SocketAddr::from(([127, 0, 0, 1], 0))),
            database: Database { url: database_url.clone(), connections: s.value(keys::DATABASE_CONNECTIONS, 10) },
            events_database_url: events.unwrap_or(database_url),
            redis_url,
            amqp_url,
            http,
            auth: Auth {
                jwt_secret: s.secret(keys::JWT_SECRET).unwrap_or_default(),
                password_cost: s.value(keys::PASSWORD_COST, 12),
            },
            s3: S3 {
                public_endpoint: s.text(keys::S3_PUBLIC_ENDPOINT).unwrap_or_else(|| endpoint.clone()),
                endpoint,
                region: s.value(keys::S3_REGION, "us-east-1".to_owned()),
                bucket: s.value(keys::S3_BUCKET, "tradeyard".to_owned()),
                access_key_id: s.secret(keys::S3_ACCESS_KEY_ID).unwrap_or_default(),
                secret_access_key: s.secret(keys::S3_SECRET_ACCESS_KEY).unwrap_or_default(),
            },
            smtp,
        };
        config.check(s);
        source.finish(config)
    }

    fn check(&self, s: &mut Source) {
        if self.database.connections == 0 {
            s.fault(keys::DATABASE_CONNECTIONS.env, "must be at least 1");
        }
        if !self.namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            || self.namespace.is_empty()
        {
            s.fault(keys::NAMESPACE.env, "expected letters, digits, - and _");
        }
        if !(4..=31).contains(&self.auth.password_cost) {
            s.fault(keys::PASSWORD_COST.env, "expected 4 to 31");
        }
        if self.mode == Mode::Production {
            self.check_production(s);
        }
    }

    /// No plaintext connections, no missing or short secrets.
    fn check_production(&self, s: &mut Source) {
        if !self.database.url.expose_secret().contains("sslmode=verify-full") {
            s.fault(keys::DATABASE_URL.env, "production needs sslmode=verify-full");
        }
        if self.auth.password_cost < 10 {
            s.fault(keys::PASSWORD_COST.env, "production needs at least 10");
        }
        let plain = [
            (keys::REDIS_URL, self.redis_url.as_ref(), "redis://", "rediss://"),
            (keys::AMQP_URL, self.amqp_url.as_ref(), "amqp://", "amqps://"),
            (keys::SMTP_URL, Some(&self.smtp.url), "smtp://", "smtps:// or smtp://…?tls=required"),
        ];
        for (key, url, refused, wanted) in plain {
            let Some(url) = url.map(ExposeSecret::expose_secret) else {
                continue;
            };
            if url.starts_with(refused) && !url.contains("tls=required") {
                s.fault(key.env, format!("production needs {wanted}"));
            }
        }
        if !self.http.public_url.starts_with("https://") {
            s.fault(keys::PUBLIC_URL.env, "production needs https://");
        }
        if !self.s3.endpoint.starts_with("https://") {
            s.fault(keys::S3_ENDPOINT.env, "production needs https://");
        }
    }

    /// For programs that sign tokens: refuses a missing or short key in any mode.
    pub fn jwt_secret(&self) -> Result<&SecretString, ConfigError> {
        if self.auth.jwt_secret.expose_secret().len() >= 32 {
            return Ok(&self.auth.jwt_secret);
        }
        Err(ConfigError(vec![Fault {
            key: keys::JWT_SECRET.env.to_owned(),
            problem: "expected at least 32 characters".to_owned(),
        }]))
    }
}

fn networks(s: &mut Source) -> Vec<Network> {
    let list = s.text(keys::TRUSTED_PROXIES).unwrap_or_default();
    let parsed: Result<_, _> = list.split_terminator(',').map(|one| one.trim().parse()).collect();
    parsed.unwrap_or_else(|problem: String| {
        s.fault(keys::TRUSTED_PROXIES.env, problem);
        Vec::new()
    })
}

fn required_secret(s: &mut Source, key: Key) -> SecretString {
    s.secret(key).unwrap_or_else(|| {
        s.fault(key.env, "is not set");
        SecretString::default()
    })
}

/// A URL's scheme is checked without ever printing the URL: it may hold a password.
fn check_url(s: &mut Source, key: Key, url: Option<&SecretString>, schemes: &[&str]) {
    let Some(url) = url.map(ExposeSecret::expose_secret).filter(|url| !url.is_empty()) else {
        return;
    };
    let fits = url.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
    if !fits {
        s.fault(key.env, format!("expected {}://…", schemes.join(":// or ")));
    }
}

impl Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

#[cfg(test)]
mod tests;
