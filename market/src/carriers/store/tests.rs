use secrecy::SecretString;
use shared::testing::{MASTER_KEY, TestDb};
use sqlx::PgPool;

use super::*;
use crate::sealing::store::{ResealError, Resealed, reseal};
use crate::testing::{Trader, trader, trader_as};

/// Another master key, of 32 zero bytes.
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn ring(keys: &[&str]) -> Keyring {
    Keyring::read(&SecretString::from(keys.join(","))).unwrap()
}

fn hansa() -> NewCarrier {
    NewCarrier { slug: "hansa".to_owned(), name: "Hansa Freight".to_owned() }
}

/// What is good now, the newest first.
async fn good(pool: &PgPool, id: CarrierId, keyring: &Keyring) -> Vec<Vec<u8>> {
    let sender = sender(&mut pool.acquire().await.unwrap(), id, keyring).await.unwrap();
    sender.map_or_else(Vec::new, |sender| sender.secrets.iter().map(|one| one.expose_secret().to_vec()).collect())
}

async fn made(pool: &PgPool, keyring: &Keyring) -> (Trader, CarrierId, Vec<u8>) {
    let mut conn = pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let (carrier, secret) = create(&mut conn, ann.org, Actor::User(ann.user), &hansa(), keyring).await.unwrap();
    (ann, carrier.id, secret.expose_secret().to_vec())
}

#[tokio::test]
async fn the_secret_before_is_good_for_a_day_and_no_third_one_is() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (ann, id, first) = made(&db.app, &keyring).await;
    assert_eq!(good(&db.app, id, &keyring).await, std::slice::from_ref(&first));
    let replace = async |keep_old: bool| {
        let mut conn = db.app.acquire().await.unwrap();
        let rotated = rotate(&mut conn, ann.org, Actor::User(ann.user), id, keep_old, &keyring).await.unwrap();
        (rotated.secret.expose_secret().to_vec(), rotated.old_good_until)
    };
    let (second, until) = replace(true).await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&db.pool).await.unwrap();
    let left = until.unwrap() - now;
    assert!(left <= OVERLAP && left > OVERLAP - chrono::TimeDelta::minutes(5), "{left}");
    assert_eq!(good(&db.app, id, &keyring).await, [second.clone(), first]);
    let (third, _) = replace(true).await;
    assert_eq!(good(&db.app, id, &keyring).await, [third.clone(), second]);
    // A day later.
    sqlx::query(
        "UPDATE carrier_secrets SET made_at = made_at - interval '1 day', good_until = good_until - interval '1 day'",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    assert_eq!(good(&db.app, id, &keyring).await, [third]);
    let (fourth, until) = replace(false).await;
    assert_eq!((good(&db.app, id, &keyring).await, until), (vec![fourth], None), "one that leaked ends at once");
    db.close().await;
}

