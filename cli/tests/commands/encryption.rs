//! What operators do when a master key is replaced.

use market::carriers::model::NewCarrier;
use market::carriers::store::{create, sender};
use market::testing::trader;
use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;

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
