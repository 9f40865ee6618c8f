//! The SQL of identity, on the caller's connection.

mod members;
mod orgs;
mod purge;
mod sessions;
mod throttle;
mod tickets;
mod users;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

pub use members::{Member, MembersError, add_member, change_member, members, remove_member, traders};
pub use orgs::{
    Decision, NewOrg, Org, OrgChange, OrgError, OrgFilter, change_org, create_org, decide, lock_org, org, orgs_page,
};
pub use purge::purge;
pub use sessions::{
    Authority, Membership, Opened, REFRESH_DAYS, RefreshError, Refreshed, authorities, authorize, open_session,
    refresh, revoke_all, revoke_session,
};
pub use throttle::{Limit, ThrottleKey, begin_attempt, forget_attempts};
pub use tickets::{SessionRef, TICKET_SECONDS, mint_ticket, use_ticket};
pub use users::{
    Bootstrapped, Credentials, NewUser, Profile, ProfileChange, UserError, UserRow, bootstrap_admin, change_profile,
    credentials, insert_user, lock_profile, mint_email_verification, profile, rehash, set_platform_role,
    set_user_status, users_page, verify_email,
};

/// 32 random bytes as text, and the hash under which they are stored.
fn mint_token() -> (String, Vec<u8>) {
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let hash = token_hash(&token);
    (token, hash)
}

/// The stored form of a token. One round is enough: the token is random, not a password.
fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
