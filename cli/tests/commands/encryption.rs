//! What operators do when a master key is replaced.

use market::carriers::model::NewCarrier;
use market::carriers::store::{create, sender};
use market::chat::model::{About, NewMessage};
use market::chat::store as chat;
use market::ids::MessageClientId;
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::testing::{listing, trader};
use queue::testing::rows;
use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;
use sqlx::Connection as _;

use super::TestShell;

/// 32 zero bytes.
const NEW: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[tokio::test]
async fn a_master_key_is_replaced_from_the_shell() {
    let shell = TestShell::new().await;
    let ring = |keys: &str| Keyring::read(&keys.to_owned().into()).unwrap();
    let mut conn = shell.db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let new = NewCarrier { slug: "hansa".to_owned(), name: "Hansa".to_owned() };
    let (carrier, _) = create(&mut conn, ann.org, Actor::User(ann.user), &new, &ring(MASTER_KEY)).await.unwrap();
    let reseal = async |key: &str| shell.run_with(&["encryption", "reseal"], &[("MASTER_KEY", key)]).await;

    let missing = shell.run(&["encryption", "reseal"]).await;
    assert!(missing.code == Some(2) && missing.err.contains("MASTER_KEY"), "{missing:?}");
    let unknown = reseal(NEW).await;
    assert!(unknown.code == Some(1) && unknown.err.contains("no master key here has sealed"), "{unknown:?}");
    let both = format!("{NEW},{MASTER_KEY}");
    let said = TestShell::ok(reseal(&both).await);
    assert_eq!(said, "1 secrets sealed anew, 0 were sealed with the first key already\n");
    let said = TestShell::ok(reseal(&both).await);
    assert_eq!(said, "0 secrets sealed anew, 1 were sealed with the first key already\n");
    assert!(sender(&mut conn, carrier.id, &ring(NEW)).await.unwrap().is_some());
    let acts = shell.acts().await;
    assert_eq!(acts.last().map(String::as_str), Some("encryption.reseal carrier_secrets"), "{acts:?}");
    drop(conn);
    shell.db.close().await;
}

#[tokio::test]
async fn the_keys_of_conversations_are_rotated_by_a_job_and_counted_without_a_key() {
    let shell = TestShell::new().await;
    let said = TestShell::ok(shell.run(&["encryption", "status"]).await);
    assert_eq!(said, "there are no conversations\n");
    let mut conn = shell.db.pool.acquire().await.unwrap();
    let (ann, bob) = (trader(&mut conn).await, trader(&mut conn).await);
    let goods = listing(&mut conn, ann, SaleMode::Fixed, 1).await;
    let new = NewMessage { client: MessageClientId::generate(), text: "Is it still there?", attachments: &[] };
    let by = Party { org: bob.org, user: bob.user };
    let ring = Keyring::read(&MASTER_KEY.to_owned().into()).unwrap();
    let mut tx = conn.begin().await.unwrap();
    chat::begin(&mut tx, &ring, by, About::Listing(goods), &new).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    let said = TestShell::ok(shell.run(&["encryption", "status"]).await);
    let id = said.strip_prefix("master key ").unwrap().strip_suffix("…: 1 conversations\n").unwrap();
    assert!(id.len() == 8 && id.chars().all(|c| c.is_ascii_hexdigit()), "{said}");
    let said = TestShell::ok(shell.run(&["encryption", "rotate"]).await);
    assert!(said.contains("seals the keys of conversations") && !said.contains("already"), "{said}");
    let said = TestShell::ok(shell.run(&["encryption", "rotate"]).await);
    assert!(said.contains("already seals"), "{said}");
    assert_eq!(rows(&shell.db.pool, "chat.rotate_keys").await.len(), 1);
    shell.db.close().await;
}
