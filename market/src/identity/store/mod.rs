//! SQL for identity, on the caller's connection.

mod authority;
mod erasure;
mod invitations;
mod members;
mod orgs;
mod purge;
mod resets;
mod sessions;
mod sole_owner;
mod throttle;
mod tickets;
mod two_factors;
mod users;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

pub use authority::{Authority, Membership, authorities, authorize};
pub use erasure::{
    Erased, Erasure, ErasureError, FATES, Fate, Hindrance, ask_erasure, cancel_erasure, erase_account, erase_more,
    erasure,
};
pub use invitations::{
    INVITATION_DAYS, Invitation, InvitationError, Refusal, accept, invitation, invitation_of_token, invitations_of,
    invitations_to, invite, mint_invitation, refuse,
};
pub use members::{Member, MembersError, change_member, members, remove_member, traders};
pub use orgs::{
    Application, Decision, NewOrg, Org, OrgChange, OrgError, OrgFilter, apply_again, change_org, change_plan,
    create_org, decide, lock_org, org, orgs_by_id, orgs_page,
};
pub use purge::purge;
pub use resets::{RESET_MINUTES, is_password_reset, mint_password_reset, reset_password};
pub use sessions::{
    Device, OpenSession, Opened, REFRESH_DAYS, REFRESH_GRACE_SECONDS, RefreshError, Refreshed, open_session, refresh,
    revoke_all, revoke_other, revoke_session, sessions_of,
};
pub use throttle::{Attempt, Counted, Limit, ThrottleKey, begin_attempt, forget_attempts, network};
pub use tickets::{SessionRef, TICKET_SECONDS, mint_ticket, use_ticket};
pub(crate) use two_factors::place as two_factors_place;
pub use two_factors::{
    SECOND_STEP_SECONDS, Shown, TwoFactors, TwoFactorsError, confirm, disable, enrol, mint_second_step,
    pass_second_step, remove_second_factor, renew_recovery_codes, second_step_of, show_code, two_factors,
};
pub use users::{
    Bootstrapped, Credentials, NewUser, Profile, ProfileChange, UserError, UserRow, bootstrap_admin, change_profile,
    credentials, email_to_verify, insert_user, lock_profile, mint_email_verification, profile, rehash,
    set_platform_role, set_user_status, users_page, verify_email,
};

/// 32 random bytes as text, and the hash under which they are stored.
fn mint_token() -> (String, Vec<u8>) {
    let token = token_text(&rand::random());
    let hash = token_hash(&token);
    (token, hash)
}

/// A token as it is seen outside.
fn token_text(token: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

/// The stored form of a token. One round is enough: the token is random, not a password.
fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
