//! What `/readyz` says about workers and schedulers.
#![expect(clippy::expect_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use queue::transport::Transport;
use tests::parts::Part;
use tests::servers::{OwnRedis, free_port};
use tests::stack::{Running, TestStack};

/// Waits until the part says that it is ready, or that it is not.
async fn until_ready(part: &Running, ready: bool) {
    let waiting = async {
        while part.health.ready().await.is_ok() != ready {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("the readiness changes in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_and_scheduler_are_ready_when_their_broker_is() {
    let mut redis = OwnRedis::start().await.unwrap();
    redis.kill().await.unwrap();
    let stack = TestStack::with(Transport::Redis, &[("REDIS_URL", &redis.url())]).await;
    let (scheduler, worker) = (stack.scheduler(), stack.worker(4));
    for part in [&scheduler, &worker] {
        until_ready(part, false).await;
    }
    redis.up().await.unwrap();
    for part in [&scheduler, &worker] {
        until_ready(part, true).await;
    }
    redis.kill().await.unwrap();
    for part in [&scheduler, &worker] {
        until_ready(part, false).await;
    }
    // A broker that carries none of the part's queues may be away.
    stack.set("transport = 'local'").await;
    for part in [&scheduler, &worker] {
        until_ready(part, true).await;
    }
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_shuts_down_is_not_ready() {
    let health = format!("127.0.0.1:{}", free_port().unwrap());
    let stack = TestStack::with(Transport::Local, &[("HEALTH_ADDR", &health)]).await;
    let _scheduler = stack.scheduler();
    let mut worker = Part::start(env!("CARGO_BIN_EXE_stack-part"), &stack, &["worker"]);
    let http = reqwest::Client::new();
    let ask = async || match http.get(format!("http://{health}/readyz")).send().await {
        Ok(answer) => Some((answer.status().as_u16(), answer.text().await.unwrap_or_default())),
        Err(_) => None,
    };
    stack.enqueue(4, 5_000).await;
    stack.until("state = 'running'", 4).await;
    assert_eq!(ask().await, Some((200, "ready\n".to_owned())));
    worker.signal("TERM");
    let mut said = None;
    while said.is_none() && !worker.has_ended() {
        said = ask().await.filter(|(status, _)| *status != 200);
    }
    assert_eq!(said, Some((503, "it shuts down\n".to_owned())));
    assert!(worker.ended().await.success());
    assert_eq!(stack.count("state = 'succeeded'").await, 4);
    stack.close().await;
}
