use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use crate::identity::model::Email;

/// What failed logins, second factors or registrations have in common, hashed so that the table holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleKey(Vec<u8>);

impl ThrottleKey {
    /// One account tried from one place.
    #[must_use]
    pub fn account(email: &Email, from: IpAddr) -> Self {
        Self(Sha256::digest(format!("account {} {}", network(from), email.as_str())).to_vec())
    }

    /// One account tried from anywhere.
    #[must_use]
    pub fn anywhere(email: &Email) -> Self {
        Self(Sha256::digest(format!("anywhere {}", email.as_str())).to_vec())
    }

    /// Everything tried from one place.
    #[must_use]
    pub fn address(from: IpAddr) -> Self {
        Self(Sha256::digest(format!("address {}", network(from))).to_vec())
    }

    /// The codes that are tried as one person's second factor from one place.
    #[must_use]
    pub fn second_factor(user: UserId, from: IpAddr) -> Self {
        Self(Sha256::digest(format!("second factor {} {user}", network(from))).to_vec())
    }

    /// The codes that are tried as one person's second factor from anywhere.
    #[must_use]
    pub fn second_factor_anywhere(user: UserId) -> Self {
        Self(Sha256::digest(format!("second factor anywhere {user}")).to_vec())
    }

    /// Everybody who registers from one place.
    #[must_use]
    pub fn registrations(from: IpAddr) -> Self {
        Self(Sha256::digest(format!("registrations {}", network(from))).to_vec())
    }

    /// Everybody who asks for a password reset from one place.
    #[must_use]
    pub fn resets(from: IpAddr) -> Self {
        Self(Sha256::digest(format!("resets {}", network(from))).to_vec())
    }

    /// Everybody whom one organisation invites.
    #[must_use]
    pub fn invitations(org: OrgId) -> Self {
        Self(Sha256::digest(format!("invitations {org}")).to_vec())
    }

    /// The passes that somebody scans or types for an organisation.
    #[must_use]
    pub fn passes(org: OrgId, by: UserId) -> Self {
        Self(Sha256::digest(format!("passes {org} {by}")).to_vec())
    }

    /// Invitations of one organisation to one address.
    #[must_use]
    pub fn invitations_to(org: OrgId, email: &Email) -> Self {
        Self(Sha256::digest(format!("invitations {org} {}", email.as_str())).to_vec())
    }
}

/// The place that an address belongs to: an IPv6 household has 2⁶⁴ addresses, and its network counts as one.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// How many attempts are free in an hour, and how the wait grows after them: 1 s, 2 s, 4 s … up to 15 minutes.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub free_failures: i32,
    /// Checked only where the first key is not trusted: see [`forget_attempts`].
    of_strangers: bool,
}

impl Limit {
    const fn of(free_failures: i32) -> Self {
        Self { free_failures, of_strangers: false }
    }

    const fn of_strangers(free_failures: i32) -> Self {
        Self { free_failures, of_strangers: true }
    }

    /// Of one account at one place.
    pub const ACCOUNT: Self = Self::of(5);
    /// Of one account at all places together: guesses from a thousand places are still guesses.
    pub const ANYWHERE: Self = Self::of_strangers(50);
    /// Of all accounts at one place.
    pub const ADDRESS: Self = Self::of_strangers(100);
    /// Of one person's second factor at one place.
    pub const SECOND_FACTOR: Self = Self::of(5);
    /// Of one person's second factor at all places together: whoever tries it has the password already, and there are only a million
    /// codes, three of them good at any time.
    pub const SECOND_FACTOR_ANYWHERE: Self = Self::of_strangers(20);
    /// Every registration counts: no place has more new people than this in an hour.
    pub const REGISTRATIONS: Self = Self::of(20);
    /// Every reset counts.
    pub const RESETS: Self = Self::of(20);
    /// Every invitation counts.
    pub const INVITATIONS: Self = Self::of(100);
    /// Of passes that are not good.
    pub const PASSES: Self = Self::of(20);
    /// Every invitation to one address counts.
    pub const INVITATIONS_TO: Self = Self::of(3);
}

/// Whether an attempt may be judged.
#[derive(Debug)]
pub enum Attempt {
    Judge(Counted),
    /// Not now; it was not counted under any key.
    Wait(Duration),
}

