//! `tradeyard encryption …`

use clap::Subcommand;
use market::carriers::store::{Resealed, reseal};
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
        let done = reseal(&mut conn, Actor::CommandLine, &keyring).await?;
        conn.close().await?;
        output.show(&done, |Resealed { resealed, current }| {
            format!("{resealed} secrets sealed anew, {current} were sealed with the first key already")
        })
    }
}
