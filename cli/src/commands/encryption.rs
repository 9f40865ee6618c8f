//! `tradeyard encryption …`

use clap::Subcommand;
use jobs::chat::RotateKeys;
use market::chat::store::{KeyUse, key_use};
use market::sealing::store::{Resealed, reseal};
use serde::Serialize;
use shared::audit::Actor;
use shared::config::{Config, keys};
use shared::ids::JobId;
use sqlx::{Connection, PgConnection};

use crate::connect;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Encryption {
    /// Seal with the first key of `MASTER_KEY` the secrets that another one of them has sealed, while everything runs.
    Reseal,
    /// Have `worker-chat` seal with the first key of its `CHAT_KEY` the conversations' keys that another one has sealed, while
    /// everything runs. It does so every night by itself.
    Rotate,
    /// Show which master keys have sealed the keys of conversations.
    Status,
}

/// The job that seals.
#[derive(Serialize)]
struct Rotating {
    job: JobId,
    /// Whether it was there already.
    existing: bool,
}

impl Encryption {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self {
            Self::Reseal => {
                let config = Config::load_with(&[keys::MASTER_KEY])?;
                let keyring = config.keyring()?;
                let mut conn = connect::open(&config).await?;
                let done = reseal(&mut conn, Actor::CommandLine, &keyring).await?;
                conn.close().await?;
                output.show(&done, |Resealed { resealed, current }| {
                    format!("{resealed} secrets sealed anew, {current} were sealed with the first key already")
                })
            }
            Self::Rotate => {
                let mut conn = connect::database().await?;
                let rotating = rotate(&mut conn).await?;
                conn.close().await?;
                output.show(&rotating, |Rotating { job, existing }| {
                    let there = if *existing { "already " } else { "" };
                    format!("job {job} {there}seals the keys of conversations; `tradeyard encryption status` shows how far it is")
                })
            }
            Self::Status => {
                let mut conn = connect::database().await?;
                let used = key_use(&mut conn).await?;
                conn.close().await?;
                output.show(&used, |used| match used.as_slice() {
                    [] => "there are no conversations".to_owned(),
                    used => used.iter().map(line).collect::<Vec<_>>().join("\n"),
                })
            }
        }
    }
}

async fn rotate(conn: &mut PgConnection) -> anyhow::Result<Rotating> {
    let job = queue::Enqueue::new(&RotateKeys {});
    let enqueued = queue::ops::enqueue::enqueue(conn, job, Actor::CommandLine).await?;
    Ok(Rotating { job: enqueued.id(), existing: enqueued.word() != "new" })
}

fn line(used: &KeyUse) -> String {
    format!("master key {}…: {} conversations", used.master_key, used.conversations)
}
