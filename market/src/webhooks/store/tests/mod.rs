use std::time::Duration;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::ids::JobId;
use shared::testing::{MASTER_KEY, TestDb};
use sqlx::{Connection, PgConnection, PgPool};

use super::*;
use crate::escrow::store as escrow;
use crate::ids::{DeliveryId, EndpointId};
use crate::listings::model::SaleMode;
use crate::sealing::store::{Resealed, reseal};
use crate::testing::{Trader, earn, eur, listing, pay, placed, trader};
use crate::webhooks::model::{
    Attempt, AttemptOutcome, DeliveryStatus, Endpoint, EndpointStatus, NewEndpoint, StopReason, Subscription,
};
use crate::webhooks::rules::reach::Reach;

mod machine;

/// Another master key, of 32 zero bytes.
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn ring(keys: &[&str]) -> Keyring {
    Keyring::read(&SecretString::from(keys.join(","))).unwrap()
}

fn hook(path: &str, events: &[Subscription]) -> NewEndpoint {
    NewEndpoint { url: format!("https://shop.example/{path}"), name: "Shop".to_owned(), events: events.to_vec() }
}

async fn made(conn: &mut PgConnection, of: Trader, events: &[Subscription]) -> Endpoint {
    let path = uuid::Uuid::now_v7().to_string();
    let by = Actor::User(of.user);
    create(conn, of.org, by, &hook(&path, events), Reach::Public, &ring(&[MASTER_KEY])).await.unwrap().0
}

fn attempt(outcome: AttemptOutcome) -> Attempt {
    let status_code = match outcome {
        AttemptOutcome::Delivered => Some(200),
        AttemptOutcome::Refused => Some(500),
        AttemptOutcome::Redirected => Some(302),
        AttemptOutcome::Gone => Some(410),
        AttemptOutcome::TimedOut | AttemptOutcome::Unreachable | AttemptOutcome::ForbiddenAddress => None,
    };
    Attempt { outcome, status_code, latency: Duration::from_millis(7), detail: "so".to_owned(), asked: None }
}

/// The events and states of an endpoint's deliveries, in order.
async fn deliveries_to(pool: &PgPool, endpoint: EndpointId) -> Vec<(String, String)> {
    sqlx::query_as("SELECT event, status FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY id")
        .bind(endpoint)
        .fetch_all(pool)
        .await
        .unwrap()
}

fn events(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(event, _)| event.as_str()).collect()
}

#[tokio::test]
async fn both_sides_are_told_of_what_they_asked_for_in_the_acts_own_transaction() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer, stranger) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let all = made(&mut conn, seller, &[Subscription::All]).await;
    let some = made(&mut conn, buyer, &[Subscription::Paid, Subscription::Completed]).await;
    let none = made(&mut conn, stranger, &[Subscription::All]).await;
    let paused = made(&mut conn, seller, &[Subscription::All]).await;
    pause(&mut conn, seller.org, Actor::User(seller.user), paused.id).await.unwrap();
    let order = earn(&mut conn, seller, buyer, eur(10_000)).await;

    let whole = ["order.placed", "order.paid", "order.shipped", "order.delivered", "order.completed"];
    assert_eq!(events(&deliveries_to(&db.pool, all.id).await), whole);
    assert_eq!(events(&deliveries_to(&db.pool, some.id).await), ["order.paid", "order.completed"]);
    assert!(deliveries_to(&db.pool, none.id).await.is_empty());
    let missed = deliveries_to(&db.pool, paused.id).await;
    assert!(events(&missed) == whole && missed.iter().all(|(_, status)| status == "missed"), "{missed:?}");
    assert_eq!(unassigned(&mut conn, &[order]).await.unwrap().len(), 7);

    // What is undone was never told.
    let goods = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
    let (checkout, order) = placed(&mut conn, buyer, goods, eur(10_000)).await;
    pay(&mut conn, buyer, checkout).await;
    let before = deliveries_to(&db.pool, all.id).await.len();
    let mut tx = conn.begin().await.unwrap();
    escrow::ship(&mut tx, seller.org, seller.user, order).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(deliveries_to(&db.pool, all.id).await.len(), before);
    drop(conn);
    db.close().await;
}

/// Whatever an order becomes after whatever it was, the event is one that can be subscribed to.
#[tokio::test]
async fn every_event_of_the_table_can_be_subscribed_to() {
    let db = TestDb::new().await;
    let statuses = "'{pending_payment,paid,in_fulfilment,delivered,accepted,completed,expired,cancelled,disputed,refunded}'::text[]";
    let named = format!(
        "SELECT DISTINCT webhook_event(status, before, awarded)
         FROM unnest({statuses}) AS status, unnest({statuses}) AS before, unnest('{{true,false}}'::boolean[]) AS awarded"
    );
    let mut named: Vec<Option<String>> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(named)).fetch_all(&db.pool).await.unwrap();
    named.retain(Option::is_some);
    let mut known: Vec<_> = Subscription::ALL.iter().skip(1).map(|one| Some(one.name().to_owned())).collect();
    named.sort();
    known.sort();
    assert_eq!(named, known);
    for one in Subscription::ALL {
        assert_eq!(
            (Subscription::named(one.name()), serde_json::to_value(one).unwrap()),
            (Some(one), one.name().into())
        );
    }
    db.close().await;
}