#[tokio::test]
async fn nothing_in_the_database_shows_a_secret_and_none_opens_in_another_row() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (_, mine, secret) = made(&db.app, &keyring).await;
    let (_, others, _) = made(&db.app, &keyring).await;
    let dump: Vec<String> =
        sqlx::query_scalar("SELECT s::text FROM carrier_secrets AS s").fetch_all(&db.pool).await.unwrap();
    let audited: Vec<String> =
        sqlx::query_scalar("SELECT data::text FROM audit_entries").fetch_all(&db.pool).await.unwrap();
    let shown = WebhookSecret::from(secrecy::SecretSlice::from(secret.clone())).shown();
    for text in dump.iter().chain(&audited) {
        assert!(!text.contains(&hex::encode(&secret)) && !text.contains(&shown[6..]), "{text}");
    }
    sqlx::query("UPDATE carrier_secrets SET sealed = (SELECT sealed FROM carrier_secrets WHERE carrier_id = $1) WHERE carrier_id = $2")
        .bind(mine)
        .bind(others)
        .execute(&db.pool)
        .await
        .unwrap();
    let mut conn = db.app.acquire().await.unwrap();
    let refused = sender(&mut conn, others, &keyring).await.unwrap_err();
    assert!(matches!(refused, CarrierError::Seal(SealError::Broken)), "{refused:?}");
    sqlx::query("UPDATE carrier_secrets SET version = 2 WHERE carrier_id = $1")
        .bind(mine)
        .execute(&db.pool)
        .await
        .unwrap();
    let refused = sender(&mut conn, mine, &keyring).await.unwrap_err();
    assert!(matches!(refused, CarrierError::Seal(SealError::Broken)), "{refused:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_carrier_is_its_organisations_and_ends_with_its_secrets() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (ann, id, _) = made(&db.app, &keyring).await;
    let mut conn = db.app.acquire().await.unwrap();
    let by = Actor::User(ann.user);
    let again = create(&mut conn, ann.org, by, &hansa(), &keyring).await.unwrap_err();
    assert!(matches!(&again, CarrierError::Invalid(invalid) if invalid.pointer == "/slug"), "{again:?}");
    let buyer = trader_as(&mut conn, "approved", &["buyer"]).await;
    for refused in
        [rotate(&mut conn, buyer.org, by, id, true, &keyring).await.map(drop), end(&mut conn, buyer.org, by, id).await]
    {
        assert!(matches!(refused, Err(CarrierError::NotFound)), "{refused:?}");
    }
    assert_eq!(get(&mut conn, buyer.org, id).await.unwrap(), None);
    let found = sender(&mut conn, id, &keyring).await.unwrap().unwrap();
    assert_eq!((found.org, found.may_report, found.source.as_str()), (ann.org, true, "carrier:hansa"));
    for (change, may) in [
        ("status = 'suspended'", false),
        ("status = 'approved', kinds = '{buyer}'", false),
        ("kinds = '{carrier}'", true),
    ] {
        let sql = format!("UPDATE orgs SET {change} WHERE id = '{}'", ann.org);
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&db.pool).await.unwrap();
        assert_eq!(sender(&mut conn, id, &keyring).await.unwrap().unwrap().may_report, may, "{change}");
    }
    end(&mut conn, ann.org, by, id).await.unwrap();
    assert!(sender(&mut conn, id, &keyring).await.unwrap().is_none());
    assert!(matches!(end(&mut conn, ann.org, by, id).await, Err(CarrierError::NotFound)));
    // The name is free again.
    create(&mut conn, ann.org, by, &hansa(), &keyring).await.unwrap();
    let acts: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_entries WHERE subject_kind = 'carrier' ORDER BY seq")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(acts, ["carrier.create", "carrier.end", "carrier.create"]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_master_key_can_be_taken_away_once_everything_is_sealed_anew() {
    let (db, old) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (ann, id, first) = made(&db.app, &old).await;
    let (_, other, _) = made(&db.app, &old).await;
    let (both, new) = (ring(&[OTHER, MASTER_KEY]), ring(&[OTHER]));
    let mut conn = db.app.acquire().await.unwrap();
    let rotated = rotate(&mut conn, ann.org, Actor::User(ann.user), id, true, &both).await.unwrap();
    let second = rotated.secret.expose_secret().to_vec();
    // Without the old key the old secret is lost, and the present one goes on.
    assert_eq!(good(&db.app, id, &new).await, std::slice::from_ref(&second));
    let missing = sender(&mut conn, other, &new).await.unwrap_err();
    assert!(matches!(missing, CarrierError::Seal(SealError::UnknownKey)), "{missing:?}");
    let refused = reseal(&mut conn, Actor::CommandLine, &new).await.unwrap_err();
    assert!(matches!(refused, ResealError::Seal(SealError::UnknownKey)), "{refused:?}");
    let done = reseal(&mut conn, Actor::CommandLine, &both).await.unwrap();
    assert_eq!(done, Resealed { resealed: 2, current: 1 });
    assert_eq!(reseal(&mut conn, Actor::CommandLine, &both).await.unwrap(), Resealed { resealed: 0, current: 3 });
    drop(conn);
    assert_eq!(good(&db.app, id, &new).await, [second, first]);
    db.close().await;
}
