//! People, their sessions, and the organisations that they act for.

pub mod model;
pub mod rules;
pub mod store;

pub use model::{
    Country, Email, LOCALES, LegalName, Locale, MemberRole, OpenMatter, OrgKind, OrgStatus, PersonName, Plan,
    PlatformRole, TimeZone, UserStatus, VatNumber,
};
