//! `tradeyard emails …`

use chrono::{DateTime, Utc};
use clap::Subcommand;
use market::emails::model::{RefusedAddress, SuppressionReason};
use market::emails::store;
use queue::ops;
use serde::Serialize;
use shared::audit::Actor;
use sqlx::Connection;

use crate::connect;
use crate::failure::advised;
use crate::output::{Column, Output, relative};

#[derive(Debug, Subcommand)]
pub(crate) enum Emails {
    /// List the addresses that are not written to any more, and those that a server has refused lately.
    Refused {
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Write to an address again, and forget its refusals.
    Allow { address: String },
}

#[derive(Serialize)]
struct Allowed {
    address: String,
}

impl Emails {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        match self {
            Self::Refused { limit } => {
                let now = ops::now(&mut conn).await?;
                output.show(&store::refused(&mut conn, limit).await?, |addresses| view(addresses, now, output))
            }
            Self::Allow { address } => {
                let mut tx = conn.begin().await?;
                if !store::allow(&mut tx, Actor::CommandLine, &address).await? {
                    let advice = "`tradeyard emails refused` lists the addresses that something is known against";
                    return Err(advised(format!("nothing is known against {address}"), advice));
                }
                tx.commit().await?;
                output.show(&Allowed { address }, |done| format!("{} is written to again", done.address))
            }
        }
    }
}

fn view(addresses: &[RefusedAddress], now: DateTime<Utc>, output: Output) -> String {
    if addresses.is_empty() {
        return "No refused addresses.".to_owned();
    }
    let mut table = output.table(&[
        Column::cut("ADDRESS", 24),
        Column::full("STATE"),
        Column::full("REFUSALS"),
        Column::full("WHEN"),
        Column::cut("THE SERVER SAID", 15),
    ]);
    for it in addresses {
        let state = match it.suppressed {
            None => "still written to",
            Some(SuppressionReason::Refused) => "does not exist",
            Some(SuppressionReason::Bounced) => "bounced",
            Some(SuppressionReason::Complained) => "complained",
            Some(SuppressionReason::Manual) => "stopped by hand",
        };
        table.add_row([
            it.address.clone(),
            state.to_owned(),
            it.refusals.to_string(),
            relative(Some(it.at), now),
            it.detail.clone(),
        ]);
    }
    table.to_string()
}
