use chrono::{DateTime, Utc};
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;

use super::{MembersError, mint_token, token_hash};
use crate::identity::model::{Email, MemberRole};
use crate::ids::InvitationId;

/// How long an invitation can be accepted.
pub const INVITATION_DAYS: i32 = 7;

/// An invitation that nobody has answered yet.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub id: InvitationId,
    pub org: OrgId,
    pub org_name: String,
    pub email: String,
    pub role: MemberRole,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Why an invitation was not made or answered.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    #[error("the invitation is unknown, answered, taken back or expired")]
    Unknown,
    #[error("this address has an invitation to the organisation that is still open")]
    AlreadyInvited,
    #[error("too many invitations of the organisation are open")]
    TooMany,
    #[error("the organisation has invited 500 times within a day")]
    TooManyToday,
    #[error("people who look after the platform do not join organisations")]
    Staff,
    #[error(
        "a bid of yours stands in an open auction of the organisation: take it back, or join when the auction is over"
    )]
    Bidder,
    #[error(transparent)]
    Members(#[from] MembersError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for InvitationError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("invitations_open_once") => Self::AlreadyInvited,
            Some("invitations_per_org") => Self::TooMany,
            Some("invitations_per_day") => Self::TooManyToday,
            Some("memberships_not_of_bidders") => Self::Bidder,
            Some("memberships_per_org" | "memberships_per_person") => Self::Members(error.into()),
            _ => Self::Sql(error),
        }
    }
}

