//! Second factors, recovery codes, logins that wait for one, and erasures.

use secrecy::ExposeSecret;
use shared::crypto::seal::Keyring;
use shared::crypto::totp;
use shared::testing::MASTER_KEY;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy};
use crate::identity::store::{confirm, enrol, mint_second_step, pass_second_step};
use crate::testing::{Trader, trader};

/// An erasure that is done and one that is not; a second factor that is on, with a recovery code that was used, one that was not
/// confirmed, and a login that waits.
pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    let keyring = Keyring::read(&MASTER_KEY.to_owned().into()).expect("a key");
    let other = trader(conn).await;
    let now: i64 = sqlx::query_scalar("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
        .fetch_one(&mut *conn)
        .await
        .expect("the time");
    let mut tx = conn.begin().await.expect("a transaction");
    let secret = enrol(&mut tx, of.user, &keyring).await.expect("enrolled");
    let code = totp::code(secret.expose_secret(), totp::step_at(now));
    let codes = confirm(&mut tx, of.user, &code, &keyring).await.expect("confirmed");
    let token = mint_second_step(&mut tx, of.user, 1).await.expect("a token");
    let code = codes[0].expose_secret();
    pass_second_step(&mut tx, of.user, token.expose_secret(), code, &keyring).await.expect("logged in");
    mint_second_step(&mut tx, of.user, 1).await.expect("another token");
    enrol(&mut tx, other.user, &keyring).await.expect("not confirmed");
    for (user, days, erased) in [(of.user, 14, false), (other.user, -1, true)] {
        sqlx::query(
            "INSERT INTO erasures (user_id, asked_at, due_at, erased_at)
             VALUES ($1, now() - interval '15 days', now() + $2 * interval '1 day', CASE WHEN $3 THEN now() END)",
        )
        .bind(user)
        .bind(f64::from(days))
        .bind(erased)
        .execute(&mut *tx)
        .await
        .expect("an erasure");
    }
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    // Somebody who has none yet.
    let user = "'user_id', (SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM two_factors) LIMIT 1)";
    let factor = |which: &str, changes: &str| copy("two_factors", which, &format!("{user}, {changes}"));
    let on = |changes: &str| factor("confirmed_at IS NOT NULL", changes);
    let code = |changes: &str| copy("recovery_codes", "true", changes);
    let login =
        |changes: &str| copy("pending_logins", "true", &format!("'token_hash', '\\x' || repeat('ab', 32), {changes}"));
    let nobody = "'user_id', (SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM erasures) LIMIT 1)";
    let erasure = |which: &str, changes: &str| copy("erasures", which, &format!("{nobody}, {changes}"));
    let sql = str::to_owned;
    vec![
        ("two_factors_confirmed_by_code", on("'last_step', NULL")),
        ("two_factors_confirmed_by_code", factor("confirmed_at IS NULL", "'last_step', 1")),
        ("two_factors_in_order", on("'confirmed_at', t.enrolled_at - interval '1 second'")),
        ("two_factors_last_step_range", on("'last_step', -1")),
        ("two_factors_sealed_length", on("'sealed', 'short'")),
        ("two_factors_one_each", copy("two_factors", "true", "'enrolled_at', t.enrolled_at")),
        ("two_factors_forward", sql("UPDATE two_factors SET last_step = last_step - 1 WHERE last_step IS NOT NULL")),
        (
            "two_factors_forward",
            sql("UPDATE two_factors SET confirmed_at = NULL, last_step = NULL WHERE confirmed_at IS NOT NULL"),
        ),
        ("two_factors_forward", sql("UPDATE two_factors SET id = gen_random_uuid() WHERE confirmed_at IS NULL")),
        ("recovery_codes_hash_length", {
            let other = "(SELECT id FROM two_factors WHERE confirmed_at IS NULL LIMIT 1)";
            code(&format!("'two_factors_id', {other}, 'hash', '\\xab'"))
        }),
        ("recovery_codes_of_two_factors", code("'two_factors_id', gen_random_uuid()")),
        ("recovery_codes_ten", code("'hash', '\\x' || repeat('ab', 32)")),
        ("recovery_codes_once", sql("UPDATE recovery_codes SET used_at = NULL WHERE used_at IS NOT NULL")),
        ("recovery_codes_once", sql("UPDATE recovery_codes SET hash = sha256(hash) WHERE used_at IS NULL")),
        ("erasures_due_later", erasure("erased_at IS NULL", "'due_at', t.asked_at")),
        ("erasures_final", sql("DELETE FROM erasures WHERE erased_at IS NOT NULL")),
        ("erasures_not_early", erasure("erased_at IS NOT NULL", "'erased_at', t.due_at - interval '1 second'")),
        ("orders_of_somebody", {
            let abandon = "UPDATE orgs SET status = 'suspended', abandoned_at = now() WHERE status = 'approved'";
            format!("{abandon}; {}", copy("orders", "award_id IS NULL", "'created_at', now()"))
        }),
        ("pending_logins_expire_later", login("'expires_at', t.created_at")),
        ("pending_logins_hash_length", copy("pending_logins", "true", "'token_hash', '\\xab'")),
    ]
}
