use lapin::BasicProperties;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use tokio::time::timeout;

use shared::testing::{NetworkFault, Proxy, server};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

async fn until_consumers(channel: &Channel, queue: &str, wanted: u32) {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let seen = async {
        while channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().consumer_count()
            != wanted
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("never {wanted} consumers"));
}

#[tokio::test]
async fn a_subscription_that_was_given_up_is_ended() {
    let url = server("AMQP_URL");
    let witness = connect(&url.clone().into(), "witness").await.unwrap();
    let watching = witness.create_channel().await.unwrap();
    let named = watching.queue_declare("".into(), QueueDeclareOptions::default(), FieldTable::default());
    let queue = named.await.unwrap().name().clone();

    let (proxy, through) = Proxy::before(&url).await.unwrap();
    let connection = connect(&through.into(), "given up").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    proxy.set(NetworkFault::Delay(Duration::from_secs(1)));
    let subscribing = subscribe(&channel, queue.clone(), "given up".into());
    assert!(timeout(Duration::from_millis(50), subscribing).await.is_err(), "it was to be slow");
    drop((channel, connection));

    until_consumers(&watching, queue.as_str(), 1).await;
    until_consumers(&watching, queue.as_str(), 0).await;
    watching.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
}

#[tokio::test]
async fn frames_are_small_and_messages_of_many_frames_arrive_whole() {
    let connection = connect(&server("AMQP_URL").into(), "frames").await.unwrap();
    assert_eq!(connection.configuration().frame_max(), FRAME_MAX);
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let named = channel.queue_declare("".into(), QueueDeclareOptions::default(), FieldTable::default());
    let queue = named.await.unwrap().name().clone();
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let publish = BasicPublishOptions::default();
    let sent = channel.basic_publish("".into(), queue.clone(), publish, &body, BasicProperties::default());
    let _ = sent.await.unwrap().await.unwrap();
    let got = channel.basic_get(queue.clone(), BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
    assert!(got.delivery.data == body, "another message came back");
    channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
}
