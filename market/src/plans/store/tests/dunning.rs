//! Charges that nobody pays, or pays late.

use super::*;
use crate::ids::ListingId;
use crate::listings::model::{ListingStatus, SaleMode};
use crate::listings::store::{self as listings, ListingError};
use crate::testing::draft;

async fn dunned(conn: &mut PgConnection, charge: PlanChargeId) -> Dunned {
    act(conn, async |tx| dun(tx, charge).await).await.expect("looked at")
}

async fn status(conn: &mut PgConnection, owner: Trader) -> Option<SubscriptionStatus> {
    standing(conn, owner).await.subscription.map(|open| open.status)
}

/// An organisation that owes its first term, on an installation where free organisations publish one listing.
async fn owing(conn: &mut PgConnection) -> (Trader, PlanChargeId) {
    let few = "UPDATE plans SET most_listings = 1 WHERE code = 'free'";
    sqlx::query(few).execute(&mut *conn).await.expect("few");
    let owner = trader(conn).await;
    let charge = chosen(conn, owner, Plan::Standard).await.expect("owed");
    (owner, charge)
}

#[tokio::test]
async fn whoever_does_not_pay_is_reminded_three_times_and_falls_to_the_free_plan() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (owner, charge) = owing(&mut conn).await;
    let free = Some(1);
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Nothing);
    assert_eq!(due(&mut conn, 10).await.expect("read"), Due::default());
    for (days, number) in [(3, 1), (4, 2), (5, 3)] {
        pass(&mut conn, owner, days).await;
        assert_eq!(due(&mut conn, 10).await.expect("read").charges, [charge]);
        assert_eq!(dunned(&mut conn, charge).await, Dunned::Reminded(number));
        assert_eq!(dunned(&mut conn, charge).await, Dunned::Nothing, "once each");
        assert_eq!(due(&mut conn, 10).await.expect("read"), Due::default());
        assert_eq!(status(&mut conn, owner).await, Some(SubscriptionStatus::PastDue));
        let now = standing(&mut conn, owner).await;
        assert_eq!((now.plan, now.limits.published_listings), (Plan::Standard, free));
    }
    let refused = act(&mut conn, async |tx| choose(tx, owner.org, owner.user, Plan::Pro, None).await).await;
    assert!(matches!(refused, Err(PlanError::Refused(ChangeRefusal::PastDue))), "{refused:?}");
    pass(&mut conn, owner, 2).await;
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Lapsed);
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Nothing);
    let now = standing(&mut conn, owner).await;
    assert_eq!((now.plan, now.subscription), (Plan::Free, None));
    assert_eq!(due(&mut conn, 10).await.expect("read"), Due::default());
    // What was owed stays owed: nobody goes from one unpaid plan to the next.
    let refused = act(&mut conn, async |tx| choose(tx, owner.org, owner.user, Plan::Standard, None).await).await;
    assert!(matches!(refused, Err(PlanError::Refused(ChangeRefusal::PastDue))), "{refused:?}");
    assert_eq!(paid(&mut conn, owner, charge).await, PlanSettled::Paid { charge, again: false });
    assert_eq!(books(&mut conn).await, (1_900, -1_900));
    assert_eq!(standing(&mut conn, owner).await.plan, Plan::Free, "paying late does not bring the plan back");
    assert!(chosen(&mut conn, owner, Plan::Standard).await.is_some());
    drop(conn);
    db.close().await;
}

