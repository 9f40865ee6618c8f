use chrono::TimeDelta;

use super::*;

fn made(status: AppointmentStatus) -> Made {
    let starts_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let span = Span { starts_at, ends_at: starts_at + TimeDelta::hours(1) };
    Made { kind: AppointmentKind::Collection, status, span }
}

#[test]
fn what_is_booked_is_moved_and_cancelled_until_two_hours_before() {
    let booked = made(AppointmentStatus::Booked);
    let until = booked.span.starts_at - NOTICE;
    for judge in [judge_move, judge_cancel] {
        assert_eq!(judge(&booked, until), Ok(()));
        let late = judge(&booked, until + TimeDelta::microseconds(1));
        assert_eq!(late, Err(AppointmentRefusal::TooClose { until }));
    }
    let proposed = made(AppointmentStatus::Proposed);
    assert_eq!(judge_cancel(&proposed, proposed.span.ends_at), Ok(()));
    assert_eq!(judge_move(&proposed, until), Err(AppointmentRefusal::Status(AppointmentStatus::Proposed)));
    assert_eq!(judge_accept(&proposed, until), Ok(()));
    let begun = proposed.span.starts_at;
    assert_eq!(judge_accept(&proposed, begun), Err(AppointmentRefusal::TooClose { until: begun }));
}

#[test]
fn a_pass_is_good_once_at_its_site_until_an_hour_after() {
    let booked = made(AppointmentStatus::Booked);
    let until = booked.span.ends_at + GRACE;
    assert_eq!(judge_redeem(&booked, true, until), Ok(()));
    assert_eq!(judge_redeem(&booked, false, until), Err(AppointmentRefusal::OtherSite));
    let late = until + TimeDelta::microseconds(1);
    assert_eq!(judge_redeem(&booked, true, late), Err(AppointmentRefusal::PassExpired));
    assert_eq!(judge_issue(&booked, late), Err(AppointmentRefusal::PassExpired));
    let used = judge_redeem(&made(AppointmentStatus::Redeemed), true, until);
    assert_eq!(used, Err(AppointmentRefusal::PassUsed));
    for over in [AppointmentStatus::Cancelled, AppointmentStatus::Missed] {
        assert_eq!(judge_redeem(&made(over), true, until), Err(AppointmentRefusal::PassExpired));
        assert_eq!(judge_issue(&made(over), until), Err(AppointmentRefusal::Status(over)));
    }
}

#[test]
fn what_is_wanted_says_which_field_is_wrong() {
    let now = DateTime::UNIX_EPOCH;
    let depot = SiteId::generate();
    let site = Some(depot);
    let hours = |hours| now + TimeDelta::hours(hours);
    let new = |kind, site, starts_at, ends_at| NewAppointment { kind, site, starts_at, ends_at };
    let (collection, delivery) = (AppointmentKind::Collection, AppointmentKind::Delivery);
    for kind in [collection, delivery] {
        let slot = Wanted::Slot { site: depot, starts_at: hours(1) };
        assert_eq!(wanted(&new(kind, site, hours(1), None), now), Ok(slot));
    }
    let wish = Wanted::Wish(Span { starts_at: hours(1), ends_at: hours(2) });
    assert_eq!(wanted(&new(delivery, None, hours(1), Some(hours(2))), now), Ok(wish));
    for (wrong, pointer) in [
        (new(collection, site, hours(0), None), "/starts_at"),
        (new(collection, site, hours(24 * 90 + 1), None), "/starts_at"),
        (new(collection, None, hours(1), None), "/site"),
        (new(collection, site, hours(1), Some(hours(2))), "/ends_at"),
        (new(delivery, site, hours(1), Some(hours(2))), "/ends_at"),
        (new(delivery, None, hours(1), None), "/ends_at"),
    ] {
        assert_eq!(wanted(&wrong, now).expect_err("refused").pointer, pointer);
    }
}

#[test]
fn a_buyer_collects_and_is_brought_what_was_offered_for_it() {
    let (collection, delivery) = (AppointmentKind::Collection, AppointmentKind::Delivery);
    let nothing = There { any: false, for_collection: true, for_delivery: true };
    let collected = There { any: true, for_collection: true, for_delivery: false };
    let delivered = There { any: true, for_collection: false, for_delivery: true };
    assert_eq!(judge_there(nothing, collection, true), Err(AppointmentRefusal::NothingThere));
    assert_eq!(judge_there(nothing, delivery, true), Err(AppointmentRefusal::NothingToDeliver));
    assert_eq!(judge_there(delivered, collection, false), Err(AppointmentRefusal::NotForCollection));
    assert_eq!(judge_there(collected, delivery, false), Err(AppointmentRefusal::NotForDelivery));
    for (there, kind, by_seller) in [
        (delivered, collection, true),
        (collected, delivery, true),
        (collected, collection, false),
        (delivered, delivery, false),
    ] {
        assert_eq!(judge_there(there, kind, by_seller), Ok(()), "{there:?}, {kind:?}");
    }
}
