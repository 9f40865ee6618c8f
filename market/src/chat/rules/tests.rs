use chrono::TimeZone as _;
use proptest::prelude::*;

use super::*;
use crate::chat::model::NewAttachment;
use crate::ids::{ImageId, MessageClientId};
use crate::images::model::UploadId;

fn message<'a>(text: &'a str, attachments: &'a [NewAttachment]) -> NewMessage<'a> {
    NewMessage { client: MessageClientId::generate(), text, attachments }
}

fn file(name: &str) -> NewAttachment {
    NewAttachment::File { upload: UploadId::generate(), name: name.to_owned() }
}

#[test]
fn a_message_says_or_carries_something_and_not_too_much() {
    let picture = || NewAttachment::Picture(ImageId::generate());
    let long = "ä".repeat(MOST_TEXT);
    let refused = |text: &str, attachments: &[NewAttachment]| {
        judge_message(&message(text, attachments)).err().map(|invalid| invalid.pointer)
    };
    assert_eq!(refused("?", &[]), None);
    assert_eq!(refused("", &[picture()]), None);
    assert_eq!(refused(&long, &[file("contract.pdf")]), None);
    assert_eq!(refused("", &[]).as_deref(), Some("/text"));
    assert_eq!(refused(&format!("{long}ä"), &[]).as_deref(), Some("/text"));
    let many: Vec<_> = (0..=MOST_ATTACHMENTS).map(|_| picture()).collect();
    assert_eq!(refused("?", &many[1..]), None);
    assert_eq!(refused("?", &many).as_deref(), Some("/attachments"));
    assert_eq!(refused("?", &[picture(), file("")]).as_deref(), Some("/attachments/1/name"));
    assert_eq!(refused("?", &[file(&"x".repeat(MOST_NAME + 1))]).as_deref(), Some("/attachments/0/name"));
}

#[test]
fn whoever_blocks_or_is_blocked_does_not_write() {
    let judge = |by_writer, by_other| judge_write(Blocks { by_writer, by_other });
    assert_eq!(judge(false, false), Ok(()));
    assert_eq!(judge(true, false), Err(WriteRefusal::Blocking));
    assert_eq!(judge(true, true), Err(WriteRefusal::Blocking));
    assert_eq!(judge(false, true), Err(WriteRefusal::Blocked));
}

#[test]
fn nobody_begins_about_an_own_listing_or_one_that_is_gone() {
    let (lister, org) = (OrgId::generate(), OrgId::generate());
    let judge = |org, published| judge_begin(Listed { lister, published }, org);
    assert_eq!(judge(org, true), Ok(()));
    assert_eq!(judge(org, false), Err(BeginRefusal::NotOnOffer));
    assert_eq!(judge(lister, true), Err(BeginRefusal::OwnListing));
    assert_eq!(judge(lister, false), Err(BeginRefusal::OwnListing));
}

#[test]
fn only_what_is_there_is_marked_as_read() {
    for (seq, fits) in [(0, false), (1, true), (5, true), (6, false), (-1, false)] {
        assert_eq!(judge_mark(seq, 5).is_ok(), fits, "{seq}");
    }
    for (length, fits) in [(0, false), (1, true), (MOST_NOTE, true), (MOST_NOTE + 1, false)] {
        assert_eq!(judge_note(&"x".repeat(length)).is_ok(), fits, "{length}");
    }
}

#[test]
fn a_mail_is_due_after_a_quarter_of_an_hour_and_once_until_something_is_read() {
    let noon = Utc.with_ymd_and_hms(2026, 11, 28, 12, 0, 0).unwrap();
    let due = noon + UNREAD_TERM;
    let judge = |since, read, mailed, now| judge_mail(Unread { since, read, mailed, now });
    assert_eq!(judge(None, Some(3), None, due), MailDue::Never);
    assert_eq!(judge(Some(noon), None, None, noon), MailDue::At(due));
    assert_eq!(judge(Some(noon), Some(2), None, due - TimeDelta::milliseconds(1)), MailDue::At(due));
    assert_eq!(judge(Some(noon), None, None, due), MailDue::Now);
    // Told of, and nothing read since.
    assert_eq!(judge(Some(noon), None, Some(3), due), MailDue::Never);
    assert_eq!(judge(Some(noon), Some(2), Some(3), due), MailDue::Never);
    // What was told of was read; there is something new.
    assert_eq!(judge(Some(noon), Some(3), Some(3), due), MailDue::Now);
}

proptest! {
    /// However messages, readings and checks come, no two mails are sent without a reading between them, and none about what is read.
    #[test]
    fn mails_and_readings_take_turns(steps in proptest::collection::vec(0_u8..3, 1..60)) {
        let mut now = Utc.with_ymd_and_hms(2026, 11, 28, 12, 0, 0).unwrap();
        let (mut last, mut read, mut mailed, mut since) = (0_i64, None, None, None);
        let mut read_since_mail = true;
        for step in steps {
            now += TimeDelta::minutes(10);
            match step {
                0 => {
                    last += 1;
                    since.get_or_insert(now);
                }
                1 if last > 0 => (read, since, read_since_mail) = (Some(last), None, true),
                _ => {
                    if judge_mail(Unread { since, read, mailed, now }) == MailDue::Now {
                        prop_assert!(read_since_mail, "a second mail at {}", now);
                        prop_assert!(read.is_none_or(|read| read < last));
                        (mailed, read_since_mail) = (Some(last), false);
                    }
                }
            }
        }
    }
}
