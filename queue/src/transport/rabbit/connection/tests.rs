use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
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
