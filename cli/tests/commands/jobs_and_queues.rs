//! What operators do with jobs, queues and workers.

use std::pin::pin;
use std::time::Duration;

use jobs::maintenance::{CancelJobs, RetryJobs};
use queue::testing::TestQueue;
use queue::worker::Handlers;
use serde_json::json;
use shared::config::{Config, Source};

use super::{TestShell, names};

const PRUNE: &str = r#"{"finished_after_hours":24,"dead_after_hours":720}"#;

#[tokio::test]
async fn a_job_is_followed_from_the_shell_and_every_act_is_in_the_audit_log() {
    let shell = TestShell::new().await;
    let new = shell.json(&["enqueue", "jobs.prune", PRUNE, "--in", "1h", "--priority", "low"]).await;
    assert_eq!(names(&new), ["id", "kind", "outcome", "queue"]);
    assert_eq!(
        (&new["kind"], &new["outcome"], &new["queue"]),
        (&json!("jobs.prune"), &json!("new"), &json!("maintenance"))
    );
    let id = &new["id"].to_string();
    assert_eq!(shell.json(&["enqueue", "jobs.prune", PRUNE]).await["outcome"], "existing");

    let list = shell.text(&["jobs", "list", "--open", "--queue", "maintenance", "--since", "5m"]).await;
    let (head, row) = list.split_once('\n').unwrap();
    let head: Vec<_> = head.split_whitespace().collect();
    assert_eq!(head, ["ID", "STATE", "KIND", "QUEUE", "ATTEMPT", "SINCE", "NOTE"]);
    let wide = shell.text(&["jobs", "list", "--wide"]).await;
    assert!(wide.lines().next().unwrap().contains("CREATED"), "{wide}");
    assert!(row.trim_start().starts_with(id.as_str()) && row.contains("scheduled"), "{list}");
    let page = shell.json(&["jobs", "list"]).await;
    assert_eq!((names(&page), &page["jobs"][0]["state"]), (vec!["jobs", "next"], &json!("scheduled")));

    let why = shell.json(&["jobs", "why", id]).await;
    assert!(why["sentence"].as_str().unwrap().contains("due"), "{why}");
    assert!(why["advice"].as_str().unwrap().contains("run-now"), "{why}");
    shell.text(&["jobs", "run-now", id]).await;
    assert_eq!(shell.json(&["jobs", "priority", id, "urgent"]).await["done"], "urgent");
    let shown = shell.json(&["jobs", "show", id]).await;
    assert_eq!((&shown["state"], &shown["priority"]), (&json!("available"), &json!("urgent")));
    assert!(shell.text(&["jobs", "show", id]).await.contains("queue       maintenance, priority urgent"));

    assert_eq!(shell.text(&["jobs", "cancel", id]).await, format!("job {id}: cancelled\n"));
    assert_eq!(shell.text(&["jobs", "retry", id]).await, format!("job {id}: available again\n"));
    assert_eq!(shell.text(&["jobs", "groups"]).await, "No dead jobs.\n");

    let acts = ["job.enqueue", "job.enqueue", "job.run_now", "job.reprioritise", "job.cancel", "job.retry"];
    assert_eq!(shell.acts().await, acts.map(|act| format!("{act} {id}")));
    shell.db.close().await;
}

