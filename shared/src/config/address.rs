//! Addresses of servers, each parsed as by the crate that will connect there. A fault never repeats
//! the address: it may contain a password, even in a place that was not meant for one.

use std::str::FromStr;

use amq_protocol_uri::{AMQPScheme, AMQPUri};
use redis::{ConnectionAddr, IntoConnectionInfo};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// Whether others can listen in on a connection to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    /// Encrypted, and the server has to prove its name.
    Private,
}

/// One kind of address.
#[derive(Debug)]
pub(super) struct Kind {
    /// `None` if this is not such an address.
    pub(super) read: fn(&str) -> Option<Way>,
    /// What such an address looks like.
    pub(super) like: &'static str,
    /// What makes it private.
    pub(super) private: &'static str,
}

pub(super) const POSTGRES: Kind =
    Kind { read: postgres, like: "postgres://user@host:5432/name", private: "sslmode=verify-full" };
pub(super) const REDIS: Kind = Kind { read: redis, like: "redis:// or rediss://host:6379/", private: "rediss://" };
pub(super) const AMQP: Kind = Kind { read: amqp, like: "amqp:// or amqps://host/vhost", private: "amqps://" };
pub(super) const SMTP: Kind = Kind {
    read: smtp,
    like: "smtp:// or smtps://host, with ?tls=required or ?tls=opportunistic at most",
    private: "smtps:// or smtp://…?tls=required",
};
pub(super) const HTTP: Kind = Kind { read: http, like: "http:// or https://host", private: "https://" };

const fn private(yes: bool) -> Way {
    if yes { Way::Private } else { Way::Plain }
}

fn postgres(text: &str) -> Option<Way> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return None;
    }
    let options = PgConnectOptions::from_str(text).ok()?;
    // A Unix socket does not leave the machine.
    Some(private(options.get_socket().is_some() || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)))
}

fn redis(text: &str) -> Option<Way> {
    match text.into_connection_info().ok()?.addr() {
        ConnectionAddr::Tcp(..) => Some(Way::Plain),
        // `#insecure` takes any certificate.
        ConnectionAddr::TcpTls { insecure, .. } => Some(private(!insecure)),
        _ => None,
    }
}

/// Whether both lead to one database of one Redis, as far as the text says.
pub(super) fn is_same_redis(one: &str, other: &str) -> bool {
    let place = |text: &str| {
        let info = text.into_connection_info().ok()?;
        let (host, port) = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host, *port),
            _ => return None,
        };
        let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host.to_ascii_lowercase() };
        Some((host, port, info.redis_settings().db()))
    };
    place(one).is_some_and(|found| place(other) == Some(found))
}

fn amqp(text: &str) -> Option<Way> {
    let uri = AMQPUri::from_str(text).ok()?;
    Some(private(uri.scheme == AMQPScheme::AMQPS))
}

/// Follows the rules of lettre, which programs without a mailer do not link.
fn smtp(text: &str) -> Option<Way> {
    let url = Url::parse(text).ok()?;
    url.host_str().filter(|host| !host.is_empty())?;
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
    match (url.scheme(), tls.as_deref()) {
        ("smtps", _) | ("smtp", Some("required")) => Some(Way::Private),
        // Anybody in between can claim that there is no TLS.
        ("smtp", None | Some("opportunistic")) => Some(Way::Plain),
        _ => None,
    }
}

/// A base address, to which paths are appended.
fn http(text: &str) -> Option<Way> {
    let url = Url::parse(text).ok()?;
    url.host_str().filter(|_| url.query().is_none() && url.fragment().is_none())?;
    match url.scheme() {
        "https" => Some(Way::Private),
        "http" => Some(Way::Plain),
        _ => None,
    }
}

/// Whether this is an origin such as `https://shop.example`, exactly as browsers send it.
pub(super) fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| http(text).is_some() && url.origin().ascii_serialization() == text)
}

/// Whether this is `Name <name@example.com>` or the address alone. The mailer has the last word on
/// what a name may contain.
pub(super) fn is_mailbox(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>'),
        None => Some(text),
    };
    let parts = address.and_then(|address| address.split_once('@'));
    parts.is_some_and(|parts| {
        [parts.0, parts.1].iter().all(|part| {
            !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>@,;".contains(c))
        })
    })
}

/// Whether this can be the id of a message stream at Postmark.
pub(super) fn is_stream(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether this is a bucket name that every object store accepts.
pub(super) fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}
