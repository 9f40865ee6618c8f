//! Which organisation a request acts for.

use market::identity::{MemberRole, OrgKind};
use serde::Deserialize;
use shared::ids::OrgId;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::error::{Problem, Result};

/// The query of requests that act for an organisation.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Acting {
    /// The organisation to act for. People who belong to exactly one need not say.
    pub(super) org: Option<OrgId>,
}

impl Acting {
    /// The organisation, of which the caller may read everything.
    pub(super) fn member(self, caller: &Caller) -> Result<OrgId> {
        Ok(caller.member(caller.acting_org(self.org)?, MemberRole::Viewer)?.org)
    }

    /// The organisation, for which the caller may prepare sales; it need not be approved yet.
    pub(super) fn preparer(self, caller: &Caller) -> Result<OrgId> {
        Ok(caller.member(caller.acting_org(self.org)?, MemberRole::Trader)?.org)
    }

    /// The organisation, which is approved and for which the caller may trade.
    pub(super) fn trader(self, caller: &Caller) -> Result<OrgId> {
        Ok(caller.trader(caller.acting_org(self.org)?)?.org)
    }

    /// The organisation, for which the caller may trade as one of this kind.
    pub(super) fn trader_as(self, kind: OrgKind, caller: &Caller) -> Result<OrgId> {
        let org = self.trader(caller)?;
        caller.acts_as(kind, org)?;
        Ok(org)
    }

    /// For whose eyes something public is shown; nobody's in particular when it is not clear.
    pub(super) fn viewer(self, caller: Option<&Caller>) -> Result<Option<OrgId>> {
        match (caller, self.org) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Problem::unauthenticated("unauthenticated", "log in to ask for an organisation")),
            (Some(caller), Some(org)) => Ok(Some(caller.member(org, MemberRole::Viewer)?.org)),
            (Some(caller), None) => Ok(match caller.memberships.as_slice() {
                [only] => Some(only.org),
                _ => None,
            }),
        }
    }
}

/// Refuses callers who may not trade for the organisation that `what` belongs to. To those outside of it `what` does not exist.
pub(super) fn trader_of(caller: &Caller, org: OrgId, what: &'static str) -> Result<OrgId> {
    if !caller.belongs_to(org) {
        return Err(Problem::not_found(what));
    }
    Ok(caller.trader(org)?.org)
}
