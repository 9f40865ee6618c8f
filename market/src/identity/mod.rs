//! People, their sessions, and the organisations that they act for.

pub mod model;
pub mod store;

pub use model::{
    Email, LegalName, MemberRole, OrgKind, OrgStatus, PersonName, PlatformRole, TimeZone, UserStatus, VatNumber,
};
