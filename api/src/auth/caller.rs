//! The person behind a request. Read anew from the database for each one, in one statement: a suspension, a logout, a lost role or a
//! revoked key counts from the next request on, whatever the token still says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use market::identity::store::{Authority, Membership, SessionRef};
use market::identity::{MemberRole, OrgKind, OrgStatus, PlatformRole};
use market::ids::{ApiKeyId, SessionId};
use market::keys::model::Holder;
use market::keys::{rules, store};
use shared::config::Network;
use shared::ids::{OrgId, UserId};
use uuid::Uuid;

use crate::contract::KeyScope;
use crate::error::Problem;
use crate::state::AppState;

/// An authenticated person and what they may do.
///
/// As an extractor it lets people without a verified address read, and nothing else: whoever registers somebody else's address
/// must not act in their name. Until then they hold no role either. Routes that look after the session itself take a [`Session`].
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
    pub session_version: i32,
    pub platform_role: PlatformRole,
    /// Whether the person has a role on the platform that does not count, because this installation asks for a second factor.
    pub role_withheld: bool,
    pub email_verified: bool,
    pub memberships: Vec<Membership>,
    /// The key that speaks for the person, who has no session then.
    pub key: Option<ApiKeyId>,
}

impl Caller {
    pub(crate) fn new(session: SessionRef, authority: Authority, state: &AppState) -> Self {
        let mut authority = if authority.email_verified {
            authority
        } else {
            let platform_role = PlatformRole::User;
            Authority { platform_role, role_secured: true, email_verified: false, memberships: Vec::new() }
        };
        let role_withheld = state.config.auth.staff_second_factor && !authority.role_secured;
        if role_withheld {
            authority.platform_role = PlatformRole::User;
        }
        Self {
            user: session.user,
            session: session.session,
            session_version: session.version,
            platform_role: authority.platform_role,
            role_withheld,
            email_verified: authority.email_verified,
            memberships: authority.memberships,
            key: None,
        }
    }

    /// Whoever holds a key: the person who made it, in one organisation, and nobody on the platform.
    fn holding(holder: Holder) -> Self {
        Self {
            user: holder.user,
            session: SessionId(Uuid::nil()),
            session_version: 0,
            platform_role: PlatformRole::User,
            role_withheld: false,
            email_verified: true,
            memberships: vec![holder.membership],
            key: Some(holder.key),
        }
    }

    /// The caller's membership of `org`, if it carries `role`. To everybody else the organisation does not exist.
    pub fn member(&self, org: OrgId, role: MemberRole) -> Result<&Membership, Problem> {
        let membership = self
            .memberships
            .iter()
            .find(|membership| membership.org == org)
            .ok_or(Problem::not_found("organisation"))?;
        if membership.role.includes(role) {
            return Ok(membership);
        }
        Err(Problem::forbidden("role_too_low", format!("needs the role {role} in this organisation")))
    }

    /// [`Caller::member`] of an organisation that may trade.
    pub fn trader(&self, org: OrgId) -> Result<&Membership, Problem> {
        let membership = self.member(org, MemberRole::Trader)?;
        if membership.status == OrgStatus::Approved {
            return Ok(membership);
        }
        Err(Problem::forbidden("org_not_approved", format!("the organisation is {}", membership.status)))
    }

    /// Refuses what only organisations of this kind do.
    pub fn acts_as(&self, kind: OrgKind, org: OrgId) -> Result<(), Problem> {
        if self.memberships.iter().any(|membership| membership.org == org && membership.kinds.contains(&kind)) {
            return Ok(());
        }
        let detail = format!(
            "the organisation is not a {kind}: a moderator can add {kind} to its kinds with PATCH /v1/orgs/{org}"
        );
        Err(Problem::forbidden("org_kind", detail))
    }

    /// Whether the caller belongs to the organisation at all.
    #[must_use]
    pub fn belongs_to(&self, org: OrgId) -> bool {
        self.memberships.iter().any(|membership| membership.org == org)
    }

    /// For whose eyes something is shown: the organisation that is named, if the caller belongs to it, or the only one that they
    /// belong to; nobody's in particular otherwise.
    #[must_use]
    pub fn viewer(&self, named: Option<OrgId>) -> Option<OrgId> {
        match (named, self.memberships.as_slice()) {
            (Some(org), _) => self.belongs_to(org).then_some(org),
            (None, [only]) => Some(only.org),
            (None, _) => None,
        }
    }

