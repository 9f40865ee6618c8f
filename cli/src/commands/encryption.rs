//! `tradeyard encryption …`

use clap::Subcommand;
use market::carriers::store::{self as carriers, Resealed};
use market::webhooks::store as webhooks;
use shared::audit::Actor;
use shared::config::{Config, keys};
use sqlx::Connection;

use crate::connect;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Encryption {
    /// Seal with the first key of `MASTER_KEY` whatever another one of them has sealed, while everything runs.
    Reseal,
}

impl Encryption {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let Self::Reseal = self;
        let config = Config::load_with(&[keys::MASTER_KEY])?;
        let keyring = config.keyring()?;
        let mut conn = connect::open(&config).await?;
        let of_carriers = carriers::reseal(&mut conn, Actor::CommandLine, &keyring).await?;
        let of_webhooks = webhooks::reseal(&mut conn, Actor::CommandLine, &keyring).await?;
        let done = Resealed {
            resealed: of_carriers.resealed + of_webhooks.resealed,
            current: of_carriers.current + of_webhooks.current,
        };
        conn.close().await?;
        output.show(&done, |Resealed { resealed, current }| {
            format!("{resealed} secrets sealed anew, {current} were sealed with the first key already")
        })
    }
}
