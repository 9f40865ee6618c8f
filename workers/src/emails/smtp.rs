//! Packing and sending mails.

use std::fmt::Write as _;
use std::time::Duration;

use lettre::Address;
use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::response::Response;
use market::emails::model::Recipient;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use shared::config::Smtp;

use super::refusal::{Reply, SendError};
use super::render::Rendered;
use super::server::Server;

/// How long one mail may take, from waiting for a connection to the server's last word. Servers may
/// take their time after DATA (RFC 5321 allows minutes); this is less than the job's own time-out.
const CONVERSATION: Duration = Duration::from_mins(3);

/// Hands mails to one SMTP server over a pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    server: Server,
    from: Mailbox,
    limit: Duration,
    streams: Streams,
}

/// Postmark's message streams: mails that people can do without must not cost the others their good name.
#[derive(Clone, Debug)]
struct Streams {
    usual: Option<String>,
    broadcast: Option<String>,
}

/// A mail and its envelope.
#[derive(Debug)]
pub struct Message<'a> {
    pub to_name: &'a str,
    pub to_address: &'a str,
    /// From [`message_id`].
    pub message_id: String,
    pub body: &'a Rendered,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// Does not quote the URL, which may contain a password.
    #[error("SMTP_URL cannot be used: {0}")]
    Url(String),
    #[error("SMTP_FROM is not a mailbox such as \"Name <name@example.com>\"")]
    From(#[source] AddressError),
    #[error("the domain of SMTP_FROM is not a domain name")]
    FromDomain,
}

/// The Message-ID, the same for every attempt at the same mail: it is derived from what identifies
/// the mail, and contains no personal data.
pub fn message_id(template: &str, recipient: &Recipient, reference: &str, domain: &str) -> String {
    let recipient = match recipient {
        Recipient::User(user) => user.to_string(),
        Recipient::Address(address) => address.to_lowercase(),
    };
    let digest = Sha256::digest([template, &recipient, reference].join("\n"));
    let mut name = String::with_capacity(32);
    for byte in digest.iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    format!("<{name}@{domain}>")
}

impl Mailer {
    /// Prepares the pool; the first mail opens a connection.
    ///
    /// `connections` is how many mails can be sent at a time.
    pub fn new(config: &Smtp, connections: usize) -> Result<Self, MailerError> {
        let mut from: Mailbox = config.from.parse().map_err(MailerError::From)?;
        from.email = in_ascii(&from.email).ok_or(MailerError::FromDomain)?;
        let server = Server::new(config.url.expose_secret(), connections).map_err(MailerError::Url)?;
        let streams = Streams { usual: config.stream.clone(), broadcast: config.broadcast_stream.clone() };
        Ok(Self { server, from, limit: CONVERSATION, streams })
    }

    /// Sets another limit for a whole conversation.
    #[cfg(test)]
    pub(super) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The domain for [`message_id`].
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Sends one mail and returns what the server said when it took it. This ends however slow the
    /// server is, and a connection is closed unless its conversation ended in order.
    pub async fn send(&self, message: &Message<'_>) -> Result<String, SendError> {
        let to = mailbox(message.to_name, message.to_address)?;
        let address = to.email.clone();
        let packed = self.pack(message, to)?.formatted();
        // On the heap: a conversation with its buffers is large.
        let conversation = Box::pin(self.server.deliver(&self.from.email, &address, &packed));
        match tokio::time::timeout(self.limit, conversation).await {
            Ok(Ok(response)) => Ok(said(&response)),
            Ok(Err(ended)) => Err(ended.into()),
            Err(_) => Err(SendError::late(self.limit)),
        }
    }

    fn pack(&self, message: &Message<'_>, to: Mailbox) -> Result<lettre::Message, SendError> {
        if message.body.subject.chars().any(char::is_control) {
            return Err(SendError::Refused(Reply::ours("the subject holds control characters")));
        }
        let mut packed = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&message.body.subject)
            .message_id(Some(message.message_id.clone()))
            .multipart(MultiPart::alternative_plain_html(message.body.text.clone(), message.body.html.clone()))
            .map_err(|error| SendError::Refused(Reply::ours(format!("the mail cannot be packed: {error}"))))?;
        for (name, value) in self.headers(message.body) {
            packed.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
        Ok(packed)
    }

    /// Headers beside those of every mail.
    fn headers(&self, body: &Rendered) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            // Asks for no holiday replies (RFC 3834).
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("Content-Language", body.language.code().to_owned()),
        ];
        if let Some(url) = &body.unsubscribe {
            // The button of a mail program, which posts to the address (RFC 8058).
            headers.push(("List-Unsubscribe", format!("<{}>", url.expose_secret())));
            headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        let stream = if body.unsubscribe.is_some() { &self.streams.broadcast } else { &self.streams.usual };
        if let Some(stream) = stream {
            headers.push(("X-PM-Message-Stream", stream.clone()));
            // Postmark would replace the Message-ID by which a second copy is recognised.
            headers.push(("X-PM-KeepID", "true".to_owned()));
        }
        headers
    }
}

/// A recipient. Control characters in the name are refused rather than encoded: no real name has
/// any, and a name that broke a header would turn the mail into another one than we meant.
fn mailbox(name: &str, address: &str) -> Result<Mailbox, SendError> {
    if name.chars().any(char::is_control) {
        return Err(SendError::Refused(Reply::ours("the recipient's name holds control characters")));
    }
    let address: Address =
        address.parse().map_err(|_| SendError::NoSuchMailbox(Reply::ours("the address is not well-formed")))?;
    // Few servers support SMTPUTF8, and one that does may pass the mail on to one that does not,
    // which then loses it.
    if !address.user().is_ascii() {
        let words = "the part before the @ holds letters outside of ASCII, and mail cannot be sent to such an address";
        return Err(SendError::Refused(Reply::ours(words)));
    }
    let address = in_ascii(&address)
        .ok_or_else(|| SendError::NoSuchMailbox(Reply::ours("the part after the @ is not a domain name")))?;
    let name = name.trim();
    Ok(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address))
}

/// The address with its domain as the DNS knows it (`bücher.example` is `xn--bcher-kva.example`),
/// which every server accepts.
fn in_ascii(address: &Address) -> Option<Address> {
    if address.domain().is_ascii() {
        return Some(address.clone());
    }
    let domain = idna::domain_to_ascii_strict(address.domain()).ok()?;
    Address::new(address.user(), domain).ok()
}

fn said(response: &Response) -> String {
    let words: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), words.join(" "))
}