#[tokio::test]
async fn the_secret_before_signs_for_a_day_and_no_third_one_does() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let by = Actor::User(ann.user);
    let (endpoint, first) =
        create(&mut conn, ann.org, by, &hook("a", &[Subscription::All]), Reach::Public, &keyring).await.unwrap();
    let test = test_delivery(&mut conn, ann.org, by, endpoint.id).await.unwrap();
    let good = async |conn: &mut PgConnection| {
        let Start::Send(sending) = start(conn, test, &keyring).await.unwrap() else { panic!("it waits") };
        sending.secrets.iter().map(|one| one.expose_secret().to_vec()).collect::<Vec<_>>()
    };
    let first = first.expose_secret().to_vec();
    assert_eq!(good(&mut conn).await, std::slice::from_ref(&first));
    let second = rotate(&mut conn, ann.org, by, endpoint.id, true, &keyring).await.unwrap();
    assert!(second.old_good_until.is_some());
    let second = second.secret.expose_secret().to_vec();
    assert_eq!(good(&mut conn).await, [second.clone(), first]);
    let third = rotate(&mut conn, ann.org, by, endpoint.id, true, &keyring).await.unwrap();
    let third = third.secret.expose_secret().to_vec();
    assert_eq!(good(&mut conn).await, [third.clone(), second]);
    sqlx::query(
        "UPDATE webhook_secrets SET made_at = made_at - interval '1 day', good_until = good_until - interval '1 day'",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    assert_eq!(good(&mut conn).await, [third]);
    let fourth = rotate(&mut conn, ann.org, by, endpoint.id, false, &keyring).await.unwrap();
    assert_eq!(good(&mut conn).await, [fourth.secret.expose_secret().to_vec()], "one that leaked ends at once");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_secret_opens_nowhere_else_and_is_sealed_anew_for_another_key() {
    let (db, old, both) = (TestDb::new().await, ring(&[MASTER_KEY]), ring(&[OTHER, MASTER_KEY]));
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let by = Actor::User(ann.user);
    let (mine, other) =
        (made(&mut conn, ann, &[Subscription::All]).await, made(&mut conn, ann, &[Subscription::All]).await);
    let test = test_delivery(&mut conn, ann.org, by, mine.id).await.unwrap();
    let missing = start(&mut conn, test, &ring(&[OTHER])).await.unwrap_err();
    assert!(matches!(missing, WebhookError::Seal(SealError::UnknownKey)), "{missing:?}");
    assert_eq!(reseal(&mut conn, Actor::CommandLine, &both).await.unwrap(), Resealed { resealed: 2, current: 0 });
    assert!(matches!(start(&mut conn, test, &ring(&[OTHER])).await.unwrap(), Start::Send(_)));
    let moved = "UPDATE webhook_secrets SET sealed = (SELECT sealed FROM webhook_secrets WHERE endpoint_id = $1) WHERE endpoint_id = $2";
    sqlx::query(moved).bind(other.id).bind(mine.id).execute(&mut *conn).await.unwrap();
    let refused = start(&mut conn, test, &both).await.unwrap_err();
    assert!(matches!(refused, WebhookError::Seal(SealError::Broken)), "{refused:?}");
    let refused = start(&mut conn, test, &old).await.unwrap_err();
    assert!(matches!(refused, WebhookError::Seal(SealError::UnknownKey)), "{refused:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_endpoint_is_its_organisations_and_every_act_is_written_down() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (ann, bob) = (trader(&mut conn).await, trader(&mut conn).await);
    let (by, id) = (Actor::User(ann.user), made(&mut conn, ann, &[Subscription::All]).await.id);
    let test = test_delivery(&mut conn, ann.org, by, id).await.unwrap();
    assert!(get(&mut conn, bob.org, id).await.unwrap().is_none());
    assert!(delivery(&mut conn, bob.org, test).await.unwrap().is_none());
    assert!(page_deliveries(&mut conn, bob.org, id, None, None, 10).await.unwrap().is_empty());
    assert!(matches!(pause(&mut conn, bob.org, by, id).await, Err(WebhookError::NotFound)));
    assert!(matches!(replay(&mut conn, bob.org, by, test).await, Err(WebhookError::NoDelivery)));
    pause(&mut conn, ann.org, by, id).await.unwrap();
    assert!(matches!(replay(&mut conn, ann.org, by, test).await, Err(WebhookError::NotActive)));
    resume(&mut conn, ann.org, by, id).await.unwrap();
    // Again, it is done already.
    resume(&mut conn, ann.org, by, id).await.unwrap();
    assert!(replay(&mut conn, ann.org, by, test).await.unwrap());
    assert!(!replay(&mut conn, ann.org, by, test).await.unwrap());
    end(&mut conn, ann.org, by, id).await.unwrap();
    assert!(matches!(end(&mut conn, ann.org, by, id).await, Err(WebhookError::NotFound)));
    assert!(matches!(start(&mut conn, test, &ring(&[MASTER_KEY])).await.unwrap(), Start::Nothing));
    let acts = "SELECT action FROM audit_entries WHERE subject_kind = 'webhook_endpoint' ORDER BY seq";
    let acts: Vec<String> = sqlx::query_scalar(acts).fetch_all(&db.pool).await.unwrap();
    let acts: Vec<_> = acts.iter().map(|act| act.trim_start_matches("webhook_endpoint.")).collect();
    assert_eq!(acts, ["create", "test", "pause", "resume", "replay", "end"]);
    let shown: Vec<String> =
        sqlx::query_scalar("SELECT data::text FROM audit_entries").fetch_all(&db.pool).await.unwrap();
    assert!(shown.iter().all(|data| !data.contains("shop.example/")), "the path may be a secret: {shown:?}");
    drop(conn);
    db.close().await;
}

/// Many fail at the same moment at an endpoint that has failed for long: it is stopped once, and one of them says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_stopped_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let (by, id) = (Actor::User(ann.user), made(&mut conn, ann, &[Subscription::All]).await.id);
    let mut tests = Vec::new();
    for _ in 0..8 {
        tests.push(test_delivery(&mut conn, ann.org, by, id).await.unwrap());
    }
    sqlx::query("UPDATE webhook_endpoints SET failing_since = now() - interval '6 days'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let failing = tests.iter().map(|test| {
        let (pool, test) = (db.app.clone(), *test);
        tokio::spawn(async move {
            let mut tx = pool.begin().await.unwrap();
            let recorded = record(&mut tx, test, id, JobId(1), &attempt(AttemptOutcome::Refused)).await.unwrap();
            tx.commit().await.unwrap();
            recorded
        })
    });
    let mut stopped = 0;
    for failing in futures::future::join_all(failing).await {
        match failing.unwrap() {
            Recorded::Stopped(it) => {
                assert_eq!((it.endpoint, it.org, it.reason, it.version), (id, ann.org, StopReason::Failing, 2));
                stopped += 1;
            }
            Recorded::Ended => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stopped, 1);
    let found = get(&mut conn, ann.org, id).await.unwrap().unwrap();
    assert_eq!((found.status, found.reason), (EndpointStatus::Paused, Some(StopReason::Failing)));
    // Every attempt was written down, whoever came first.
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook_attempts").fetch_one(&db.pool).await.unwrap();
    assert_eq!(kept, 8);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_happened_in_a_time_is_replayed_and_nothing_else() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let (by, id) = (Actor::User(ann.user), made(&mut conn, ann, &[Subscription::All]).await.id);
    let mut tests: Vec<DeliveryId> = Vec::new();
    for _ in 0..4 {
        tests.push(test_delivery(&mut conn, ann.org, by, id).await.unwrap());
    }
    let mut tx = conn.begin().await.unwrap();
    // The table refuses this: what has happened keeps its time.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    for (test, day) in tests.iter().zip(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-02"]) {
        sqlx::query("UPDATE webhook_deliveries SET occurred_at = $2::timestamptz WHERE id = $1")
            .bind(test)
            .bind(format!("{day}T00:00:00Z"))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    record(&mut conn, tests[3], id, JobId(1), &attempt(AttemptOutcome::Delivered)).await.unwrap();
    pause(&mut conn, ann.org, by, id).await.unwrap();
    resume(&mut conn, ann.org, by, id).await.unwrap();
    let at = |day: &str| format!("2026-01-{day}T00:00:00Z").parse().unwrap();
    let begun = replay_missed(&mut conn, ann.org, by, id, at("02"), Some(at("03"))).await.unwrap();
    assert_eq!(begun, [tests[1]]);
    let begun = replay_missed(&mut conn, ann.org, by, id, at("01"), None).await.unwrap();
    assert_eq!(begun, [tests[0], tests[2]]);
    assert_eq!(delivery(&mut conn, ann.org, tests[3]).await.unwrap().unwrap().status, DeliveryStatus::Delivered);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_an_endpoint_says_is_kept_within_bounds() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let (by, id) = (Actor::User(ann.user), made(&mut conn, ann, &[Subscription::All]).await.id);
    let test = test_delivery(&mut conn, ann.org, by, id).await.unwrap();
    let said =
        Attempt { detail: "\0é".repeat(5_000), asked: Some(TimeDelta::hours(2)), ..attempt(AttemptOutcome::Refused) };
    let recorded = record(&mut conn, test, id, JobId(5), &said).await.unwrap();
    assert_eq!(recorded, Recorded::Again(TimeDelta::hours(2)));
    let kept = attempts(&mut conn, test).await.unwrap();
    assert_eq!((kept[0].detail.as_str(), kept[0].job, kept[0].latency_ms), ("é".repeat(1_024).as_str(), JobId(5), 7));
    let Start::NotYet(left) = start(&mut conn, test, &ring(&[MASTER_KEY])).await.unwrap() else {
        panic!("it was asked")
    };
    assert!(left > TimeDelta::minutes(119) && left <= TimeDelta::hours(2), "{left}");
    drop(conn);
    db.close().await;
}
