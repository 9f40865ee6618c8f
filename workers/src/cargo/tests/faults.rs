//! Nothing lost, nothing stored twice, whatever breaks.

use std::time::Duration;

use jobs::cargo::{Parked, topology};
use lapin::options::{QueueBindOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::{AMQPValue, FieldTable};
use shared::audit::Actor;
use shared::testing::{NetworkFault, server};

use super::stage::{ORG, Stage, events, until};

#[tokio::test]
async fn killed_consumers_lose_nothing_and_store_nothing_twice() {
    let stage = Stage::new().await;
    stage.lane.publish(ORG, &events(0..6000)).await.unwrap();
    // Each one gets a little further into its work before it dies.
    for round in 0..12_u64 {
        let consumer = stage.consume();
        let before = stage.stored().await;
        let work = async {
            while stage.stored().await == before {
                tokio::task::yield_now().await;
            }
        };
        if round % 3 == 0 {
            let _ = tokio::time::timeout(Duration::from_secs(20), work).await;
        } else {
            let _ = tokio::time::timeout(Duration::from_millis(20 * round), work).await;
        }
        consumer.kill().await;
    }
    // The dead ones may have stored everything: the queue must not be taken for done before they are noticed.
    stage.until_left().await;
    let consumer = stage.consume();
    stage.until_stored(6000).await;
    // What the dead ones had stored and not acknowledged comes again.
    stage.until_queue((0, 1)).await;
    consumer.stop().await;
    stage.assert_acknowledged().await;
    assert_eq!(stage.stored_ids().await, (0..6000).collect::<Vec<_>>());
    stage.close().await;
}

#[tokio::test]
async fn cut_connections_lose_nothing_and_store_nothing_twice() {
    let stage = Stage::new().await;
    let consumer = stage.consume();
    for round in 0..8 {
        let first = round * 500;
        stage.lane.publish(ORG, &events(first..first + 500)).await.unwrap();
        if round % 2 == 0 { stage.rabbit.cut() } else { stage.postgres.cut() }
    }
    stage.until_stored(4000).await;
    // What was stored when its acknowledgement was cut off comes again, once RabbitMQ has noticed the cut.
    stage.until_queue((0, 1)).await;
    consumer.stop().await;
    stage.assert_acknowledged().await;
    assert_eq!(stage.stored_ids().await, (0..4000).collect::<Vec<_>>());
    stage.close().await;
}

#[tokio::test]
async fn while_the_database_is_away_messages_wait() {
    let stage = Stage::new().await;
    let consumer = stage.consume();
    stage.lane.publish(ORG, &events(0..1)).await.unwrap();
    stage.until_stored(1).await;
    stage.postgres.set(NetworkFault::Refuse);
    stage.postgres.cut();
    stage.lane.publish(ORG, &events(1..501)).await.unwrap();
    // The consumer has them all in hand and cannot write them.
    stage.until_queue((0, 1)).await;
    assert_eq!(stage.stored().await, 1);
    stage.postgres.set(NetworkFault::None);
    stage.until_stored(501).await;
    consumer.stop().await;
    stage.assert_acknowledged().await;
    stage.close().await;
}

#[tokio::test]
async fn stopping_while_the_database_is_away_gives_the_messages_back() {
    let stage = Stage::new().await;
    stage.postgres.set(NetworkFault::Refuse);
    stage.lane.publish(ORG, &events(0..500)).await.unwrap();
    let consumer = stage.consume();
    stage.until_queue((0, 1)).await;
    consumer.stop().await;
    stage.until_queue((10, 0)).await;
    stage.postgres.set(NetworkFault::None);
    let consumer = stage.consume();
    stage.until_stored(500).await;
    consumer.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn terminated_backends_are_only_a_retry() {
    let stage = Stage::new().await;
    let consumer = stage.consume();
    for round in 0..6 {
        let first = round * 1000;
        stage.lane.publish(ORG, &events(first..first + 1000)).await.unwrap();
        stage
            .sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'cargo-test' AND datname = current_database()",
            )
            .await;
    }
    stage.until_stored(6000).await;
    consumer.stop().await;
    assert_eq!(stage.stored_ids().await, (0..6000).collect::<Vec<_>>());
    stage.close().await;
}

/// It has far more in hand than it has read, because the database is slow.
#[tokio::test]
async fn a_consumer_told_to_stop_acknowledges_all_that_was_delivered_to_it() {
    let stage = Stage::new().await;
    let consumer = stage.consume();
    stage.lane.publish(ORG, &events(0..50)).await.unwrap();
    stage.until_stored(50).await;
    stage.postgres.set(NetworkFault::Delay(Duration::from_millis(20)));
    stage.lane.publish(ORG, &events(50..10_000)).await.unwrap();
    // All 200 messages are delivered; three batches of 20 can have been read.
    stage.until_queue((0, 1)).await;
    consumer.stop().await;
    stage.assert_acknowledged().await;
    assert_eq!(stage.stored_ids().await, (0..10_000).collect::<Vec<_>>());
    stage.close().await;
}

/// RabbitMQ gives a message up that came back too often, version 4 by itself: it must not be thrown away.
#[tokio::test]
async fn twenty_one_crashes_of_the_consumer_lose_no_event() {
    let stage = Stage::new().await;
    // What is in hand can never be written.
    stage.postgres.set(NetworkFault::Refuse);
    stage.lane.publish(ORG, &events(0..120)).await.unwrap();
    for _ in 0..=topology::DELIVERY_LIMIT {
        let consumer = stage.consume();
        stage.until_queue((0, 1)).await;
        consumer.kill().await;
        stage.until_left().await;
    }
    let parked = Parked::open(&server("AMQP_URL").into(), &stage.namespace).await.unwrap();
    until("three messages are parked", async || parked.count().await.unwrap() == 3).await;
    // Looking at them changes nothing.
    for _ in 0..2 {
        let listed = parked.list(10).await.unwrap();
        assert_eq!(listed.iter().map(|it| it.events).collect::<Vec<_>>(), [Some(50), Some(50), Some(20)]);
        let first = &listed[0];
        assert_eq!((first.routing_key.as_str(), first.reason.as_deref()), ("cargo.actual", Some("delivery_limit")));
    }
    stage.postgres.set(NetworkFault::None);
    let consumer = stage.consume();
    let mut conn = stage.db.pool.acquire().await.unwrap();
    assert_eq!(parked.replay(&mut conn, Actor::System, 2).await.unwrap(), 2);
    stage.until_stored(100).await;
    assert_eq!(parked.replay(&mut conn, Actor::System, 100).await.unwrap(), 1);
    stage.until_stored(120).await;
    assert_eq!(parked.replay(&mut conn, Actor::System, 100).await.unwrap(), 0);
    parked.close().await.unwrap();
    drop(conn);
    consumer.stop().await;
    stage.assert_acknowledged().await;
    assert_eq!(stage.stored_ids().await, (0..120).collect::<Vec<_>>());
    stage.close().await;
}

/// As an older version of the program made it: without limit and parking place, bound to the exchange.
#[tokio::test]
async fn the_queue_under_its_former_name_is_drained() {
    let stage = Stage::new().await;
    let (_connection, channel) = stage.side().await;
    let (former, exchange) = (topology::former_queue(&stage.namespace), topology::exchange(&stage.namespace));
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(former.clone().into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
    let bound = channel.queue_bind(
        former.clone().into(),
        exchange.into(),
        "cargo.#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    bound.await.unwrap();
    // Into both queues.
    stage.lane.publish(ORG, &events(0..100)).await.unwrap();
    let consumer = stage.consume();
    stage.until_stored(100).await;
    // From now on into the new one alone.
    stage.lane.publish(ORG, &events(100..200)).await.unwrap();
    stage.until_stored(200).await;
    until("the former queue is empty", async || {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(former.clone().into(), passive, FieldTable::default()).await.unwrap();
        (queue.message_count(), queue.consumer_count()) == (0, 1)
    })
    .await;
    consumer.stop().await;
    stage.assert_acknowledged().await;
    stage.close().await;
}

/// What the consumer has in hand when its queue is deleted will not be delivered again: it must still be written.
#[tokio::test]
async fn what_is_in_hand_survives_the_deletion_of_the_queue() {
    let stage = Stage::new().await;
    stage.postgres.set(NetworkFault::Refuse);
    stage.lane.publish(ORG, &events(0..500)).await.unwrap();
    let consumer = stage.consume();
    stage.until_queue((0, 1)).await;
    stage.delete_lane().await;
    stage.postgres.set(NetworkFault::None);
    stage.until_stored(500).await;
    consumer.stop().await;
    stage.close().await;
}

/// Twice in a row, because the first time the publisher's and the consumer's connections were new.
#[tokio::test]
async fn a_deleted_lane_comes_back() {
    let stage = Stage::new().await;
    let consumer = stage.consume();
    for round in 0..3 {
        let first = round * 10;
        stage.lane.publish(ORG, &events(first..first + 10)).await.unwrap();
        stage.until_stored(first as u64 + 10).await;
        stage.delete_lane().await;
    }
    stage.lane.publish(ORG, &events(30..40)).await.unwrap();
    stage.until_stored(40).await;
    consumer.stop().await;
    assert_eq!(stage.stored_ids().await, (0..40).collect::<Vec<_>>());
    stage.close().await;
}

#[tokio::test]
async fn a_purged_queue_goes_on() {
    let stage = Stage::new().await;
    let consumer = stage.consume();
    stage.lane.publish(ORG, &events(0..10)).await.unwrap();
    stage.until_stored(10).await;
    stage.purge().await;
    stage.lane.publish(ORG, &events(10..20)).await.unwrap();
    stage.until_stored(20).await;
    consumer.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_broker_that_is_away_at_the_start_is_waited_for() {
    let stage = Stage::new().await;
    stage.rabbit.set(NetworkFault::Refuse);
    let consumer = stage.consume();
    stage.lane.publish(ORG, &events(0..100)).await.unwrap();
    stage.rabbit.set(NetworkFault::None);
    stage.until_stored(100).await;
    consumer.stop().await;
    // And a consumer that never gets through can still be stopped.
    stage.rabbit.set(NetworkFault::Refuse);
    stage.consume().stop().await;
    stage.close().await;
}

/// Half open: the connection stands and nothing passes. Both ends notice by missing heartbeats.
#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let stage = Stage::new().await.with_heartbeat(1);
    let consumer = stage.consume();
    stage.lane.publish(ORG, &events(0..10)).await.unwrap();
    stage.until_stored(10).await;
    stage.rabbit.set(NetworkFault::Silence);
    stage.lane.publish(ORG, &events(10..20)).await.unwrap();
    // The first message as well, when its acknowledgement was caught by the silence.
    assert!((1..=2).contains(&stage.until_left().await));
    // What was under way on the old connection is gone, as after a network that healed too late.
    stage.rabbit.cut();
    stage.rabbit.set(NetworkFault::None);
    stage.until_stored(20).await;
    consumer.stop().await;
    stage.close().await;
}

impl Stage {
    async fn purge(&self) {
        let (_connection, channel) = self.side().await;
        let queue = jobs::cargo::topology::queue(&self.namespace).into();
        channel.queue_purge(queue, QueuePurgeOptions::default()).await.unwrap();
    }
}
