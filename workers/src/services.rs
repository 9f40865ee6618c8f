//! What handlers share: made once per process and used by every job.

use std::sync::Arc;

use jobs::queues;
use queue::together::Together;
use secrecy::ExposeSecret;
use shared::blobs::Blobs;
use shared::config::{Config, ConfigError, Mode, keys};
use shared::crypto::seal::Keyring;
use sqlx::PgPool;

use crate::auctions::Close;
use crate::emails::{Mailer, MailerError, Renderer};
use crate::images::ImageSlots;
use crate::money::RatesFile;
use crate::papers::PaperFonts;
use crate::payments::gateway::{self, Gateway};
use crate::webhooks::Outgoing;

/// How many mails one process sends at a time.
const SMTP_CONNECTIONS: usize = 16;

/// Two inserts under way keep the broker and the database busy; the other connections are for the jobs that look after the log and
/// carry its news over, and for what RabbitMQ gave up.
const EVENTS_CONNECTIONS: u32 = 5;

/// The connections that handlers use besides the ledger's database (`cx.db()`).
#[derive(Clone, Debug)]
pub struct Services {
    pub blobs: Blobs,
    /// Where photographs are processed, off the async threads.
    pub image_slots: ImageSlots,
    /// The pool that sends mail alone needs a server.
    pub mailer: Option<Mailer>,
    pub renderer: Renderer,
    pub fonts: PaperFonts,
    /// To the payment provider; without it nobody can pay. The pool that asks it alone has it.
    pub gateway: Option<Arc<dyn Gateway>>,
    /// Without it nobody states exchange rates.
    pub rates: Option<RatesFile>,
    /// The cargo event log's database.
    pub events: PgPool,
    /// The replica that reports are read from; without it, they are read from the ledger's database.
    pub replica: Option<PgPool>,
    /// To the endpoints of organisations.
    pub webhooks: Outgoing,
    /// Opens the keys of conversations: the `chat` pool alone has it.
    pub keyring: Option<Arc<Keyring>>,
    /// Auctions whose ends come at the same time.
    pub closings: Together<Close>,
}

/// The gateway that the settings name. Development does without one where no key is set; production says what is missing.
fn payments(config: &Config) -> anyhow::Result<Option<Arc<dyn Gateway>>> {
    if config.mode == Mode::Development && config.payments.key.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(gateway::connect(&config.payments, &config.http.public_url)?)
}

/// `None` where no mail server is set, which only production leaves to those who send mail.
fn mailer(config: &Config) -> Result<Option<Mailer>, ConfigError> {
    if config.smtp.url.expose_secret().is_empty() {
        return Ok(None);
    }
    let mailer = Mailer::new(&config.smtp, SMTP_CONNECTIONS).map_err(|error| {
        let key = if matches!(error, MailerError::Url(_)) { keys::SMTP_URL } else { keys::SMTP_FROM };
        ConfigError::of(key, error.to_string())
    })?;
    Ok(Some(mailer))
}

impl Services {
    /// Makes the clients; each one connects when it is first used.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let replica = config.database.read_url.as_ref();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            blobs: Blobs::new(&config.s3)?,
            image_slots: ImageSlots::new(cores),
            mailer: mailer(config)?,
            renderer: Renderer::new(&config.http.public_url),
            fonts: PaperFonts::default(),
            gateway: None,
            rates: config.fx_url.as_deref().map(RatesFile::new).transpose()?,
            events: shared::db::pool_within(
                &config.events_database_url,
                shared::db::Limits::WORKING,
                EVENTS_CONNECTIONS,
                "events",
            )?,
            replica: replica
                .map(|url| {
                    let limits = shared::db::Limits::WORKING;
                    shared::db::pool_within(url, limits, config.database.connections, "reports")
                })
                .transpose()?,
            webhooks: Outgoing::new(config)?,
            keyring: None,
            closings: Together::default(),
        })
    }

    /// [`Services::new`] of a pool, with what only that one has. Fails where a secret is missing that it cannot do without.
    pub fn of_pool(pool: &str, config: &Config) -> anyhow::Result<Self> {
        let keyring = (pool == queues::CHAT.pool).then(|| config.chat_keyring()).transpose()?;
        let gateway = if pool == queues::PAYMENTS.pool { payments(config)? } else { None };
        let services = Self { keyring: keyring.map(Arc::new), gateway, ..Self::new(config)? };
        if pool == queues::EMAILS.pool && services.mailer.is_none() {
            return Err(ConfigError::of(keys::SMTP_URL, "is not set").into());
        }
        Ok(services)
    }
}
