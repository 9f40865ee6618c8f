//! What RabbitMQ may do to a queue.

use std::time::Duration;

use super::test_broker::{Recorder, TestBroker, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_comes_back() {
    let broker = TestBroker::rabbit().await;
    let recorder = Recorder::open();
    let running = broker.consume(10, recorder.deliver());
    broker.publish(0..10).await;
    recorder.wait_for(0..10).await;
    broker.delete_rabbit_queue().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), running.task).await;
    assert!(ended.expect("it ends").unwrap().is_err(), "a supervisor must hear of it");
    // `mandatory` notifies the publisher, which declares the queue again.
    broker.publish(10..20).await;
    broker.wait_for_depth(10).await;
    let running = broker.consume(10, recorder.deliver());
    recorder.wait_for(0..20).await;
    running.stop().await;
    broker.close().await;
}

/// RabbitMQ would give the new queue the consumer of the old one, and deliver nothing to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queues_consumer_is_ended_before_the_queue_comes_back() {
    let broker = TestBroker::rabbit().await;
    let recorder = Recorder::open();
    let running = broker.consume(10, recorder.deliver());
    broker.publish(0..10).await;
    recorder.wait_for(0..10).await;
    broker.delete_rabbit_queue().await;
    broker.publish(10..20).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), running.task).await;
    assert!(ended.expect("it ends").unwrap().is_err(), "a supervisor must hear of it");
    let running = broker.consume(10, recorder.deliver());
    recorder.wait_for(0..20).await;
    running.stop().await;
    broker.close().await;
}

/// Whoever compares the ledger with the broker changes nothing there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_a_queue_does_not_make_it() {
    let broker = TestBroker::rabbit().await;
    assert_eq!((broker.depth().await, broker.has_rabbit_queue().await), (0, false));
    broker.publish(0..3).await;
    broker.wait_for_depth(3).await;
    assert!(broker.has_rabbit_queue().await);
    broker.delete_rabbit_queue().await;
    assert_eq!((broker.depth().await, broker.has_rabbit_queue().await), (0, false));
    broker.close().await;
}

/// Publishing from many tasks at once keeps confirms and messages together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publishers_share_the_connection() {
    let broker = TestBroker::rabbit().await;
    futures::future::join_all((0..20).map(|part| broker.publish(part * 200..(part + 1) * 200))).await;
    broker.wait_for_depth(4000).await;
    let recorder = Recorder::open();
    let running = broker.consume(1000, recorder.deliver());
    recorder.wait_for(0..4000).await;
    running.stop().await;
    broker.close().await;
}

/// Several processes that start on a fresh server declare the same queue at once, which RabbitMQ answers with an internal
/// error that closes the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_start_at_once() {
    let broker = TestBroker::rabbit().await;
    let recorder = Recorder::shut();
    let others: Vec<TestBroker> = futures::future::join_all((0..5).map(|_| broker.another())).await;
    let running: Vec<_> = others.iter().map(|other| other.consume(2, recorder.deliver())).collect();
    broker.publish(0..10).await;
    until("each has its hands full", || recorder.in_hand() == 10).await;
    recorder.open_gate();
    for running in running {
        running.stop().await;
    }
    broker.close().await;
}
