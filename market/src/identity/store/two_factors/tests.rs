use std::sync::Arc;

use shared::testing::{MASTER_KEY, TestDb};
use sqlx::PgPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::super::token_hash;
use super::*;
use crate::sealing::store::{Resealed, reseal};
use crate::testing::trader;

/// Another master key, of 32 zero bytes.
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn ring(keys: &[&str]) -> Keyring {
    Keyring::read(&keys.join(",").into()).unwrap()
}

/// The code that an app shows so many steps after the present one.
async fn code(pool: &PgPool, secret: &SecretSlice<u8>, ahead: i64) -> String {
    let now = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint";
    let now: i64 = sqlx::query_scalar(now).fetch_one(pool).await.unwrap();
    totp::code(secret.expose_secret(), totp::step_at(now) + ahead)
}

async fn new_user(pool: &PgPool) -> UserId {
    trader(&mut pool.acquire().await.unwrap()).await.user
}

async fn try_enrol(pool: &PgPool, user: UserId, keyring: &Keyring) -> Result<SecretSlice<u8>, TwoFactorsError> {
    let mut tx = pool.begin().await?;
    let secret = enrol(&mut tx, user, keyring).await?;
    tx.commit().await?;
    Ok(secret)
}

async fn try_confirm(
    pool: &PgPool,
    user: UserId,
    code: &str,
    keyring: &Keyring,
) -> Result<Vec<String>, TwoFactorsError> {
    let mut tx = pool.begin().await?;
    let codes = confirm(&mut tx, user, code, keyring).await?;
    tx.commit().await?;
    Ok(codes.iter().map(|code| code.expose_secret().to_owned()).collect())
}

/// The second step of a login whose first one has just been.
async fn log_in(pool: &PgPool, user: UserId, code: &str, keyring: &Keyring) -> Result<Shown, TwoFactorsError> {
    let token = mint_second_step(&mut *pool.acquire().await?, user, 1).await?;
    second_step(pool, user, &token, code, keyring).await
}

async fn second_step(
    pool: &PgPool,
    user: UserId,
    token: &SecretString,
    code: &str,
    keyring: &Keyring,
) -> Result<Shown, TwoFactorsError> {
    let mut tx = pool.begin().await?;
    let (version, shown) = pass_second_step(&mut tx, user, token.expose_secret(), code, keyring).await?;
    assert_eq!(version, 1);
    tx.commit().await?;
    Ok(shown)
}

/// A person whose logins ask for a code: the secret and the recovery codes. The present code is used.
async fn with_second_factor(pool: &PgPool, keyring: &Keyring) -> (UserId, SecretSlice<u8>, Vec<String>) {
    let user = new_user(pool).await;
    let secret = try_enrol(pool, user, keyring).await.unwrap();
    let codes = try_confirm(pool, user, &code(pool, &secret, 0).await, keyring).await.unwrap();
    (user, secret, codes)
}

async fn state(pool: &PgPool, user: UserId) -> (bool, i64) {
    let found = two_factors(&mut pool.acquire().await.unwrap(), user).await.unwrap();
    (found.enabled_at.is_some(), found.recovery_codes_left)
}

