//! Documents of organisations.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::chat::model::PDF;
use crate::documents::model::{DocumentKind, NewDocument, Verdict};
use crate::documents::store::{create, decide, expiring, note_reminded, remove};
use crate::images::store::insert_upload;
use crate::testing::{Trader, database_time};

/// A document that waits, which its owners were reminded of, one that is verified, and one that left its file behind.
pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    let today = database_time(conn).await.date_naive();
    let mut documents = Vec::new();
    for _ in 0..3 {
        let upload = insert_upload(conn, of.org, of.user, PDF, 5, Duration::from_mins(15)).await.expect("announced").id;
        let new = NewDocument {
            kind: DocumentKind::Licence,
            number: "4711".to_owned(),
            issued_on: today - TimeDelta::days(9),
            expires_on: today + TimeDelta::days(9),
            upload,
        };
        let mut tx = conn.begin().await.expect("a transaction");
        documents.push(create(&mut tx, of.org, of.user, &new).await.expect("handed in").id);
        tx.commit().await.expect("committed");
    }
    let mut tx = conn.begin().await.expect("a transaction");
    let due = expiring(&mut tx, 10).await.expect("read");
    for one in due.iter().filter(|one| one.document == documents[0]) {
        assert!(note_reminded(&mut tx, one).await.expect("noted"));
    }
    decide(&mut tx, of.user, of.org, documents[1], &Verdict::Verified).await.expect("verified");
    remove(&mut tx, of.org, of.user, documents[2]).await.expect("removed");
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    // A file that no document has.
    let other = "'upload_id', (SELECT id FROM uploads WHERE id NOT IN (SELECT upload_id FROM org_documents) LIMIT 1)";
    let document = |changes: &str| copy("org_documents", "status = 'pending'", &format!("{other}, {changes}"));
    let set = |changes: &str, status: &str| format!("UPDATE org_documents SET {changes} WHERE status = '{status}'");
    let reminder = |changes: &str| copy("org_document_reminders", "true", changes);
    let leftover = |changes: &str| copy("org_document_leftovers", "true", changes);
    vec![
        ("org_documents_kind_known", document("'kind', 'none'")),
        ("org_documents_number_length", document("'number', ''")),
        ("org_documents_issued_range", document("'issued_on', '1899-12-31'")),
        ("org_documents_expires_range", document("'expires_on', '2200-01-01'")),
        ("org_documents_expire_later", document("'expires_on', t.issued_on - 1")),
        ("org_documents_once_per_upload", copy("org_documents", "status = 'pending'", "")),
        ("org_documents_of_upload", document("'upload_id', gen_random_uuid()")),
        ("org_documents_decided", document("'decided_at', now()")),
        ("org_documents_rejected", document("'reason', 'So.'")),
        ("org_documents_rejected", set("status = 'rejected'", "verified")),
        ("org_documents_reason_length", set("status = 'rejected', reason = ''", "verified")),
        (
            "org_documents_status_known",
            format!(
                "SET LOCAL session_replication_role = replica; {}",
                set("status = 'none', decided_by = placed_by, decided_at = now()", "pending")
            ),
        ),
        (
            "org_documents_per_org",
            many(
                "org_documents",
                "org_id, kind, number, issued_on, expires_on, upload_id, placed_by",
                "t.org_id, t.kind, t.number, t.issued_on, t.expires_on, gen_random_uuid(), t.placed_by",
                100,
            ),
        ),
        (
            "org_documents_begin_pending",
            document("'status', 'verified', 'decided_by', t.placed_by, 'decided_at', now()"),
        ),
        ("org_documents_fixed", set("created_at = created_at - interval '1 day'", "pending")),
        ("org_documents_judged_anew", set("number = 'another'", "verified")),
        (
            "org_documents_status_moves",
            format!(
                "{}; {}",
                set("status = 'rejected', reason = 'So.'", "verified"),
                set("status = 'verified', reason = NULL", "rejected")
            ),
        ),
        ("org_document_reminders_of_document", reminder("'document_id', gen_random_uuid()")),
        ("org_document_reminders_once", reminder("")),
        ("org_document_reminders_stage_known", reminder("'stage', 8")),
        ("org_document_leftovers_of_upload", leftover("'upload_id', gen_random_uuid()")),
        ("org_document_leftovers_pkey", sql("INSERT INTO org_document_leftovers SELECT * FROM org_document_leftovers")),
    ]
}
