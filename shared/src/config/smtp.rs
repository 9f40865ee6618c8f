//! The mail server, and the provider's webhooks.

use secrecy::{ExposeSecret, SecretString};

use super::{Mode, Source, address, checked, keys};

#[derive(Clone, Debug)]
pub struct Smtp {
    /// `smtp://host:port`, `smtps://user:password@host`. Empty: not set, in production, where only the workers that send mail need it.
    pub url: SecretString,
    /// The sender, such as `Tradeyard <no-reply@tradeyard.example>`.
    pub from: String,
    /// Postmark's message stream for mails that are always sent.
    pub stream: Option<String>,
    /// Its stream for mails that people can end.
    pub broadcast_stream: Option<String>,
    /// `user:password`, with which the provider signs its webhooks in; empty: it sends none.
    pub webhook_key: SecretString,
}

impl Smtp {
    pub(super) fn read(s: &mut Source, mode: Mode) -> Self {
        let usual = if mode == Mode::Production { "" } else { "smtp://127.0.0.1:7325" };
        Self {
            url: checked(s, mode, keys::SMTP_URL, &address::SMTP).unwrap_or_else(|| usual.into()),
            from: s.value(keys::SMTP_FROM, "Tradeyard <no-reply@tradeyard.example>".to_owned()),
            stream: s.text(keys::SMTP_STREAM),
            broadcast_stream: s.text(keys::SMTP_BROADCAST_STREAM),
            webhook_key: s.secret(keys::SMTP_WEBHOOK_KEY).unwrap_or_default(),
        }
    }

    pub(super) fn check(&self, s: &mut Source) {
        if !address::is_mailbox(&self.from) {
            s.fault(keys::SMTP_FROM.env, "expected a mailbox such as Name <name@example.com>");
        }
        let streams = [(keys::SMTP_STREAM, &self.stream), (keys::SMTP_BROADCAST_STREAM, &self.broadcast_stream)];
        for (key, stream) in streams {
            if stream.as_deref().is_some_and(|stream| !address::is_stream(stream)) {
                s.fault(key.env, "expected the id of a message stream: lower-case letters, digits and -");
            }
        }
        let webhook_key = self.webhook_key.expose_secret();
        if !webhook_key.is_empty() && (!webhook_key.contains(':') || webhook_key.len() < 20) {
            s.fault(keys::SMTP_WEBHOOK_KEY.env, "expected user:password, at least 20 characters");
        }
    }
}
