//! What operators do with addresses that refuse mail, and with cargo events that did not get into
//! the log.

use market::cargo::store::{Reject, count, keep_parked, park};
use market::emails::model::SuppressionReason;
use market::emails::store;
use serde_json::json;
use shared::testing::server;

use super::TestShell;

#[tokio::test]
async fn an_address_that_is_not_written_to_is_shown_and_allowed_again() {
    let shell = TestShell::new().await;
    assert_eq!(shell.text(&["emails", "refused"]).await, "No refused addresses.\n");
    let mut conn = shell.db.pool.acquire().await.unwrap();
    store::suppress(&mut conn, "gone@example.com", SuppressionReason::Refused, "550 5.1.1 no", None).await.unwrap();
    store::note_refusal(&mut conn, "ada@example.com", "550 not today").await.unwrap();
    drop(conn);
    let shown = shell.text(&["emails", "refused"]).await;
    for words in ["gone@example.com", "does not exist", "ada@example.com", "still written to", "550 not today"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(shell.text(&["emails", "allow", "Gone@example.com"]).await, "Gone@example.com is written to again\n");
    assert_eq!(shell.json(&["emails", "refused"]).await[0]["address"], json!("ada@example.com"));
    let again = shell.run(&["emails", "allow", "gone@example.com"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    let acts = shell.acts().await;
    assert!(acts.len() == 1 && acts[0].starts_with("email.allow ") && !acts[0].contains("gone"), "{acts:?}");
    shell.db.close().await;
}

/// Without RabbitMQ: what is sent again goes into the log at once.
#[tokio::test]
async fn a_rejected_event_is_looked_at_mended_and_given_up() {
    let shell = TestShell::new().await;
    assert_eq!(shell.text(&["cargo", "rejects"]).await, "No rejected events.\n");
    let message = |time: &str| {
        json!({"org": "01890a5d-ac96-774b-bcce-b302099a8057", "events": [{"source": "gps", "source_event_id": "e1",
            "shipment": "S-1", "type": "actual", "status": "delivered", "occurred_at": time}]})
        .to_string()
    };
    let reject = |bytes: &str| Reject {
        reason: "it is from 1970".to_owned(),
        bytes: bytes.as_bytes().to_vec(),
        routing_key: "cargo.actual".to_owned(),
    };
    let mut conn = shell.db.pool.acquire().await.unwrap();
    park(&mut conn, &[reject(&message("1970-01-01T00:00:00Z")), reject("x")]).await.unwrap();
    assert!(shell.text(&["cargo", "rejects"]).await.contains("it is from 1970"));
    assert!(shell.text(&["cargo", "show", "1"]).await.contains("1970-01-01T00:00:00Z"));
    let refused = shell.run(&["cargo", "replay", "1"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("/events/0/occurred_at"), "{refused:?}");
    let refused = shell.run(&["cargo", "replay", "2"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("--message"), "{refused:?}");
    let now: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&mut *conn).await.unwrap();
    let mended = message(&now.to_rfc3339());
    assert_eq!(shell.text(&["cargo", "replay", "1", "--message", &mended]).await, "1 event sent into the lane\n");
    assert_eq!(shell.text(&["cargo", "drop", "2"]).await, "reject 2 is gone\n");
    for act in ["show", "replay", "drop"] {
        let gone = shell.run(&["cargo", act, "1"]).await;
        assert!(gone.code == Some(1) && gone.err.contains("no such reject"), "{gone:?}");
    }
    assert_eq!(count(&mut conn).await.unwrap(), 1);
    assert_eq!(shell.acts().await, ["cargo_rejects.replay 1", "cargo_rejects.discard 2"]);
    drop(conn);
    shell.db.close().await;
}

/// What waits in RabbitMQ is moved by a command as well; what it gave up is sent again at once, but for what would be refused.
#[tokio::test]
async fn what_rabbitmq_gave_up_is_collected_and_sent_again() {
    let shell = TestShell::new().await;
    let (amqp, namespace) = (server("AMQP_URL"), format!("cli-test-{}", std::process::id()));
    let settings = [("AMQP_URL", amqp.as_str()), ("NAMESPACE", namespace.as_str())];
    let ended = shell.run_with(&["cargo", "collect"], &settings).await;
    assert_eq!(TestShell::ok(ended), "0 messages collected, 0 left\n");
    let alone = shell.run(&["cargo", "collect"]).await;
    assert!(alone.code == Some(1) && alone.err.contains("AMQP_URL"), "{alone:?}");

    let mut conn = shell.db.pool.acquire().await.unwrap();
    let now: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&mut *conn).await.unwrap();
    let message = |id: &str, time: &str| {
        json!({"org": "01890a5d-ac96-774b-bcce-b302099a8057", "events": [{"source": "gps", "source_event_id": id,
            "shipment": "S-1", "type": "actual", "status": "in_transit", "occurred_at": time}]})
    };
    let reject = |bytes: String| Reject {
        reason: "delivery_limit".to_owned(),
        bytes: bytes.into_bytes(),
        routing_key: "cargo.gps.actual".to_owned(),
    };
    let sound = [message("e1", &now.to_rfc3339()), message("e2", &now.to_rfc3339())];
    for bytes in [sound[0].to_string(), message("e3", "1970-01-01T00:00:00Z").to_string(), sound[1].to_string()] {
        keep_parked(&mut conn, &reject(bytes)).await.unwrap();
    }
    // Not given up by RabbitMQ: it waits for its own command.
    park(&mut conn, &[reject(message("e4", &now.to_rfc3339()).to_string())]).await.unwrap();
    let said = shell.text(&["cargo", "replay", "--parked"]).await;
    assert_eq!(said, "2 events of 2 messages sent into the lane; these would be refused again: 2\n");
    assert_eq!(count(&mut conn).await.unwrap(), 2);
    assert_eq!(shell.json(&["cargo", "replay", "--parked"]).await, json!({"messages": 0, "sent": 0, "left": [2]}));
    let rejects = shell.json(&["cargo", "rejects"]).await;
    let kept: Vec<_> = rejects.as_array().unwrap().iter().map(|it| (&it["id"], &it["parked"])).collect();
    assert_eq!(kept, [(&json!(4), &json!(false)), (&json!(2), &json!(true))]);
    let both = shell.run(&["cargo", "replay", "2", "--parked"]).await;
    assert_eq!(both.code, Some(2), "{both:?}");
    assert_eq!(shell.acts().await, ["cargo_rejects.replay 1", "cargo_rejects.replay 3"]);
    drop(conn);

    let connection = queue::transport::rabbit::connection::connect(&amqp.into(), "cli test").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    jobs::cargo::topology::delete(&channel, &namespace).await.unwrap();
    shell.db.close().await;
}
