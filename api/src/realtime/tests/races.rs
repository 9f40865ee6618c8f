//! Subscriptions at the moment in which the person is suspended.

use futures::future::join_all;

use super::*;

/// However close the two come: a suspended person gets no socket, or one that closes for good.
#[tokio::test]
async fn race_subscription_against_suspension() {
    let api = api_with_counters(&[]).await;
    let admin = api.admin().await;
    count_to(&api, "1", 1).await;
    let mut clients = Vec::new();
    for round in 0..10 {
        let ann = api.person(&format!("Ann {round}")).await;
        let path = format!("/v1/admin/users/{}/suspend", ann.id);
        let suspend = api.post(Some(&admin), &path, json!({"reason": "fraud"}));
        let suspended = if round % 2 == 0 {
            // While the socket is being opened: the ticket, the look at the session, the place among the sockets.
            let ticket = api.post(Some(&ann), "/v1/ws/ticket", json!({})).await.ok();
            let url = format!("{}/v1/ws?ticket={}", api.base.replace("http", "ws"), ticket["ticket"].as_str().unwrap());
            let (opened, suspended) = tokio::join!(tokio_tungstenite::connect_async(url), suspend);
            match opened {
                Ok((socket, _)) => clients.push(Client(socket)),
                Err(tungstenite::Error::Http(refused)) => assert_eq!(refused.status().as_u16(), 401),
                Err(error) => panic!("{error}"),
            }
            suspended
        } else {
            // While the topic's rights are looked at.
            let mut client = Client::open(&api, &ann).await;
            let ((), suspended) = tokio::join!(client.say(json!({"subscribe": "counter:1"})), suspend);
            clients.push(client);
            suspended
        };
        assert_eq!(suspended.status, 204, "{suspended:?}");
    }
    assert_eq!(join_all(clients.iter_mut().map(Client::closing)).await, vec![4401; clients.len()]);
    api.close().await;
}