/// The counts that an attempt has raised.
#[derive(Clone, Debug)]
pub struct Counted(Vec<Vec<u8>>);

/// Counts an attempt as failed under each of these keys before it is judged, so that parallel
/// guesses cannot slip past; the first key is the narrowest. If one of them has to wait, none is
/// counted: a refused attempt costs the neighbours nothing. A success takes its counts back with
/// [`forget_attempts`].
pub async fn begin_attempt(conn: &mut PgConnection, asked: &[(&ThrottleKey, Limit)]) -> Result<Attempt, sqlx::Error> {
    let keys: Vec<_> = asked.iter().map(|(key, _)| key.0.clone()).collect();
    let free: Vec<_> = asked.iter().map(|(_, limit)| limit.free_failures).collect();
    let of_strangers: Vec<_> = asked.iter().map(|(_, limit)| limit.of_strangers).collect();
    let begun = sqlx::query!(
        r#"
        WITH asked AS (
            SELECT key, free
            FROM unnest($1::bytea[], $2::integer[], $3::boolean[]) AS asked (key, free, of_strangers)
            WHERE NOT of_strangers
               OR NOT EXISTS (
                   SELECT FROM login_throttle WHERE key = ($1::bytea[])[1] AND trusted_until > clock_timestamp()
               )
        ), locked AS (
            SELECT old.blocked_until
            FROM login_throttle AS old
            JOIN asked USING (key)
            ORDER BY old.key
            FOR UPDATE OF old
        ), blocked AS (
            SELECT max(blocked_until) AS until
            FROM locked
            WHERE blocked_until > clock_timestamp()
        ), counted AS (
            INSERT INTO login_throttle AS old (key, failures, window_start)
            SELECT key, 1, clock_timestamp()
            FROM asked
            WHERE (SELECT until FROM blocked) IS NULL
            ORDER BY key
            ON CONFLICT (key) DO UPDATE
            SET failures = CASE WHEN old.window_start > clock_timestamp() - interval '1 hour' THEN old.failures ELSE 0 END + 1,
                window_start = CASE
                    WHEN old.window_start > clock_timestamp() - interval '1 hour' THEN old.window_start
                    ELSE clock_timestamp()
                END,
                blocked_until = CASE
                    WHEN old.window_start > clock_timestamp() - interval '1 hour'
                     AND old.failures + 1 >= (SELECT free FROM asked WHERE asked.key = old.key)
                    THEN clock_timestamp() + interval '1 second' * least(
                        900,
                        power(2, least(old.failures + 1 - (SELECT free FROM asked WHERE asked.key = old.key), 10))
                    )
                END
            WHERE old.blocked_until IS NULL
               OR old.blocked_until <= clock_timestamp()
            RETURNING key
        )
        SELECT
            ARRAY(SELECT key FROM counted) AS "counted!: Vec<Vec<u8>>",
            (SELECT count(*) FROM asked) AS "asked!",
            extract(epoch FROM (SELECT until FROM blocked) - clock_timestamp())::double precision AS seconds
        "#,
        &keys,
        &free,
        &of_strangers,
    )
    .fetch_one(&mut *conn)
    .await?;
    if begun.seconds.is_none() && begun.asked == i64::try_from(begun.counted.len()).unwrap_or(i64::MAX) {
        return Ok(Attempt::Judge(Counted(begun.counted)));
    }
    Ok(Attempt::Wait(Duration::from_secs_f64(begun.seconds.unwrap_or(1.0).clamp(1.0, 900.0))))
}

/// Called when the password was right: forgets the account's failures at this place, takes back
/// what the attempt counted elsewhere, and for a month keeps others' failures from shutting this
/// account out at this place.
pub async fn forget_attempts(
    conn: &mut PgConnection,
    account: &ThrottleKey,
    counted: &Counted,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        WITH here AS (
            INSERT INTO login_throttle (key, failures, window_start, trusted_until)
            VALUES ($1, 0, clock_timestamp(), clock_timestamp() + interval '30 days')
            ON CONFLICT (key) DO UPDATE
            SET failures = 0,
                window_start = excluded.window_start,
                blocked_until = NULL,
                trusted_until = excluded.trusted_until
        )
        UPDATE login_throttle
        SET failures = greatest(failures - 1, 0)
        WHERE key = ANY ($2)
          AND key <> $1
        "#,
        account.0,
        &counted.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
