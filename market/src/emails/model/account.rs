//! Mails about accounts and organisations themselves.

use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::identity::MemberRole;
use crate::ids::InvitationId;

/// Asks for a click that proves the address. The link's token is made when the mail is sent and never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyAddress {}

/// To the owners. Reference: the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgApproved {
    pub org: OrgId,
    pub org_name: String,
}

/// To the owners. Reference: the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgRejected {
    pub org: OrgId,
    pub org_name: String,
    /// As the moderator wrote it.
    pub reason: String,
}

/// To the owners. Reference: the organisation and the number of the suspension's act in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgSuspended {
    pub org: OrgId,
    pub org_name: String,
    /// As the moderator wrote it.
    pub reason: String,
}

/// The only mail that a suspended person gets. Reference: the number of the suspension's act in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSuspended {
    /// As the administrator wrote it.
    pub reason: String,
}

/// To an address that somebody has entered; sent only if it has an account, which is looked up when
/// the mail is sent, so that the request reveals nothing. The link's token is made then, too.
/// Reference: the hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetPassword {}

/// To the address of an account that somebody, perhaps its true owner, has registered again: says
/// how to get in. Reference: the hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlreadyRegistered {}

/// Announces a new password. Reference: one for each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {}

/// Says that a session was ended because its refresh token was used twice. Reference: the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {}

/// To an address, whether or not it has an account. The link's token is made when the mail is sent. Reference: the invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub invitation: InvitationId,
    pub org_name: String,
    pub role: MemberRole,
}
