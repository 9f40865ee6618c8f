//! Nothing lost, nothing stored twice, whatever breaks.

use std::time::Duration;

use lapin::options::QueuePurgeOptions;
use shared::testing::NetworkFault;

use super::stage::{ORG, Stage, events};

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
    stage.until_acknowledged().await;
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
    // What was stored when its acknowledgement was cut off comes again.
    stage.until_queue((0, 1)).await;
    consumer.stop().await;
    stage.until_acknowledged().await;
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
    stage.until_acknowledged().await;
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
