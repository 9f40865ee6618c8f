//! The commands as people and programs run them: as processes, against a database of the test's own.
#![expect(clippy::unwrap_used, reason = "a test ends where its shell does not work")]

mod compose;
mod encryption;
mod jobs_and_queues;
mod mail_and_events;
mod orgs_and_audit;
mod settings;
mod widths;

use std::path::Path;
use std::process::{Output, Stdio};

use queue::ledger::queue_settings::set_up;
use queue::transport::Transport;
use serde_json::Value;
use shared::testing::TestDb;
use tokio::process::Command;

/// A database and a shell whose settings name it.
struct TestShell {
    db: TestDb,
}

/// The exit code and the output of a command.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl TestShell {
    /// Makes a shell whose database has the queues that a scheduler would have set up.
    async fn new() -> Self {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.unwrap();
        set_up(&mut conn, &jobs::registry().unwrap().queues(), &Transport::ALL).await.unwrap();
        drop(conn);
        Self { db }
    }

    async fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, &[]).await
    }

    async fn run_with(&self, args: &[&str], settings: &[(&str, &str)]) -> Ended {
        self.run_in(&std::env::temp_dir(), args, settings).await
    }

    /// Runs a command in the folder `dir`; no other settings reach the program.
    async fn run_in(&self, dir: &Path, args: &[&str], settings: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradeyard"));
        command.current_dir(dir).args(args);
        command.env_clear().env("DATABASE_URL", self.db.url()).envs(settings.iter().copied());
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// Runs a command as for a migration: with the owner's URL besides the programs'.
    async fn run_as_owner(&self, args: &[&str]) -> Ended {
        self.run_with(args, &[("MIGRATE_DATABASE_URL", &self.db.owner_url())]).await
    }

    /// What a successful command prints.
    #[track_caller]
    fn ok(output: Ended) -> String {
        assert_eq!(output.code, Some(0), "{output:?}");
        assert_eq!(output.err, "", "what succeeds says nothing besides");
        output.out
    }

    async fn text(&self, args: &[&str]) -> String {
        Self::ok(self.run(args).await)
    }

    /// The last line that a command prints with `--json`: if it takes several names, it prints one
    /// for each.
    async fn json(&self, args: &[&str]) -> Value {
        let out = self.text(&[args, &["--json"]].concat()).await;
        serde_json::from_str(out.lines().last().unwrap()).unwrap()
    }

    /// The actions in the audit log, oldest first.
    async fn acts(&self) -> Vec<String> {
        let acts = sqlx::query_scalar("SELECT action || ' ' || subject_id FROM audit_entries ORDER BY seq");
        acts.fetch_all(&self.db.pool).await.unwrap()
    }
}

/// The names in a JSON object, sorted.
fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
