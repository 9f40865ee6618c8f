//! What apalis-redis gets wrong by itself.

use std::time::Duration;

use super::test_broker::{QUEUE, Recorder, TestBroker, until};

/// Its own promotion of scheduled tasks breaks at 8,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_more_than_8000_messages_is_drained() {
    let broker = TestBroker::redis().await;
    broker.publish(0..9000).await;
    assert_eq!(broker.depth().await, 9000);
    let recorder = Recorder::open();
    let running = broker.consume(500, recorder.deliver());
    recorder.wait_for(0..9000).await;
    running.stop().await;
    broker.close().await;
}

/// It keeps every task for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat() {
    let broker = TestBroker::redis().await;
    let recorder = Recorder::open();
    let running = broker.consume(200, recorder.deliver());
    let mut keys = Vec::new();
    for round in 0..5 {
        for batch in 0..10 {
            let first = (round * 10 + batch) * 1000;
            broker.publish(first..first + 1000).await;
            broker.wait_for_depth(0).await;
        }
        keys.push(broker.redis_keys().await.len());
    }
    println!("keys after each 10,000 messages: {keys:?}");
    assert!(keys.iter().all(|count| *count < 2500), "finished tasks are left behind: {keys:?}");
    running.stop().await;
    let mut left = broker.redis_keys().await;
    left.retain(|key| !key.ends_with(":tokens"));
    assert_eq!(left, Vec::<String>::new(), "a stopped queue leaves nothing");
    broker.close().await;
}

/// It ends a worker that fetches an id without a body. The next one must not meet it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_without_a_body_ends_one_consumer_and_no_more() {
    let broker = TestBroker::redis().await;
    let recorder = Recorder::open();
    let mut connection = broker.redis_connection().await;
    let active = format!("{}:jobs:{QUEUE}:active", broker.namespace);
    redis::cmd("RPUSH").arg(active).arg("nobody").exec_async(&mut connection).await.unwrap();
    broker.publish(0..3).await;
    let running = broker.consume(20, recorder.deliver());
    let ended = tokio::time::timeout(Duration::from_secs(20), running.task).await;
    assert!(ended.expect("it ends").unwrap().is_err());
    let running = broker.consume(20, recorder.deliver());
    recorder.wait_for(0..3).await;
    running.stop().await;
    broker.close().await;
}

/// A server that lost everything no longer knows the worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_server_ends_the_consumer_and_the_next_one_works() {
    let broker = TestBroker::redis().await;
    let recorder = Recorder::open();
    let running = broker.consume(10, recorder.deliver());
    broker.publish(0..10).await;
    recorder.wait_for(0..10).await;
    let mut connection = broker.redis_connection().await;
    for key in broker.redis_keys().await {
        redis::cmd("DEL").arg(key).exec_async(&mut connection).await.unwrap();
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), running.task).await;
    assert!(ended.expect("it ends within the fallback of a second").unwrap().is_err());
    let running = broker.consume(10, recorder.deliver());
    broker.publish(10..20).await;
    recorder.wait_for(0..20).await;
    running.stop().await;
    broker.close().await;
}

/// A worker that was stopped for longer than it may be silent comes back as a stranger: what it had is with another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_taken_for_dead_ends_with_an_error() {
    let broker = TestBroker::redis().await;
    let (frozen, heir) = (Recorder::shut(), Recorder::open());
    let first = broker.consume(4, frozen.deliver());
    broker.publish(0..4).await;
    until("it has its hands full", || frozen.in_hand() == 4).await;
    let mut connection = broker.redis_connection().await;
    let workers = format!("{}:jobs:{QUEUE}:workers", broker.namespace);
    let name: Vec<String> =
        redis::cmd("ZRANGE").arg(&workers).arg(0).arg(-1).query_async(&mut connection).await.unwrap();
    let alive = format!("{}:jobs:{QUEUE}:alive:{}", broker.namespace, name[0]);
    // Plays the silence: no sign of life at the moment when the other one looks.
    let silence = tokio::spawn(async move {
        loop {
            redis::cmd("DEL").arg(&alive).exec_async(&mut connection).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let second = broker.consume(4, heir.deliver());
    heir.wait_for(0..4).await;
    silence.abort();
    frozen.open_gate();
    let ended = tokio::time::timeout(Duration::from_secs(20), first.task).await;
    assert!(ended.expect("it ends").unwrap().is_err());
    second.stop().await;
    broker.close().await;
}
