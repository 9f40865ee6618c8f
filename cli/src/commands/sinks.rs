//! `tradeyard sinks`

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;
use shared::config::{Config, PaymentProvider};
use shared::program::Signals;
use sinks::simulator::Simulator;
use tokio_util::sync::CancellationToken;

use crate::failure::advised;
use crate::output::print;

/// Real S3 and SMTP for development, kept in a folder, and the payment simulator, which forgets when it ends. Nothing here belongs in production.
#[derive(Debug, Args)]
pub(crate) struct Sinks {
    /// Where the S3 server listens.
    #[arg(long, alias = "s3", default_value = "127.0.0.1:7310", value_name = "ADDR")]
    s3_addr: SocketAddr,
    /// Where the SMTP server listens.
    #[arg(long, alias = "smtp", default_value = "127.0.0.1:7325", value_name = "ADDR")]
    smtp_addr: SocketAddr,
    /// Where the page with the received mail listens.
    #[arg(long, alias = "mailbox", default_value = "127.0.0.1:7326", value_name = "ADDR")]
    mailbox_addr: SocketAddr,
    /// Where the payment simulator listens, if it is the provider of payments.
    #[arg(long, default_value = "127.0.0.1:7327", value_name = "ADDR")]
    payments_addr: SocketAddr,
    /// The folder of objects and messages.
    #[arg(long, default_value = ".dev/sinks", value_name = "FOLDER")]
    dir: PathBuf,
}

impl Sinks {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = Config::load()?;
        shared::telemetry::init_logging(&config.log);
        let (key, secret) = (&config.s3.access_key_id, &config.s3.secret_access_key);
        if key.expose_secret().is_empty() || secret.expose_secret().is_empty() {
            return Err(advised(
                "the S3 server needs to know who may use it",
                "set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, to the same values as for the other programs",
            ));
        }
        let stop = Signals::listen().context("listen for signals")?.stop;
        let s3 = sinks::s3::Options {
            dir: self.dir.join("s3"),
            addr: self.s3_addr,
            access_key: key.expose_secret().to_owned(),
            secret_key: secret.clone(),
            buckets: vec![config.s3.bucket.clone()],
        };
        let s3 = sinks::s3::serve(s3, stop.clone()).await?;
        let smtp = sinks::smtp::Options::new(self.dir.join("mail"), self.smtp_addr);
        let smtp = sinks::smtp::Sink::start(smtp, stop.clone()).await?;
        let mailbox = sinks::mailbox::serve(smtp.clone(), self.mailbox_addr, stop.clone()).await?;
        let payments = simulator(&config, self.payments_addr, &stop).await?;
        print(&format!(
            "S3       {}  (bucket {})\nSMTP     smtp://{}\nmailbox  http://{}{}",
            s3.endpoint(),
            config.s3.bucket,
            smtp.addr(),
            mailbox.addr(),
            payments.as_ref().map_or_else(String::new, |payments| format!("\npayments http://{}", payments.addr())),
        ))?;
        stop.cancelled().await;
        let (s3, mailbox, ()) = tokio::join!(s3.stopped(), mailbox.stopped(), smtp.stopped());
        s3?;
        mailbox?;
        if let Some(payments) = payments {
            payments.stopped().await?;
        }
        Ok(())
    }
}

/// Starts the payment simulator, if it is the provider of payments. Its webhooks go to the API.
pub(super) async fn simulator(
    config: &Config,
    addr: SocketAddr,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Simulator>> {
    if config.payments.provider != Some(PaymentProvider::Simulator) {
        return Ok(None);
    }
    let (Ok(key), Ok(webhook_keys)) = (config.payments.key(), config.payments.webhook_keys()) else {
        return Err(advised(
            "the payment simulator needs to know who may use it, and what to sign with",
            "set PAYMENTS_KEY and PAYMENTS_WEBHOOK_KEY, to the same values as for the other programs",
        ));
    };
    let options = sinks::simulator::Options {
        addr,
        key: key.clone(),
        webhook_key: webhook_keys.first().cloned().unwrap_or_default(),
        webhook_url: Some(format!("{}/v1/webhooks/simulator", config.http.public_url)),
    };
    Ok(Some(Simulator::start(options, stop.clone()).await?))
}
