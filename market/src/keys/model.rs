//! A key as its organisation sees it, and what it may do.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use shared::ids::{OrgId, UserId};
use shared::text;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::identity::store::Membership;
use crate::ids::ApiKeyId;

/// Every scope: an area, which is a tag of the API's document, and whether it is read or changed.
pub const SCOPES: &[&str] = &[
    "appointments:read",
    "appointments:write",
    "auctions:read",
    "auctions:write",
    "catalogue:read",
    "catalogue:write",
    "epcis:read",
    "epcis:write",
    "images:read",
    "images:write",
    "imports:read",
    "imports:write",
    "items:read",
    "items:write",
    "listings:read",
    "listings:write",
    "offers:read",
    "offers:write",
    "orders:read",
    "orders:write",
    "papers:read",
    "papers:write",
    "reports:read",
    "reports:write",
    "returns:read",
    "returns:write",
    "shipments:read",
    "shipments:write",
    "stock:read",
    "stock:write",
];

/// What a key may do: one of [`SCOPES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(&'static str);

impl Scope {
    /// The scope of operations of an area that change something, or of those that only read; `None`: keys have nothing to do there.
    #[must_use]
    pub fn of(area: &str, changes: bool) -> Option<Self> {
        let access = if changes { "write" } else { "read" };
        let is_it = |scope: &str| scope.split_once(':') == Some((area, access));
        SCOPES.iter().find(|scope| is_it(scope)).map(|scope| Self(scope))
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    fn named(name: &str) -> Option<Self> {
        SCOPES.iter().find(|scope| **scope == name).map(|scope| Self(scope))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(from)?;
        Self::named(&name).ok_or_else(|| de::Error::unknown_variant(&name, SCOPES))
    }
}

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An area of the API, and whether it is read or changed"))
            .enum_values(Some(SCOPES.iter().copied()))
            .into()
    }
}

impl ToSchema for Scope {}

/// The scopes of a stored key. What this version of the program does not know, the key may not do.
pub(super) fn known(names: &[String]) -> Vec<Scope> {
    names.iter().filter_map(|name| Scope::named(name)).collect()
}

/// A key, without what it is used by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub org_id: OrgId,
    /// In whose name it acts. It ends with their membership.
    pub created_by: UserId,
    pub name: String,
    /// How it begins.
    #[schema(example = "ty_V1StGXR8")]
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    /// Absent: it does not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// To within five minutes; absent: it was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A key to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    /// All that it may do.
    #[schema(min_items = 1, max_items = 40)]
    pub scopes: Vec<Scope>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What whoever holds a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub key: ApiKeyId,
    /// In whose name it acts.
    pub user: UserId,
    /// In the organisation: at most what a trader may do, whoever made the key.
    pub membership: Membership,
    pub scopes: Vec<Scope>,
    /// Nobody has noted its use for a while.
    pub is_unnoted: bool,
}

#[cfg(test)]
mod tests;
