use jobs::appointments::{EndAppointments, mail};
use market::appointments::model::AppointmentStatus;
use market::appointments::store::end_overdue;
use queue::{Handler, Outcome};
use serde_json::json;

use super::{MOST, ROUNDS};
use crate::{Cx, Services};

impl Handler<Services> for EndAppointments {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let (mut ended, mut missed) = (0, 0);
        for _ in 0..ROUNDS {
            let mut tx = cx.begin().await?;
            let some = end_overdue(&mut tx, MOST).await?;
            for appointment in &some {
                missed += usize::from(appointment.status == AppointmentStatus::Missed);
                mail::ended(&mut tx, appointment).await?;
            }
            tx.commit().await?;
            ended += some.len();
            if some.is_empty() {
                break;
            }
        }
        Ok(Outcome::DoneWith(json!({ "ended": ended, "missed": missed })))
    }
}
