//! Many who come back at once leave room for everything else.

use market::testing;

use super::*;
use crate::realtime::hub::QUEUE;
use crate::testing::socket::wait_in_line;

/// How many may wait where one is let in each second.
const LINE: usize = 20;

#[tokio::test]
async fn whoever_finds_the_line_full_is_told_when_to_come_back() {
    let api = TestApi::with(&[("SOCKETS_PER_SECOND", "1")]).await;
    let ann = api.person("Ann").await;
    let line = wait_in_line(&api, LINE).await;
    let answer = api.post(Some(&ann), "/v1/ws/ticket", json!({})).await.refused(503, "busy");
    let wait: u32 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((10..30).contains(&wait), "{answer:?}");
    // Who has no session need not wait to hear that.
    api.post(None, "/v1/ws/ticket", json!({})).await.refused(401, "unauthenticated");
    drop(line);
    Client::open(&api, &ann).await;
    api.close().await;
}

#[tokio::test]
async fn a_suspended_persons_socket_closes_while_others_wait_for_theirs() {
    let api = TestApi::with(&[("SOCKETS_PER_SECOND", "1")]).await;
    let (admin, ann) = (api.admin().await, api.person("Ann").await);
    let mut client = Client::open(&api, &ann).await;
    let line = wait_in_line(&api, LINE).await;
    let path = format!("/v1/admin/users/{}/suspend", ann.id);
    assert_eq!(api.post(Some(&admin), &path, json!({"reason": "fraud"})).await.status, 204);
    assert_eq!(client.closing().await, 4401);
    drop(line);
    api.close().await;
}

#[tokio::test]
async fn sockets_come_back_while_requests_have_all_connections_of_the_pool() {
    let api = TestApi::with(&[("DATABASE_CONNECTIONS", "2")]).await;
    let ann = api.person("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let seller = testing::trader(&mut conn).await;
    let terms = testing::terms(&mut conn).await;
    let auction = testing::auction(&mut conn, seller, &terms).await;
    drop(conn);
    let requests = [api.state.db.acquire().await.unwrap(), api.state.db.acquire().await.unwrap()];
    let mut client = Client::open(&api, &ann).await;
    let heard = client.subscribe(&format!("auction:{auction}")).await;
    assert_eq!((&heard["type"], &heard["data"]["id"]), (&json!("snapshot"), &json!(auction)), "{heard}");
    drop(requests);
    api.close().await;
}

#[tokio::test]
async fn requests_find_connections_while_snapshots_wait_and_those_sockets_close_with_their_session() {
    let api = api_with_counters(&[("DATABASE_CONNECTIONS", "4"), ("DATABASE_LOCK_SECONDS", "60")]).await;
    let ann = api.person("Ann").await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(Client::open(&api, &ann).await);
    }
    let mut tx = api.db.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE counters").execute(&mut *tx).await.unwrap();
    for (id, client) in clients.iter_mut().enumerate() {
        client.say(json!({"subscribe": format!("counter:{id}")})).await;
    }
    let waiting = "SELECT count(*)
                   FROM pg_locks
                   WHERE relation = 'counters'::regclass
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                     AND NOT granted";
    let waiting = async || sqlx::query_scalar::<_, i64>(waiting).fetch_one(&api.db.pool).await.unwrap();
    while api.state.hub.watched("counter:").len() < clients.len() || waiting().await == 0 {
        tokio::task::yield_now().await;
    }
    api.get(Some(&ann), "/v1/me").await.ok();
    api.pending_org(&ann, "Ann Farm").await;
    assert_eq!(waiting().await, 1, "one of four connections");
    assert_eq!(api.post(Some(&ann), "/v1/auth/logout", json!({})).await.status, 204);
    for client in &mut clients {
        assert_eq!(client.closing().await, 4401);
    }
    tx.rollback().await.unwrap();
    api.close().await;
}

#[tokio::test]
async fn a_socket_that_waits_for_its_turn_to_read_is_not_too_slow() {
    let api = api_with_counters(&[("DATABASE_CONNECTIONS", "4")]).await;
    let ann = api.person("Ann").await;
    for id in ["one", "other"] {
        count_to(&api, id, 0).await;
    }
    let mut client = Client::open(&api, &ann).await;
    client.subscribe("counter:one").await;
    let turn = api.state.admission.look().await.unwrap();
    client.say(json!({"subscribe": "counter:other"})).await;
    while api.state.hub.watched("counter:other").is_empty() {
        tokio::task::yield_now().await;
    }
    let newest = 2 * i64::try_from(QUEUE).unwrap();
    count_to(&api, "one", newest).await;
    for seq in 1..=newest {
        let (topic, kind) = ("counter:one".to_owned(), "counted".to_owned());
        api.state.hub.deliver(Event { topic, seq, kind, data: json!({"count": seq}) });
        // The socket has its time to take it, as a client that reads has.
        tokio::task::yield_now().await;
    }
    drop(turn);
    assert_eq!(gist(&client.hear().await), ("snapshot", 0, true));
    assert_eq!(gist(&client.hear().await), ("snapshot", newest, true));
    api.close().await;
}
