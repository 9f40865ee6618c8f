//! What an organisation asks for in a day.

use shared::testing::TestDb;
use sqlx::{Connection as _, PgConnection};

use crate::identity::store::{InvitationError, invite};
use crate::identity::{Email, MemberRole};
use crate::images::store::{ImageError, insert_upload};
use crate::reports::model::{Format, Kind, NewReport, Parameters};
use crate::reports::rules::Period;
use crate::reports::store::{ReportError, insert};
use crate::testing::{Trader, trader};

/// Writes rows past every rule, as if they had been made today.
async fn past_the_rules(conn: &mut PgConnection, statement: &'static str, by: Trader) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(statement).bind(by.org).bind(by.user).execute(&mut *tx).await.expect("rows");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn what_an_organisation_asks_for_in_a_day_is_bounded() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let by = trader(&mut conn).await;

    let invitations = "INSERT INTO invitations (id, org_id, email, role, invited_by, expires_at, ended_at, ended_how)
                       SELECT gen_random_uuid(), $1, n || '@example.test', 'viewer', $2, now(), now(), 'declined'
                       FROM generate_series(1, 499) AS n";
    past_the_rules(&mut conn, invitations, by).await;
    let mut invited = Vec::new();
    for name in ["ann", "bob"] {
        let email: Email = format!("{name}@example.test").parse().expect("an address");
        let mut tx = conn.begin().await.expect("a transaction");
        invited.push(invite(&mut tx, by.org, &email, MemberRole::Viewer, by.user).await);
        tx.commit().await.expect("commits");
    }
    assert!(matches!(invited.as_slice(), [Ok(_), Err(InvitationError::TooManyToday)]), "{invited:?}");

    let uploads =
        "INSERT INTO uploads (id, org_id, created_by, content_type, size, object_key, expires_at, completed_at)
                   SELECT gen_random_uuid(), $1, $2, 'image/png', 5, 'uploads/' || n, now(), now()
                   FROM generate_series(1, 39999) AS n";
    past_the_rules(&mut conn, uploads, by).await;
    let valid = std::time::Duration::from_mins(5);
    let first = insert_upload(&mut conn, by.org, by.user, "image/png", 5, valid).await;
    let second = insert_upload(&mut conn, by.org, by.user, "image/png", 5, valid).await;
    assert!(first.is_ok() && matches!(second, Err(ImageError::TooManyToday)), "{second:?}");

    let reports = "INSERT INTO reports (id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at)
                   SELECT gen_random_uuid(), $1, $2, 'sales', 'csv', 'UTC', '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-02'
                   FROM generate_series(1, 499)";
    past_the_rules(&mut conn, reports, by).await;
    let day = "2026-01-01".parse().expect("a day");
    let period = Period::new(day, day, chrono_tz::UTC).expect("a period");
    let asked_for = NewReport {
        org: by.org,
        requested_by: Some(by.user),
        subscription: None,
        kind: Kind::Sales,
        format: Format::Csv,
        period,
        parameters: Parameters::default(),
    };
    assert!(insert(&mut conn, &asked_for).await.is_ok());
    let refused = insert(&mut conn, &asked_for).await;
    assert!(matches!(refused, Err(ReportError::TooManyToday)), "{refused:?}");
    // The schedule's are not counted.
    let scheduled = NewReport { requested_by: None, ..asked_for };
    assert!(matches!(insert(&mut conn, &scheduled).await, Ok(Some(_))));
    drop(conn);
    db.close().await;
}
