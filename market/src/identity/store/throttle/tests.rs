use shared::testing::TestDb;

use super::*;

fn keys(email: &str, from: &str) -> [ThrottleKey; 3] {
    let (email, from) = (email.parse().unwrap(), from.parse().unwrap());
    [ThrottleKey::account(&email, from), ThrottleKey::anywhere(&email), ThrottleKey::address(from)]
}

/// Begins a login as the API does.
async fn begin(conn: &mut PgConnection, [account, anywhere, address]: &[ThrottleKey; 3]) -> Attempt {
    let asked = [(account, Limit::ACCOUNT), (anywhere, Limit::ANYWHERE), (address, Limit::ADDRESS)];
    begin_attempt(conn, &asked).await.unwrap()
}

fn judged(attempt: &Attempt) -> bool {
    matches!(attempt, Attempt::Judge(_))
}

/// Makes every wait that has begun last, however slow the test is.
async fn hold(conn: &mut PgConnection) {
    let sql = "UPDATE login_throttle SET blocked_until = now() + interval '1 hour' WHERE blocked_until IS NOT NULL";
    sqlx::query(sql).execute(conn).await.unwrap();
}

async fn failures(conn: &mut PgConnection, key: &ThrottleKey) -> i32 {
    sqlx::query_scalar("SELECT failures FROM login_throttle WHERE key = $1")
        .bind(&key.0)
        .fetch_optional(conn)
        .await
        .unwrap()
        .unwrap_or_default()
}

#[tokio::test]
async fn failures_beyond_the_free_ones_wait_and_a_success_forgets() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let here = keys("ann@example.com", "192.0.2.1");
    let mut counted = None;
    for _ in 0..5 {
        let Attempt::Judge(now) = begin(&mut conn, &here).await else { panic!("it is free") };
        counted = Some(now);
    }
    hold(&mut conn).await;
    let wait = begin(&mut conn, &here).await;
    assert!(matches!(wait, Attempt::Wait(wait) if wait >= Duration::from_secs(1)), "{wait:?}");
    // Another place is not blocked by it.
    assert!(judged(&begin(&mut conn, &keys("ann@example.com", "192.0.2.2")).await));
    forget_attempts(&mut conn, &here[0], &counted.unwrap()).await.unwrap();
    assert!(judged(&begin(&mut conn, &here).await));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn who_is_refused_costs_the_neighbours_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = keys("ann@example.com", "192.0.2.1");
    for _ in 0..200 {
        begin(&mut conn, &ann).await;
    }
    assert!(failures(&mut conn, &ann[2]).await < 20, "only what was judged counts for the place");
    assert!(judged(&begin(&mut conn, &keys("bob@example.com", "192.0.2.1")).await));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn guesses_from_many_places_are_guesses_and_the_known_place_stays_open() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let home = keys("ann@example.com", "203.0.113.1");
    let Attempt::Judge(counted) = begin(&mut conn, &home).await else { panic!("it is free") };
    forget_attempts(&mut conn, &home[0], &counted).await.unwrap();
    assert_eq!(failures(&mut conn, &home[1]).await, 0);
    let mut free = 0;
    while judged(&begin(&mut conn, &keys("ann@example.com", &format!("192.0.2.{free}"))).await) {
        free += 1;
    }
    assert!(free >= Limit::ANYWHERE.free_failures, "{free}");
    hold(&mut conn).await;
    assert!(!judged(&begin(&mut conn, &keys("ann@example.com", "198.51.100.1")).await));
    // Where Ann has logged in before, she still can, and her own failures still count.
    for _ in 0..Limit::ACCOUNT.free_failures {
        assert!(judged(&begin(&mut conn, &home).await));
    }
    hold(&mut conn).await;
    assert!(!judged(&begin(&mut conn, &home).await));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_place_full_of_failures_stays_open_to_those_it_knows() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = keys("ann@example.com", "192.0.2.1");
    let Attempt::Judge(counted) = begin(&mut conn, &ann).await else { panic!("it is free") };
    forget_attempts(&mut conn, &ann[0], &counted).await.unwrap();
    for number in 0..Limit::ADDRESS.free_failures {
        assert!(judged(&begin(&mut conn, &keys(&format!("p{number}@example.com"), "192.0.2.1")).await));
    }
    hold(&mut conn).await;
    assert!(!judged(&begin(&mut conn, &keys("bob@example.com", "192.0.2.1")).await));
    let Attempt::Judge(counted) = begin(&mut conn, &ann).await else { panic!("Ann is known here") };
    // What was not counted is not taken back: her logins do not open the place to others.
    let before = failures(&mut conn, &ann[2]).await;
    forget_attempts(&mut conn, &ann[0], &counted).await.unwrap();
    assert_eq!(failures(&mut conn, &ann[2]).await, before);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn parallel_guesses_do_not_slip_past() {
    let db = TestDb::new().await;
    let tries = futures::future::join_all((0..20).map(|_| async {
        let mut conn = db.pool.acquire().await.unwrap();
        begin(&mut conn, &keys("ann@example.com", "192.0.2.1")).await
    }));
    let free = tries.await.iter().filter(|attempt| judged(attempt)).count();
    assert_eq!(free, 5);
    db.close().await;
}

#[test]
fn an_ipv6_network_counts_as_one_place() {
    let a = ThrottleKey::address("2001:db8::1".parse().unwrap());
    assert_eq!(a, ThrottleKey::address("2001:db8::ffff:1".parse().unwrap()));
    assert_ne!(a, ThrottleKey::address("2001:db8:0:1::1".parse().unwrap()));
}
