//! How many requests a caller has in an hour, and the headers that tell how many are left.
//!
//! Six tiers: `anonymous` by address, and by person `user`, `standard`, `pro` and `partner`. The last three are the members of approved
//! organisations on the plan of that name, and whoever looks after the platform is a `partner`; of several plans the best one counts.
//! `webhook` is by address, too, and has a partner's limit: one address of a payment provider or a carrier speaks for many, and nobody
//! but them gets further than the signature. The headers `RateLimit-Policy` and `RateLimit` have the form of
//! draft-ietf-httpapi-ratelimit-headers since version 08 (structured lists of a policy's name with its parameters).
//!
//! An organisation's keys are counted together, under its own tier; until a process has met a key that is good, it counts for the address
//! that it comes from, as any other word does.
//!
//! A person is known by the token's signature alone, without the database. The tier is learnt from what [`Caller`] reads for
//! the request anyway; only who is past a user's limit is looked up, once in a while.
//!
//! [`Caller`]: crate::auth::Caller

mod count;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use market::identity::store::{self, Authority, Membership, SessionRef};
use market::identity::{OrgStatus, Plan, PlatformRole};
use market::keys::rules::{self as keys, KeyHash};
use secrecy::SecretString;
use shared::config::RateLimits;
use shared::ids::{OrgId, UserId};
use tokio::time::Instant;

use crate::auth::caller::{ClientAddr, bearer};
use crate::auth::tokens::Claims;
use crate::error::Problem;
use crate::state::AppState;
use count::{Counted, Counter};

const WINDOW: Duration = Duration::from_hours(1);
/// How long a tier is believed without looking, where looking is needed.
const BELIEVED: Duration = Duration::from_mins(1);
/// The most people whose tier is remembered.
const MAX_KNOWN: usize = 100_000;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What load balancers ask is not counted.
const FREE: [&str; 2] = ["/healthz", "/readyz"];

/// What other systems sign. It is counted apart from whatever else comes from their addresses.
const WEBHOOKS: &str = "/v1/webhooks/";

/// Whether requests of this path are not counted.
pub(crate) fn is_free(path: &str) -> bool {
    FREE.contains(&path)
}

/// Who a limit is for. Of persons, the better one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Anonymous,
    /// On the free plan, or in no organisation.
    User,
    Standard,
    Pro,
    Partner,
    Webhook,
}

impl Tier {
    const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Standard => "standard",
            Self::Pro => "pro",
            Self::Partner => "partner",
            Self::Webhook => "webhook",
        }
    }

    const fn of(self, limits: RateLimits) -> u32 {
        match self {
            Self::Anonymous => limits.anonymous,
            Self::User => limits.user,
            Self::Standard => limits.standard,
            Self::Pro => limits.pro,
            Self::Partner | Self::Webhook => limits.partner,
        }
    }

    fn of_person(authority: &Authority) -> Self {
        if authority.platform_role.includes(PlatformRole::Observer) {
            return Self::Partner;
        }
        authority.memberships.iter().map(Self::of_member).max().unwrap_or(Self::User)
    }

    fn of_member(membership: &Membership) -> Self {
        let plan = Plan::ALL.iter().find(|plan| plan.name() == membership.plan);
        match plan.filter(|_| membership.status == OrgStatus::Approved) {
            Some(Plan::Partner) => Self::Partner,
            Some(Plan::Pro) => Self::Pro,
            Some(Plan::Standard) => Self::Standard,
            Some(Plan::Free) | None => Self::User,
        }
    }
}

/// Counts requests and remembers tiers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: RateLimits,
    counter: Counter,
    known: Mutex<HashMap<UserId, (Tier, Instant)>>,
    /// The keys that were good a moment ago.
    keys: Mutex<HashMap<KeyHash, (OrgId, Tier)>>,
}

impl RateLimiter {
    /// Counts in Redis when there is one, for all processes together. Must be called inside a Tokio runtime; the connection
    /// opens when it is first used.
    pub fn start(limits: RateLimits, redis_url: Option<&SecretString>, namespace: &str) -> anyhow::Result<Self> {
        let counter = Counter::start(redis_url, namespace)?;
        Ok(Self(Arc::new(Inner { limits, counter, known: Mutex::default(), keys: Mutex::default() })))
    }

