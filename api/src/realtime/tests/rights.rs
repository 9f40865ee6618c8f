//! Who may not follow any more, does not.

use std::cell::Cell;

use futures::future::join_all;

use super::*;
use crate::testing::Person;

/// How many people are suspended at once; a place has so many new people in an hour, and no more.
const PEOPLE: usize = 15;
/// How often each of them is.
const TURNS: usize = 3;
/// How many sockets they open meanwhile.
const SOCKETS: usize = 4;

/// How many steps it takes to follow something.
const STEPS: usize = 3;

/// A socket that follows a counter, if the person may still open one. Counts the steps.
async fn followed(api: &TestApi, person: &Person, steps: &Cell<usize>) -> Option<Client> {
    let stepped = || steps.set(steps.get() + 1);
    let ticket = api.post(Some(person), "/v1/ws/ticket", json!({})).await;
    let url = format!("{}/v1/ws?ticket={}", api.base.replace("http", "ws"), ticket.body["ticket"].as_str()?);
    stepped();
    let mut client = Client(tokio_tungstenite::connect_async(url).await.ok()?.0);
    stepped();
    // The server may have closed by now.
    let _ = client.0.send(Frame::text(json!({"subscribe": "counter:1"}).to_string())).await;
    stepped();
    Some(client)
}

/// Suspends somebody who is opening sockets; how many of those were open.
async fn raced(api: &TestApi, admin: &Person, number: usize) -> usize {
    let email = api.person(&format!("Ann {number}")).await.email;
    let mut opened = 0;
    for turn in 0..TURNS {
        let ann = api.login(&email).await;
        let steps = Cell::new(0);
        let suspend = async {
            // Each comes at another moment.
            while steps.get() < (number * TURNS + turn) % (STEPS * SOCKETS) {
                tokio::task::yield_now().await;
            }
            let path = format!("/v1/admin/users/{}/suspend", ann.id);
            assert_eq!(api.post(Some(admin), &path, json!({"reason": "fraud"})).await.status, 204);
        };
        let sockets = join_all((0..SOCKETS).map(|_| followed(api, &ann, &steps)));
        let (sockets, ()) = tokio::join!(sockets, suspend);
        for mut socket in sockets.into_iter().flatten() {
            assert_eq!(socket.closing().await, 4401);
            opened += 1;
        }
        assert!(followed(api, &ann, &steps).await.is_none(), "no socket is opened after that");
        let path = format!("/v1/admin/users/{}/reinstate", ann.id);
        assert_eq!(api.post(Some(admin), &path, json!({"reason": "a mistake"})).await.status, 204);
    }
    opened
}

#[tokio::test]
async fn race_subscription_against_suspension() {
    let api = api_with_counters(&[]).await;
    count_to(&api, "1", 1).await;
    let admin = api.admin().await;
    let opened: usize = join_all((0..PEOPLE).map(|number| raced(&api, &admin, number))).await.into_iter().sum();
    println!("{opened} of {} sockets were open", PEOPLE * TURNS * SOCKETS);
    assert!(opened > 0, "nobody was fast enough");
    let gone = async {
        while !api.state.hub.sessions().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("every socket has gone");
    assert_eq!(api.state.hub.watched("counter:"), [""; 0]);
    api.close().await;
}

#[tokio::test]
async fn a_socket_that_waits_for_the_database_closes_with_its_session() {
    let api = api_with_counters(&[]).await;
    count_to(&api, "1", 1).await;
    let ann = api.person("Ann").await;
    let mut client = Client::open(&api, &ann).await;
    assert_eq!(gist(&client.subscribe("counter:1").await), ("snapshot", 1, true));
    let mut tx = api.db.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE counters").execute(&mut *tx).await.unwrap();
    client.say(json!({"subscribe": "counter:2"})).await;
    assert_eq!(api.post(Some(&ann), "/v1/auth/logout", json!({})).await.status, 204);
    assert_eq!(client.closing().await, 4401);
    tx.rollback().await.unwrap();
    api.close().await;
}

#[tokio::test]
async fn a_socket_closes_with_its_session_while_all_connections_are_in_use() {
    let api = TestApi::with(&[("DATABASE_CONNECTIONS", "2")]).await;
    let mut client = Client::open(&api, &api.person("Ann").await).await;
    let mut slow_requests = Vec::new();
    for _ in 0..2 {
        slow_requests.push(api.state.db.acquire().await.unwrap());
    }
    let logout = "UPDATE sessions SET revoked_at = clock_timestamp(), revoked_why = 'logout'";
    sqlx::query(logout).execute(&api.db.pool).await.unwrap();
    assert_eq!(client.closing().await, 4401);
    drop(slow_requests);
    api.close().await;
}

#[tokio::test]
async fn whoever_may_not_see_a_topic_any_more_is_told_that_it_has_ended() {
    let api = api_with_counters(&[]).await;
    let (mut anns, bob) = (Client::open(&api, &api.person("Ann").await).await, api.person("Bob").await);
    for id in ["1", "2"] {
        count_to(&api, id, 1).await;
        assert_eq!(gist(&anns.subscribe(&format!("counter:{id}")).await), ("snapshot", 1, true));
    }
    sqlx::query("DELETE FROM counters WHERE id = '1'").execute(&api.db.pool).await.unwrap();
    api.state.hub.recheck("counter:1");
    let ended = anns.hear().await;
    assert_eq!((&ended["code"], &ended["topic"]), (&json!("not_found"), &json!("counter:1")), "{ended}");
    // The other one goes on.
    count_to(&api, "2", 2).await;
    api.state.hub.recheck("counter:2");
    assert_eq!(gist(&anns.hear().await), ("snapshot", 2, true));
    assert_eq!(api.state.hub.watched("counter:"), ["counter:2"]);
    assert_eq!(Client::open(&api, &bob).await.subscribe("counter:1").await["code"], "not_found");
    api.close().await;
}
