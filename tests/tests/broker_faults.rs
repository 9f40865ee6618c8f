//! Brokers that forget, go away, come back, or were never there: nothing is lost or done twice.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use queue::ops::why::Cause;
use queue::transport::Transport;
use tests::servers::{OwnRabbit, OwnRedis, free_port};
use tests::stack::TestStack;
use tests::touch::Touch;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_under_the_fast_path_is_noticed() {
    let mut redis = OwnRedis::start().await.unwrap();
    let stack = TestStack::with(Transport::Redis, &[("REDIS_URL", &redis.url())]).await;
    let _scheduler = stack.scheduler();
    let ledger = stack.fast_ledger().await;
    redis.kill().await.unwrap();
    ledger.enqueue(&Touch::default()).await.unwrap();
    until_down(&stack, true).await;
    redis.up().await.unwrap();
    until_down(&stack, false).await;
    let _worker = stack.worker(8);
    stack.until_drained().await;
    stack.assert_once_each(1).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_while_nothing_is_published_is_noticed() {
    let mut redis = OwnRedis::start().await.unwrap();
    let stack = TestStack::with(Transport::Redis, &[("REDIS_URL", &redis.url())]).await;
    let _scheduler = stack.scheduler();
    let ledger = stack.fast_ledger().await;
    ledger.enqueue(&Touch::default()).await.unwrap();
    stack.until("state = 'queued'", 1).await;
    redis.kill().await.unwrap();
    until_down(&stack, true).await;
    redis.up().await.unwrap();
    until_down(&stack, false).await;
    let _worker = stack.worker(8);
    stack.until_drained().await;
    stack.assert_once_each(1).await;
    stack.close().await;
}

/// Waits until operators see that the broker is down, or that it no longer is.
async fn until_down(stack: &TestStack, down: bool) {
    let seen = async {
        while matches!(stack.why().await, Cause::BrokerDown { .. }) != down {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_redis_loses_nothing() {
    let redis = OwnRedis::start().await.unwrap();
    let stack = TestStack::with(Transport::Redis, &[("REDIS_URL", &redis.url())]).await;
    let _scheduler = stack.scheduler();
    stack.enqueue(400, 5).await;
    // Everything is in the broker, and no worker has started yet.
    stack.until("state = 'queued'", 400).await;
    redis.command("FLUSHALL").await.unwrap();
    let _worker = stack.worker(8);
    stack.until("state = 'succeeded' AND payload ->> 'n' = '10'", 1).await;
    redis.command("FLUSHALL").await.unwrap();
    stack.until_drained().await;
    stack.assert_once_each(400).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_rabbit_queue_loses_nothing() {
    let stack = TestStack::new(Transport::Rabbit).await;
    let _scheduler = stack.scheduler();
    stack.enqueue(400, 5).await;
    stack.until("state = 'queued'", 400).await;
    stack.brokers().get(Transport::Rabbit).unwrap().purge("touch").await.unwrap();
    let _worker = stack.worker(8);
    stack.until_drained().await;
    stack.assert_once_each(400).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_at_the_start_and_again_later_loses_nothing() {
    let mut redis = OwnRedis::start().await.unwrap();
    redis.kill().await.unwrap();
    let stack = TestStack::with(Transport::Redis, &[("REDIS_URL", &redis.url())]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    stack.enqueue(300, 10).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stack.count("state = 'succeeded'").await, 0);
    redis.up().await.unwrap();
    stack.until("state = 'succeeded' AND payload ->> 'n' = '50'", 1).await;
    redis.kill().await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.up().await.unwrap();
    stack.until_drained().await;
    stack.assert_once_each(300).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbit_that_is_away_at_the_start_and_then_comes_loses_nothing() {
    let mut rabbit = OwnRabbit::start().await.unwrap();
    rabbit.kill().await.unwrap();
    let stack = TestStack::with(Transport::Rabbit, &[("AMQP_URL", &rabbit.url())]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    stack.enqueue(300, 5).await;
    stack.until("EXISTS (SELECT FROM queue_status WHERE broker_error IS NOT NULL)", 300).await;
    assert_eq!(stack.count("state = 'succeeded'").await, 0);
    rabbit.up().await.unwrap();
    stack.until_drained().await;
    stack.assert_once_each(300).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbit_that_cannot_be_reached_holds_nothing_up_but_itself() {
    let nobody = format!("amqp://guest:guest@127.0.0.1:{}/%2f", free_port().unwrap());
    let stack = TestStack::with(Transport::Rabbit, &[("AMQP_URL", &nobody)]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    stack.enqueue(20, 0).await;
    let sees = "EXISTS (SELECT FROM queue_status WHERE broker_error IS NOT NULL)";
    stack.until(sees, 20).await;
    // An operator moves the queue to a transport that works.
    let mut conn = stack.pool().acquire().await.unwrap();
    let change = queue::ops::queues::QueueChange { transport: Some(Transport::Local), ..Default::default() };
    queue::ops::queues::set(&mut conn, "touch", &change, queue::ops::Actor::System).await.unwrap();
    drop(conn);
    stack.until_drained().await;
    stack.assert_once_each(20).await;
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rabbit_loses_nothing() {
    let mut rabbit = OwnRabbit::start().await.unwrap();
    let stack = TestStack::with(Transport::Rabbit, &[("AMQP_URL", &rabbit.url())]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    // If a quorum queue of RabbitMQ 3.10 is younger than five seconds, the interval at which Ra
    // writes its members, it never finds a leader after a kill; this was seen with a Python client
    // as well. Ours is older.
    stack.enqueue(1, 0).await;
    stack.until("state = 'succeeded'", 1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    sqlx::query("TRUNCATE jobs, effects").execute(stack.pool()).await.unwrap();
    stack.enqueue(400, 20).await;
    stack.until_at_least("state = 'succeeded'", 50).await;
    rabbit.kill().await.unwrap();
    rabbit.up().await.unwrap();
    stack.until_drained().await;
    stack.assert_once_each(400).await;
    stack.close().await;
}