#[tokio::test]
async fn a_second_factor_counts_once_it_is_confirmed_and_until_it_is_turned_off() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let user = new_user(&db.pool).await;
    let nothing = try_confirm(&db.app, user, "123456", &keyring).await;
    assert!(matches!(nothing, Err(TwoFactorsError::Off)), "{nothing:?}");
    let first = try_enrol(&db.app, user, &keyring).await.unwrap();
    let secret = try_enrol(&db.app, user, &keyring).await.unwrap();
    let replaced = try_confirm(&db.app, user, &code(&db.app, &first, 0).await, &keyring).await;
    assert!(matches!(replaced, Err(TwoFactorsError::WrongCode)), "{replaced:?}");
    assert_eq!(state(&db.app, user).await, (false, 0));
    let asked = log_in(&db.app, user, &code(&db.app, &secret, 0).await, &keyring).await;
    assert!(matches!(asked, Err(TwoFactorsError::WrongToken)), "not confirmed yet: {asked:?}");

    let given = code(&db.app, &secret, 0).await;
    let codes = try_confirm(&db.app, user, &given, &keyring).await.unwrap();
    assert_eq!((codes.len(), state(&db.app, user).await), (RECOVERY_CODES, (true, 10)));
    for again in [
        try_enrol(&db.app, user, &keyring).await.map(drop),
        try_confirm(&db.app, user, &code(&db.app, &secret, 1).await, &keyring).await.map(drop),
    ] {
        assert!(matches!(again, Err(TwoFactorsError::AlreadyOn)), "{again:?}");
    }
    let used = log_in(&db.app, user, &given, &keyring).await;
    assert!(matches!(used, Err(TwoFactorsError::WrongCode)), "it has confirmed: {used:?}");
    assert_eq!(log_in(&db.app, user, &code(&db.app, &secret, 1).await, &keyring).await.unwrap(), Shown::App);
    let left = log_in(&db.app, user, &codes[0].to_lowercase(), &keyring).await.unwrap();
    assert_eq!((left, state(&db.app, user).await), (Shown::Recovery { left: 9 }, (true, 9)));
    let used = log_in(&db.app, user, &codes[0], &keyring).await;
    assert!(matches!(used, Err(TwoFactorsError::WrongCode)), "{used:?}");

    let mut tx = db.app.begin().await.unwrap();
    let (renewed, _) = renew_recovery_codes(&mut tx, user, &codes[1], &keyring).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(state(&db.app, user).await, (true, 10));
    let before = log_in(&db.app, user, &codes[2], &keyring).await;
    assert!(matches!(before, Err(TwoFactorsError::WrongCode)), "{before:?}");

    let mut tx = db.app.begin().await.unwrap();
    let wrong = disable(&mut tx, user, &codes[2], &keyring).await;
    assert!(matches!(wrong, Err(TwoFactorsError::WrongCode)), "{wrong:?}");
    tx.rollback().await.unwrap();
    let mut tx = db.app.begin().await.unwrap();
    disable(&mut tx, user, renewed[0].expose_secret(), &keyring).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(state(&db.app, user).await, (false, 0));
    try_enrol(&db.app, user, &keyring).await.unwrap();
    let acts: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_entries WHERE actor = $1 ORDER BY seq")
        .bind(user)
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(
        acts,
        [
            "user.enable_second_factor",
            "user.use_recovery_code",
            "user.use_recovery_code",
            "user.renew_recovery_codes",
            "user.use_recovery_code",
            "user.disable_second_factor",
        ]
    );
    db.close().await;
}

