//! Letters about accounts, memberships and organisations.

use chrono::{DateTime, Utc};
use market::emails::model::{AccountSuspended, ErasureAsked, Invitation, OrgApproved, OrgRejected, OrgSuspended};
use market::identity::MemberRole;
use secrecy::{ExposeSecret as _, SecretString};
use shared::ids::OrgId;

use super::formats::one_line;
use super::letter::{Action, Letter, Place};

pub(super) fn verify_address(token: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let words = place.words;
    let path = format_args!("/verify-email?token={}", token.expose_secret());
    Letter {
        subject: words.verify_subject().to_owned(),
        preview: words.verify_preview().to_owned(),
        heading: words.verify_subject().to_owned(),
        paragraphs: vec![words.verify_text().to_owned()],
        action: Some(place.link(words.verify_action(), path)),
        note: Some(words.verify_note(&place.time(valid_until))),
        reason: words.because_registered().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn reset_password(token: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.reset_subject().to_owned(),
        preview: words.reset_preview().to_owned(),
        heading: words.reset_subject().to_owned(),
        paragraphs: vec![words.reset_text().to_owned()],
        action: Some(set_password(token, place)),
        note: Some(words.reset_note(&place.time(valid_until))),
        reason: words.because_account().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn already_registered(token: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.registered_subject().to_owned(),
        preview: words.registered_preview().to_owned(),
        heading: words.registered_subject().to_owned(),
        paragraphs: vec![words.registered_text().to_owned(), words.registered_how().to_owned()],
        action: Some(set_password(token, place)),
        note: Some(words.registered_note(&place.time(valid_until))),
        reason: words.because_registered().to_owned(),
        ..Letter::default()
    }
}

fn set_password(token: &SecretString, place: &Place<'_>) -> Action {
    place.link(place.words.set_password(), format_args!("/reset-password?token={}", token.expose_secret()))
}

pub(super) fn invitation(
    it: &Invitation,
    token: &SecretString,
    valid_until: DateTime<Utc>,
    place: &Place<'_>,
) -> Letter {
    let (words, org) = (place.words, one_line(&it.org_name));
    let invited = match it.role {
        MemberRole::Viewer => words.invitation_viewer(&org),
        MemberRole::Trader => words.invitation_trader(&org),
        MemberRole::Owner => words.invitation_owner(&org),
    };
    let path = format_args!("/invitation?token={}", token.expose_secret());
    Letter {
        subject: words.invitation_subject().to_owned(),
        preview: words.invitation_preview().to_owned(),
        heading: words.invitation_heading().to_owned(),
        paragraphs: vec![invited, words.invitation_how().to_owned()],
        action: Some(place.link(words.invitation_action(), path)),
        note: Some(words.invitation_note(&place.time(valid_until))),
        reason: words.because_invited().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn password_changed(place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.password_changed_subject().to_owned(),
        preview: words.password_changed_preview().to_owned(),
        heading: words.password_changed_subject().to_owned(),
        paragraphs: vec![words.password_changed_text().to_owned(), words.password_changed_else().to_owned()],
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn session_ended(place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.session_ended_subject().to_owned(),
        preview: words.session_ended_preview().to_owned(),
        heading: words.session_ended_subject().to_owned(),
        paragraphs: vec![words.session_ended_text().to_owned(), words.session_ended_again().to_owned()],
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn erasure_asked(it: &ErasureAsked, place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.erasure_subject().to_owned(),
        preview: words.erasure_preview().to_owned(),
        heading: words.erasure_subject().to_owned(),
        paragraphs: vec![words.erasure_text(&place.time(it.due_at)), words.erasure_else().to_owned()],
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn account_suspended(it: &AccountSuspended, place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.account_suspended_subject().to_owned(),
        preview: words.account_suspended_preview().to_owned(),
        heading: words.account_suspended_subject().to_owned(),
        paragraphs: vec![words.account_suspended_text().to_owned()],
        quote: Some(it.reason.trim().to_owned()),
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn org_approved(it: &OrgApproved, place: &Place<'_>) -> Letter {
    let (words, org) = (place.words, one_line(&it.org_name));
    Letter {
        subject: words.org_approved_subject(&org),
        preview: words.org_approved_preview().to_owned(),
        heading: words.org_approved_heading().to_owned(),
        paragraphs: vec![words.org_approved_text(&org)],
        action: Some(open_org(it.org, place)),
        reason: words.because_owner().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn org_rejected(it: &OrgRejected, place: &Place<'_>) -> Letter {
    let (words, org) = (place.words, one_line(&it.org_name));
    Letter {
        subject: words.org_rejected_subject(&org),
        preview: words.org_rejected_preview().to_owned(),
        heading: words.org_rejected_heading().to_owned(),
        paragraphs: vec![words.org_rejected_text(&org)],
        quote: Some(it.reason.trim().to_owned()),
        action: Some(open_org(it.org, place)),
        note: Some(words.org_rejected_note().to_owned()),
        reason: words.because_owner().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn org_suspended(it: &OrgSuspended, place: &Place<'_>) -> Letter {
    let (words, org) = (place.words, one_line(&it.org_name));
    Letter {
        subject: words.org_suspended_subject(&org),
        preview: words.org_suspended_preview().to_owned(),
        heading: words.org_suspended_heading().to_owned(),
        paragraphs: vec![words.org_suspended_text(&org)],
        quote: Some(it.reason.trim().to_owned()),
        reason: words.because_owner().to_owned(),
        ..Letter::default()
    }
}

fn open_org(org: OrgId, place: &Place<'_>) -> Action {
    place.link(place.words.open_org(), format_args!("/orgs/{org}"))
}
