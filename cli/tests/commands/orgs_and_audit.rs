//! What operators do with organisations, and the audit log of it.

use market::auctions::store::{PlaceBid, flag, place_bid};
use market::testing::{auction, secret, terms, trader};
use serde_json::json;
use shared::audit::Actor;

use super::TestShell;

#[tokio::test]
async fn an_organisations_plan_is_changed_from_the_shell_and_the_log_says_by_whom() {
    let shell = TestShell::new().await;
    let mut conn = shell.db.pool.acquire().await.unwrap();
    let org = trader(&mut conn).await.org.to_string();
    drop(conn);
    let said = shell.text(&["orgs", "plan", &org, "partner"]).await;
    assert_eq!(said, format!("{org} is on the plan partner now\n"));
    let again = shell.run(&["orgs", "plan", &org, "partner"]).await;
    assert!(again.code == Some(1) && again.err.contains("already on the plan partner"), "{again:?}");
    let wrong = shell.run(&["orgs", "plan", &org, "gold"]).await;
    assert!(wrong.code == Some(2) && wrong.err.contains("free standard pro partner"), "{wrong:?}");
    assert_eq!(shell.acts().await, [format!("org.change_plan {org}")]);
    let entry = shell.json(&["audit", "--about", "org", "--id", &org]).await[0].clone();
    assert_eq!((&entry["actor_kind"], &entry["actor"]), (&json!("command_line"), &json!(null)));
    assert!(shell.text(&["audit"]).await.contains("command line"));
    shell.db.close().await;
}

#[tokio::test]
async fn organisations_that_may_be_the_same_people_are_listed_and_the_system_has_flagged_them() {
    let shell = TestShell::new().await;
    assert_eq!(shell.text(&["orgs", "flagged"]).await, "No flags.\n");
    let mut conn = shell.db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, seller, &terms).await;
    let bid = PlaceBid { auction: lot, org: buyer.org, user: buyer.user, maximum: secret(5_000), quantity: None };
    place_bid(&mut conn, &bid).await.unwrap();
    assert_eq!(flag(&mut conn, Actor::System, lot, buyer.org).await.unwrap(), 1, "both have one name");
    drop(conn);
    let listed = shell.text(&["orgs", "flagged", "--auction", &lot.to_string(), "--wide"]).await;
    for words in ["Test Ltd (seller)", "same_name", &buyer.org.to_string()] {
        assert!(listed.contains(words), "{words}: {listed}");
    }
    let entry = shell.json(&["audit", "--about", "auction", "--id", &lot.to_string()]).await[0].clone();
    assert_eq!((&entry["action"], &entry["actor_kind"]), (&json!("auction.flag_accounts"), &json!("system")));
    shell.db.close().await;
}

#[tokio::test]
async fn the_shell_finds_what_was_done_to_the_log_and_says_where() {
    let shell = TestShell::new().await;
    assert_eq!(shell.text(&["audit", "verify"]).await, "0 entries, each as it was written\nthe log is empty\n");
    let mut conn = shell.db.pool.acquire().await.unwrap();
    for _ in 0..3 {
        let org = trader(&mut conn).await.org.to_string();
        shell.text(&["orgs", "plan", &org, "partner"]).await;
    }
    let first = shell.text(&["audit", "verify"]).await;
    assert!(first.starts_with("3 entries, each as it was written\n3:"), "{first}");
    let head = first.lines().last().unwrap().to_owned();
    let json = shell.json(&["audit", "verify", "--noted", &head]).await;
    assert_eq!(json, json!({"entries": 3, "head": head}));
    let file = std::env::temp_dir().join(format!("tradeyard-noted-{}", uuid::Uuid::now_v7())).display().to_string();
    std::fs::write(&file, &first).unwrap();
    shell.text(&["audit", "verify", "--noted", &file]).await;

    for sql in ["ALTER TABLE audit_entries DISABLE TRIGGER USER", "DELETE FROM audit_entries WHERE seq = 3"] {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
    shell.text(&["audit", "verify"]).await;
    let found = async |args: &[&str], words: &str| {
        let ended = shell.run(&[&["audit", "verify"][..], args].concat()).await;
        assert!(ended.code == Some(1) && ended.err.contains(words) && ended.out.is_empty(), "{words}: {ended:?}");
    };
    for noted in [head.as_str(), file.as_str()] {
        found(&["--noted", noted], "cut off after entry 2: entry 3 was noted").await;
    }
    sqlx::query("UPDATE audit_entries SET subject_id = 'x' WHERE seq = 2").execute(&mut *conn).await.unwrap();
    found(&[], "entry 2 of the audit log was changed").await;
    sqlx::query("DELETE FROM audit_entries WHERE seq = 1").execute(&mut *conn).await.unwrap();
    found(&[], "entries 1 to 1 of the audit log are missing").await;
    found(&["--noted", "/nowhere"], "neither SEQ:HASH nor a file").await;
    std::fs::remove_file(&file).unwrap();
    drop(conn);
    shell.db.close().await;
}
