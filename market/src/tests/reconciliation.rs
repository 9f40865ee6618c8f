//! Reconciliations and differences.

use sqlx::PgConnection;

use super::{Breach, copy};

/// A reconciliation that has found two differences, one of which somebody has closed.
pub(super) async fn fill(conn: &mut PgConnection) {
    sqlx::raw_sql(
        "INSERT INTO reconciliations (provider, since, until, compared, differences) VALUES ('simulator', 'yesterday', 'today', 1, 2);
         INSERT INTO reconciliation_differences (id, reconciliation_id, provider, kind, subject, ours)
         SELECT gen_random_uuid(), id, provider, 'missing_there', 'payment/1', '{}' FROM reconciliations;
         INSERT INTO reconciliation_differences (id, reconciliation_id, provider, kind, subject, theirs, closed_at, closed_by, note)
         SELECT gen_random_uuid(), r.id, r.provider, 'missing_here', 'payment/2', '{}', now(), u.id, 'so'
         FROM reconciliations AS r CROSS JOIN (SELECT id FROM users LIMIT 1) AS u",
    )
    .execute(conn)
    .await
    .expect("differences");
}

pub(super) fn breaches() -> Vec<Breach> {
    let run = |values: &str| {
        format!("INSERT INTO reconciliations (provider, since, until, compared, differences) VALUES ({values})")
    };
    let difference = |changes: &str| copy("reconciliation_differences", "closed_at IS NULL", changes);
    vec![
        ("reconciliations_provider_known", run("'nobody', 'yesterday', 'today', 0, 0")),
        ("reconciliations_compared_not_negative", run("'simulator', 'yesterday', 'today', -1, 0")),
        ("reconciliations_differences_not_negative", run("'simulator', 'yesterday', 'today', 0, -1")),
        ("reconciliations_period", run("'simulator', 'today', 'today', 0, 0")),
        ("reconciliations_append_only", "DELETE FROM reconciliations".to_owned()),
        ("differences_of_reconciliation", difference("'reconciliation_id', 0, 'subject', 'b'")),
        ("differences_provider_known", difference("'provider', 'nobody'")),
        ("differences_kind_known", difference("'kind', 'mood'")),
        ("differences_subject_length", difference("'subject', ''")),
        (
            "differences_note_length",
            difference("'subject', 'b', 'note', '', 'closed_at', now(), 'closed_by', (SELECT id FROM users LIMIT 1)"),
        ),
        ("differences_once", difference("")),
        ("differences_closed", difference("'subject', 'b', 'note', 'so'")),
        (
            "differences_fixed",
            "UPDATE reconciliation_differences SET note = 'other' WHERE closed_at IS NOT NULL".to_owned(),
        ),
    ]
}
