//! What RabbitMQ does by itself: it stops taking messages when it is short of memory, and gives up
//! on messages that came back too often.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use futures::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use queue::ops::queues;
use queue::transport::rabbit::connection::connect;
use queue::transport::{Transport, TransportProblem};
use tests::servers::OwnRabbit;
use tests::stack::TestStack;
use tests::touch::{QUEUE, Touch};

/// Waits until operators see this problem with the queue's transport.
async fn until_problem(stack: &TestStack, wanted: Option<TransportProblem>) {
    let seen = async {
        loop {
            let mut conn = stack.pool().acquire().await.unwrap();
            let queue = queues::one(&mut conn, QUEUE.name).await.unwrap();
            if queue.dispatcher.is_some_and(|it| it.transport_problem == wanted) {
                return;
            }
            drop(conn);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.unwrap();
}

/// With nothing to publish, RabbitMQ reports its alarm only when asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_shown_and_everything_goes_out_after_it() {
    let rabbit = OwnRabbit::start().await.unwrap();
    let stack = TestStack::with(Transport::Rabbit, &[("AMQP_URL", &rabbit.url())]).await;
    let _scheduler = stack.scheduler();
    let _worker = stack.worker(8);
    let ledger = stack.fast_ledger().await;
    until_problem(&stack, None).await;

    rabbit.ctl(&["set_vm_memory_high_watermark", "0"]).await.unwrap();
    until_problem(&stack, Some(TransportProblem::Blocked)).await;
    // The ledger takes jobs as usual: none of these waits for the broker.
    for n in 0..100 {
        ledger.enqueue(&Touch { n, ..Touch::default() }).await.unwrap();
    }
    stack.enqueue_from(100, 100).await;
    stack.until("state IN ('available', 'queued')", 200).await;
    until_problem(&stack, Some(TransportProblem::Blocked)).await;
    assert_eq!(stack.count("state = 'succeeded'").await, 0);

    rabbit.ctl(&["set_vm_memory_high_watermark", "0.4"]).await.unwrap();
    stack.until_drained().await;
    until_problem(&stack, None).await;
    stack.assert_once_each(200).await;
    stack.close().await;
}

/// RabbitMQ 4 does this after twenty returns by default; here, a policy makes it do so after the
/// first.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_message_rabbitmq_gave_up_runs() {
    let rabbit = OwnRabbit::start().await.unwrap();
    let limit = ["set_policy", "limit", ".*", r#"{"delivery-limit":1}"#, "--apply-to", "queues"];
    rabbit.ctl(&limit).await.unwrap();
    let stack = TestStack::with(Transport::Rabbit, &[("AMQP_URL", &rabbit.url())]).await;
    let _scheduler = stack.scheduler();
    stack.enqueue(5, 0).await;
    stack.until("state = 'queued'", 5).await;

    // A worker dies with the messages in hand before it claims, twice: by then they have come back
    // too often.
    let name = format!("{}.jobs.{}", stack.config.namespace, QUEUE.name);
    until_published(&rabbit, &name, 5).await;
    for _ in 0..2 {
        die_with_the_messages(&rabbit, &name).await;
    }
    let _worker = stack.worker(8);
    stack.until_drained().await;
    stack.assert_once_each(5).await;
    assert_eq!(stack.count("republished > 0").await, 5, "the reconciler sent them again");
    stack.close().await;
}

/// Waits until the queue is declared and holds this many messages: a job is queued in the ledger
/// before it is published.
async fn until_published(rabbit: &OwnRabbit, queue: &str, wanted: u32) {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let published = async {
        loop {
            // A new connection each time: asking for a queue that does not exist yet closes the
            // channel, and closing the connection while that is under way fails.
            let connection = connect(&rabbit.url().into(), "counting").await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            if let Ok(declared) = channel.queue_declare(queue.into(), passive, FieldTable::default()).await {
                let published = declared.message_count() == wanted;
                connection.close(200, "counted".into()).await.unwrap();
                if published {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), published).await.unwrap();
}

/// Takes the five messages and disconnects without acknowledging them.
async fn die_with_the_messages(rabbit: &OwnRabbit, queue: &str) {
    let connection = connect(&rabbit.url().into(), "dying").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(100, BasicQosOptions::default()).await.unwrap();
    let consume =
        channel.basic_consume(queue.into(), "dying".into(), BasicConsumeOptions::default(), FieldTable::default());
    let deliveries: Vec<_> = consume.await.unwrap().take(5).collect().await;
    assert!(deliveries.iter().all(Result::is_ok));
    connection.close(200, "died".into()).await.unwrap();
}