/// Reminders and the end came closer with migration 886.
#[tokio::test]
async fn nobody_falls_to_the_free_plan_before_the_day_that_earlier_mails_said() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (earlier, said_21) = owing(&mut conn).await;
    pass(&mut conn, earlier, 8).await;
    assert_eq!(dunned(&mut conn, said_21).await, Dunned::Reminded(2));
    let (later, said_14) = owing(&mut conn).await;
    let upgraded =
        "UPDATE _sqlx_migrations SET installed_on = clock_timestamp() - interval '1 day' WHERE version = 886";
    assert_eq!(sqlx::query(upgraded).execute(&mut *conn).await.expect("applied").rows_affected(), 1);
    let dated = include_str!("../../../../../migrations/0901_charges_of_before.sql");
    sqlx::raw_sql(dated).execute(&mut *conn).await.expect("dated");
    pass(&mut conn, earlier, 6).await;
    assert_eq!(dunned(&mut conn, said_21).await, Dunned::Nothing);
    pass(&mut conn, earlier, 5).await;
    assert_eq!(due(&mut conn, 10).await.expect("read").charges, [said_21]);
    assert_eq!(dunned(&mut conn, said_21).await, Dunned::Reminded(3));
    pass(&mut conn, earlier, 2).await;
    assert_eq!(dunned(&mut conn, said_21).await, Dunned::Lapsed);
    pass(&mut conn, later, 14).await;
    assert_eq!(dunned(&mut conn, said_14).await, Dunned::Lapsed);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_payment_in_between_restores_the_plan() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (owner, charge) = owing(&mut conn).await;
    pass(&mut conn, owner, 8).await;
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Reminded(2), "the first one is overtaken");
    let (declined, owing) = begun(&mut conn, owner, charge).await.expect("begun");
    let no = Payment {
        state: PaymentState::Failed,
        captured: eur(0),
        failure: Some("card_declined".to_owned()),
        ..captured(declined, owing.amount)
    };
    let settled = act(&mut conn, async |tx| settle(tx, declined, &no).await).await.expect("settled");
    assert_eq!(settled, PlanSettled::Failed { charge });
    assert_eq!(status(&mut conn, owner).await, Some(SubscriptionStatus::PastDue));
    assert_eq!(paid(&mut conn, owner, charge).await, PlanSettled::Paid { charge, again: true });
    let now = standing(&mut conn, owner).await;
    assert_eq!((now.plan, now.limits.published_listings), (Plan::Standard, Some(5_000)));
    assert_eq!(now.subscription.map(|open| open.status), Some(SubscriptionStatus::Active));
    pass(&mut conn, owner, 30).await;
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Nothing);
    let owing = owed(&mut conn, owner).await.pop().expect("a charge");
    assert_eq!((owing.reminders, owing.payment.map(|it| it.attempt)), (2, Some(2)));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_plan_is_back_when_everything_is_paid_that_its_owners_were_reminded_of() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (owner, term) = owing(&mut conn).await;
    let upgrade = chosen(&mut conn, owner, Plan::Pro).await.expect("owed");
    pass(&mut conn, owner, 3).await;
    for charge in [term, upgrade] {
        assert_eq!(dunned(&mut conn, charge).await, Dunned::Reminded(1));
    }
    assert_eq!(paid(&mut conn, owner, upgrade).await, PlanSettled::Paid { charge: upgrade, again: false });
    assert_eq!(status(&mut conn, owner).await, Some(SubscriptionStatus::PastDue));
    assert_eq!(paid(&mut conn, owner, term).await, PlanSettled::Paid { charge: term, again: true });
    assert_eq!(status(&mut conn, owner).await, Some(SubscriptionStatus::Active));

    // What is owed for less than three days keeps nobody from anything.
    let (owner, term) = owing(&mut conn).await;
    pass(&mut conn, owner, 2).await;
    chosen(&mut conn, owner, Plan::Pro).await.expect("owed");
    pass(&mut conn, owner, 1).await;
    assert_eq!(dunned(&mut conn, term).await, Dunned::Reminded(1));
    assert_eq!(paid(&mut conn, owner, term).await, PlanSettled::Paid { charge: term, again: true });
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn money_that_comes_when_the_plan_has_ended_pays_what_was_owed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (owner, charge) = owing(&mut conn).await;
    let (payment, owing) = begun(&mut conn, owner, charge).await.expect("begun");
    pass(&mut conn, owner, 14).await;
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Lapsed);
    let taken = captured(payment, owing.amount);
    let settled = act(&mut conn, async |tx| settle(tx, payment, &taken).await).await.expect("settled");
    assert_eq!(settled, PlanSettled::Paid { charge, again: false });
    assert_eq!((standing(&mut conn, owner).await.plan, books(&mut conn).await), (Plan::Free, (1_900, -1_900)));
    let refused = act(&mut conn, async |tx| refused(tx, payment, "late").await).await.expect("looked at");
    assert_eq!(refused, PlanSettled::NothingNew);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn better_plans_publish_more() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let plans = plans(&mut conn).await.expect("read");
    let limits: Vec<_> = plans.iter().map(|it| (it.plan, it.limits.published_listings)).collect();
    let expected = [(Plan::Free, Some(500)), (Plan::Standard, Some(5_000)), (Plan::Pro, None), (Plan::Partner, None)];
    assert_eq!(limits, expected);
    drop(conn);
    db.close().await;
}

async fn publish(conn: &mut PgConnection, seller: Trader, id: ListingId) -> Result<ListingStatus, ListingError> {
    act(conn, async |tx| listings::publish(tx, seller.org, id).await).await
}

#[tokio::test]
async fn no_more_is_published_than_the_plan_allows() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, charge) = owing(&mut conn).await;
    let mut drafts = Vec::new();
    for _ in 0..3 {
        drafts.push(draft(&mut conn, seller, SaleMode::Fixed, 1).await);
    }
    for id in [drafts[0], drafts[1]] {
        publish(&mut conn, seller, id).await.expect("the plan allows it");
    }
    pass(&mut conn, seller, 3).await;
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Reminded(1));
    let refused = publish(&mut conn, seller, drafts[2]).await;
    assert!(matches!(refused, Err(ListingError::PlanLimit(1))), "{refused:?}");
    paid(&mut conn, seller, charge).await;
    publish(&mut conn, seller, drafts[2]).await.expect("the plan is back");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn after_an_outage_a_plan_that_nobody_pays_ends_and_is_not_renewed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (owner, charge) = owing(&mut conn).await;
    pass(&mut conn, owner, 14).await;
    end_term(&mut conn, owner).await;
    let both = due(&mut conn, 10).await.expect("read");
    assert_eq!((both.terms.len(), both.charges), (1, vec![charge]));
    assert_eq!(renewed(&mut conn, owner).await, Renewed::Nothing, "the end comes first");
    assert_eq!(dunned(&mut conn, charge).await, Dunned::Lapsed);
    let owed: Vec<_> = owed(&mut conn, owner).await.iter().map(|it| (it.term, it.amount, it.status)).collect();
    assert_eq!(owed, [(1, eur(1_900), PlanChargeStatus::Lapsed)], "no second term");
    drop(conn);
    db.close().await;
}
