//! Whether everybody's books are right.

use shared::ids::OrgId;

use super::{Stored, unsigned};
use crate::demo::fates::Counts;

/// What must be nothing, in the whole installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Books {
    /// The sum of all entries of the money ledger, in minor units; of several currencies, that of the amounts without their signs.
    pub(crate) money_ledger_sum: i64,
    /// Stock levels and quantities that are not what was counted in, less what was sold, and listings that sold other than was paid.
    pub(crate) stock_mismatches: u64,
    /// Numbers of invoices and credit notes that nobody has.
    pub(crate) invoice_gaps: u64,
    /// Money is held for them, or was.
    pub(crate) orders_without_invoice: u64,
    /// Of orders; what came when its checkout was over was never invoiced.
    pub(crate) refunds_without_credit_note: u64,
}

impl Stored {
    /// How the orders of these sellers ended.
    pub(crate) async fn ends(&mut self, sellers: &[OrgId]) -> sqlx::Result<Counts> {
        let sellers: Vec<_> = sellers.iter().map(|seller| seller.0).collect();
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE e.status IS NOT NULL) AS "paid!",
                      count(*) FILTER (WHERE a.status = 'defaulted') AS "defaulted!",
                      count(*) FILTER (WHERE e.status = 'held') AS "held!",
                      count(*) FILTER (WHERE e.status = 'released') AS "released!",
                      count(*) FILTER (WHERE e.status = 'refunded') AS "refunded!",
                      count(*) FILTER (WHERE e.status = 'partly') AS "partly!"
               FROM orders AS o
               LEFT JOIN escrows AS e ON e.order_id = o.id
               LEFT JOIN awards AS a ON a.id = o.award_id
               WHERE o.seller_org_id = ANY ($1)"#,
            &sellers,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(Counts {
            paid: unsigned(row.paid),
            defaulted: unsigned(row.defaulted),
            held: unsigned(row.held),
            released: unsigned(row.released),
            refunded: unsigned(row.refunded),
            partly: unsigned(row.partly),
        })
    }

    pub(crate) async fn books(&mut self) -> sqlx::Result<Books> {
        let row = sqlx::query!(
            r#"SELECT (SELECT coalesce(sum(abs(sum)), 0)::bigint
                       FROM (SELECT sum(amount_minor) FROM money_entries GROUP BY currency) AS sums) AS "money!",
                      (SELECT count(*)
                       FROM stock_levels AS s
                       WHERE (s.on_hand, s.reserved, s.quarantined) <> (
                                 SELECT coalesce(sum(on_hand_delta), 0), coalesce(sum(reserved_delta), 0),
                                        coalesce(sum(quarantined_delta), 0)
                                 FROM stock_movements AS m
                                 WHERE m.item_id = s.item_id AND m.site_id = s.site_id)
                          OR s.reserved <> (
                                 SELECT coalesce(sum(quantity), 0)
                                 FROM reservations AS r
                                 WHERE r.item_id = s.item_id AND r.site_id = s.site_id AND r.status = 'held')
                          OR (SELECT -coalesce(sum(on_hand_delta), 0)
                              FROM stock_movements AS m
                              WHERE m.item_id = s.item_id AND m.site_id = s.site_id AND m.kind = 'take') <> (
                                 SELECT coalesce(sum(r.quantity), 0)
                                 FROM reservations AS r
                                 JOIN escrows AS e ON e.order_id = r.order_id
                                 WHERE r.item_id = s.item_id AND r.site_id = s.site_id AND r.status = 'taken'))
                      + (SELECT count(*)
                         FROM listings AS l
                         WHERE l.site_id IS NULL
                           AND (l.reserved, l.sold) <> (
                                 SELECT coalesce(sum(quantity) FILTER (WHERE status = 'held'), 0),
                                        coalesce(sum(quantity) FILTER (WHERE status = 'taken'), 0)
                                 FROM reservations AS r
                                 WHERE r.listing_id = l.id)) AS "stock!",
                      (SELECT coalesce(sum(abs(missing)), 0)::bigint FROM invoice_gaps) AS "gaps!",
                      (SELECT count(*)
                       FROM escrows AS e
                       WHERE NOT EXISTS (
                                 SELECT
                                 FROM invoices AS i
                                 WHERE i.order_id = e.order_id AND i.kind = 'invoice' AND i.replaces IS NULL)) AS "not_invoiced!",
                      (SELECT count(*)
                       FROM refunds AS r
                       WHERE r.order_id IS NOT NULL
                         AND NOT EXISTS (
                                 SELECT FROM invoices AS i WHERE i.refund_id = r.id AND i.kind = 'credit_note')) AS "not_credited!""#,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(Books {
            money_ledger_sum: row.money,
            stock_mismatches: unsigned(row.stock),
            invoice_gaps: unsigned(row.gaps),
            orders_without_invoice: unsigned(row.not_invoiced),
            refunds_without_credit_note: unsigned(row.not_credited),
        })
    }
}
