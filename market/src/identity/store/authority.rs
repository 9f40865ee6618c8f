//! What the people behind sessions may do.

use std::collections::HashMap;

use shared::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::SessionRef;
use crate::identity::model::{MemberRole, OrgKind, OrgStatus, PlatformRole};
use crate::ids::SessionId;

/// What a request may do, read again for each one: a suspension or a lost role takes effect with
/// the next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub platform_role: PlatformRole,
    /// Whether there is a second factor, or no role that would need one.
    pub role_secured: bool,
    pub email_verified: bool,
    pub memberships: Vec<Membership>,
}

/// One organisation that a person acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub org: OrgId,
    pub role: MemberRole,
    pub status: OrgStatus,
    /// What the organisation does on the platform.
    pub kinds: Vec<OrgKind>,
    /// The people of a better one may send more requests.
    pub plan: String,
}

/// What the session's owner may do; `None` when the session or the account has ended or the version is old. One statement.
pub async fn authorize(conn: &mut PgConnection, session: SessionRef) -> Result<Option<Authority>, sqlx::Error> {
    Ok(authorities(conn, &[session]).await?.remove(&session.session))
}

/// [`authorize`] for many sessions, in one statement. Those that have ended are left out.
pub async fn authorities(
    conn: &mut PgConnection,
    sessions: &[SessionRef],
) -> Result<HashMap<SessionId, Authority>, sqlx::Error> {
    let ids: Vec<_> = sessions.iter().map(|one| one.session.0).collect();
    let users: Vec<_> = sessions.iter().map(|one| one.user.0).collect();
    let versions: Vec<_> = sessions.iter().map(|one| one.version).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            sessions.id AS "session: SessionId",
            users.platform_role AS "platform_role: PlatformRole",
            (
                users.platform_role = 'user'
                OR EXISTS (SELECT FROM two_factors WHERE user_id = users.id AND confirmed_at IS NOT NULL)
            ) AS "role_secured!",
            users.email_verified_at IS NOT NULL AS "email_verified!",
            ARRAY(
                SELECT memberships.org_id
                FROM memberships
                WHERE memberships.user_id = users.id
                ORDER BY memberships.org_id
            ) AS "orgs!: Vec<Uuid>",
            ARRAY(
                SELECT memberships.role || ' ' || orgs.status || ' ' || array_to_string(orgs.kinds, ',') || ' ' || orgs.plan
                FROM memberships
                JOIN orgs ON orgs.id = memberships.org_id
                WHERE memberships.user_id = users.id
                ORDER BY memberships.org_id
            ) AS "standings!: Vec<String>"
        FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS open (session, of_user, version)
        JOIN sessions ON sessions.id = open.session AND sessions.user_id = open.of_user
        JOIN users ON users.id = sessions.user_id
        -- Not as the index of open sessions has it, which a plan of before there were any would read from end to end.
        WHERE (sessions.revoked_at IS NULL) IS TRUE
          AND sessions.expires_at > clock_timestamp()
          AND users.status = 'active'
          AND users.session_version = open.version
        "#,
        &ids,
        &users,
        &versions,
    )
    .fetch_all(conn)
    .await?;
    let memberships = |orgs: &[Uuid], standings: &[String]| -> Vec<Membership> {
        let standing = |(org, standing): (&Uuid, &String)| {
            let mut words = standing.split(' ');
            let (role, status) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let kinds = words.next()?.split(',').filter_map(|kind| kind.parse().ok()).collect();
            let plan = words.next()?.to_owned();
            Some(Membership { org: OrgId(*org), role, status, kinds, plan })
        };
        orgs.iter().zip(standings).filter_map(standing).collect()
    };
    let authorities = rows.into_iter().map(|row| {
        let authority = Authority {
            platform_role: row.platform_role,
            role_secured: row.role_secured,
            email_verified: row.email_verified,
            memberships: memberships(&row.orgs, &row.standings),
        };
        (row.session, authority)
    });
    Ok(authorities.collect())
}
