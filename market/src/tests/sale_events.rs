//! Sale events, their lots and their bidders.

use sqlx::{Connection, PgConnection};

use super::{Breach, bid, copy, many};
use crate::listings::model::SaleMode;
use crate::sale_events::model::{NewSaleEvent, NewSaleEventLot};
use crate::sale_events::store::{add_lot, create};
use crate::testing::{Trader, database_time, eur, listing, register, sale_event, trader};

/// A published event with a lot in a group, which its one bidder leads; a draft with a lot.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let (event, lots) = sale_event(conn, seller, &[Some(1)], Some(eur(10_000))).await;
    let bidder = trader(conn).await;
    register(conn, event, bidder).await;
    bid(conn, lots[0], bidder, 5_000, None).await;
    let now = database_time(conn).await;
    let listing_id = listing(conn, seller, SaleMode::Auction, 1).await;
    let new = NewSaleEvent {
        title: "Spring sale".to_owned(),
        description: "Later.".to_owned(),
        currency: shared::money::Currency::EUR,
        starts_at: now,
        first_ends_at: now + chrono::TimeDelta::days(1),
        step_ms: None,
        soft_close_seconds: None,
        hard_close_seconds: None,
        default_limit: None,
    };
    let lot =
        NewSaleEventLot { listing_id, lot_no: None, group: None, opening: eur(1_000), reserve: None, buy_now: None };
    let mut tx = conn.begin().await.expect("a transaction");
    let draft = create(&mut tx, seller.org, seller.user, &new).await.expect("a draft");
    add_lot(&mut tx, seller.org, draft, &lot).await.expect("a lot");
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    [events(), bidders(), lots()].concat()
}

