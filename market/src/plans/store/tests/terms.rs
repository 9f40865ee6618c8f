//! Terms, and changes of plan within and between them.

use super::*;

/// What the rest of the term costs on the dearer of two plans, on the day when it was charged.
fn rest(charge: &PlanCharge, difference: i64) -> Money {
    let days = (charge.ends_on - charge.starts_on).num_days();
    let left = (charge.ends_on - charge.due_at.date_naive()).num_days();
    eur(difference * left / days)
}

#[tokio::test]
async fn what_is_paid_for_a_plan_is_the_platforms() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let owner = trader(&mut conn).await;
    assert_eq!(standing(&mut conn, owner).await.plan, Plan::Free, "whoever has not subscribed");
    assert_eq!(chosen(&mut conn, owner, Plan::Free).await, None);
    let charge = chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
    assert_eq!(chosen(&mut conn, owner, Plan::Standard).await, None, "the same again");
    let now = standing(&mut conn, owner).await;
    let open = now.subscription.expect("a subscription");
    assert_eq!((now.plan, open.plan, open.status), (Plan::Standard, Plan::Standard, SubscriptionStatus::Active));
    assert_eq!((open.fee, open.term, open.next_plan), (eur(1_900), 1, None));

    let (payment, owing) = begun(&mut conn, owner, charge).await.expect("begun");
    assert_eq!((owing.kind, owing.amount, owing.status), (PlanChargeKind::Term, eur(1_900), PlanChargeStatus::Open));
    assert!(matches!(begun(&mut conn, owner, charge).await, Err(PlanError::Paying)));
    let less = Payment { captured: eur(1_899), ..captured(payment, eur(1_900)) };
    let settled = act(&mut conn, async |tx| settle(tx, payment, &less).await).await;
    assert!(matches!(settled, Err(PlanError::OtherAmount { .. })), "{settled:?}");
    let pending = Payment { state: PaymentState::Pending, captured: eur(0), ..captured(payment, eur(1_900)) };
    let settled = act(&mut conn, async |tx| settle(tx, payment, &pending).await).await.expect("settled");
    assert_eq!((settled, books(&mut conn).await), (PlanSettled::Pending, (0, 0)));
    for expected in [PlanSettled::Paid { charge, again: false }, PlanSettled::NothingNew] {
        let taken = captured(payment, eur(1_900));
        let settled = act(&mut conn, async |tx| settle(tx, payment, &taken).await).await.expect("settled");
        assert_eq!((settled, books(&mut conn).await), (expected, (1_900, -1_900)));
    }
    let owing = owed(&mut conn, owner).await.pop().expect("a charge");
    assert_eq!((owing.status, owing.payment.map(|it| it.status)), (PlanChargeStatus::Paid, Some(PaymentStatus::Held)));
    assert!(matches!(begun(&mut conn, owner, charge).await, Err(PlanError::ChargeEnded(PlanChargeStatus::Paid))));
    let other = trader(&mut conn).await;
    assert!(matches!(begun(&mut conn, other, charge).await, Err(PlanError::NotFound(_))), "somebody else's");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_better_plan_is_charged_for_the_days_left_and_a_lesser_one_waits() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let owner = trader(&mut conn).await;
    let first = chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
    paid(&mut conn, owner, first).await;
    pass(&mut conn, owner, 10).await;
    let upgrade = chosen(&mut conn, owner, Plan::Pro).await.expect("owed");
    let owing = charge(&mut conn, owner.org, upgrade).await.expect("read").expect("a charge");
    assert_eq!((owing.kind, owing.plan, owing.amount), (PlanChargeKind::Upgrade, Plan::Pro, rest(&owing, 6_000)));
    assert_eq!(standing(&mut conn, owner).await.plan, Plan::Pro);
    assert_eq!(chosen(&mut conn, owner, Plan::Standard).await, None);
    let open = standing(&mut conn, owner).await.subscription.expect("a subscription");
    assert_eq!((open.plan, open.fee, open.next_plan), (Plan::Pro, eur(7_900), Some(Plan::Standard)));
    // Taken back, and wanted again: what is paid for is not paid for twice.
    assert_eq!(chosen(&mut conn, owner, Plan::Pro).await, None);
    assert_eq!(chosen(&mut conn, owner, Plan::Standard).await, None);
    assert_eq!(renewed(&mut conn, owner).await, Renewed::Nothing, "the term is not over");
    paid(&mut conn, owner, upgrade).await;
    end_term(&mut conn, owner).await;
    let Renewed::Term(next) = renewed(&mut conn, owner).await else { panic!("no term") };
    let owing = charge(&mut conn, owner.org, next).await.expect("read").expect("a charge");
    assert_eq!((owing.kind, owing.plan, owing.amount), (PlanChargeKind::Term, Plan::Standard, eur(1_900)));
    let now = standing(&mut conn, owner).await;
    let open = now.subscription.expect("a subscription");
    assert_eq!((now.plan, open.plan, open.next_plan, open.term), (Plan::Standard, Plan::Standard, None, 2));
    assert_eq!(owed(&mut conn, owner).await.len(), 3);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_plan_is_tried_once_and_then_paid() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let owner = trader(&mut conn).await;
    assert_eq!(chosen(&mut conn, owner, Plan::Pro).await, None);
    let open = standing(&mut conn, owner).await.subscription.expect("a subscription");
    assert_eq!((open.status, open.fee), (SubscriptionStatus::Trial, eur(0)));
    assert_eq!((open.ends_on - open.starts_on).num_days(), 14);
    end_term(&mut conn, owner).await;
    let Renewed::Term(first) = renewed(&mut conn, owner).await else { panic!("no term") };
    let next = standing(&mut conn, owner).await.subscription.expect("a subscription");
    assert_eq!((next.status, next.fee, next.starts_on), (SubscriptionStatus::Active, eur(7_900), open.ends_on));
    paid(&mut conn, owner, first).await;
    assert_eq!(chosen(&mut conn, owner, Plan::Free).await, None);
    assert_eq!(standing(&mut conn, owner).await.plan, Plan::Pro, "until the term is over");
    end_term(&mut conn, owner).await;
    assert_eq!(renewed(&mut conn, owner).await, Renewed::Ended);
    let now = standing(&mut conn, owner).await;
    assert_eq!((now.plan, now.subscription), (Plan::Free, None));
    assert!(chosen(&mut conn, owner, Plan::Pro).await.is_some(), "nobody tries a plan twice");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_term_keeps_the_fee_that_it_began_with() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let owner = trader(&mut conn).await;
    let first = chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
    paid(&mut conn, owner, first).await;
    let dearer = "UPDATE plan_fees SET fee_minor = 2500 WHERE plan = 'standard' AND currency = 'EUR'";
    sqlx::query(dearer).execute(&mut *conn).await.expect("dearer");
    assert_eq!(standing(&mut conn, owner).await.subscription.expect("a subscription").fee, eur(1_900));
    end_term(&mut conn, owner).await;
    let Renewed::Term(second) = renewed(&mut conn, owner).await else { panic!("no term") };
    assert_eq!(charge(&mut conn, owner.org, second).await.expect("read").expect("a charge").amount, eur(2_500));
    paid(&mut conn, owner, second).await;
    // Whoever has what is not offered any more keeps it.
    sqlx::query("UPDATE plans SET offered = false WHERE code = 'standard'").execute(&mut *conn).await.expect("gone");
    end_term(&mut conn, owner).await;
    let Renewed::Term(third) = renewed(&mut conn, owner).await else { panic!("no term") };
    assert_eq!(charge(&mut conn, owner.org, third).await.expect("read").expect("a charge").amount, eur(2_500));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn plans_that_cannot_be_chosen_are_refused() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let owner = trader(&mut conn).await;
    let mut wanted =
        async |plan, currency| act(&mut conn, async |tx| choose(tx, owner.org, owner.user, plan, currency).await).await;
    let refused = wanted(Plan::Partner, None).await;
    assert!(matches!(refused, Err(PlanError::Refused(ChangeRefusal::NotOffered))), "{refused:?}");
    let refused = wanted(Plan::Standard, Some(Currency::JPY)).await;
    assert!(matches!(refused, Err(PlanError::Refused(ChangeRefusal::NotOffered))), "{refused:?}");
    wanted(Plan::Standard, Some(Currency::USD)).await.expect("chosen");
    let refused = wanted(Plan::Pro, Some(Currency::EUR)).await;
    assert!(matches!(refused, Err(PlanError::Currency)), "{refused:?}");
    let agreed = act(&mut conn, async |tx| change_plan(tx, Actor::System, owner.org, Plan::Partner).await).await;
    assert!(matches!(agreed, Err(OrgError::Subscribed)), "{agreed:?}");
    let partner = trader(&mut conn).await;
    act(&mut conn, async |tx| change_plan(tx, Actor::System, partner.org, Plan::Partner).await).await.expect("agreed");
    let refused = act(&mut conn, async |tx| choose(tx, partner.org, partner.user, Plan::Pro, None).await).await;
    assert!(matches!(refused, Err(PlanError::Agreed(Plan::Partner))), "{refused:?}");
    let offered = plans(&mut conn).await.expect("read");
    let names: Vec<_> = offered.iter().map(|it| (it.plan, it.offered, it.fees.len())).collect();
    let expected = [(Plan::Free, true, 0), (Plan::Standard, true, 3), (Plan::Pro, true, 3), (Plan::Partner, false, 0)];
    assert_eq!(names, expected);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_plan_that_was_agreed_costs_nothing_when_it_is_chosen_again() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for plan in [Plan::Standard, Plan::Partner] {
        let owner = trader(&mut conn).await;
        act(&mut conn, async |tx| change_plan(tx, Actor::System, owner.org, plan).await).await.expect("agreed");
        assert_eq!(chosen(&mut conn, owner, plan).await, None, "{plan:?}");
        let now = standing(&mut conn, owner).await;
        assert_eq!((now.plan, now.subscription), (plan, None));
        assert_eq!(owed(&mut conn, owner).await, []);
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn no_term_begins_when_the_only_owner_has_left() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let owner = trader(&mut conn).await;
    let first = chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
    paid(&mut conn, owner, first).await;
    // What the erasure of the owner's account does.
    let left = "UPDATE orgs SET status = 'suspended', abandoned_at = now() WHERE id = $1";
    sqlx::query(left).bind(owner.org).execute(&mut *conn).await.expect("abandoned");
    end_term(&mut conn, owner).await;
    assert_eq!(renewed(&mut conn, owner).await, Renewed::Ended);
    let now = standing(&mut conn, owner).await;
    assert_eq!((now.plan, now.subscription), (Plan::Free, None));
    assert_eq!(owed(&mut conn, owner).await.len(), 1, "nobody could pay another one");
    drop(conn);
    db.close().await;
}

