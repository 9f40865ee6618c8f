//! What time does with appointments, on the real engine and over the real store.

use chrono::{TimeDelta, Utc};
use jobs::appointments::{EndAppointments, RemindParties, book};
use market::appointments::model::{
    Appointment, AppointmentKind, AppointmentStatus, NewAppointment, SiteHours, WallTime, Window,
};
use market::appointments::store::{find, set_hours};
use market::ids::{AppointmentId, OrderId, SiteId};
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::stock::model::{NewSite, SiteKind};
use market::stock::store::create_site;
use market::testing::{self, eur};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::Services;
use crate::testing::TestWorkers;

/// A paid order, and a site at which it can be collected at every full hour.
pub(crate) struct TestDepot {
    pub(crate) workers: TestWorkers,
    pub(crate) buyer: Party,
    site: SiteId,
    order: OrderId,
}

impl TestDepot {
    async fn new() -> Self {
        Self::with(Handlers::default().with::<EndAppointments>().with::<RemindParties>()).await
    }

    pub(crate) async fn with(handlers: Handlers<Services>) -> Self {
        let workers = TestWorkers::new(handlers).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let by = Party { org: seller.org, user: seller.user };
        let region = sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'").fetch_one(&mut *conn).await;
        let (name, kind, region_id) = ("Depot".to_owned(), SiteKind::Depot, region.unwrap());
        let site = NewSite { region_id, name, kind, latitude: 53.5, longitude: 10.0, capacity: None };
        let site = create_site(&mut conn, seller.org, &site).await.unwrap().id;
        let window = |weekday| Window { weekday, opens: WallTime::of_minute(0), closes: WallTime::of_minute(24 * 60) };
        let hours = SiteHours {
            time_zone: "UTC".to_owned().try_into().unwrap(),
            slot_minutes: 60,
            capacity: 1,
            windows: (1..=7).map(window).collect(),
            deliveries: None,
            closed_days: Vec::new(),
            free_days: 7,
            storage_fees: vec![eur(250)],
        };
        let mut tx = conn.begin().await.unwrap();
        set_hours(&mut tx, by, site, &hours).await.unwrap();
        tx.commit().await.unwrap();
        let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let (checkout, order) = testing::placed(&mut conn, buyer, goods, eur(30_000)).await;
        testing::pay(&mut conn, buyer, checkout).await;
        drop(conn);
        Self { workers, buyer: Party { org: buyer.org, user: buyer.user }, site, order }
    }

    pub(crate) async fn booked(&self, days: i64) -> Appointment {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let hour = testing::database_time(&mut tx).await.timestamp() / 3_600;
        let starts_at = chrono::DateTime::<Utc>::from_timestamp((hour + 24 * days) * 3_600, 0).unwrap();
        let new = NewAppointment { kind: AppointmentKind::Collection, site: Some(self.site), starts_at, ends_at: None };
        let booked = book(&mut tx, self.buyer, self.order, &new).await.unwrap();
        tx.commit().await.unwrap();
        booked
    }

    /// Moves an appointment nearer, past the program.
    async fn bring(&self, id: AppointmentId, by: TimeDelta) {
        let sql = "UPDATE appointments
                   SET starts_at = starts_at - make_interval(mins => $2), ends_at = ends_at - make_interval(mins => $2)
                   WHERE id = $1";
        let minutes = i32::try_from(by.num_minutes()).unwrap();
        sqlx::query(sql).bind(id).bind(minutes).execute(&self.workers.db.pool).await.unwrap();
    }

    async fn mails(&self, template: &str) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = $1";
        sqlx::query_scalar(sql).bind(template).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    async fn status(&self, id: AppointmentId) -> AppointmentStatus {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        find(&mut conn, id).await.unwrap().unwrap().status
    }

    async fn ends(&self) -> Value {
        self.workers.ledger.enqueue(&EndAppointments {}).await.unwrap();
        self.workers.queue.drain().await;
        rows(&self.workers.db.pool, "appointments.end").await.pop().unwrap().result.unwrap()
    }

    async fn reminds(&self) -> Value {
        self.workers.ledger.enqueue(&RemindParties {}).await.unwrap();
        self.workers.queue.drain().await;
        rows(&self.workers.db.pool, "appointments.remind").await.pop().unwrap().result.unwrap()
    }
}

#[tokio::test]
async fn both_sides_are_reminded_once_and_hear_once_that_nobody_came() {
    let depot = TestDepot::new().await;
    let id = depot.booked(3).await.id;
    assert_eq!((depot.mails("appointment_booked").await, depot.reminds().await), (2, json!({"reminded": 0})));
    depot.bring(id, TimeDelta::hours(49)).await;
    assert_eq!((depot.reminds().await, depot.mails("appointment_reminder").await), (json!({"reminded": 1}), 2));
    assert_eq!((depot.reminds().await, depot.mails("appointment_reminder").await), (json!({"reminded": 0}), 2));
    assert_eq!(depot.ends().await, json!({"ended": 0, "missed": 0}));
    depot.bring(id, TimeDelta::hours(30)).await;
    assert_eq!((depot.ends().await, depot.mails("appointment_missed").await), (json!({"ended": 1, "missed": 1}), 2));
    assert_eq!((depot.ends().await, depot.mails("appointment_missed").await), (json!({"ended": 0, "missed": 0}), 2));
    assert_eq!(depot.status(id).await, AppointmentStatus::Missed);
    // Another one is possible.
    assert_eq!(depot.booked(2).await.missed, 1);
    depot.workers.leave().await;
}

#[tokio::test]
async fn of_two_runs_at_once_one_ends_an_appointment_and_tells_of_it() {
    let depot = TestDepot::new().await;
    for round in 1..=10_i64 {
        let id = depot.booked(3).await.id;
        depot.bring(id, TimeDelta::hours(100)).await;
        let run = async || {
            let mut tx = depot.workers.ledger.begin().await.unwrap();
            let ended = market::appointments::store::end_overdue(&mut tx, 100).await.unwrap();
            for appointment in &ended {
                jobs::appointments::mail::ended(&mut tx, appointment).await.unwrap();
            }
            tx.commit().await.unwrap();
            ended.len()
        };
        let (one, other) = tokio::join!(run(), run());
        assert_eq!((one + other, depot.mails("appointment_missed").await), (1, 2 * round));
    }
    depot.workers.leave().await;
}
