//! Which organisation a request acts for: the one that the header `Tradeyard-Org` names, or the only one that the caller has.
//! Nothing else says so: no query, no body, and not what the request is about.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use market::identity::{MemberRole, OrgKind, PlatformRole};
use shared::ids::OrgId;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::error::{Problem, Result};

/// The header that names the acting organisation.
pub(crate) const ORG: HeaderName = HeaderName::from_static("tradeyard-org");
const NAME: &str = "Tradeyard-Org";

/// The acting organisation as the request names it. What the caller may do for it is asked with one of the methods.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct Acting {
    /// The organisation to act for. People who belong to exactly one need not say. `org_required` (400): there are several;
    /// `org_malformed` (400): not a UUID; `not_a_member` (403): not an organisation of the caller's.
    #[param(rename = "Tradeyard-Org", required = false)]
    org: Option<OrgId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut values = parts.headers.get_all(&ORG).iter();
        let org = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => {
                Some(value.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
                    Problem::bad_request("org_malformed", "the header Tradeyard-Org is not the id of an organisation")
                        .header(NAME, "expected a UUID")
                })?)
            }
            (Some(_), Some(_)) => {
                return Err(Problem::bad_request("org_malformed", "a request acts for one organisation")
                    .header(NAME, "sent more than once"));
            }
        };
        Ok(Self { org })
    }
}

impl Acting {
    /// The organisation that acts, whatever the caller may do there.
    fn named(self, caller: &Caller) -> Result<OrgId> {
        match (self.org, caller.memberships.as_slice()) {
            (Some(org), _) => Ok(org),
            (None, [only]) => Ok(only.org),
            (None, []) => Err(Problem::forbidden("no_org", "this needs an organisation; the caller belongs to none")
                .header(NAME, "none")),
            (None, _) => {
                let detail =
                    "the caller belongs to several organisations; name the one that acts in the header Tradeyard-Org";
                Err(Problem::bad_request("org_required", detail).header(NAME, "missing"))
            }
        }
    }

    /// Refuses organisations that are not the caller's, whether or not they exist.
    fn own(self, caller: &Caller) -> Result<OrgId> {
        let org = self.named(caller)?;
        if caller.belongs_to(org) {
            return Ok(org);
        }
        Err(Problem::forbidden("not_a_member", "the caller does not belong to this organisation")
            .header(NAME, "not yours"))
    }

    /// The organisation, of which the caller may read everything.
    pub(super) fn member(self, caller: &Caller) -> Result<OrgId> {
        Ok(caller.member(self.own(caller)?, MemberRole::Viewer)?.org)
    }

    /// The organisation, for which the caller may prepare sales; it need not be approved yet.
    pub(super) fn preparer(self, caller: &Caller) -> Result<OrgId> {
        Ok(caller.member(self.own(caller)?, MemberRole::Trader)?.org)
    }

    /// The organisation, which is approved and for which the caller may trade.
    pub(super) fn trader(self, caller: &Caller) -> Result<OrgId> {
        Ok(caller.trader(self.own(caller)?)?.org)
    }

    /// The organisation, for which the caller may trade as one of this kind.
    pub(super) fn trader_as(self, kind: OrgKind, caller: &Caller) -> Result<OrgId> {
        let org = self.trader(caller)?;
        caller.acts_as(kind, org)?;
        Ok(org)
    }

    /// Refuses callers who may not trade for the organisation that `what` belongs to. To those who act for another one `what`
    /// does not exist.
    pub(super) fn trader_of(self, owner: OrgId, caller: &Caller, what: &'static str) -> Result<OrgId> {
        self.owner(owner, caller, what)?;
        Ok(caller.trader(owner)?.org)
    }

    /// [`Acting::trader_of`] for those who only read.
    pub(super) fn owner(self, owner: OrgId, caller: &Caller, what: &'static str) -> Result<OrgId> {
        if self.own(caller)? == owner { Ok(owner) } else { Err(Problem::not_found(what)) }
    }

    /// [`Acting::member`], or any organisation for callers with this role on the platform.
    pub(super) fn member_or(self, role: PlatformRole, caller: &Caller) -> Result<OrgId> {
        if caller.platform(role).is_ok() { self.named(caller) } else { self.member(caller) }
    }

    /// For whose eyes something public is shown; nobody's in particular when it is not clear.
    pub(super) fn viewer(self, caller: Option<&Caller>) -> Result<Option<OrgId>> {
        match (caller, self.org) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Problem::unauthenticated("unauthenticated", "log in to act for an organisation")),
            (Some(caller), Some(_)) => self.member(caller).map(Some),
            (Some(caller), None) => Ok(caller.viewer(None)),
        }
    }

    /// The organisation that the header names, which is the caller's, for what goes on after the request.
    pub(super) fn named_own(self, caller: &Caller) -> Result<Option<OrgId>> {
        self.org.map(|_| self.member(caller)).transpose()
    }
}
