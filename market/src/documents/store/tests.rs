use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use shared::ids::OrgId;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::chat::model::PDF;
use crate::documents::model::{Document, DocumentKind, Expiring, NewDocument, Verdict};
use crate::ids::DocumentId;
use crate::images::model::UploadId;
use crate::images::store as images;
use crate::testing::{Trader, trader};

async fn sent(conn: &mut PgConnection, by: Trader) -> UploadId {
    let valid_for = Duration::from_mins(15);
    images::insert_upload(conn, by.org, by.user, PDF, 5, valid_for).await.expect("announced").id
}

/// Which day it is where the organisation is.
async fn today(conn: &mut PgConnection, org: OrgId) -> NaiveDate {
    sqlx::query_scalar("SELECT (clock_timestamp() AT TIME ZONE time_zone)::date FROM orgs WHERE id = $1")
        .bind(org)
        .fetch_one(conn)
        .await
        .expect("a day")
}

async fn new(conn: &mut PgConnection, by: Trader, days_left: i64) -> NewDocument {
    let today = today(conn, by.org).await;
    NewDocument {
        kind: DocumentKind::Licence,
        number: "4711".to_owned(),
        issued_on: today - TimeDelta::days(100),
        expires_on: today + TimeDelta::days(days_left),
        upload: sent(conn, by).await,
    }
}

/// Files that are left behind, of which nobody can write to the address any more.
async fn left(conn: &mut PgConnection) -> Vec<UploadId> {
    let sql = "UPDATE uploads SET expires_at = expires_at - interval '2 hours'";
    sqlx::query(sql).execute(&mut *conn).await.expect("aged");
    leftovers(conn, 10).await.expect("read").into_iter().map(|(upload, _)| upload).collect()
}

/// Hands a document in, in a transaction of its own.
async fn created(conn: &mut PgConnection, by: Trader, new: &NewDocument) -> Result<Document, DocumentError> {
    let mut tx = conn.begin().await.expect("a transaction");
    let document = create(&mut tx, by.org, by.user, new).await?;
    tx.commit().await.expect("committed");
    Ok(document)
}

async fn replaced(
    conn: &mut PgConnection,
    by: Trader,
    id: DocumentId,
    new: &NewDocument,
) -> Result<Document, DocumentError> {
    let mut tx = conn.begin().await.expect("a transaction");
    let document = replace(&mut tx, by.org, by.user, id, new).await?;
    tx.commit().await.expect("committed");
    Ok(document)
}

async fn decided(
    conn: &mut PgConnection,
    by: Trader,
    id: DocumentId,
    verdict: Verdict,
) -> Result<Document, DocumentError> {
    let mut tx = conn.begin().await.expect("a transaction");
    let document = decide(&mut tx, by.user, by.org, id, &verdict).await?;
    tx.commit().await.expect("committed");
    Ok(document)
}

/// Notes every reminder that is due; the stages, with the days that are left.
async fn reminded(conn: &mut PgConnection) -> Vec<(i16, i32)> {
    let due = expiring(conn, 10).await.expect("read");
    for one in &due {
        let mut tx = conn.begin().await.expect("a transaction");
        assert!(note_reminded(&mut tx, one).await.expect("noted"));
        tx.commit().await.expect("committed");
    }
    due.iter().map(|one: &Expiring| (one.stage, one.days_left)).collect()
}

