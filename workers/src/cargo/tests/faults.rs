//! Whatever breaks, nothing is lost and nothing is stored twice.

use std::time::Duration;

use jobs::cargo::{Collected, Parked, replay_reject, topology};
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::{AMQPValue, FieldTable};
use market::cargo::Bounds;
use market::cargo::store::{Reject, get_reject, keep_parked, parked_rejects};
use shared::audit::Actor;
use shared::clock::Clock;
use shared::testing::{NetworkFault, server};

use super::test_lane::{ORG, TestLane, events, until};

#[tokio::test]
async fn killed_consumers_lose_nothing_and_store_nothing_twice() {
    let lane = TestLane::new().await;
    lane.publisher.publish(ORG, &events(0..6000)).await.unwrap();
    // Each one gets a little further into its work before it dies.
    for round in 0..12_u64 {
        let consumer = lane.consume();
        let before = lane.stored().await;
        let work = async {
            while lane.stored().await == before {
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
    // The killed ones may have stored everything: the queue must not be taken for done before
    // RabbitMQ has noticed that they are gone.
    lane.until_left().await;
    let consumer = lane.consume();
    lane.until_stored(6000).await;
    // What they had stored and not acknowledged is delivered again.
    lane.until_queue((0, 1)).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..6000).collect::<Vec<_>>());
    lane.close().await;
}

#[tokio::test]
async fn cut_connections_lose_nothing_and_store_nothing_twice() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    for round in 0..8 {
        let first = round * 500;
        lane.publisher.publish(ORG, &events(first..first + 500)).await.unwrap();
        if round % 2 == 0 { lane.rabbit.cut() } else { lane.postgres.cut() }
    }
    lane.until_stored(4000).await;
    // What was stored, but lost its acknowledgement to a cut, is delivered again once RabbitMQ has
    // noticed the cut.
    lane.until_queue((0, 1)).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..4000).collect::<Vec<_>>());
    lane.close().await;
}

#[tokio::test]
async fn while_the_database_is_away_messages_wait() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..1)).await.unwrap();
    lane.until_stored(1).await;
    lane.postgres.set(NetworkFault::Refuse);
    lane.postgres.cut();
    lane.publisher.publish(ORG, &events(1..501)).await.unwrap();
    // The consumer has them all in hand and cannot write them.
    lane.until_queue((0, 1)).await;
    assert_eq!(lane.stored().await, 1);
    lane.postgres.set(NetworkFault::None);
    lane.until_stored(501).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    lane.close().await;
}

#[tokio::test]
async fn stopping_while_the_database_is_away_gives_the_messages_back() {
    let lane = TestLane::new().await;
    lane.postgres.set(NetworkFault::Refuse);
    lane.publisher.publish(ORG, &events(0..500)).await.unwrap();
    let consumer = lane.consume();
    lane.until_queue((0, 1)).await;
    consumer.stop().await;
    lane.until_queue((10, 0)).await;
    lane.postgres.set(NetworkFault::None);
    let consumer = lane.consume();
    lane.until_stored(500).await;
    consumer.stop().await;
    lane.close().await;
}

#[tokio::test]
async fn terminated_backends_are_only_a_retry() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    for round in 0..6 {
        let first = round * 1000;
        lane.publisher.publish(ORG, &events(first..first + 1000)).await.unwrap();
        lane.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'cargo-test' AND datname = current_database()",
        )
        .await;
    }
    lane.until_stored(6000).await;
    consumer.stop().await;
    assert_eq!(lane.stored_ids().await, (0..6000).collect::<Vec<_>>());
    lane.close().await;
}

/// The consumer has far more in hand than it has read, because the database is slow.
#[tokio::test]
async fn a_consumer_told_to_stop_acknowledges_all_that_was_delivered_to_it() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..50)).await.unwrap();
    lane.until_stored(50).await;
    lane.postgres.set(NetworkFault::Delay(Duration::from_millis(20)));
    lane.publisher.publish(ORG, &events(50..10_000)).await.unwrap();
    // All 200 messages are delivered; three batches of 20 can have been read.
    lane.until_queue((0, 1)).await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..10_000).collect::<Vec<_>>());
    lane.close().await;
}

