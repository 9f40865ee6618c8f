use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::identity::model::Email;

/// What failed logins, or registrations, have in common, hashed so that the table holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleKey(Vec<u8>);

impl ThrottleKey {
    /// One account tried from one place.
    #[must_use]
    pub fn account(email: &Email, from: IpAddr) -> Self {
        Self(Sha256::digest(format!("account {} {}", network(from), email.as_str())).to_vec())
    }

    /// Everything tried from one place.
    #[must_use]
    pub fn address(from: IpAddr) -> Self {
        Self(Sha256::digest(format!("address {}", network(from))).to_vec())
    }

    /// Everybody who registers from one place.
    #[must_use]
    pub fn registrations(from: IpAddr) -> Self {
        Self(Sha256::digest(format!("registrations {}", network(from))).to_vec())
    }
}

/// An IPv6 household has 2⁶⁴ addresses: its network counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// How many failures are free, and how the wait grows after them: 1 s, 2 s, 4 s … up to 15 minutes.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub free_failures: i32,
}

impl Limit {
    pub const ACCOUNT: Self = Self { free_failures: 5 };
    pub const ADDRESS: Self = Self { free_failures: 100 };
    /// Every registration counts: a place has no more new people in an hour.
    pub const REGISTRATIONS: Self = Self { free_failures: 20 };
}

/// Counts an attempt as failed before it is judged, so that parallel guesses cannot slip past. `Some(wait)`: it must not be
/// judged at all. A success takes its count back with [`forget_attempts`].
pub async fn begin_attempt(
    conn: &mut PgConnection,
    key: &ThrottleKey,
    limit: Limit,
) -> Result<Option<Duration>, sqlx::Error> {
    let counted = sqlx::query_scalar!(
        r#"
        INSERT INTO login_throttle AS old (key, failures, window_start)
        VALUES ($1, 1, clock_timestamp())
        ON CONFLICT (key) DO UPDATE
        SET failures = CASE WHEN old.window_start > clock_timestamp() - interval '1 hour' THEN old.failures ELSE 0 END + 1,
            window_start = CASE
                WHEN old.window_start > clock_timestamp() - interval '1 hour' THEN old.window_start
                ELSE clock_timestamp()
            END,
            blocked_until = CASE
                WHEN old.failures + 1 >= $2 AND old.window_start > clock_timestamp() - interval '1 hour'
                THEN clock_timestamp() + least(900, power(2, least(old.failures + 1 - $2, 10))) * interval '1 second'
            END
        WHERE old.blocked_until IS NULL
           OR old.blocked_until <= clock_timestamp()
        RETURNING failures
        "#,
        key.0,
        limit.free_failures,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if counted.is_some() {
        return Ok(None);
    }
    let seconds = sqlx::query_scalar!(
        r#"
        SELECT extract(epoch FROM blocked_until - clock_timestamp())::double precision
        FROM login_throttle
        WHERE key = $1
        "#,
        key.0,
    )
    .fetch_optional(conn)
    .await?
    .flatten();
    Ok(Some(Duration::from_secs_f64(seconds.unwrap_or(1.0).clamp(1.0, 900.0))))
}

/// The password was right: the account's failures are forgotten, and the place's own count is taken back.
pub async fn forget_attempts(
    conn: &mut PgConnection,
    account: &ThrottleKey,
    address: &ThrottleKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        WITH account AS (DELETE FROM login_throttle WHERE key = $1)
        UPDATE login_throttle
        SET failures = greatest(failures - 1, 0)
        WHERE key = $2
        "#,
        account.0,
        address.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::testing::TestDb;

    use super::*;

    #[tokio::test]
    async fn failures_beyond_the_free_ones_wait_and_a_success_forgets() {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.unwrap();
        let email = "ann@example.com".parse().unwrap();
        let here = "192.0.2.1".parse().unwrap();
        let (account, address) = (ThrottleKey::account(&email, here), ThrottleKey::address(here));
        for _ in 0..5 {
            assert_eq!(begin_attempt(&mut conn, &account, Limit::ACCOUNT).await.unwrap(), None);
        }
        let wait = begin_attempt(&mut conn, &account, Limit::ACCOUNT).await.unwrap();
        assert!(wait.is_some_and(|wait| wait >= Duration::from_secs(1)), "{wait:?}");
        // Another place is not blocked by it.
        let there = ThrottleKey::account(&email, "192.0.2.2".parse().unwrap());
        assert_eq!(begin_attempt(&mut conn, &there, Limit::ACCOUNT).await.unwrap(), None);
        forget_attempts(&mut conn, &account, &address).await.unwrap();
        assert_eq!(begin_attempt(&mut conn, &account, Limit::ACCOUNT).await.unwrap(), None);
        drop(conn);
        db.close().await;
    }

    #[tokio::test]
    async fn parallel_guesses_do_not_slip_past() {
        let db = TestDb::new().await;
        let key = ThrottleKey::account(&"ann@example.com".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let tries = futures::future::join_all((0..20).map(|_| async {
            let mut conn = db.pool.acquire().await.unwrap();
            begin_attempt(&mut conn, &key, Limit::ACCOUNT).await.unwrap()
        }));
        let judged = tries.await.into_iter().filter(Option::is_none).count();
        assert_eq!(judged, 5);
        db.close().await;
    }

    #[test]
    fn an_ipv6_network_counts_as_one_place() {
        let a = ThrottleKey::address("2001:db8::1".parse().unwrap());
        assert_eq!(a, ThrottleKey::address("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(a, ThrottleKey::address("2001:db8:0:1::1".parse().unwrap()));
    }
}
