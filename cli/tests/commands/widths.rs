//! Every list fits a line of 100 columns, whatever the names in it.

use market::auctions::store::{PlaceBid, flag, place_bid};
use market::cargo::store::{Reject, park};
use market::emails::model::SuppressionReason;
use market::emails::store;
use market::testing::{auction, secret, terms, trader};
use serde_json::json;
use shared::audit::{Actor, Entry, append};
use shared::testing::server;
use sqlx::AssertSqlSafe;

use super::TestShell;

/// Longer than any name there is, and than a line.
fn long(letter: &str) -> String {
    letter.repeat(120)
}

/// Rows for every list, with names that are as long.
async fn fill(shell: &TestShell) {
    let name = long("n");
    let far = "now() - interval '123 days 23 hours 59 minutes'";
    for statement in [
        format!(
            "INSERT INTO jobs (id, state, attempt, queue, kind, payload, run_at, finished_at, error, fingerprint)
             VALUES (9223372036854775000, 'dead', 999, '{name}', '{name}', '{{}}', {far}, {far}, '{name}', '{name}'),
                    (9223372036854775001, 'cancelled', 999, '{name}', '{name}', '{{}}', {far}, {far}, '{name}', NULL)"
        ),
        format!("INSERT INTO queues (name, transport) VALUES ('{name}', 'rabbit')"),
        format!(
            "INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog, broker_error, transport_problem)
             VALUES ('{name}', '{name}', now() + interval '1 hour', 0, false, '{name}', 'down')"
        ),
        format!(
            "INSERT INTO workers (pool, name, host, pid, version, queues, kinds, concurrency, running, lease_until)
             VALUES ('{name}', '{name}', '{name}', 4194304, '{name}', '{{{name},{name}}}', '{{}}', 2000, 2000, {far})"
        ),
        format!(
            "INSERT INTO schedules (name, origin, kind, payload, expression, zone, misfire, decided_until, changed_by,
                                    last_fire_at, problem)
             VALUES (left('{name}', 80), 'added', '{name}', '{{}}', '0 0 0 1,2,3,4,5,6,7,8,9,10,11,12 1-12 *',
                     'America/Argentina/ComodRivadavia', 'skip', {far}, 'x', {far}, '{name}')"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&shell.db.pool).await.unwrap();
    }
    let mut conn = shell.db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, seller, &terms).await;
    let bid = PlaceBid { auction: lot, org: buyer.org, user: buyer.user, maximum: secret(5_000), quantity: None };
    place_bid(&mut conn, &bid).await.unwrap();
    flag(&mut conn, Actor::System, lot, buyer.org).await.unwrap();
    sqlx::query("UPDATE orgs SET legal_name = repeat('n', 200)").execute(&mut *conn).await.unwrap();

    let action = format!("{}.{}", long("a"), long("b"));
    let subject = (name.as_str(), long("i"));
    let entry = Entry { actor: Actor::User(seller.user), action: &action, subject, data: json!({ "name": name }) };
    append(&mut conn, entry).await.unwrap();
    let address = format!("{}@example.com", "a".repeat(200));
    store::suppress(&mut conn, &address, SuppressionReason::Manual, &name, None).await.unwrap();
    store::note_refusal(&mut conn, &format!("b{address}"), &name).await.unwrap();
    park(&mut conn, &[Reject { reason: name.clone(), bytes: b"{}".to_vec(), routing_key: long("k") }]).await.unwrap();
}

#[tokio::test]
async fn every_list_fits_a_line_whatever_its_names() {
    let shell = TestShell::new().await;
    fill(&shell).await;
    let (amqp, namespace) = (server("AMQP_URL"), format!("cli-widths-{}", std::process::id()));
    let settings = [("AMQP_URL", amqp.as_str()), ("NAMESPACE", namespace.as_str())];
    let mut wider = Vec::new();
    for args in [
        &["jobs", "list"][..],
        &["jobs", "groups"],
        &["queues", "list"],
        &["schedules", "list"],
        &["workers"],
        &["audit"],
        &["emails", "refused"],
        &["cargo", "rejects"],
        &["orgs", "flagged"],
    ] {
        let list = TestShell::ok(shell.run_with(args, &settings).await);
        assert!(list.contains('…'), "{args:?} has nothing to cut: {list}");
        wider.extend(list.lines().filter(|line| line.chars().count() > 100).map(|line| format!("{args:?}: {line}")));
    }
    assert!(wider.is_empty(), "{wider:#?}");
    let connection = queue::transport::rabbit::connection::connect(&amqp.into(), "cli test").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    jobs::cargo::topology::delete(&channel, &namespace).await.unwrap();
    shell.db.close().await;
}