/// RabbitMQ gives up on a message that came back too often (version 4 does so by default): the
/// message must not be thrown away. The next consumer makes a reject of it, one whatever happens in between.
#[tokio::test]
async fn twenty_one_crashes_of_the_consumer_lose_no_event() {
    let lane = TestLane::new().await;
    // Nothing that is in hand can be written.
    lane.postgres.set(NetworkFault::Refuse);
    lane.publisher.publish(ORG, &events(0..120)).await.unwrap();
    for _ in 0..=topology::DELIVERY_LIMIT {
        let consumer = lane.consume();
        lane.until_queue((0, 1)).await;
        consumer.kill().await;
        lane.until_left().await;
    }
    let parked = Parked::open(&server("AMQP_URL").into(), &lane.namespace).await.unwrap();
    until("three messages are parked", async || parked.count().await.unwrap() == 3).await;
    // Somebody commits the row of the first one and dies before the acknowledgement.
    let mut conn = lane.db.pool.acquire().await.unwrap();
    let (_connection, channel) = lane.side().await;
    let queue = topology::parked(&lane.namespace);
    let first = channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    let (bytes, routing_key) = (first.data.clone(), first.routing_key.to_string());
    keep_parked(&mut conn, &Reject { reason: "interrupted".to_owned(), bytes, routing_key }).await.unwrap();
    channel.close(200, "dead".into()).await.unwrap();

    lane.postgres.set(NetworkFault::None);
    let consumer = lane.consume();
    until("all of them are collected", async || {
        let seen: i64 = sqlx::query_scalar("SELECT coalesce(sum(seen), 0)::bigint FROM cargo_rejects")
            .fetch_one(&lane.db.pool)
            .await
            .unwrap();
        seen == 4 && parked.count().await.unwrap() == 0
    })
    .await;
    let rejects = parked_rejects(&mut conn, 10).await.unwrap();
    assert_eq!(rejects.len(), 3, "the interrupted one is the same row");
    let read = get_reject(&mut conn, rejects[0]).await.unwrap().unwrap();
    assert!(read.whole && read.reject.parked && read.reject.seen == 2, "{read:?}");
    assert_eq!(read.reject.routing_key, "cargo.lane-test.actual");
    assert!(read.reject.reason.contains("delivery_limit"), "{}", read.reject.reason);
    let mut events = lane.db.pool.acquire().await.unwrap();
    for id in rejects {
        let bounds = Bounds::at(Clock::SYSTEM.now());
        let sent = replay_reject(&lane.publisher, &mut events, &mut conn, Actor::System, id, None, &bounds).await;
        assert!([50, 20].contains(&sent.unwrap()));
    }
    lane.until_stored(120).await;
    assert!(parked_rejects(&mut conn, 10).await.unwrap().is_empty());
    parked.close().await.unwrap();
    drop((conn, events));
    consumer.stop().await;
    lane.assert_acknowledged().await;
    assert_eq!(lane.stored_ids().await, (0..120).collect::<Vec<_>>());
    lane.close().await;
}

/// What does not fit a reject whole stays parked and holds up no other.
#[tokio::test]
async fn what_is_parked_is_collected_whole_or_stays() {
    let lane = TestLane::new().await;
    let parked = Parked::open(&server("AMQP_URL").into(), &lane.namespace).await.unwrap();
    let (_connection, channel) = lane.side().await;
    let park = async |body: &[u8]| {
        let (exchange, options) = (topology::parked(&lane.namespace).into(), BasicPublishOptions::default());
        let sent =
            channel.basic_publish(exchange, "cargo.gps.actual".into(), options, body, BasicProperties::default());
        let _confirmation = sent.await.unwrap().await.unwrap();
    };
    let long = vec![b'x'; 65_537];
    for body in [&long[..], b"{", &long[..65_536]] {
        park(body).await;
    }
    until("three messages are parked", async || parked.count().await.unwrap() == 3).await;
    let mut conn = lane.db.pool.acquire().await.unwrap();
    // Each time the long one is the first.
    for (most, moved, left) in [(1, 1, 2), (100, 1, 1), (100, 0, 1)] {
        let collected = parked.collect(&mut conn, most).await.unwrap();
        assert_eq!(collected, Collected { moved, too_long: 1 });
        until("the long one is back in its place", async || parked.count().await.unwrap() == left).await;
    }
    let rows: Vec<(i64, i32, bool)> =
        sqlx::query_as("SELECT size, octet_length(bytes), parked FROM cargo_rejects ORDER BY id")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    assert_eq!(rows, [(1, 1, true), (65_536, 65_536, true)]);
    drop(conn);
    parked.close().await.unwrap();
    lane.close().await;
}