#[tokio::test]
async fn a_document_expires_by_its_day_where_the_organisation_is() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let ann = trader(&mut conn).await;
    let live_in = async |conn: &mut PgConnection, zone: &str| {
        let sql = "UPDATE orgs SET time_zone = $2 WHERE id = $1";
        sqlx::query(sql).bind(ann.org).bind(zone).execute(conn).await.expect("moved");
    };
    live_in(&mut conn, "Pacific/Pago_Pago").await;
    let last_day = new(&mut conn, ann, 0).await;
    let document = created(&mut conn, ann, &last_day).await.expect("its last day");
    assert_eq!(document.status, DocumentStatus::Pending);
    assert_eq!(waiting(&mut conn, None, 10).await.expect("read"), std::slice::from_ref(&document));
    // Where it has expired, moderators have nothing to decide.
    live_in(&mut conn, "Pacific/Kiritimati").await;
    assert!(waiting(&mut conn, None, 10).await.expect("read").is_empty());
    live_in(&mut conn, "Pacific/Pago_Pago").await;
    let document = decided(&mut conn, ann, document.id, Verdict::Verified).await.expect("verified");
    assert_eq!(document.status, DocumentStatus::Verified);

    // More than a day ahead: no job has run, and nothing was written.
    live_in(&mut conn, "Pacific/Kiritimati").await;
    assert_eq!(get(&mut conn, ann.org, document.id).await.expect("there").status, DocumentStatus::Expired);
    let late = decided(&mut conn, ann, document.id, Verdict::Rejected { reason: "Forged.".to_owned() }).await;
    assert!(matches!(late, Err(DocumentError::Status(DocumentStatus::Expired))), "{late:?}");
    let upload = sent(&mut conn, ann).await;
    let late = created(&mut conn, ann, &NewDocument { upload, ..last_day }).await;
    assert!(matches!(&late, Err(DocumentError::Invalid(invalid)) if invalid.pointer == "/expires_on"), "{late:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_replaced_document_is_judged_and_reminded_of_anew() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (ann, eve) = (trader(&mut conn).await, trader(&mut conn).await);
    let first = new(&mut conn, ann, 3).await;
    let id = created(&mut conn, ann, &first).await.expect("handed in").id;
    // The stage of 30 days has passed without a word: nobody needs two mails at once.
    assert_eq!(reminded(&mut conn).await, [(7, 3)]);
    assert!(reminded(&mut conn).await.is_empty());
    decided(&mut conn, ann, id, Verdict::Verified).await.expect("verified");

    // With the same file and the same day, it waits for a moderator again, and nobody is reminded twice.
    let corrected = NewDocument { number: "4712".to_owned(), ..first.clone() };
    let document = replaced(&mut conn, ann, id, &corrected).await.expect("corrected");
    assert_eq!((document.status, document.number.as_str()), (DocumentStatus::Pending, "4712"));
    assert!(reminded(&mut conn).await.is_empty());
    assert!(left(&mut conn).await.is_empty());

    // Next year's.
    let next = new(&mut conn, ann, 20).await;
    replaced(&mut conn, ann, id, &next).await.expect("replaced");
    assert_eq!(reminded(&mut conn).await, [(30, 20)]);
    assert_eq!(left(&mut conn).await, [first.upload]);

    // What was rejected needs no renewal.
    let reason = "Not readable.".to_owned();
    let document = decided(&mut conn, ann, id, Verdict::Rejected { reason }).await.expect("rejected");
    assert_eq!(document.reason.as_deref(), Some("Not readable."));
    let sql = "UPDATE org_documents SET expires_on = expires_on - 15";
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(sql).execute(&mut *tx).await.expect("moved");
    tx.commit().await.expect("committed");
    assert!(reminded(&mut conn).await.is_empty());

    // To others it is not there.
    let foreign = replaced(&mut conn, eve, id, &next).await;
    assert!(matches!(foreign, Err(DocumentError::NotFound("document"))), "{foreign:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_file_is_one_documents_and_left_behind_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (ann, eve) = (trader(&mut conn).await, trader(&mut conn).await);
    let first = new(&mut conn, ann, 100).await;
    let id = created(&mut conn, ann, &first).await.expect("handed in").id;
    let used = created(&mut conn, ann, &first).await;
    assert!(matches!(&used, Err(DocumentError::Invalid(invalid)) if invalid.pointer == "/upload"), "{used:?}");
    let upload = sent(&mut conn, eve).await;
    let foreign = created(&mut conn, ann, &NewDocument { upload, ..first.clone() }).await;
    assert!(matches!(&foreign, Err(DocumentError::Invalid(invalid)) if invalid.pointer == "/upload"), "{foreign:?}");

    let mut tx = conn.begin().await.expect("a transaction");
    remove(&mut tx, ann.org, ann.user, id).await.expect("removed");
    tx.commit().await.expect("committed");
    let gone = images::upload(&mut conn, first.upload).await;
    assert!(matches!(gone, Err(ImageError::NoSuchUpload(_))), "{gone:?}");
    // Its address works for some minutes more.
    assert!(leftovers(&mut conn, 10).await.expect("read").is_empty());
    assert_eq!(left(&mut conn).await, [first.upload]);
    assert!(remove_leftover(&mut conn, first.upload).await.expect("removed"));
    assert!(!remove_leftover(&mut conn, first.upload).await.expect("removed before"));
    assert!(leftovers(&mut conn, 10).await.expect("read").is_empty());
    let acts: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_entries ORDER BY seq")
        .fetch_all(&mut *conn)
        .await
        .expect("the log");
    assert_eq!(acts, ["document.create", "document.delete"]);
    drop(conn);
    db.close().await;
}
