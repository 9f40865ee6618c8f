//! `tradeyard admin …`

use std::io::Read;

use anyhow::Context;
use clap::Subcommand;
use market::identity::store::{Bootstrapped, NewUser, bootstrap_admin, credentials, set_platform_role};
use market::identity::{Email, PersonName, PlatformRole};
use serde::Serialize;
use shared::audit::Actor;
use shared::config::Config;
use shared::crypto::password;
use shared::ids::UserId;
use sqlx::Connection;

use crate::connect;
use crate::failure::advised;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make the first administrator, or make an administrator of somebody who is registered.
    Create {
        email: String,
        #[arg(long, default_value = "Administrator")]
        name: String,
        /// Read the password from standard input instead of making one up.
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Serialize)]
struct Created {
    user: UserId,
    /// `created`, `promoted` or `already_admin`.
    outcome: &'static str,
    /// Shown only if it was generated, and only this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Admin {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let Self::Create { email, name, password_stdin } = self;
        let email: Email = email.parse().map_err(|unfit| advised(format!("{unfit}"), "give an email address"))?;
        let name: PersonName =
            name.parse().map_err(|unfit| advised(format!("--name: {unfit}"), "give a person's name"))?;
        let given = if password_stdin { Some(read_password()?) } else { None };
        let password = given.clone().unwrap_or_else(made_up);
        password::check(&password).map_err(|weak| advised(weak.to_string(), "length is the only rule"))?;
        let config = Config::load()?;
        let mut conn = connect::open(&config).await?;
        let password_hash = password::hash(&password, config.auth.password_cost).context("hash the password")?;
        let mut tx = conn.begin().await?;
        let new = NewUser { email: &email, name: &name, password_hash: &password_hash };
        let done = bootstrap_admin(&mut tx, new).await?;
        tx.commit().await?;
        let made_up = if given.is_none() { Some(password) } else { None };
        let created = match done {
            Bootstrapped::Created(user) => Created { user, outcome: "created", password: made_up },
            Bootstrapped::Promoted(user) => Created { user, outcome: "promoted", password: None },
            Bootstrapped::AlreadyAdmin(user) => Created { user, outcome: "already_admin", password: None },
        };
        let email = email.as_str();
        output.show(&created, |created| match (created.outcome, &created.password) {
            ("created", Some(password)) => {
                format!("{email} is an administrator.\nThe password, shown only now: {password}")
            }
            ("created", None) => format!("{email} is an administrator."),
            ("promoted", _) => format!("{email} is an administrator now; the password is unchanged."),
            _ => format!("{email} already is an administrator; nothing changed."),
        })
    }
}

/// Makes an administrator of somebody who is registered, as `tradeyard admin create` does.
pub(crate) async fn promote(config: &Config, email: &str) -> anyhow::Result<()> {
    let email: Email = email.parse()?;
    let mut conn = connect::open(config).await?;
    let mut tx = conn.begin().await?;
    let known = credentials(&mut tx, &email).await?.ok_or_else(|| {
        let advice = "set DATABASE_URL to the API's";
        advised(format!("{} is registered, but not in this database: the API uses another one", email.as_str()), advice)
    })?;
    set_platform_role(&mut tx, Actor::CommandLine, known.user, PlatformRole::Admin).await?;
    tx.commit().await?;
    Ok(())
}

/// 24 letters and digits, more than 120 bits.
fn made_up() -> String {
    use rand::distr::{Alphanumeric, SampleString};
    Alphanumeric.sample_string(&mut rand::rng(), 24)
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(4_096).read_to_string(&mut text).context("read the password")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
