//! What is told in which order, and of what nothing is told any more.

use tokio::time::Instant;

use super::*;

fn reading(topic: &str, unread: i64) -> Event {
    let data = json!({"unread_notices": unread});
    Event { topic: topic.to_owned(), seq: 1, kind: "changed".to_owned(), data }
}

#[tokio::test]
async fn a_reading_from_before_the_snapshot_is_not_told() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let topic = format!("user:{}", ann.id);
    let began = Instant::now();
    let mut client = Client::open(&api, &ann).await;
    let snapshot = client.subscribe(&topic).await;
    assert_eq!(snapshot["type"], "snapshot", "{snapshot}");
    // As from a watcher that read it before the snapshot was there.
    api.state.hub.deliver_reading(reading(&topic, 99), began);
    // The socket looks again instead; the real watcher tells the same as the snapshot.
    loop {
        let heard = client.hear().await;
        assert_eq!(heard["data"], snapshot["data"], "{heard}");
        if heard["type"] == "snapshot" {
            break;
        }
    }
    api.state.hub.deliver_reading(reading(&topic, 7), Instant::now());
    while client.hear().await["data"]["unread_notices"] != 7 {}
    api.close().await;
}

#[tokio::test]
async fn nothing_more_is_told_of_what_is_not_found() {
    let api = api_with_counters(&[]).await;
    count_to(&api, "1", 1).await;
    let mut client = Client::open(&api, &api.person("Ann").await).await;
    assert_eq!(gist(&client.subscribe("counter:1").await), ("snapshot", 1, true));
    // It ends while the client asks for it again, with an event under way.
    let mut tx = api.db.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE counters").execute(&mut *tx).await.unwrap();
    sqlx::query("DELETE FROM counters").execute(&mut *tx).await.unwrap();
    client.say(json!({"subscribe": "counter:1"})).await;
    let waits = "SELECT EXISTS (SELECT FROM pg_locks
                                WHERE relation = 'counters'::regclass
                                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                  AND NOT granted)";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&api.state.db).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let (topic, kind) = ("counter:1".to_owned(), "counted".to_owned());
    api.state.hub.deliver(Event { topic, seq: 2, kind, data: json!({"count": 2}) });
    tx.commit().await.unwrap();
    assert_eq!(client.hear().await["code"], "not_found");
    let next = client.subscribe("nonsense").await;
    assert_eq!((&next["code"], &next["topic"]), (&json!("not_found"), &json!("nonsense")), "{next}");
    api.close().await;
}

#[tokio::test]
async fn topics_that_have_ended_or_cannot_be_read_do_not_end_the_socket() {
    let api = api_with_counters(&[]).await;
    count_to(&api, "1", 1).await;
    let mut client = Client::open(&api, &api.person("Ann").await).await;
    for id in 0..30 {
        let ended = client.subscribe(&format!("counter:ended-{id}")).await;
        assert_eq!(ended["code"], "not_found", "{ended}");
    }
    sqlx::query("ALTER TABLE counters RENAME TO away").execute(&api.db.pool).await.unwrap();
    for _ in 0..30 {
        let failed = client.subscribe("counter:1").await;
        assert_eq!(failed["code"], "unavailable", "{failed}");
    }
    sqlx::query("ALTER TABLE away RENAME TO counters").execute(&api.db.pool).await.unwrap();
    assert_eq!(gist(&client.subscribe("counter:1").await), ("snapshot", 1, true));
    api.close().await;
}
