mod answers;

use std::collections::HashSet;
use std::future;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::{Value, json};
use shared::testing::{redis_database, server};
use tokio::sync::Notify;

use super::*;

/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(10);

fn new_namespace() -> String {
    format!("t{}", uuid::Uuid::now_v7().simple())
}

/// Another database than the queues have.
fn redis_url() -> String {
    redis_database(&server("REDIS_URL"), 1)
}

/// A cache whose connection is open, and the name of an answer. Redis may take its time here.
async fn opened(lifetime: Duration) -> (Kept, String) {
    let kept = Kept::start(&redis_url().into(), &new_namespace(), lifetime, LONG).unwrap();
    while !matches!(kept.look("nothing").await, Found::Nothing(_)) {
        tokio::task::yield_now().await;
    }
    let key = kept.key(What::Listings, &"/v1/listings".parse().unwrap());
    (kept, key)
}

/// Redis' clock.
async fn clock(kept: &Kept) -> u64 {
    match kept.look("nothing").await {
        Found::Nothing(at) => at,
        other => panic!("{other:?}"),
    }
}

async fn ask(kept: &Kept, key: &str, read: impl Future<Output = Result<Value>>) -> Result<Bytes> {
    kept.answer(What::Listings, key, || read).await
}

fn reads(body: Value) -> impl Future<Output = Result<Value>> {
    future::ready(Ok(body))
}

#[tokio::test]
async fn no_two_questions_have_one_name() {
    let kept = Kept::start(&"redis://127.0.0.1:1/1".into(), "t", LIFETIME, PATIENCE).unwrap();
    let key = |uri: &str| kept.key(What::Listings, &uri.parse().unwrap());
    assert!(key("/v1/listings").starts_with("t.cache:1:listings:"));
    for (one, other) in [
        ("/v1/listings?q=a&limit=2", "/v1/listings?limit=2&q=a"),
        ("/v1/listings?where=b:1&q=a&where=a:1", "/v1/listings?q=a&where=b:1&where=a:1"),
        ("/v1/listings?", "/v1/listings"),
        ("/v1/listings?q=a&&limit=2&", "/v1/listings?limit=2&q=a"),
    ] {
        assert_eq!(key(one), key(other), "{one}");
    }
    let questions = [
        "/v1/listings",
        "/v1/models",
        "/v1/listings?q",
        "/v1/listings?q=",
        "/v1/listings?q=a",
        "/v1/listings?q=A",
        "/v1/listings?q=a=",
        "/v1/listings?q=a%26limit=2",
        "/v1/listings?q=a&limit=2",
        "/v1/listings?q=a&q=b",
        "/v1/listings?q=b&q=a",
        "/v1/listings/?q=a",
    ];
    let names: HashSet<_> = questions.into_iter().map(key).collect();
    assert_eq!(names.len(), questions.len());
    let uri = "/v1/listings".parse().unwrap();
    assert_ne!(kept.key(What::Facets, &uri), kept.key(What::Listings, &uri));
}

#[tokio::test]
async fn one_load_for_a_hundred_at_once() {
    let (kept, key) = opened(LONG).await;
    let (count, gate) = (AtomicUsize::new(0), Notify::new());
    let read = || async {
        count.fetch_add(1, Ordering::Relaxed);
        gate.notified().await;
        Ok(json!(["found"]))
    };
    let all = join_all((0..100).map(|_| ask(&kept, &key, read())));
    let open = async {
        while kept.flights.followers(&key) != Some(99) {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
    };
    let (answers, ()) = tokio::join!(all, open);
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert_eq!(answers.len(), 100);
    for answer in answers {
        assert_eq!(answer.unwrap(), r#"["found"]"#);
    }
    // Who comes later, to any process, reads nothing.
    assert_eq!(ask(&kept, &key, reads(json!([]))).await.unwrap(), r#"["found"]"#);
}

#[tokio::test]
async fn who_waits_for_somebody_who_goes_away_reads_it_instead() {
    let (kept, key) = opened(LONG).await;
    let mut first = Box::pin(ask(&kept, &key, std::future::pending()));
    let begun = async {
        while kept.flights.followers(&key).is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut first => panic!("it never ends"),
        () = begun => {}
    }
    let hang_up = async {
        while kept.flights.followers(&key) != Some(1) {
            tokio::task::yield_now().await;
        }
        drop(first);
    };
    let (second, ()) = tokio::join!(ask(&kept, &key, reads(json!([2]))), hang_up);
    assert_eq!(second.unwrap(), "[2]");
    assert_eq!(kept.flights.followers(&key), None);
}

#[tokio::test]
async fn a_problem_is_not_kept_and_each_is_refused_for_reasons_of_its_own() {
    let (kept, key) = opened(LONG).await;
    let gate = Notify::new();
    let first = ask(&kept, &key, async {
        gate.notified().await;
        Err(Problem::not_found("first"))
    });
    let second = async {
        while kept.flights.followers(&key).is_none() {
            tokio::task::yield_now().await;
        }
        ask(&kept, &key, async { Err(Problem::new(StatusCode::CONFLICT, "second", "it is another one")) }).await
    };
    let open = async {
        while kept.flights.followers(&key) != Some(1) {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
    };
    let (first, second, ()) = tokio::join!(first, second, open);
    let status = |refused: Result<Bytes>| axum::response::IntoResponse::into_response(refused.unwrap_err()).status();
    assert_eq!((status(first), status(second)), (StatusCode::NOT_FOUND, StatusCode::CONFLICT));
    assert_eq!(ask(&kept, &key, reads(json!([3]))).await.unwrap(), "[3]");
}

#[tokio::test]
async fn what_was_read_too_long_ago_is_not_kept() {
    let (kept, key) = opened(Duration::from_millis(50)).await;
    let slow = async {
        let began = clock(&kept).await;
        // Redis lets a key live through its last millisecond.
        while clock(&kept).await <= began + 50 {
            tokio::task::yield_now().await;
        }
        Ok(json!(["old"]))
    };
    assert_eq!(ask(&kept, &key, slow).await.unwrap(), r#"["old"]"#);
    // Not by a look, which on a slow machine does not wait for the answer.
    let (mut connection, mut exists) = (connection().await, redis::cmd("EXISTS"));
    assert!(!exists.arg(&key).query_async::<bool>(&mut connection).await.unwrap());
}

#[tokio::test]
async fn an_entry_ends_two_seconds_after_redis_was_asked_for_it() {
    let (kept, key) = opened(LIFETIME).await;
    let before = clock(&kept).await;
    ask(&kept, &key, reads(json!([]))).await.unwrap();
    let after = clock(&kept).await;
    let (mut connection, mut ends) = (connection().await, redis::cmd("PEXPIRETIME"));
    let ends: i64 = ends.arg(&key).query_async(&mut connection).await.unwrap();
    // A machine that is so slow that it is over shows it as well.
    assert!(ends == -2 || (before + 2_000..=after + 2_000).contains(&u64::try_from(ends).unwrap()), "{ends}");
}

/// A connection to the cache's Redis, beside it.
async fn connection() -> redis::aio::MultiplexedConnection {
    redis::Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}
