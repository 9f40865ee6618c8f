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