#[tokio::test]
async fn many_jobs_are_counted_first_then_cancelled_and_retried_by_a_job_that_the_shell_follows() {
    let shell = TestShell::new().await;
    shell.json(&["enqueue", "jobs.prune", PRUNE, "--in", "1h"]).await;
    let choice = ["--kind", "jobs.prune"];
    assert_eq!(shell.text(&[&["jobs", "cancel", "--dry-run"][..], &choice].concat()).await, "1 jobs fit\n");
    let left = shell.json(&[&["jobs", "cancel", "--no-wait"][..], &choice].concat()).await;
    assert_eq!(left["counted"], json!(1));
    assert_eq!(shell.json(&["jobs", "show", &left["job"].to_string()]).await["state"], "available");

    let handlers = Handlers::default().with::<CancelJobs>().with::<RetryJobs>();
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), shell.db.url())].into())).unwrap();
    let queue = TestQueue::new(&shell.db.app, handlers, workers::Services::new(&config).unwrap()).await;
    queue.drain().await;
    let shown = shell.text(&["jobs", "show", &left["job"].to_string()]).await;
    assert!(shown.contains("succeeded") && shown.contains(r#"{"asked":0,"cancelled":1}"#), "{shown}");

    // Runs jobs while the shell waits.
    let works = async |args: &[&str]| {
        let mut done = pin!(shell.json(args));
        loop {
            tokio::select! {
                done = &mut done => return done,
                _ = queue.drain() => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let args = ["jobs", "retry", "--state", "cancelled", "--rate", "10"];
    let done = works(&[&args[..], &choice].concat()).await;
    assert_eq!(names(&done), ["conflicts", "counted", "job", "retried"]);
    assert_eq!((&done["counted"], &done["retried"], &done["conflicts"]), (&json!(1), &json!(1), &json!(0)));

    let job = done["job"].to_string();
    let acts = shell.acts().await;
    assert_eq!(acts[1..], [format!("job.cancel_many {}", left["job"]), format!("job.retry_many {job}")]);
    shell.db.close().await;
}

#[tokio::test]
async fn queues_are_paused_tuned_and_moved() {
    let shell = TestShell::new().await;
    let list = shell.text(&["queues", "list"]).await;
    assert!(list.lines().next().unwrap().contains("QUEUE") && list.contains("no dispatcher"), "{list}");
    let head: Vec<_> = list.lines().next().unwrap().split_whitespace().collect();
    let narrow = "QUEUE TRANSPORT WAITING OLDEST BROKER RUNNING LATER DEAD WORKERS STATE";
    assert_eq!(head.join(" "), narrow);
    assert!(list.lines().all(|line| line.chars().count() <= 100), "{list}");
    sqlx::query(
        "INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog, broker_error, transport_problem)
         VALUES ('emails', 'scheduler-1', now() + interval '1 hour', 0, false, 'RabbitMQ is short of memory', 'blocked')",
    )
    .execute(&shell.db.pool)
    .await
    .unwrap();
    let list = shell.text(&["queues", "list"]).await;
    let blocked = list.lines().filter(|line| line.ends_with("rabbit: blocked"));
    assert!(blocked.eq(list.lines().filter(|line| line.starts_with("emails "))), "{list}");
    let wide = shell.text(&["queues", "list", "--wide"]).await;
    assert!(wide.contains("WINDOW") && wide.contains("SLOTS"), "{wide}");
    let paused = shell.text(&["queues", "pause", "emails", "reports"]).await;
    assert_eq!(paused.lines().count(), 2, "{paused}");
    assert!(shell.text(&["queues", "list"]).await.contains("paused"));
    let resumed = shell.json(&["queues", "resume", "emails"]).await;
    assert_eq!(resumed, json!({"queue": "emails", "paused": false, "taken_back": 0}));
    let set = shell.json(&["queues", "set", "emails", "--rate", "5", "--limit", "3"]).await;
    assert_eq!((&set["rate_per_second"], &set["concurrency_limit"]), (&json!(5.0), &json!(3)));
    let moved = shell.json(&["queues", "move", "emails", "local"]).await;
    assert_eq!(moved["transport"], "local");
    let acts = ["pause emails", "pause reports", "resume emails", "change emails", "change emails"];
    assert_eq!(shell.acts().await, acts.map(|act| format!("queue.{act}")));

    let output = shell.run(&["queues", "move", "emails", "redis"]).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("help: set REDIS_URL"), "{output:?}");
    assert_eq!(shell.acts().await.len(), acts.len(), "what was refused is not an act");
    shell.db.close().await;
}

#[tokio::test]
async fn workers_are_listed() {
    let shell = TestShell::new().await;
    assert_eq!(shell.text(&["workers"]).await, "No workers.\n");
    assert_eq!(shell.json(&["workers"]).await, json!([]));
    sqlx::query(
        "INSERT INTO workers (pool, name, host, pid, version, queues, kinds, concurrency, lease_until)
         VALUES ('emails', 'emails-1', 'here', 7, '1', '{emails}', '{}', 8, now() + interval '1 minute')",
    )
    .execute(&shell.db.pool)
    .await
    .unwrap();
    let table = shell.text(&["workers"]).await;
    assert!(table.lines().next().unwrap().contains("POOL") && table.contains("emails-1"), "{table}");
    let workers = shell.json(&["workers"]).await;
    assert_eq!((&workers[0]["pool"], &workers[0]["running"]), (&json!("emails"), &json!(0)));
    shell.db.close().await;
}

#[tokio::test]
async fn wrong_arguments_end_with_two_and_what_cannot_be_done_with_one() {
    let shell = TestShell::new().await;
    for (code, args) in [
        (2, &["jobs", "list", "--since", "9999999999999d"][..]),
        (2, &["jobs", "list", "--state", "lost"]),
        (2, &["jobs", "show", "seven"]),
        (2, &["jobs", "retry", "7", "--rate", "5"]),
        (2, &["jobs", "retry", "7", "--limit", "5"]),
        (2, &["jobs", "retry", "--queue", "emails", "--rate", "-5"]),
        (2, &["queues", "pause"]),
        (2, &["queues", "resume"]),
        (2, &["queues", "set", "emails", "--rate", "fast"]),
        (2, &["enqueue"]),
        (2, &["enqueue", "jobs.prune", "--in", "40000d"]),
        (2, &["nonsense"]),
        (1, &["jobs", "show", "7"]),
        (1, &["jobs", "why", "7"]),
        (1, &["jobs", "run-now", "7"]),
        (1, &["jobs", "cancel", "7"]),
        (1, &["jobs", "cancel"]),
        (1, &["jobs", "cancel", "7", "--queue", "emails"]),
        (1, &["jobs", "retry", "7"]),
        (1, &["queues", "pause", "letters"]),
        (1, &["queues", "set", "emails", "--window", "0"]),
        (1, &["enqueue", "jobs.purge"]),
        (1, &["enqueue", "jobs.prune", "{}"]),
        (1, &["enqueue", "jobs.prune", "[1, 1]"]),
        (1, &["schedules", "run", "jobs.purge"]),
    ] {
        let output = shell.run(args).await;
        assert_eq!((output.code, output.out.as_str()), (Some(code), ""), "{args:?}: {output:?}");
        assert!(output.err.starts_with("error: "), "{args:?}: {output:?}");
    }
    assert_eq!(shell.acts().await, Vec::<String>::new());
    shell.db.close().await;
}
