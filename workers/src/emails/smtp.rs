//! Packing and sending.

use std::fmt::Write as _;
use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::response::Response;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use market::emails::model::Recipient;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use shared::config::Smtp;

use super::render::Rendered;

/// How long one command may go unanswered. Servers may take their time after DATA (RFC 5321 allows minutes); the job's own
/// time-out is longer than this.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Hands mails to one SMTP server over a pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
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
    /// Without the URL, which may hold a password.
    #[error("SMTP_URL cannot be used: {0}")]
    Url(String),
    #[error("SMTP_FROM is not a mailbox such as \"Name <name@example.com>\"")]
    From(#[source] AddressError),
}

/// Why a mail was not taken. The texts are fit for logs and operators: the server's words, which may quote the address, are only
/// in [`SendError::reply`].
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such mailbox: the address must not be written to again.
    #[error("the address does not exist ({})", .0.code)]
    NoSuchMailbox(Reply),
    /// This mail will never be taken, another one might.
    #[error("the mail was refused ({})", .0.code)]
    Refused(Reply),
    /// The server could not be reached, is busy or does not like our credentials: nothing that the mail could help.
    #[error("the mail server could not take the mail now ({})", .0.code)]
    Temporary(Reply),
}

/// What the server said, or what we say in its place.
pub struct Reply {
    /// `550 5.1.1`, or a word when no server spoke.
    pub code: String,
    /// May hold personal data.
    pub words: String,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("code", &self.code).finish_non_exhaustive()
    }
}

impl Reply {
    fn ours(words: &str) -> Self {
        Self { code: "not sent".to_owned(), words: words.to_owned() }
    }
}

impl SendError {
    pub const fn reply(&self) -> &Reply {
        match self {
            Self::NoSuchMailbox(reply) | Self::Refused(reply) | Self::Temporary(reply) => reply,
        }
    }
}

/// The same for every attempt at the same mail: derived from what makes it one mail. No personal data in it.
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

/// RFC 3834: no holiday replies, please.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// Prepares the pool. Connects to nothing: the first mail does.
    ///
    /// `connections` is how many mails are sent at a time.
    pub fn new(config: &Smtp, connections: u32) -> Result<Self, MailerError> {
        let from = config.from.parse().map_err(MailerError::From)?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.url.expose_secret())
            .map_err(|error| MailerError::Url(error.to_string()))?
            .timeout(Some(COMMAND_TIMEOUT))
            .pool_config(PoolConfig::new().max_size(connections.max(1)).idle_timeout(IDLE_TIMEOUT))
            .build();
        Ok(Self { transport, from })
    }

    /// The domain for [`message_id`].
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Hands one mail over and answers what the server said when it took it.
    pub async fn send(&self, message: &Message<'_>) -> Result<String, SendError> {
        let packed = self.pack(message)?;
        match self.transport.send(packed).await {
            Ok(response) => Ok(said(&response)),
            Err(error) => Err(classify(&error)),
        }
    }

    fn pack(&self, message: &Message<'_>) -> Result<lettre::Message, SendError> {
        let to = mailbox(message.to_name, message.to_address)?;
        if message.body.subject.chars().any(char::is_control) {
            return Err(SendError::Refused(Reply::ours("the subject holds control characters")));
        }
        lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&message.body.subject)
            .message_id(Some(message.message_id.clone()))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(message.body.text.clone(), message.body.html.clone()))
            .map_err(|error| SendError::Refused(Reply::ours(&format!("the mail cannot be packed: {error}"))))
    }
}

/// A recipient. Control characters in the name are refused rather than encoded: nobody is called that, and a header that a
/// name could break would be another mail than the one we meant.
fn mailbox(name: &str, address: &str) -> Result<Mailbox, SendError> {
    if name.chars().any(char::is_control) {
        return Err(SendError::Refused(Reply::ours("the recipient's name holds control characters")));
    }
    let address: Address =
        address.parse().map_err(|_| SendError::NoSuchMailbox(Reply::ours("the address is not well-formed")))?;
    let name = name.trim();
    Ok(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address))
}

fn said(response: &Response) -> String {
    let words: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), words.join(" "))
}

/// Tells the reader's fault from ours and from the weather (RFC 5321 for the codes, RFC 3463 for the enhanced ones).
///
/// Only an answer that speaks of the mailbox condemns the address: servers say 550 to content and to unknown senders as well,
/// with an enhanced code that tells.
fn classify(error: &lettre::transport::smtp::Error) -> SendError {
    let words = error.to_string();
    let enhanced = words.split([' ', ':']).find(|word| is_enhanced_code(word)).map(str::to_owned);
    let Some(status) = error.status() else {
        return SendError::Temporary(Reply { code: "no answer".to_owned(), words });
    };
    let status = status.to_string();
    let code = enhanced.as_ref().map_or_else(|| status.clone(), |enhanced| format!("{status} {enhanced}"));
    let reply = Reply { code, words };
    if !error.is_permanent() {
        return SendError::Temporary(reply);
    }
    match (status.as_str(), enhanced.as_deref()) {
        // Authentication: the operator's business, the mail is fine.
        ("530" | "534" | "535" | "538", _) => SendError::Temporary(reply),
        // 5.2.1: mailbox disabled.
        ("550" | "551" | "553", None) | (_, Some("5.2.1")) => SendError::NoSuchMailbox(reply),
        // 5.1.7 and 5.1.8 speak of the sender's address.
        (_, Some(enhanced)) if enhanced.starts_with("5.1.") && enhanced != "5.1.7" && enhanced != "5.1.8" => {
            SendError::NoSuchMailbox(reply)
        }
        _ => SendError::Refused(reply),
    }
}

/// `5.1.1`
fn is_enhanced_code(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3 && parts.iter().all(|it| (1..=3).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit()))
}