    /// Refuses callers without this role on the platform.
    pub fn platform(&self, role: PlatformRole) -> Result<(), Problem> {
        if self.platform_role.includes(role) {
            return Ok(());
        }
        if self.role_withheld {
            let detail =
                "a role on the platform needs a second factor here; begin with POST /v1/me/second-factor/enrol";
            return Err(Problem::forbidden("role_too_low", detail));
        }
        Err(Problem::forbidden("role_too_low", format!("needs the platform role {role}")))
    }
}

/// A caller whose address may still be unverified, for the few acts that concern nothing but the session. Keys have none.
#[derive(Clone, Debug)]
pub struct Session(pub Caller);

/// The access token or the key that a request carries, good or not.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = sent(&parts.headers)?;
        let caller = if rules::is_meant(token) {
            Self::holding(holder(parts, token, state).await?)
        } else {
            in_session(token, state).await?
        };
        if caller.email_verified || parts.method.is_safe() {
            return Ok(caller);
        }
        let detail = "confirm your address first; POST /v1/auth/verify-email/resend sends the link again";
        Err(Problem::forbidden("email_unverified", detail))
    }
}

impl FromRequestParts<AppState> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = sent(&parts.headers)?;
        if rules::is_meant(token) {
            return Err(Problem::forbidden("key_not_allowed", "sessions are of people: log in"));
        }
        in_session(token, state).await.map(Self)
    }
}

/// The token or the key that a request must carry.
fn sent(headers: &HeaderMap) -> Result<&str, Problem> {
    bearer(headers).ok_or_else(|| {
        Problem::unauthenticated("unauthenticated", "send Authorization: Bearer <access token, or a key>")
    })
}

/// Whose session an access token is of.
async fn in_session(token: &str, state: &AppState) -> Result<Caller, Problem> {
    let claims = state.tokens.check(token).map_err(|error| {
        let code = match error {
            crate::auth::tokens::TokenError::Expired => "token_expired",
            crate::auth::tokens::TokenError::Invalid => "token_invalid",
        };
        Problem::bad_token(code, error.to_string())
    })?;
    let session = SessionRef { user: claims.sub, session: claims.sid, version: claims.ver };
    let authority = state.reads.authority(session).await?;
    let authority = authority.ok_or_else(|| Problem::bad_token("session_ended", "log in again"))?;
    state.rate.learn(session.user, &authority);
    Ok(Caller::new(session, authority, state))
}

/// Who holds a key, which must have the scope of what is asked for.
async fn holder(parts: &Parts, key: &str, state: &AppState) -> Result<Holder, Problem> {
    let invalid = || {
        let detail = "the key is not known, has ended, or has no organisation or maker any more that may act";
        Problem::bad_token("key_invalid", detail)
    };
    let hash = rules::hash(key).ok_or_else(invalid)?;
    let Some(holder) = state.reads.holder(&hash).await? else {
        state.rate.forget_key(&hash);
        return Err(invalid());
    };
    state.rate.learn_key(hash, &holder.membership);
    let scope = parts.extensions.get::<KeyScope>().map_or(Err("no key may do this"), |KeyScope(scope)| *scope);
    let scope = scope.map_err(|why| Problem::forbidden("key_not_allowed", why))?;
    if !holder.scopes.contains(&scope) {
        return Err(Problem::forbidden("scope_missing", format!("the key lacks the scope {}", scope.name())));
    }
    if holder.is_unnoted
        && let Err(error) = note_use(state, holder.key).await
    {
        tracing::warn!(%error, api_key.id = %holder.key, "that a key is used was not noted");
    }
    Ok(holder)
}

async fn note_use(state: &AppState, key: ApiKeyId) -> Result<(), sqlx::Error> {
    store::note_use(&mut *state.db.acquire().await?, key).await
}

/// `Option<Caller>`: for what everybody may see and members see more of. A token that is sent must be good.
impl OptionalFromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<AppState>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// Where a request comes from: the connection's other end or, when that is a proxy of ours, whoever it says it speaks for.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddr(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddr {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(addr)| addr.ip());
        Ok(Self(client(peer, &parts.headers, &state.config.http.trusted_proxies)))
    }
}

/// The right-most address that no trusted proxy has: each proxy appends who has called it, and what stands further left is the
/// client's own invention.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let trusts = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    let mut client = peer;
    while trusts(client) {
        // What is no address ends the trail where it was last sure.
        let Some(Ok(hop)) = hops.next().map(|hop| hop.trim().parse()) else { break };
        client = hop;
    }
    client
}

#[cfg(test)]
mod tests;