/// Whether the first term of an organisation begins on the day that it was there, each other one where the one before it ends, and the
/// last one ends with a day where the organisation is now.
async fn local_days(conn: &mut PgConnection, owner: Trader) -> (bool, bool, bool) {
    sqlx::query_as(
        "WITH terms AS (
             SELECT t.*, o.time_zone, lag(t.ends_at) OVER w AS before, lag(t.ends_on) OVER w AS day_before
             FROM plan_terms AS t
             JOIN plan_subscriptions AS s ON s.id = t.subscription_id
             JOIN orgs AS o ON o.id = s.org_id
             WHERE o.id = $1
             WINDOW w AS (ORDER BY t.number)
         )
         SELECT bool_and(starts_on = (starts_at AT TIME ZONE time_zone)::date) FILTER (WHERE number = 1),
                coalesce(bool_and(starts_at = before AND starts_on = day_before) FILTER (WHERE number > 1), true),
                (SELECT ends_at = (ends_on::timestamp AT TIME ZONE time_zone) FROM terms ORDER BY number DESC LIMIT 1)
         FROM terms",
    )
    .bind(owner.org)
    .fetch_one(conn)
    .await
    .expect("terms")
}

#[tokio::test]
async fn terms_end_at_the_first_instant_of_a_day_where_the_organisation_is() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let moved = "UPDATE orgs SET time_zone = $2 WHERE id = $1";
    for zone in ["Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata"] {
        let owner = trader(&mut conn).await;
        sqlx::query(moved).bind(owner.org).bind(zone).execute(&mut *conn).await.expect("moved");
        let first = chosen(&mut conn, owner, Plan::Standard).await.expect("owed");
        assert_eq!(local_days(&mut conn, owner).await, (true, true, true), "{zone}");
        paid(&mut conn, owner, first).await;
        end_term(&mut conn, owner).await;
        sqlx::query(moved).bind(owner.org).bind("America/New_York").execute(&mut *conn).await.expect("moved");
        assert!(matches!(renewed(&mut conn, owner).await, Renewed::Term(_)));
        let (_, follows, ends) = local_days(&mut conn, owner).await;
        assert!(follows && ends, "{zone}: {follows} {ends}");
    }
    drop(conn);
    db.close().await;
}
