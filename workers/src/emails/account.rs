//! The wording of mails about accounts and memberships.

use chrono::{DateTime, Utc};
use market::emails::model::{AccountSuspended, Invitation, OrgSuspended};
use market::identity::MemberRole;
use secrecy::{ExposeSecret as _, SecretString};

use super::letter::{Letter, Place};
use super::wording::{one_line, time};

const OF_THE_ACCOUNT: &str = "You are receiving this email because it concerns the safety of your Tradeyard account.";

pub(super) fn reset_password(token: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    Letter {
        subject: "Set a new password".to_owned(),
        preview: "The link works for an hour.".to_owned(),
        heading: "Set a new password".to_owned(),
        paragraphs: vec![
            "Somebody, probably you, has asked for a new password for the Tradeyard account of this address. Setting it \
             logs you out everywhere."
                .to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: Some(place.link("Set password", format_args!("/reset-password?token={}", token.expose_secret()))),
        note: Some(format!(
            "The link works once, until {}. If you did not ask for it, ignore this email: nothing changes.",
            time(valid_until, place.zone)
        )),
        reason: "You are receiving this email because this address has a Tradeyard account.".to_owned(),
    }
}

pub(super) fn already_registered(token: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    Letter {
        subject: "This address has an account already".to_owned(),
        preview: "Set a password of your own, and the account is yours.".to_owned(),
        heading: "This address has an account already".to_owned(),
        paragraphs: vec![
            "Somebody, probably you, has tried to register this address with Tradeyard. It has an account already.".to_owned(),
            "If you do not know its password, or did not make the account, set a password of your own: anybody else who used \
             the account is logged out everywhere and cannot get back in."
                .to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: Some(place.link("Set password", format_args!("/reset-password?token={}", token.expose_secret()))),
        note: Some(format!(
            "The link works once, until {}. If it was not you who registered, ignore this email: nothing changes.",
            time(valid_until, place.zone)
        )),
        reason: "You are receiving this email because this address was used to register with Tradeyard.".to_owned(),
    }
}

pub(super) fn invitation(
    it: &Invitation,
    token: &SecretString,
    valid_until: DateTime<Utc>,
    place: &Place<'_>,
) -> Letter {
    let org = one_line(&it.org_name);
    let may = match it.role {
        MemberRole::Viewer => "read everything of the organisation",
        MemberRole::Trader => "list, bid and buy for the organisation",
        MemberRole::Owner => "do everything for the organisation, including managing its members",
    };
    Letter {
        subject: "An invitation to an organisation on Tradeyard".to_owned(),
        preview: "You decide whether you join.".to_owned(),
        heading: "You are invited".to_owned(),
        paragraphs: vec![
            format!("An owner of the organisation “{org}” invites you to join it as {}. You could then {may}.", it.role),
            "To accept, you need an account with this address; without one, register first. Nothing happens until you answer."
                .to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: Some(place.link("Look at the invitation", format_args!("/invitation?token={}", token.expose_secret()))),
        note: Some(format!(
            "The invitation can be answered until {}. If you do not know the organisation, ignore this email.",
            time(valid_until, place.zone)
        )),
        reason: "You are receiving this email because this address was invited to join an organisation on Tradeyard.".to_owned(),
    }
}

pub(super) fn password_changed() -> Letter {
    Letter {
        subject: "Your password was changed".to_owned(),
        preview: "You were logged out everywhere.".to_owned(),
        heading: "Your password was changed".to_owned(),
        paragraphs: vec![
            "The password of your Tradeyard account was changed, and every session was ended.".to_owned(),
            "If that was not you, somebody else can read your email: change your mailbox’s password first, then set a new one on \
             Tradeyard."
                .to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: None,
        note: None,
        reason: OF_THE_ACCOUNT.to_owned(),
    }
}

pub(super) fn session_ended() -> Letter {
    Letter {
        subject: "We ended one of your sessions".to_owned(),
        preview: "Its key was used twice. Please log in again.".to_owned(),
        heading: "We ended one of your sessions".to_owned(),
        paragraphs: vec![
            "A key of one of your sessions was used a second time, which happens when somebody has copied it. To be safe, we \
             ended that session; please log in there again."
                .to_owned(),
            "If this happens again, check the device for software that you do not know, and set a new password.".to_owned(),
        ],
        quote: None,
        facts: vec![],
        action: None,
        note: None,
        reason: OF_THE_ACCOUNT.to_owned(),
    }
}

pub(super) fn account_suspended(it: &AccountSuspended) -> Letter {
    Letter {
        subject: "Your account is suspended".to_owned(),
        preview: "You cannot log in at present. Here is why.".to_owned(),
        heading: "Your account is suspended".to_owned(),
        paragraphs: vec![
            "You cannot log in to Tradeyard at present, and will get no further email from us. Organisations that nobody but you owns \
             are suspended as well. The reason, as our team wrote it:"
                .to_owned(),
        ],
        quote: Some(it.reason.trim().to_owned()),
        facts: vec![],
        action: None,
        note: None,
        reason: OF_THE_ACCOUNT.to_owned(),
    }
}

pub(super) fn org_suspended(it: &OrgSuspended) -> Letter {
    let org = one_line(&it.org_name);
    Letter {
        subject: format!("{org} is suspended"),
        preview: "It cannot trade at present. Here is why.".to_owned(),
        heading: "Your organisation is suspended".to_owned(),
        paragraphs: vec![format!(
            "{org} cannot list, bid or buy at present, and its listings are not shown. The reason, as our team wrote it:"
        )],
        quote: Some(it.reason.trim().to_owned()),
        facts: vec![],
        action: None,
        note: None,
        reason: "You are receiving this email because you are an owner of this organisation.".to_owned(),
    }
}
