//! `tradeyard orgs …`

use chrono::{DateTime, Utc};
use clap::Subcommand;
use market::auctions::model::AccountFlag;
use market::auctions::store::{FlagFilter, flags};
use market::identity::Plan;
use market::identity::store::change_plan;
use market::ids::AuctionId;
use queue::ops;
use serde::Serialize;
use shared::audit::Actor;
use shared::ids::OrgId;
use sqlx::Connection;

use crate::connect;
use crate::output::{Column, Output, relative};

#[derive(Debug, Subcommand)]
pub(crate) enum Orgs {
    /// Put an organisation on another plan: free, standard, pro, or partner, whose people may ask more often.
    Plan { org: OrgId, plan: Plan },
    /// List pairs of organisations in one auction that may belong to the same people, the newest first.
    Flagged {
        /// Only those of this auction.
        #[arg(long)]
        auction: Option<AuctionId>,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
        limit: i64,
    },
}

#[derive(Serialize)]
struct Changed {
    org: OrgId,
    plan: &'static str,
}

impl Orgs {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        match self {
            Self::Plan { org, plan } => {
                let mut tx = conn.begin().await?;
                change_plan(&mut tx, Actor::CommandLine, org, plan).await?;
                tx.commit().await?;
                let changed = Changed { org, plan: plan.name() };
                output.show(&changed, |done| format!("{} is on the plan {} now", done.org, done.plan))
            }
            Self::Flagged { auction, limit } => {
                let now = ops::now(&mut conn).await?;
                let found = flags(&mut conn, FlagFilter { auction, before: None, limit }).await?;
                output.show(&found, |found| view(found, now, output))
            }
        }
    }
}

fn view(found: &[AccountFlag], now: DateTime<Utc>, output: Output) -> String {
    if found.is_empty() {
        return "No flags.".to_owned();
    }
    let mut table = output.table(&[
        Column::full("FLAG"),
        Column::full("WHEN"),
        Column::cut("AUCTION", 8),
        Column::cut("ORGANISATION", 12),
        Column::cut("AND", 12),
        Column::cut("IN COMMON", 12),
    ]);
    for it in found {
        let [one, two] = it.orgs.each_ref().map(|org| {
            let seller = if org.id == it.seller { " (seller)" } else { "" };
            format!("{}{seller} {}", org.legal_name, org.id)
        });
        let when = relative(Some(it.created_at), now);
        table.add_row([it.id.to_string(), when, it.auction.to_string(), one, two, it.signals.join(", ")]);
    }
    table.to_string()
}