fn events() -> Vec<Breach> {
    let sql = str::to_owned;
    let draft = |changes: &str| copy("sale_events", "status = 'draft'", changes);
    vec![
        ("sale_events_title_length", draft("'title', ''")),
        ("sale_events_description_length", draft("'description', repeat('x', 5001)")),
        ("sale_events_status_known", draft("'status', 'over'")),
        ("sale_events_step_range", draft("'step_ms', -1")),
        ("sale_events_soft_close_range", draft("'soft_close_seconds', 86401")),
        ("sale_events_hard_close_range", draft("'hard_close_seconds', 86401")),
        ("sale_events_default_limit_range", draft("'default_limit_minor', 0")),
        ("sale_events_in_order", draft("'first_ends_at', t.starts_at")),
        ("sale_events_published", draft("'status', 'published'")),
        ("sale_events_cancelled", draft("'cancelled_at', now()")),
        (
            "sale_events_per_day",
            many(
                "sale_events",
                "seller_org_id, title, description, currency, starts_at, first_ends_at, step_ms, soft_close_seconds, \
                 hard_close_seconds, created_by",
                "t.seller_org_id, t.title, t.description, t.currency, t.starts_at, t.first_ends_at, t.step_ms, \
                 t.soft_close_seconds, t.hard_close_seconds, t.created_by",
                100,
            ),
        ),
        ("sale_events_status_moves", sql("UPDATE sale_events SET status = 'draft' WHERE status = 'published'")),
        ("sale_events_fixed", sql("UPDATE sale_events SET title = 'Another' WHERE status = 'published'")),
        ("sale_event_groups_of_event", copy("sale_event_groups", "true", "'event_id', gen_random_uuid()")),
        ("sale_event_groups_no_range", copy("sale_event_groups", "true", "'group_no', 0")),
        ("sale_event_groups_extended", sql("UPDATE sale_event_groups SET extended_at = now(), extended_until = now()")),
        ("sale_event_groups_extended", sql("UPDATE sale_event_groups SET extended_at = now()")),
        (
            "sale_event_groups_forward",
            sql("UPDATE sale_event_groups SET hard_ends_at = hard_ends_at + interval '1 second'"),
        ),
        (
            "auctions_in_event",
            sql("UPDATE auctions
                 SET sale_event_id = gen_random_uuid()
                 WHERE id = (SELECT id FROM auctions WHERE sale_event_id IS NULL AND lot_mode = 'whole' LIMIT 1)"),
        ),
        ("auctions_event_fixed", sql("UPDATE auctions SET sale_event_id = NULL WHERE sale_event_id IS NOT NULL")),
    ]
}

fn bidders() -> Vec<Breach> {
    let sql = str::to_owned;
    let bidder = |changes: &str| copy("sale_event_bidders", "true", &format!("'reserved_minor', 0, {changes}"));
    vec![
        ("sale_event_bidders_status_known", bidder("'status', 'known', 'limit_minor', NULL")),
        ("sale_event_bidders_limit_range", bidder("'limit_minor', 0")),
        (
            "sale_event_bidders_within_limit",
            sql("SET LOCAL session_replication_role = replica;
                 UPDATE sale_event_bidders SET reserved_minor = limit_minor + 1"),
        ),
        ("sale_event_bidders_within_limit", sql("UPDATE sale_event_lots SET held_minor = 10001 WHERE held_minor > 0")),
        ("sale_event_bidders_of_event", bidder("'event_id', gen_random_uuid()")),
        ("sale_event_bidders_once", copy("sale_event_bidders", "true", "'reserved_minor', 0")),
        ("sale_event_bidders_not_seller", bidder("'org_id', t.seller_org_id")),
        ("sale_event_bidders_decided", bidder("'decided_at', NULL")),
        ("sale_event_bidders_approved_with_limit", bidder("'limit_minor', NULL")),
        ("sale_event_bidders_begin_free", copy("sale_event_bidders", "true", "'reserved_minor', 1")),
        ("sale_event_bidders_fixed", sql("UPDATE sale_event_bidders SET requested_at = now()")),
        ("sale_event_bidders_reserved_by_lots", sql("UPDATE sale_event_bidders SET reserved_minor = 0")),
    ]
}

fn lots() -> Vec<Breach> {
    let sql = str::to_owned;
    let draft = |changes: &str| copy("sale_event_lots", "auction_id IS NULL", &format!("'lot_no', 400, {changes}"));
    let set = |changes: &str, which: &str| format!("UPDATE sale_event_lots SET {changes} WHERE {which}");
    let (not_yet, sold, held) = ("auction_id IS NULL", "auction_id IS NOT NULL", "held_org_id IS NOT NULL");
    vec![
        ("sale_event_lots_no_range", draft("'lot_no', 501")),
        ("sale_event_lots_group_range", draft("'group_no', 0")),
        ("sale_event_lots_opening_range", draft("'opening_minor', 0")),
        ("sale_event_lots_reserve_above_opening", draft("'reserve_minor', t.opening_minor")),
        ("sale_event_lots_buy_now_above", draft("'buy_now_minor', t.opening_minor")),
        ("sale_event_lots_of_auction", set("auction_id = gen_random_uuid()", not_yet)),
        ("sale_event_lots_with_premium", set("premium_tariff_id = -1", not_yet)),
        ("sale_event_lots_held_positive", set("held_minor = 0", held)),
        ("sale_event_lots_held_complete", set("held_minor = NULL", held)),
        (
            "sale_event_lots_held_in_auction",
            set("held_minor = 1, held_org_id = (SELECT org_id FROM sale_event_bidders LIMIT 1)", not_yet),
        ),
        ("sale_event_lots_held_for_bidder", set("held_org_id = gen_random_uuid()", held)),
        ("sale_event_lots_once", draft("'group_no', 1")),
        (
            "sale_event_lots_one_auction",
            set("auction_id = (SELECT auction_id FROM sale_event_lots WHERE auction_id IS NOT NULL LIMIT 1)", not_yet),
        ),
        ("sale_event_lots_of_event", draft("'event_id', gen_random_uuid()")),
        ("sale_event_lots_of_listing", draft("'listing_id', gen_random_uuid()")),
        ("sale_event_lots_begin_free", copy("sale_event_lots", sold, "'lot_no', 400")),
        ("sale_event_lots_fixed", set("opening_minor = opening_minor + 1", sold)),
        ("sale_event_lots_kept", sql("DELETE FROM sale_event_lots WHERE auction_id IS NOT NULL")),
    ]
}
