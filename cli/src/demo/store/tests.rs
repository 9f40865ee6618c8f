use shared::testing::TestDb;
use sqlx::ConnectOptions;

use super::books::Books;
use super::*;

#[tokio::test]
async fn a_job_that_waits_for_another_try_is_open_and_a_timer_is_not() {
    let db = TestDb::new().await;
    let conn = async || db.options().connect().await.unwrap();
    let mut stored = Stored { market: conn().await, events: conn().await };
    let since = stored.now().await.unwrap() - chrono::TimeDelta::minutes(1);
    // Of these only the first waits for its time, and the last has ended.
    sqlx::query(
        "INSERT INTO jobs (kind, queue, state, payload, attempt, run_at, worker, started_at, finished_at)
         SELECT 'demo', 'emails', state::job_state, '{}', attempt, now() + after,
                CASE WHEN state = 'running' THEN 1 END, CASE WHEN state = 'running' THEN now() END,
                CASE WHEN state = 'dead' THEN now() END
         FROM (VALUES ('scheduled', 0, interval '1 hour'), ('scheduled', 1, '1 hour'), ('scheduled', 0, '-1 second'),
                      ('available', 0, '0'), ('queued', 0, '0'), ('running', 1, '0'), ('dead', 1, '0'))
             AS made (state, attempt, after)",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let sellers = [OrgId::generate()];
    let jobs = stored.jobs(since, &sellers).await.unwrap();
    assert_eq!(jobs, Jobs { open: 5, dead: 1, ..Jobs::default() });
    // What is waited for is what the figures say.
    assert_eq!(stored.open_jobs(since, &sellers).await.unwrap(), jobs.open);
    stored.close().await;
    db.close().await;
}

#[tokio::test]
async fn an_order_without_an_invoice_and_a_refund_without_a_credit_note_are_in_the_books() {
    let db = TestDb::new().await;
    let conn = async || db.options().connect().await.unwrap();
    let mut stored = Stored { market: conn().await, events: conn().await };
    let right = Books {
        money_ledger_sum: 0,
        stock_mismatches: 0,
        invoice_gaps: 0,
        orders_without_invoice: 0,
        refunds_without_credit_note: 0,
    };
    assert_eq!(stored.books().await.unwrap(), right);
    // One of two orders is invoiced, and one of its two refunds credited. What came too late is of no order.
    let mut tx = db.pool.begin().await.unwrap();
    for sql in [
        "SET LOCAL session_replication_role = replica",
        "INSERT INTO escrows (order_id, payment_id, amount_minor)
         SELECT gen_random_uuid(), gen_random_uuid(), 100 FROM generate_series(1, 2)",
        "INSERT INTO refunds (id, payment_id, order_id, cause, amount_minor, net_minor)
         SELECT gen_random_uuid(), e.payment_id, e.order_id, 'dispute', 10, 10
         FROM (SELECT * FROM escrows ORDER BY order_id LIMIT 1) AS e, generate_series(1, 2)",
        "INSERT INTO refunds (id, payment_id, cause, amount_minor) VALUES (gen_random_uuid(), gen_random_uuid(), 'late', 10)",
        "WITH invoiced AS (
             INSERT INTO invoices (id, kind, seller_org_id, buyer_org_id, year, number, issued_at, order_id, currency, net_minor, tax_minor,
                                   gross_minor, vat_treatment, seller, buyer)
             SELECT gen_random_uuid(), 'invoice', gen_random_uuid(), gen_random_uuid(), 2026, 1, now(), order_id, 'EUR', 100, 0, 100,
                    'outside', '{}', '{}'
             FROM escrows
             ORDER BY order_id
             LIMIT 1
             RETURNING *
         )
         INSERT INTO invoices (id, kind, seller_org_id, buyer_org_id, year, number, issued_at, order_id, refers_to, refund_id, currency,
                               net_minor, tax_minor, gross_minor, vat_treatment, seller, buyer)
         SELECT gen_random_uuid(), 'credit_note', i.seller_org_id, i.buyer_org_id, 2026, 1, now(), i.order_id, i.id, r.id, 'EUR', 10, 0, 10,
                'outside', '{}', '{}'
         FROM invoiced AS i
         JOIN refunds AS r ON r.order_id = i.order_id
         LIMIT 1",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let wrong = Books { orders_without_invoice: 1, refunds_without_credit_note: 1, ..right };
    assert_eq!(stored.books().await.unwrap(), wrong);
    stored.close().await;
    db.close().await;
}
