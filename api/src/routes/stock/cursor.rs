//! Where a list of levels goes on.

use std::fmt;

use market::ids::{ItemId, SiteId};
use serde::Deserialize;
use utoipa::ToSchema;

/// The item and the site of the last level of a page. Clients send back what they got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct LevelCursor {
    pub(super) item: ItemId,
    pub(super) site: SiteId,
}

const CURSOR: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

impl utoipa::PartialSchema for LevelCursor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
        text.pattern(Some(CURSOR)).description(Some("The `next` of an earlier page.")).into()
    }
}

impl ToSchema for LevelCursor {}

impl TryFrom<String> for LevelCursor {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let parse = || {
            let (item, site) = text.split_once('.')?;
            Some(Self { item: item.parse().ok()?, site: site.parse().ok()? })
        };
        parse().ok_or("expected the `next` of an earlier page")
    }
}

impl fmt::Display for LevelCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.item, self.site)
    }
}
