//! Prints why something could not be done, and what to do about it.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use queue::EnqueueError;
use queue::ops::OpsError;
use queue::schedule::store::ScheduleError;
use shared::config::ConfigError;
use sqlx::postgres::PgDatabaseError;

/// An error with advice on what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct Advised {
    problem: String,
    advice: String,
}

/// Makes an error that says what to do.
pub(crate) fn advised(problem: impl Into<String>, advice: impl Into<String>) -> anyhow::Error {
    Advised { problem: problem.into(), advice: advice.into() }.into()
}

/// Prints the error and the advice. The exit code is 1, 2 for wrong settings, or 0 if the output
/// was only cut off by its reader.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if nobody_reads(error) {
        return ExitCode::SUCCESS;
    }
    let text = message_with_advice(error);
    // If this cannot be written, there is still the exit code.
    let _ = io::stderr().lock().write_all(text.as_bytes());
    if error.downcast_ref::<ConfigError>().is_some() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// What [`report`] prints.
pub(crate) fn message_with_advice(error: &anyhow::Error) -> String {
    let advice = advice(error).map(|advice| format!("help: {advice}\n")).unwrap_or_default();
    format!("error: {}\n{advice}", causes(error))
}

/// Whether our output was closed by its reader, as by `tradeyard jobs list | head`: not a failure.
fn nobody_reads(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == ErrorKind::BrokenPipe)
}

/// The chain of causes on one line, without those that are already quoted by the error above them.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(|cause| {
        // Both leave out the position in the server's own source code.
        match (cause.downcast_ref(), cause.downcast_ref::<PgDatabaseError>()) {
            (Some(sqlx::Error::Database(said)), _) => said.message().to_owned(),
            (_, Some(said)) => said.message().to_owned(),
            _ => cause.to_string(),
        }
    }) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn advice(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(advised) = cause.downcast_ref::<Advised>() {
            return Some(advised.advice.clone());
        }
        if let Some(ops) = cause.downcast_ref::<OpsError>() {
            return advice_for_ops(ops);
        }
        if let Some(schedule) = cause.downcast_ref::<ScheduleError>() {
            return advice_for_schedules(schedule);
        }
        if let Some(EnqueueError::Conflict { existing, .. }) = cause.downcast_ref() {
            return Some(format!("`tradeyard jobs show {existing}` shows it"));
        }
        cause.downcast_ref::<sqlx::Error>().and_then(advice_for_sql)
    })
}

fn advice_for_ops(error: &OpsError) -> Option<String> {
    let advice = match error {
        OpsError::UnknownJob(_) => {
            "`tradeyard jobs list` lists them; finished jobs are pruned after a while".to_owned()
        }
        OpsError::WrongState { job, .. } => format!("`tradeyard jobs show {job}` shows where it stands"),
        OpsError::Conflict { existing, .. } => format!("`tradeyard jobs show {existing}` shows the other one"),
        OpsError::UnknownKind(_) => "retry it without a new payload, or use the program's newer version".to_owned(),
        OpsError::Sql(error) => return advice_for_sql(error),
        OpsError::UnknownQueue { .. } | OpsError::Payload(_) | OpsError::Invalid { .. } => return None,
    };
    Some(advice)
}

fn advice_for_schedules(error: &ScheduleError) -> Option<String> {
    let advice = match error {
        ScheduleError::Retired(_) => "start a scheduler of the version that declares it",
        ScheduleError::UnknownKind(_) | ScheduleError::Payload(_) => {
            "this program and the schedule differ in age: use the version that the schedulers run"
        }
        ScheduleError::Sql(error) => return advice_for_sql(error),
        _ => return None,
    };
    Some(advice.to_owned())
}

fn advice_for_sql(error: &sqlx::Error) -> Option<String> {
    let advice = match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // Undefined table, column, type or function.
            Some("42P01" | "42703" | "42704" | "42883") => "the schema is missing or old: run `tradeyard migrate`",
            Some("3D000") => "create it, then run `tradeyard migrate`",
            Some("28P01" | "28000") => "check the user and password in DATABASE_URL",
            Some("42501") => {
                "`tradeyard migrate` gives the user in DATABASE_URL every right that it needs; for itself it needs the owner of the \
                 tables, in MIGRATE_DATABASE_URL"
            }
            Some("53300") => "the server has no connection left: close some, or raise its max_connections",
            _ => return None,
        },
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => {
            "is PostgreSQL running there? DATABASE_URL says where; `./dev up` starts one"
        }
        sqlx::Error::Tls(_) => "check sslmode and sslrootcert in DATABASE_URL",
        _ => return None,
    };
    Some(advice.to_owned())
}

#[cfg(test)]
mod tests;
