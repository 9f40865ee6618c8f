//! The `tradeyard` program: everything an operator or a developer does from a shell.
//!
//! Exit codes: 0, done; 1, it could not be done, and the message says what to do; 2, the command
//! line or the settings were wrong.

mod commands;
mod connect;
mod demo;
mod failure;
mod near;
mod output;
mod secrets;
mod when;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;

/// Runs and watches a Tradeyard installation.
#[derive(Debug, Parser)]
#[command(
    name = "tradeyard",
    version,
    max_term_width = 110,
    after_help = "Settings come from tradeyard.toml (or the file named by TRADEYARD_CONFIG) and the environment; \
                  tradeyard.example.toml lists them.\n\
                  Exit codes: 0 done, 1 not done (the message says what to do), 2 wrong command line or settings."
)]
struct Cli {
    /// Print JSON for programs instead of tables for people.
    #[arg(long, global = true)]
    json: bool,
    /// Show every column of a list, however long the lines become; without it, lists fit 100 columns.
    #[arg(long, global = true)]
    wide: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the database's schema up to date.
    Migrate,
    /// Run everything in this one process, for trying the product; a database alone is enough.
    Dev(commands::dev::Dev),
    /// Run the S3 folder, the mail sink and the mailbox page, for development.
    Sinks(commands::sinks::Sinks),
    /// List, look at, cancel and retry jobs; ask why one is not running.
    #[command(subcommand)]
    Jobs(commands::jobs::Jobs),
    /// List, pause, resume, tune and move queues.
    #[command(subcommand)]
    Queues(commands::queues::Queues),
    /// List, pause, resume and run schedules; show when they fire next.
    #[command(subcommand)]
    Schedules(commands::schedules::Schedules),
    /// List the worker processes.
    Workers(commands::workers::Workers),
    /// Put a job into its queue.
    Enqueue(commands::enqueue::Enqueue),
    /// See which addresses mail is not sent to, and write to one again.
    #[command(subcommand)]
    Emails(commands::emails::Emails),
    /// See which cargo events could not be recorded, mend them and send them again.
    #[command(subcommand)]
    Cargo(commands::cargo::Cargo),
    Demo(demo::Demo),
    Flood(demo::Flood),
    /// Put organisations on another plan; see which ones in an auction may belong to the same people.
    #[command(subcommand)]
    Orgs(commands::orgs::Orgs),
    /// Seal anew what an older master key has sealed, before it is taken away, and see what is left.
    #[command(subcommand)]
    Encryption(commands::encryption::Encryption),
    /// Read the log of what people, the command line and the system itself did.
    Audit(commands::audit::Audit),
    /// Make administrators.
    #[command(subcommand)]
    Admin(commands::admin::Admin),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&anyhow::Error::new(error).context("start the runtime")),
    };
    let result = runtime.block_on(run(cli));
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let output = Output { json: cli.json, wide: cli.wide };
    match cli.command {
        Command::Migrate => commands::migrate::run(output).await,
        Command::Dev(dev) => dev.run().await,
        Command::Sinks(sinks) => sinks.run().await,
        Command::Jobs(jobs) => jobs.run(output).await,
        Command::Queues(queues) => queues.run(output).await,
        Command::Schedules(schedules) => schedules.run(output).await,
        Command::Workers(workers) => workers.run(output).await,
        Command::Enqueue(enqueue) => enqueue.run(output).await,
        Command::Emails(emails) => emails.run(output).await,
        Command::Cargo(cargo) => cargo.run(output).await,
        Command::Orgs(orgs) => orgs.run(output).await,
        Command::Encryption(encryption) => encryption.run(output).await,
        Command::Audit(audit) => audit.run(output).await,
        Command::Demo(demo) => demo.run(output).await,
        Command::Flood(flood) => flood.run(output).await,
        Command::Admin(admin) => admin.run(output).await,
    }
}

#[cfg(test)]
mod tests;