/// Gives all of these to the second step of a login at once; returns how many got through.
async fn at_once(db: &TestDb, keyring: &Arc<Keyring>, user: UserId, given: Vec<(SecretString, String)>) -> usize {
    let barrier = Arc::new(Barrier::new(given.len()));
    let mut tasks = JoinSet::new();
    for (token, code) in given {
        let (pool, keyring, barrier) = (db.app.clone(), Arc::clone(keyring), Arc::clone(&barrier));
        tasks.spawn(async move {
            barrier.wait().await;
            match second_step(&pool, user, &token, &code, &keyring).await {
                Ok(_) => true,
                Err(TwoFactorsError::WrongCode | TwoFactorsError::WrongToken) => false,
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    tasks.join_all().await.into_iter().filter(|passed| *passed).count()
}

async fn tokens(db: &TestDb, user: UserId, count: usize) -> Vec<SecretString> {
    let mut conn = db.app.acquire().await.unwrap();
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(mint_second_step(&mut conn, user, 1).await.unwrap());
    }
    tokens
}

#[tokio::test]
async fn a_code_given_twice_at_once_works_once() {
    let (db, keyring) = (TestDb::new().await, Arc::new(ring(&[MASTER_KEY])));
    for _ in 0..5 {
        let (user, secret, codes) = with_second_factor(&db.app, &keyring).await;
        for code in [code(&db.app, &secret, 1).await, codes[0].clone()] {
            let given = tokens(&db, user, 4).await.into_iter().map(|token| (token, code.clone())).collect();
            assert_eq!(at_once(&db, &keyring, user, given).await, 1);
        }
        assert_eq!(state(&db.app, user).await, (true, 9));
    }
    db.close().await;
}

#[tokio::test]
async fn a_login_is_completed_once_whatever_codes_come() {
    let (db, keyring) = (TestDb::new().await, Arc::new(ring(&[MASTER_KEY])));
    let (user, _, codes) = with_second_factor(&db.app, &keyring).await;
    let token = tokens(&db, user, 1).await.remove(0);
    let given = codes[..4].iter().map(|code| (token.clone(), code.clone())).collect();
    assert_eq!(at_once(&db, &keyring, user, given).await, 1);
    // Whoever came too late has used nothing up.
    assert_eq!(state(&db.app, user).await, (true, 9));
    db.close().await;
}

#[tokio::test]
async fn a_wrong_code_leaves_the_login_open_and_a_new_password_ends_it() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (user, _, codes) = with_second_factor(&db.app, &keyring).await;
    let (other, ..) = with_second_factor(&db.app, &keyring).await;
    let [token, late, stale] = <[_; 3]>::try_from(tokens(&db, user, 3).await).unwrap();
    for wrong in ["000000", "", "AAAA-AAAA-AAAA-AAAA"] {
        let refused = second_step(&db.app, user, &token, wrong, &keyring).await;
        assert!(matches!(refused, Err(TwoFactorsError::WrongCode)), "{refused:?}");
    }
    let others = second_step(&db.app, other, &token, &codes[0], &keyring).await;
    assert!(matches!(others, Err(TwoFactorsError::WrongToken)), "{others:?}");
    second_step(&db.app, user, &token, &codes[0], &keyring).await.unwrap();

    let mut conn = db.app.acquire().await.unwrap();
    assert_eq!(second_step_of(&mut conn, late.expose_secret()).await.unwrap(), Some(user));
    let age = "UPDATE pending_logins SET created_at = created_at - interval '1 hour', expires_at = clock_timestamp()
               WHERE token_hash = $1";
    sqlx::query(age).bind(token_hash(late.expose_secret())).execute(&db.pool).await.unwrap();
    assert_eq!(second_step_of(&mut conn, late.expose_secret()).await.unwrap(), None);
    sqlx::query("UPDATE users SET session_version = 2 WHERE id = $1").bind(user).execute(&db.pool).await.unwrap();
    for ended in [late, stale] {
        let refused = second_step(&db.app, user, &ended, &codes[1], &keyring).await;
        assert!(matches!(refused, Err(TwoFactorsError::WrongToken)), "{refused:?}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn nothing_in_the_database_shows_a_secret_and_none_opens_for_somebody_else() {
    let (db, keyring) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (mine, secret, codes) = with_second_factor(&db.app, &keyring).await;
    let (others, ..) = with_second_factor(&db.app, &keyring).await;
    let token = tokens(&db, mine, 1).await.remove(0);
    let dump = "SELECT t::text FROM two_factors AS t UNION ALL SELECT r::text FROM recovery_codes AS r
                UNION ALL SELECT p::text FROM pending_logins AS p UNION ALL SELECT a::text FROM audit_entries AS a";
    let dump: Vec<String> = sqlx::query_scalar(dump).fetch_all(&db.pool).await.unwrap();
    for text in dump {
        assert!(!text.contains(&hex::encode(secret.expose_secret())), "{text}");
        assert!(!text.contains(token.expose_secret()), "{text}");
        assert!(codes.iter().all(|code| !text.contains(code.as_str())), "{text}");
    }
    sqlx::query(
        "UPDATE two_factors SET sealed = (SELECT sealed FROM two_factors WHERE user_id = $1) WHERE user_id = $2",
    )
    .bind(mine)
    .bind(others)
    .execute(&db.pool)
    .await
    .unwrap();
    let refused = log_in(&db.app, others, &code(&db.app, &secret, 1).await, &keyring).await;
    assert!(matches!(refused, Err(TwoFactorsError::Seal(SealError::Broken))), "{refused:?}");
    db.close().await;
}

#[tokio::test]
async fn secrets_are_sealed_anew_with_the_first_key_and_go_on_working() {
    let (db, old) = (TestDb::new().await, ring(&[MASTER_KEY]));
    let (user, secret, _) = with_second_factor(&db.app, &old).await;
    let both = ring(&[OTHER, MASTER_KEY]);
    let mut conn = db.app.acquire().await.unwrap();
    for (resealed, current) in [(1, 0), (0, 1)] {
        let done = reseal(&mut conn, Actor::CommandLine, &both).await.unwrap();
        assert_eq!(done, Resealed { resealed, current });
    }
    log_in(&db.app, user, &code(&db.app, &secret, 1).await, &ring(&[OTHER])).await.unwrap();
    let lost = log_in(&db.app, user, &code(&db.app, &secret, 1).await, &old).await;
    assert!(matches!(lost, Err(TwoFactorsError::Seal(SealError::UnknownKey))), "{lost:?}");
    drop(conn);
    db.close().await;
}
