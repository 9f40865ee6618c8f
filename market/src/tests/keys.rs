//! Keys of organisations.

use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::keys::model::{NewApiKey, Scope};
use crate::keys::store::{create, revoke};
use crate::testing::Trader;

/// A key that works, and one that was revoked.
pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    let scopes = Scope::of("orders", false).into_iter().collect();
    let new = NewApiKey { name: "Shop".to_owned(), scopes, expires_at: None };
    let mut tx = conn.begin().await.expect("a transaction");
    create(&mut tx, of.org, of.user, &new).await.expect("a key");
    let (gone, _) = create(&mut tx, of.org, of.user, &new).await.expect("another one");
    revoke(&mut tx, of.org, of.user, gone.id).await.expect("revoked");
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    let other = "'hash', '\\x' || repeat('ab', 32)";
    let key = |changes: &str| copy("api_keys", "revoked_at IS NULL", &format!("{other}, {changes}"));
    let sql = str::to_owned;
    vec![
        ("api_keys_expire_later", key("'expires_at', t.created_at")),
        ("api_keys_hash_length", copy("api_keys", "revoked_at IS NULL", "'hash', '\\xab'")),
        ("api_keys_hash_once", copy("api_keys", "revoked_at IS NULL", "'hash', t.hash")),
        ("api_keys_name_length", key("'name', ''")),
        ("api_keys_prefix_form", key("'prefix', 'ty_'")),
        ("api_keys_scopes_form", key("'scopes', '{}'::text[]")),
        ("api_keys_scopes_form", key("'scopes', '{orders}'::text[]")),
        ("api_keys_scopes_form", key("'scopes', array_fill('orders:read'::text, ARRAY[41])")),
        (
            "api_keys_per_org",
            many(
                "api_keys",
                "org_id, created_by, name, prefix, hash, scopes",
                "t.org_id, t.created_by, 'n', t.prefix, sha256(n::text::bytea), t.scopes",
                50,
            ),
        ),
        ("api_keys_fixed", sql("UPDATE api_keys SET scopes = '{orders:write}' WHERE revoked_at IS NULL")),
        ("api_keys_fixed", sql("UPDATE api_keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL")),
    ]
}