    /// Notes what a person may do, as it was just read.
    pub(crate) fn learn(&self, user: UserId, authority: &Authority) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN && !known.contains_key(&user) {
            known.clear();
        }
        known.insert(user, (Tier::of_person(authority), Instant::now()));
    }

    /// Notes that a key is good, and whose it is.
    pub(crate) fn learn_key(&self, hash: KeyHash, of: &Membership) {
        let mut keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KNOWN && !keys.contains_key(&hash) {
            keys.clear();
        }
        keys.insert(hash, (of.org, Tier::of_member(of)));
    }

    /// Notes that a key is not good any more.
    pub(crate) fn forget_key(&self, hash: &KeyHash) {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }

    fn key(&self, token: &str) -> Option<(OrgId, Tier)> {
        let hash = keys::hash(token)?;
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied()
    }

    fn known(&self, user: UserId) -> Option<(Tier, Instant)> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).get(&user).copied()
    }
}

/// Who is counted.
#[derive(Debug)]
enum Who {
    Address(IpAddr),
    Person(Claims),
    /// An organisation's systems, by its keys together.
    Keys(OrgId, Tier),
    /// Who sends webhooks.
    System(IpAddr),
}

impl Who {
    fn key(&self) -> String {
        match self {
            Self::Address(address) => format!("a:{}", store::network(*address)),
            Self::Person(claims) => format!("u:{}", claims.sub),
            Self::Keys(org, _) => format!("k:{org}"),
            Self::System(address) => format!("w:{}", store::network(*address)),
        }
    }

    /// The limit that the caller has at least.
    const fn least_limit(&self, limits: RateLimits) -> u32 {
        match self {
            Self::Address(_) => limits.anonymous,
            Self::Person(_) => limits.user,
            Self::Keys(_, tier) => tier.of(limits),
            Self::System(_) => limits.partner,
        }
    }
}

/// Counts the request, refuses it when its caller is past the limit, and tells on every answer what is left.
pub(crate) async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_free(request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let is_webhook = parts.uri.path().starts_with(WEBHOOKS);
    let token = bearer(&parts.headers).filter(|_| !is_webhook);
    let known = token.and_then(|token| {
        let of_key = state.rate.key(token).map(|(org, tier)| Who::Keys(org, tier));
        of_key.or_else(|| state.tokens.check(token).ok().map(Who::Person))
    });
    let who = match known {
        Some(who) => who,
        None => match ClientAddr::from_request_parts(&mut parts, &state).await {
            Ok(ClientAddr(address)) if is_webhook => Who::System(address),
            Ok(ClientAddr(address)) => Who::Address(address),
            Err(problem) => return problem.into_response(),
        },
    };
    let counted = state.rate.0.counter.take(&who.key(), who.least_limit(state.rate.0.limits)).await;
    let refused = counted.count > u64::from(tier(&state, &who, counted.count).await.of(state.rate.0.limits));
    let mut response = if refused {
        metrics::counter!("tradeyard_requests_refused_by_rate_total").increment(1);
        let detail = "this hour's requests are used up";
        Problem::too_many("rate_limited", detail, counted.resets_in).into_response()
    } else {
        next.run(Request::from_parts(parts, body)).await
    };
    // Asked again: the request may have told who the caller is.
    let tier = tier(&state, &who, 0).await;
    tell(response.headers_mut(), tier, tier.of(state.rate.0.limits), counted);
    response
}

/// The caller's tier. Who has made more requests than a user may is looked up unless that has just been done.
async fn tier(state: &AppState, who: &Who, count: u64) -> Tier {
    let claims = match who {
        Who::Person(claims) => claims,
        Who::Keys(_, tier) => return *tier,
        Who::Address(_) => return Tier::Anonymous,
        Who::System(_) => return Tier::Webhook,
    };
    let known = state.rate.known(claims.sub);
    let believed = known.is_some_and(|(_, at)| at.elapsed() < BELIEVED);
    if count > u64::from(state.rate.0.limits.user) && !believed {
        let session = SessionRef { user: claims.sub, session: claims.sid, version: claims.ver };
        let authority = async { store::authorize(&mut *state.db.acquire().await?, session).await };
        match authority.await {
            Ok(Some(authority)) => {
                state.rate.learn(claims.sub, &authority);
                return Tier::of_person(&authority);
            }
            // An ended session is told by the operation.
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a caller's tier was not read"),
        }
    }
    known.map_or(Tier::User, |(tier, _)| tier)
}

fn tell(headers: &mut HeaderMap, tier: Tier, limit: u32, counted: Counted) {
    let name = tier.name();
    let left = u64::from(limit).saturating_sub(counted.count);
    // Whole seconds, rounded up, as in `Retry-After`.
    let seconds = counted.resets_in.as_millis().div_ceil(1_000);
    let window = WINDOW.as_secs();
    for (header, text) in
        [(POLICY, format!("\"{name}\";q={limit};w={window}")), (LIMIT, format!("\"{name}\";r={left};t={seconds}"))]
    {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(header, value);
        }
    }
}

#[cfg(test)]
mod tests;
