//! Webhook endpoints, their secrets, and deliveries.

use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::listings::model::SaleMode;
use crate::testing::{Trader, eur, listing, placed, trader};
use crate::webhooks::model::{NewEndpoint, Subscription};
use crate::webhooks::rules::reach::Reach;
use crate::webhooks::store::{create, pause, rotate, test_delivery};

/// An endpoint that is told of an order, with two secrets, a test and an attempt; and another one that is paused.
pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    let keyring = Keyring::read(&MASTER_KEY.to_owned().into()).expect("a key");
    let by = Actor::User(of.user);
    let hook = |path: &str| NewEndpoint {
        url: format!("https://shop.example/{path}"),
        name: "Shop".to_owned(),
        events: vec![Subscription::All],
    };
    let mut tx = conn.begin().await.expect("a transaction");
    let (endpoint, _) = create(&mut tx, of.org, by, &hook("a"), Reach::Public, &keyring).await.expect("an endpoint");
    rotate(&mut tx, of.org, by, endpoint.id, true, &keyring).await.expect("another secret");
    let test = test_delivery(&mut tx, of.org, by, endpoint.id).await.expect("a test");
    let (paused, _) = create(&mut tx, of.org, by, &hook("b"), Reach::Public, &keyring).await.expect("another one");
    pause(&mut tx, of.org, by, paused.id).await.expect("paused");
    tx.commit().await.expect("committed");
    let buyer = trader(conn).await;
    let goods = listing(conn, of, SaleMode::Fixed, 1).await;
    placed(conn, buyer, goods, eur(10_000)).await;
    sqlx::query(
        "INSERT INTO webhook_attempts (delivery_id, number, job, outcome, status_code, latency_ms, detail)
         VALUES ($1, 1, 1, 'refused', 500, 1, 'no')",
    )
    .bind(test)
    .execute(conn)
    .await
    .expect("an attempt");
}

pub(super) fn breaches() -> Vec<Breach> {
    let endpoint = |changes: &str| {
        copy("webhook_endpoints", "status = 'active'", &format!("'url', 'https://shop.example/c', {changes}"))
    };
    let secret = |which: &str, changes: &str| copy("webhook_secrets", which, &format!("'version', 7, {changes}"));
    let present = |changes: &str| secret("good_until IS NULL", changes);
    let test = |changes: &str| copy("webhook_deliveries", "event = 'webhook.test'", changes);
    let told = |changes: &str| copy("webhook_deliveries", "status = 'waiting' AND order_id IS NOT NULL", changes);
    let attempt = |changes: &str| copy("webhook_attempts", "true", &format!("'number', 2, {changes}"));
    let sql = str::to_owned;
    vec![
        ("webhook_endpoints_events_form", endpoint("'events', '{}'::text[]")),
        ("webhook_endpoints_events_form", endpoint("'events', '{webhook.test}'::text[]")),
        ("webhook_endpoints_events_form", endpoint("'events', array_fill('order.paid'::text, ARRAY[21])")),
        ("webhook_endpoints_name_length", endpoint("'name', ''")),
        ("webhook_endpoints_reason_known", endpoint("'status', 'paused', 'reason', 'tired'")),
        ("webhook_endpoints_status_known", endpoint("'status', 'asleep', 'reason', 'asked'")),
        ("webhook_endpoints_stopped_for_reason", endpoint("'reason', 'asked'")),
        ("webhook_endpoints_stopped_for_reason", endpoint("'status', 'paused'")),
        ("webhook_endpoints_url_form", endpoint("'url', 'ftp://shop.example'")),
        ("webhook_endpoints_url_form", endpoint("'url', 'https://a b'")),
        ("webhook_endpoints_url_form", endpoint("'url', 'https://' || repeat('a', 493)")),
        ("webhook_endpoints_url_once", copy("webhook_endpoints", "true", "'name', 'Other'")),
        ("webhook_endpoints_version_range", endpoint("'version', 0")),
        (
            "webhook_endpoints_per_org",
            many("webhook_endpoints", "org_id, url, name, events", "t.org_id, 'https://' || n, 'n', t.events", 20),
        ),
        ("webhook_secrets_of_endpoint", present("'endpoint_id', gen_random_uuid()")),
        ("webhook_secrets_in_order", present("'good_until', t.made_at - interval '1 second'")),
        ("webhook_secrets_sealed_length", present("'sealed', 'short'")),
        ("webhook_secrets_version_range", present("'version', 0")),
        ("webhook_secrets_one_present", present("'made_at', now()")),
        ("webhook_secrets_one_before", secret("good_until IS NOT NULL", "'made_at', t.made_at")),
        ("webhook_deliveries_about_something", test("'event', 'order.paid'")),
        ("webhook_deliveries_about_something", told("'version', NULL")),
        ("webhook_deliveries_ended", test("'ended_at', now()")),
        ("webhook_deliveries_ended", test("'status', 'failed'")),
        ("webhook_deliveries_event_form", told("'event', 'order.Paid'")),
        ("webhook_deliveries_rounds", test("'round', 1")),
        ("webhook_deliveries_status_known", test("'status', 'lost', 'ended_at', now()")),
        ("webhook_deliveries_to_endpoint", test("'endpoint_id', gen_random_uuid()")),
        ("webhook_deliveries_about_event", told("'version', 77")),
        ("webhook_deliveries_once", told("'due_at', now()")),
        ("webhook_deliveries_moves", sql("UPDATE webhook_deliveries SET status = 'failed' WHERE status = 'missed'")),
        (
            "webhook_deliveries_fixed",
            sql("UPDATE webhook_deliveries SET event = 'order.paid' WHERE order_id IS NOT NULL"),
        ),
        ("webhook_attempts_of_delivery", attempt("'delivery_id', gen_random_uuid()")),
        ("webhook_attempts_answered", attempt("'outcome', 'timed_out'")),
        ("webhook_attempts_answered", attempt("'status_code', NULL")),
        ("webhook_attempts_detail_length", attempt("'detail', repeat('x', 1025)")),
        ("webhook_attempts_latency_range", attempt("'latency_ms', -1")),
        ("webhook_attempts_number_range", attempt("'number', 0")),
        ("webhook_attempts_outcome_known", attempt("'outcome', 'lost', 'status_code', NULL")),
        ("webhook_attempts_status_code_range", attempt("'status_code', 99")),
    ]
}