/// Invites whoever has this mailbox. All that is checked about the address is whether it is a
/// member's: whether anybody is registered with it does not show. Needs a transaction.
pub async fn invite(
    conn: &mut PgConnection,
    org: OrgId,
    email: &Email,
    role: MemberRole,
    by: UserId,
) -> Result<Invitation, InvitationError> {
    // One that has expired makes room for its successor.
    sqlx::query!(
        r#"
        UPDATE invitations
        SET ended_at = clock_timestamp(), ended_how = 'expired'
        WHERE org_id = $1
          AND ended_at IS NULL
          AND expires_at <= clock_timestamp()
        "#,
        org.0,
    )
    .execute(&mut *conn)
    .await?;
    let made = sqlx::query_as!(
        Invitation,
        r#"
        INSERT INTO invitations (id, org_id, email, role, invited_by, expires_at)
        SELECT $1, orgs.id, $3, $4, $5, clock_timestamp() + $6 * interval '1 day'
        FROM orgs
        WHERE orgs.id = $2
          AND NOT EXISTS (
              SELECT
              FROM memberships
              JOIN users ON users.id = memberships.user_id
              WHERE memberships.org_id = $2
                AND users.email = $3
          )
        RETURNING
            id AS "id: InvitationId", org_id AS "org: OrgId", email, role AS "role: MemberRole", created_at, expires_at,
            (SELECT legal_name FROM orgs WHERE orgs.id = org_id) AS "org_name!"
        "#,
        InvitationId::generate().0,
        org.0,
        email.as_str(),
        role.name(),
        by.0,
        f64::from(INVITATION_DAYS),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(MembersError::AlreadyMember)?;
    let data = serde_json::json!({"invitation": made.id, "role": role.name()});
    write_down(conn, Actor::User(by), "org.invite", org, data).await?;
    Ok(made)
}

/// An open invitation of an organisation.
pub async fn invitation(
    conn: &mut PgConnection,
    org: OrgId,
    id: InvitationId,
) -> Result<Option<Invitation>, sqlx::Error> {
    sqlx::query_as!(
        Invitation,
        r#"
        SELECT
            invitations.id AS "id: InvitationId", org_id AS "org: OrgId", legal_name AS org_name, email,
            role AS "role: MemberRole", invitations.created_at, expires_at
        FROM invitations
        JOIN orgs ON orgs.id = invitations.org_id
        WHERE org_id = $1
          AND invitations.id = $2
          AND ended_at IS NULL
          AND expires_at > clock_timestamp()
        "#,
        org.0,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// The open invitations of an organisation, oldest first; there are at most 100.
pub async fn invitations_of(conn: &mut PgConnection, org: OrgId) -> Result<Vec<Invitation>, sqlx::Error> {
    sqlx::query_as!(
        Invitation,
        r#"
        SELECT
            invitations.id AS "id: InvitationId", org_id AS "org: OrgId", legal_name AS org_name, email,
            role AS "role: MemberRole", invitations.created_at, expires_at
        FROM invitations
        JOIN orgs ON orgs.id = invitations.org_id
        WHERE org_id = $1
          AND ended_at IS NULL
          AND expires_at > clock_timestamp()
        ORDER BY invitations.id
        LIMIT 100
        "#,
        org.0,
    )
    .fetch_all(conn)
    .await
}

/// The open invitations to the verified address of a person, newest first.
pub async fn invitations_to(conn: &mut PgConnection, user: UserId) -> Result<Vec<Invitation>, sqlx::Error> {
    sqlx::query_as!(
        Invitation,
        r#"
        SELECT
            invitations.id AS "id: InvitationId", org_id AS "org: OrgId", legal_name AS org_name, invitations.email,
            role AS "role: MemberRole", invitations.created_at, expires_at
        FROM users
        JOIN invitations ON invitations.email = users.email
        JOIN orgs ON orgs.id = invitations.org_id
        WHERE users.id = $1
          AND users.email_verified_at IS NOT NULL
          AND ended_at IS NULL
          AND expires_at > clock_timestamp()
        ORDER BY invitations.id DESC
        LIMIT 100
        "#,
        user.0,
    )
    .fetch_all(conn)
    .await
}

/// Makes the token for an invitation's mail; `None` when there is nothing left to answer.
pub async fn mint_invitation(
    conn: &mut PgConnection,
    invitation: InvitationId,
) -> Result<Option<(String, DateTime<Utc>)>, sqlx::Error> {
    let (token, hash) = mint_token();
    let expires_at = sqlx::query_scalar!(
        r#"
        WITH open AS (
            SELECT id, expires_at
            FROM invitations
            WHERE id = $1
              AND ended_at IS NULL
              AND expires_at > clock_timestamp()
              AND EXISTS (SELECT FROM orgs WHERE orgs.id = org_id AND orgs.status = 'approved')
        ), made AS (
            INSERT INTO invitation_tokens (token_hash, invitation_id)
            SELECT $2, id
            FROM open
        )
        SELECT expires_at
        FROM open
        "#,
        invitation.0,
        hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(expires_at.map(|at| (token, at)))
}

/// The invitation behind a link, while it can be answered.
pub async fn invitation_of_token(conn: &mut PgConnection, token: &str) -> Result<Option<Invitation>, sqlx::Error> {
    sqlx::query_as!(
        Invitation,
        r#"
        SELECT
            invitations.id AS "id: InvitationId", org_id AS "org: OrgId", legal_name AS org_name, email,
            role AS "role: MemberRole", invitations.created_at, expires_at
        FROM invitation_tokens
        JOIN invitations ON invitations.id = invitation_tokens.invitation_id
        JOIN orgs ON orgs.id = invitations.org_id
        WHERE token_hash = $1
          AND ended_at IS NULL
          AND expires_at > clock_timestamp()
          AND orgs.status = 'approved'
        "#,
        token_hash(token),
    )
    .fetch_optional(conn)
    .await
}

/// Makes the person a member. They must have verified the invited address: an invitation that was
/// passed on lets nobody in. Those who look after the platform cannot join: a member does not
/// decide about their own organisation, so anybody could keep a moderator away from theirs by
/// inviting them. Nor can somebody whose bid stands in an open auction of the organisation
/// (docs/decisions/0026). Needs a transaction.
pub async fn accept(
    conn: &mut PgConnection,
    invitation: InvitationId,
    user: UserId,
) -> Result<(OrgId, MemberRole), InvitationError> {
    let accepted = sqlx::query!(
        r#"
        UPDATE invitations
        SET ended_at = clock_timestamp(), ended_how = 'accepted'
        FROM users, orgs
        WHERE invitations.id = $1
          AND invitations.ended_at IS NULL
          AND invitations.expires_at > clock_timestamp()
          AND users.id = $2
          AND users.email = invitations.email
          AND users.email_verified_at IS NOT NULL
          AND orgs.id = invitations.org_id
          AND orgs.status = 'approved'
        RETURNING invitations.org_id AS "org: OrgId", invitations.role AS "role: MemberRole",
            users.platform_role = 'user' AS "joins!"
        "#,
        invitation.0,
        user.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(InvitationError::Unknown)?;
    if !accepted.joins {
        return Err(InvitationError::Staff);
    }
    let (org, role) = (accepted.org, accepted.role);
    let added = sqlx::query!(
        r#"
        INSERT INTO memberships (org_id, user_id, role)
        VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT memberships_once DO NOTHING
        "#,
        org.0,
        user.0,
        role.name(),
    )
    .execute(&mut *conn)
    .await?;
    if added.rows_affected() == 0 {
        return Err(MembersError::AlreadyMember.into());
    }
    let data = serde_json::json!({"user": user, "role": role.name()});
    write_down(conn, Actor::User(user), "org.join", org, data).await?;
    Ok((org, role))
}

/// How an invitation ends without a new member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// By whoever has the link.
    Link,
    /// By the person who was invited.
    Invited(UserId),
    /// By an owner of the organisation, who takes it back.
    Revoked(OrgId, UserId),
}

/// Ends an invitation without a new member. Needs a transaction.
pub async fn refuse(
    conn: &mut PgConnection,
    invitation: InvitationId,
    refusal: Refusal,
) -> Result<(), InvitationError> {
    let (org, invited, how, actor) = match refusal {
        Refusal::Link => (None, None, "declined", Actor::System),
        Refusal::Invited(user) => (None, Some(user.0), "declined", Actor::User(user)),
        Refusal::Revoked(org, by) => (Some(org.0), None, "revoked", Actor::User(by)),
    };
    let org = sqlx::query_scalar!(
        r#"
        UPDATE invitations
        SET ended_at = clock_timestamp(), ended_how = $4
        WHERE id = $1
          AND ended_at IS NULL
          AND expires_at > clock_timestamp()
          AND ($2::uuid IS NULL OR org_id = $2)
          AND ($3::uuid IS NULL OR email = (SELECT email FROM users WHERE id = $3 AND email_verified_at IS NOT NULL))
        RETURNING org_id AS "org: OrgId"
        "#,
        invitation.0,
        org,
        invited,
        how,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(InvitationError::Unknown)?;
    let action = if how == "revoked" { "org.revoke_invitation" } else { "org.decline_invitation" };
    write_down(conn, actor, action, org, serde_json::json!({"invitation": invitation})).await?;
    Ok(())
}

async fn write_down(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    org: OrgId,
    data: serde_json::Value,
) -> Result<(), sqlx::Error> {
    let subject = ("org", org.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(())
}
