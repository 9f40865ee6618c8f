//! Breaks every step of a job's life once, between the two moments that matter, by an error and by
//! the death of the process: there is one effect for each key, and nothing is lost.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::time::{Duration, Instant};

use futures::future::join_all;
use queue::enqueue::{Enqueue, enqueue_all};
use queue::fault::{Fault, Point};
use queue::transport::Transport;
use serde_json::json;
use shared::program::Signals;
use tests::parts::Part;
use tests::servers::free_port;
use tests::stack::TestStack;
use tests::touch::Touch;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stack-part");
const JOBS: i32 = 20;

/// Has a worker break at `point`; if it dies there, another one takes its place.
async fn breaks(point: Point, fault: Fault) {
    let stack = TestStack::new(Transport::Local).await;
    let _scheduler = stack.scheduler();
    let mut worker = Part::start(PROGRAM, &stack, &["worker", &format!("{point:?}"), &format!("{fault:?}")]);
    // Half of them commit their effect together with their end, the others by itself.
    let jobs: Vec<_> = (0..JOBS).map(|n| Enqueue::new(&Touch { n, apart: n % 2 == 1, ..Touch::default() })).collect();
    let mut conn = stack.pool().acquire().await.unwrap();
    enqueue_all(&mut conn, &jobs).await.unwrap();
    drop(conn);
    let _next = if fault == Fault::Abort {
        let status = worker.ended().await;
        assert!(!status.success(), "{point:?} was not passed");
        Some(stack.worker(8))
    } else {
        None
    };
    stack.until_drained().await;
    stack.assert_once_each(JOBS).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_breaks_at_any_step_leaves_one_effect_for_each_key() {
    let points = [Point::Claimed, Point::BeforeCommit, Point::Committed, Point::BeforeFinish, Point::Finished];
    for fault in [Fault::Error, Fault::Abort] {
        // Side by side, because most of the time they wait for a lease to end.
        let broken = points.map(|point| tokio::spawn(breaks(point, fault)));
        for (point, broken) in points.iter().zip(join_all(broken).await) {
            assert!(broken.is_ok(), "{point:?}, {fault:?}: {broken:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_dies_between_commit_and_publish_loses_no_mail_and_sends_none_twice() {
    let mails = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let any = ([127, 0, 0, 1], 0).into();
    let smtp = sinks::smtp::Sink::start(sinks::smtp::Options::new(mails.path(), any), stop.clone()).await.unwrap();
    let addr = format!("127.0.0.1:{}", free_port().unwrap());
    let stack = TestStack::with(
        Transport::Rabbit,
        &[
            ("JWT_SECRET", "a secret for tests, not for anything else"),
            ("MASTER_KEY", shared::testing::MASTER_KEY),
            ("CHAT_KEY", shared::testing::MASTER_KEY),
            ("PASSWORD_COST", "4"),
            ("HTTP_ADDR", &addr),
            ("SMTP_URL", &format!("smtp://{}", smtp.addr())),
        ],
    )
    .await;
    tokio::spawn(scheduler::connect(&stack.config).unwrap().run(stop.clone()));
    let mut api = Part::start(PROGRAM, &stack, &["api", "BeforePublish", "Abort"]);

    // The fast path opens a moment after the start; until then, a commit has nothing to publish and
    // succeeds.
    let http = reqwest::Client::new();
    let started = Instant::now();
    let mut answered: Vec<String> = Vec::new();
    while !api.has_ended() {
        assert!(started.elapsed() < Duration::from_mins(1), "the API served {} without dying", answered.len());
        let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
        let person = json!({ "email": email, "name": "Ada", "password": "correct horse battery" });
        let answer = http.post(format!("http://{addr}/v1/auth/register")).json(&person).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => answered.push(email),
            Ok(answer) => {
                assert_eq!(answer.status(), 429, "only a throttle may refuse");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) if error.is_connect() => tokio::time::sleep(Duration::from_millis(20)).await,
            // It died while publishing for this request, or for the previous one, which it had
            // already answered.
            Err(_) => break,
        }
    }
    assert!(!api.ended().await.success());
    // PostgreSQL finishes what it was sent, even if nobody waits for it.
    let backends =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'api'";
    while stack.number(backends).await > 0.0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let people: Vec<String> = sqlx::query_scalar("SELECT email FROM users").fetch_all(stack.pool()).await.unwrap();
    assert!(answered.iter().all(|email| people.contains(email)), "an answered registration was not committed");
    let users = i64::try_from(people.len()).unwrap();
    let unpublished = stack.count("kind = 'emails.send' AND state = 'queued'").await;
    assert!(unpublished >= 1, "the fast path was not taken");

    let (config, signals) = (stack.config.clone(), Signals { stop: stop.clone(), ..Signals::default() });
    let worker =
        tokio::spawn(
            async move { workers::runtime::run("emails", &config, 4, Duration::from_secs(10), signals).await },
        );
    stack.until("kind = 'emails.send' AND state = 'succeeded'", users).await;
    stack.until("kind = 'emails.send'", users).await;
    for address in &people {
        let mails = smtp.list().into_iter().filter(|mail| mail.is_to(address)).count();
        assert_eq!(mails, 1, "{address}");
    }
    let sent: i64 =
        sqlx::query_scalar("SELECT count(*) FROM emails WHERE status = 'sent'").fetch_one(stack.pool()).await.unwrap();
    assert_eq!(sent, users);
    stop.cancel();
    worker.await.unwrap().unwrap();
    stack.leave().await;
}
