mod acting;
mod delivering;
mod races;
mod redeeming;
mod storing;
mod time;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use super::*;
use crate::appointments::model::{Appointment, DeliveryHours, NewAppointment, SiteHours, WallTime, Window};
use crate::escrow::store::escrow;
use crate::ids::ListingId;
use crate::listings::model::SaleMode;
use crate::offers::model::Party;
use crate::orders::model::OrderStatus;
use crate::orders::store as orders;
use crate::stock::store::tests::new_site;
use crate::testing::{Trader, database_time, eur, listing, pay, placed, trader};

/// A seller's site that is open all week, with slots of an hour for collections and of two for deliveries.
#[derive(Clone, Copy)]
pub(crate) struct TestDepot {
    pub(crate) seller: Trader,
    pub(crate) site: SiteId,
    goods: ListingId,
}

fn open_all_week(capacity: i16) -> SiteHours {
    let window = |weekday| Window { weekday, opens: WallTime::of_minute(0), closes: WallTime::of_minute(24 * 60) };
    let windows: Vec<_> = (1..=7).map(window).collect();
    SiteHours {
        time_zone: "UTC".to_owned().try_into().expect("a zone"),
        slot_minutes: 60,
        capacity,
        windows: windows.clone(),
        deliveries: Some(DeliveryHours { slot_minutes: 120, capacity, windows }),
        closed_days: vec!["2020-01-01".parse().expect("a day")],
        free_days: 7,
        storage_fees: vec![eur(250)],
    }
}

impl TestDepot {
    pub(crate) async fn new(conn: &mut PgConnection, capacity: i16) -> Self {
        let seller = trader(conn).await;
        let site = new_site(conn, seller.org, None).await.expect("a site").id;
        let goods = listing(conn, seller, SaleMode::Fixed, 1_000).await;
        offered_for(conn, goods, &["pickup", "freight"]).await;
        let depot = Self { seller, site, goods };
        depot.open(conn, &open_all_week(capacity)).await.expect("open");
        depot
    }

    pub(crate) const fn by_seller(&self) -> Party {
        Party { org: self.seller.org, user: self.seller.user }
    }

    async fn open(&self, conn: &mut PgConnection, hours: &SiteHours) -> Result<SiteHours, AppointmentError> {
        act(conn, async |tx| set_hours(tx, self.by_seller(), self.site, hours).await).await
    }

    /// A paid order of two units, and its buyer.
    pub(crate) async fn sold(&self, conn: &mut PgConnection) -> (OrderId, Party) {
        let buyer = trader(conn).await;
        let (checkout, order) = placed(conn, buyer, self.goods, eur(20_000)).await;
        pay(conn, buyer, checkout).await;
        (order, Party { org: buyer.org, user: buyer.user })
    }

    /// When the slot at noon begins in so many days.
    pub(crate) async fn slot(&self, conn: &mut PgConnection, days: i64) -> DateTime<Utc> {
        let noon = NaiveTime::from_hms_opt(12, 0, 0).expect("noon");
        (database_time(conn).await.date_naive() + TimeDelta::days(days)).and_time(noon).and_utc()
    }

    const fn at(&self, kind: AppointmentKind, starts_at: DateTime<Utc>) -> NewAppointment {
        NewAppointment { kind, site: Some(self.site), starts_at, ends_at: None }
    }

    pub(crate) const fn collection(&self, starts_at: DateTime<Utc>) -> NewAppointment {
        self.at(AppointmentKind::Collection, starts_at)
    }

    pub(crate) const fn delivery(&self, starts_at: DateTime<Utc>) -> NewAppointment {
        self.at(AppointmentKind::Delivery, starts_at)
    }

    async fn booked(
        &self,
        conn: &mut PgConnection,
        (order, buyer): (OrderId, Party),
        days: i64,
    ) -> Result<Appointment, AppointmentError> {
        let starts_at = self.slot(conn, days).await;
        act(conn, async |tx| book(tx, buyer, order, &self.collection(starts_at)).await).await
    }

    async fn delivered(
        &self,
        conn: &mut PgConnection,
        (order, buyer): (OrderId, Party),
        days: i64,
    ) -> Result<Appointment, AppointmentError> {
        let starts_at = self.slot(conn, days).await;
        act(conn, async |tx| book(tx, buyer, order, &self.delivery(starts_at)).await).await
    }

    /// A new sale that is to be collected in two days, and its pass.
    async fn with_pass(&self, conn: &mut PgConnection) -> (OrderId, Party, Appointment, String) {
        let (order, buyer) = self.sold(conn).await;
        let booked = self.booked(conn, (order, buyer), 2).await.expect("booked");
        let pass = act(conn, async |tx| issue(tx, buyer, booked.id).await).await.expect("a pass");
        (order, buyer, booked, pass.pass)
    }

    async fn redeem(&self, conn: &mut PgConnection, pass: &str) -> Result<Redeemed, AppointmentError> {
        act(conn, async |tx| redeem(tx, self.by_seller(), self.site, pass).await).await
    }
}

/// Changes how goods reach their buyer, past the program.
async fn offered_for(conn: &mut PgConnection, goods: ListingId, options: &[&str]) {
    let sql = "UPDATE listings SET delivery_options = $2 WHERE id = $1";
    sqlx::query(sql).bind(goods.0).bind(options).execute(conn).await.expect("changed");
}

/// Runs an act in a transaction of its own, which is rolled back after an error.
async fn act<T>(
    conn: &mut PgConnection,
    run: impl AsyncFnOnce(&mut PgConnection) -> Result<T, AppointmentError>,
) -> Result<T, AppointmentError> {
    let mut tx = conn.begin().await?;
    let done = run(&mut tx).await?;
    tx.commit().await?;
    Ok(done)
}

/// Moves a live appointment by so many hours, past the program.
async fn shift(conn: &mut PgConnection, id: AppointmentId, hours: i32) {
    let sql = "UPDATE appointments
               SET starts_at = starts_at + make_interval(hours => $2), ends_at = ends_at + make_interval(hours => $2)
               WHERE id = $1";
    sqlx::query(sql).bind(id.0).bind(hours).execute(conn).await.expect("moved");
}

fn refusal<T: std::fmt::Debug>(done: Result<T, AppointmentError>) -> AppointmentRefusal {
    match done {
        Err(AppointmentError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn invalid<T: std::fmt::Debug>(done: Result<T, AppointmentError>) -> String {
    match done {
        Err(AppointmentError::Invalid(invalid)) => invalid.pointer,
        other => panic!("{other:?}"),
    }
}

async fn status(conn: &mut PgConnection, order: OrderId) -> OrderStatus {
    orders::find(conn, order).await.expect("read").expect("the order").status
}

async fn now_of(conn: &mut PgConnection, id: AppointmentId) -> AppointmentStatus {
    find(conn, id).await.expect("read").expect("the appointment").status
}
