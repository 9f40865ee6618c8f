//! Every rule that the tables of the market keep, each broken by hand past the program. The last test finds rules that
//! nobody has tried to break.

mod appointments;
mod approvals;
mod auctions;
mod awards;
mod bids;
mod cargo;
mod carriers;
mod catalog;
mod chat;
mod checkout;
mod daily;
mod dashboard;
mod documents;
mod emails;
mod epcis;
mod escrow;
mod exports;
mod identity;
mod imports;
mod invoices;
mod keys;
mod listings;
mod money;
mod offers;
mod orders;
mod papers;
mod payouts;
mod plans;
mod reconciliation;
mod reports;
mod returns;
mod reviews;
mod sale_events;
mod search;
mod shipments;
mod standing;
mod stock;
mod webhooks;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use shared::testing::TestDb;
use sqlx::{Connection, Executor, PgConnection};

use crate::auctions::model::{CloseOutcome, LotMode};
use crate::auctions::store::{PlaceBid, close, place_bid, retract};
use crate::ids::{AuctionId, BidId};
use crate::listings::model::SaleMode;
use crate::testing::{Trader, auction, draft, end_in, secret, terms, trader};

/// Inserts a copy of a row with changes: `copy(table, which row, changes as arguments of jsonb_build_object)`.
const COPY: &str = r"
CREATE FUNCTION pg_temp.copy(source regclass, which text, changes text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO columns
    FROM pg_attribute
    WHERE attrelid = source AND attnum > 0 AND attgenerated = '' AND attidentity = '';
    EXECUTE format(
        'INSERT INTO %1$s (%2$s)
         SELECT %2$s
         FROM (SELECT (jsonb_populate_record(t, jsonb_build_object(''id'', gen_random_uuid(), %3$s))).* FROM %1$s AS t
               WHERE %4$s LIMIT 1) AS changed',
        source, columns, changes, which);
END $$";

fn copy(table: &str, which: &str, changes: &str) -> String {
    let separated = if changes.is_empty() { "'none', 1" } else { changes };
    format!("SELECT pg_temp.copy('{table}', $w${which}$w$, $c${separated}$c$)")
}

/// As many rows as an organisation may have, past every rule, and one more.
fn many(table: &str, columns: &str, values: &str, most: u32) -> String {
    format!(
        "SET LOCAL session_replication_role = replica;
         INSERT INTO {table} (id, {columns})
         SELECT gen_random_uuid(), {values}
         FROM (SELECT * FROM {table} LIMIT 1) AS t, generate_series(1, {most}) AS n;
         SET LOCAL session_replication_role = origin;
         INSERT INTO {table} (id, {columns})
         SELECT gen_random_uuid(), {values}
         FROM (SELECT * FROM {table} LIMIT 1) AS t, generate_series(0, 0) AS n"
    )
}

/// A rule, and statements that break it and none that is checked before it.
type Breach = (&'static str, String);

fn breaches() -> Vec<Breach> {
    [
        catalog::breaches(),
        listings::breaches(),
        auctions::breaches(),
        bids::breaches(),
        awards::breaches(),
        orders::breaches(),
        checkout::breaches(),
        offers::breaches(),
        escrow::breaches(),
        payouts::breaches(),
        plans::breaches(),
        reconciliation::breaches(),
        reports::breaches(),
        returns::breaches(),
        reviews::breaches(),
        sale_events::breaches(),
        invoices::breaches(),
        money::breaches(),
        standing::breaches(),
        approvals::breaches(),
        stock::breaches(),
        shipments::breaches(),
        appointments::breaches(),
        papers::breaches(),
        search::breaches(),
        dashboard::breaches(),
        exports::breaches(),
        emails::breaches(),
        imports::breaches(),
        cargo::breaches(),
        carriers::breaches(),
        keys::breaches(),
        identity::breaches(),
        webhooks::breaches(),
        epcis::breaches(),
        chat::breaches(),
        documents::breaches(),
    ]
    .concat()
}

/// A live lot with two bids, a sold one, an unsold one, a divisible one with two shares and a bid that was taken back, a draft.
async fn fill(conn: &mut PgConnection) {
    let seller = trader(conn).await;
    let [a, b, c] = [trader(conn).await, trader(conn).await, trader(conn).await];
    let mut terms = terms(conn).await;
    for sold in [false, true] {
        let lot = auction(conn, seller, &terms).await;
        bid(conn, lot, a, 5_000, None).await;
        bid(conn, lot, b, 9_000, None).await;
        if sold {
            finish(conn, lot).await;
        }
    }
    let empty = auction(conn, seller, &terms).await;
    finish(conn, empty).await;
    terms.lot_mode = LotMode::Divisible;
    let lot = auction(conn, seller, &terms).await;
    bid(conn, lot, a, 2_000, Some(70)).await;
    bid(conn, lot, b, 1_500, Some(20)).await;
    let gone = bid(conn, lot, c, 1_200, Some(5)).await;
    let mut tx = conn.begin().await.expect("a transaction");
    retract(&mut tx, gone, c.org, c.user).await.expect("taken back");
    tx.commit().await.expect("commits");
    finish(conn, lot).await;
    draft(conn, seller, SaleMode::Auction, 1).await;
    conn.execute(
        "INSERT INTO machine_models (id, category_id, make, name, slug)
         SELECT gen_random_uuid(), id, 'Fendt', '313', 'fendt-313' FROM categories LIMIT 1;
         INSERT INTO item_fits (item_id, place, make)
         SELECT item_id, 1, 'Fendt' FROM listings WHERE status = 'draft'",
    )
    .await
    .expect("a model and a part");
    stock::fill(conn, seller).await;
    emails::fill(conn, seller).await;
    offers::fill(conn, seller, a).await;
    exports::fill(conn, seller).await;
    imports::fill(conn, seller).await;
    cargo::fill(conn).await;
    carriers::fill(conn, seller).await;
    escrow::fill(conn, seller).await;
    payouts::fill(conn).await;
    reconciliation::fill(conn).await;
    reports::fill(conn, seller).await;
    returns::fill(conn, seller).await;
    shipments::fill(conn).await;
    appointments::fill(conn).await;
    papers::fill(conn).await;
    keys::fill(conn, seller).await;
    identity::fill(conn, seller).await;
    webhooks::fill(conn, seller).await;
    chat::fill(conn, seller, a).await;
    reviews::fill(conn, seller).await;
    documents::fill(conn, seller).await;
    plans::fill(conn).await;
    sale_events::fill(conn, seller).await;
    invoices::fill(conn).await;
}

async fn bid(conn: &mut PgConnection, auction: AuctionId, by: Trader, cents: i64, quantity: Option<i64>) -> BidId {
    let mut tx = conn.begin().await.expect("a transaction");
    let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity };
    let placed = place_bid(&mut tx, &place).await.expect("accepted");
    tx.commit().await.expect("commits");
    placed.bid
}

/// Moves the auction's end into the past and closes it.
async fn finish(conn: &mut PgConnection, auction: AuctionId) {
    end_in(conn, auction, TimeDelta::seconds(-1)).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let outcome = close(&mut tx, auction).await.expect("closes");
    tx.commit().await.expect("commits");
    assert!(matches!(outcome, CloseOutcome::Closed(_)), "{outcome:?}");
}

#[tokio::test]
async fn every_rule_of_the_tables_holds_against_plain_sql() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    fill(&mut conn).await;
    conn.execute(COPY).await.expect("the helper");
    let mut wrong = Vec::new();
    for (rule, statements) in breaches() {
        let mut tx = conn.begin().await.expect("a transaction");
        let script = format!("{statements}; SET CONSTRAINTS ALL IMMEDIATE");
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut *tx).await;
        let broken = result.as_ref().err().and_then(shared::invalid::violated).map(str::to_owned);
        tx.rollback().await.expect("rolled back");
        if broken.as_deref() != Some(rule) {
            wrong.push(format!("{rule}: {statements}\n    gave {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn every_rule_of_the_tables_has_a_breach() {
    let db = TestDb::new().await;
    // Keys that foreign keys point to repeat the primary key; plain references to people, organisations and lists of words
    // are left to the server. Some triggers refuse nothing: four count, two write keys, one keeps what is known of
    // shipments, one makes the deliveries of webhooks, one reserves of limits, one counts reviews and one plans to ask for them, one frees
    // days and one deletes those that were given up, and those of the search keep their table.
    let rules: Vec<String> = sqlx::query_scalar(
        "WITH tables AS (
             SELECT unnest('{currencies, categories, machine_models, items, item_fits, hire_days, listings, increment_tables,
                             auctions, bids, bid_retractions, awards, orders, order_lines, checkouts, order_taxes, order_events, basket_lines, payments,
                             escrows, disputes, refunds, webhook_inbox, payout_accounts, payouts, plans, plan_fees,
                             plan_subscriptions, plan_terms, plan_charges, plan_payments, reconciliations,
                             reconciliation_differences, invoice_series, invoices, invoice_lines, invoice_taxes, invoice_files, export_proofs, countries, fx_snapshots, fx_rates,
                             commission_rates, premium_tariffs, vat_rates, money_accounts, money_transfers, money_entries,
                             regions, sites, stock_levels, reservations, stock_movements, stock_alerts, listing_search,
                             listing_numbers, saved_searches, saved_search_hits, watches,
                             visit_keys, listing_views, listing_days, inquiries, strikes, appeals, second_chances, approvals, offers, offer_terms,
                             returns, return_lines, reviews, review_reports, review_requests, org_ratings, imports, import_rows, past_sales, cargo_events, cargo_event_keys,
                             cargo_standings, cargo_marks, cargo_rejects, cargo_archives,
                             carriers, carrier_secrets, cargo_epcis_keys, cargo_epcis_events, cargo_epcis_epcs,
                             cargo_epcis_captures, vehicles, maintenance_windows, shipments, shipment_lines,
                             shipment_traces, shipment_milestones, shipment_journeys,
                             site_hours, site_windows, site_closed_days, site_delivery_hours, site_delivery_windows, appointments,
                             site_storage_fees, storage_terms, report_sums, report_subscriptions, papers, exports, email_opt_outs, notices, notice_opt_outs,
                             api_keys, two_factors, recovery_codes, pending_logins, erasures, webhook_endpoints, webhook_secrets,
                             webhook_deliveries, webhook_attempts,
                             sale_events, sale_event_groups, sale_event_bidders, sale_event_lots,
                             conversations, conversation_keys, conversation_parties, chat_messages, chat_attachments, chat_blocks,
                             chat_reports, org_documents, org_document_reminders, org_document_leftovers}'::regclass[]) AS oid
         )
         SELECT c.conname::text
         FROM pg_constraint AS c
         JOIN tables AS t ON t.oid = c.conrelid
         WHERE c.contype = 'c'
            OR (c.contype = 'u' AND NOT EXISTS (
                    SELECT FROM pg_attribute AS a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attname = 'id'))
            OR (c.contype = 'f' AND (cardinality(c.conkey) > 1
                    OR c.confrelid <> ALL ('{users, orgs, currencies, categories}'::regclass[])))
         UNION
         SELECT i.indexrelid::regclass::text
         FROM pg_index AS i
         JOIN tables AS t ON t.oid = i.indrelid
         WHERE i.indisunique
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
         UNION
         SELECT g.tgname::text
         FROM pg_trigger AS g
         JOIN tables AS t ON t.oid = g.tgrelid
         WHERE NOT g.tgisinternal
           AND g.tgname <> ALL ('{listings_version, orders_version, money_entries_counted, invoices_numbered, cargo_keep_keys, shipments_traced,
                                  cargo_epcis_events_keys, order_events_told, reviews_counted, order_events_reviewable, sale_event_lots_reserve,
                                  orders_hire_days_freed, hire_days_given_up}')
           AND g.tgname !~ '_search_(begun|kept)$'",
    )
    .fetch_all(&db.pool)
    .await
    .expect("the rules");
    let tried: BTreeSet<_> = breaches().into_iter().map(|(rule, _)| rule.to_owned()).collect();
    let untried: Vec<_> = rules.iter().filter(|rule| !tried.contains(*rule)).collect();
    assert!(untried.is_empty(), "nobody tries to break {untried:?}");
    assert!(rules.len() > 80, "only {} rules found", rules.len());
    db.close().await;
}