/// The queue as an older version of the program made it: without a limit or a place to park
/// messages, bound to the exchange.
#[tokio::test]
async fn the_queue_under_its_former_name_is_drained() {
    let lane = TestLane::new().await;
    let (_connection, channel) = lane.side().await;
    let (former, exchange) = (topology::former_queue(&lane.namespace), topology::exchange(&lane.namespace));
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
    // These go into both queues.
    lane.publisher.publish(ORG, &events(0..100)).await.unwrap();
    let consumer = lane.consume();
    lane.until_stored(100).await;
    // From now on, events go only into the new one.
    lane.publisher.publish(ORG, &events(100..200)).await.unwrap();
    lane.until_stored(200).await;
    until("the former queue is empty", async || {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(former.clone().into(), passive, FieldTable::default()).await.unwrap();
        (queue.message_count(), queue.consumer_count()) == (0, 1)
    })
    .await;
    consumer.stop().await;
    lane.assert_acknowledged().await;
    lane.close().await;
}

/// What the consumer has in hand when its queue is deleted will not be delivered again: it must still be written.
#[tokio::test]
async fn what_is_in_hand_survives_the_deletion_of_the_queue() {
    let lane = TestLane::new().await;
    lane.postgres.set(NetworkFault::Refuse);
    lane.publisher.publish(ORG, &events(0..500)).await.unwrap();
    let consumer = lane.consume();
    lane.until_queue((0, 1)).await;
    lane.delete_lane().await;
    lane.postgres.set(NetworkFault::None);
    lane.until_stored(500).await;
    consumer.stop().await;
    lane.close().await;
}

/// Several times in a row, because the first time the publisher's and the consumer's connections
/// are new.
#[tokio::test]
async fn a_deleted_lane_comes_back() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    for round in 0..3 {
        let first = round * 10;
        lane.publisher.publish(ORG, &events(first..first + 10)).await.unwrap();
        lane.until_stored(first as u64 + 10).await;
        lane.delete_lane().await;
    }
    lane.publisher.publish(ORG, &events(30..40)).await.unwrap();
    lane.until_stored(40).await;
    consumer.stop().await;
    assert_eq!(lane.stored_ids().await, (0..40).collect::<Vec<_>>());
    lane.close().await;
}

#[tokio::test]
async fn a_purged_queue_goes_on() {
    let lane = TestLane::new().await;
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..10)).await.unwrap();
    lane.until_stored(10).await;
    lane.purge().await;
    lane.publisher.publish(ORG, &events(10..20)).await.unwrap();
    lane.until_stored(20).await;
    consumer.stop().await;
    lane.close().await;
}

#[tokio::test]
async fn a_broker_that_is_away_at_the_start_is_waited_for() {
    let lane = TestLane::new().await;
    lane.rabbit.set(NetworkFault::Refuse);
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..100)).await.unwrap();
    lane.rabbit.set(NetworkFault::None);
    lane.until_stored(100).await;
    consumer.stop().await;
    // And a consumer that never gets through can still be stopped.
    lane.rabbit.set(NetworkFault::Refuse);
    lane.consume().stop().await;
    lane.close().await;
}

/// The connection is half open: it stands, but nothing passes. Both ends notice when heartbeats are
/// missing.
#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let lane = TestLane::new().await.with_heartbeat(1);
    let consumer = lane.consume();
    lane.publisher.publish(ORG, &events(0..10)).await.unwrap();
    lane.until_stored(10).await;
    lane.rabbit.set(NetworkFault::Silence);
    lane.publisher.publish(ORG, &events(10..20)).await.unwrap();
    // The first message too, if its acknowledgement was caught by the silence.
    assert!((1..=2).contains(&lane.until_left().await));
    // What was under way on the old connection is gone, as after a network that healed too late.
    lane.rabbit.cut();
    lane.rabbit.set(NetworkFault::None);
    lane.until_stored(20).await;
    consumer.stop().await;
    lane.close().await;
}

impl TestLane {
    async fn purge(&self) {
        let (_connection, channel) = self.side().await;
        let queue = jobs::cargo::topology::queue(&self.namespace).into();
        channel.queue_purge(queue, QueuePurgeOptions::default()).await.unwrap();
    }
}
