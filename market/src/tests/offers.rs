//! Offers, and the orders that follow from them.

use sqlx::{Connection, PgConnection};

use super::{Breach, copy};
use crate::listings::model::SaleMode;
use crate::offers::model::{Party, Proposal};
use crate::offers::store::{NewOffer, accept, create};
use crate::testing::{Trader, eur, listing};

/// An open offer, and one that was accepted.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader, buyer: Trader) {
    for accepted in [false, true] {
        let goods = listing(conn, seller, SaleMode::Offer, 3).await;
        let proposal = Proposal { price: eur(500), quantity: 1, note: None };
        let by = |trader: Trader| Party { org: trader.org, user: trader.user };
        let mut tx = conn.begin().await.expect("a transaction");
        let new = NewOffer { listing: goods, item: None, proposal };
        let offer = create(&mut tx, by(buyer), new).await.expect("an offer");
        if accepted {
            accept(&mut tx, by(seller), offer, 1).await.expect("accepted");
        }
        tx.commit().await.expect("committed");
    }
}

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let offer = |changes: &str| copy("offers", "status = 'open'", changes);
    // Beside the open one of the same three.
    let ended = |changes: &str| {
        copy("offers", "status = 'open'", &format!("'status', 'declined', 'ended_at', now(), {changes}"))
    };
    let terms = |changes: &str| {
        copy(
            "offer_terms",
            "offer_id = (SELECT id FROM offers WHERE status = 'open' ORDER BY id LIMIT 1)",
            &format!("'version', 0, {changes}"),
        )
    };
    // A second one of the same checkout.
    let order = |changes: &str| {
        format!("DROP INDEX orders_one_per_seller; {}", copy("orders", "offer_id IS NOT NULL", changes))
    };
    let trade = offer(
        "'listing_id', null, 'site_id', (SELECT id FROM sites WHERE org_id = t.seller_org_id ORDER BY id LIMIT 1),
         'offerer_org_id', t.seller_org_id, 'lister_org_id', t.buyer_org_id",
    );
    let other = "(SELECT id FROM orgs WHERE id NOT IN (t.buyer_org_id, t.seller_org_id) LIMIT 1)";
    vec![
        ("offers_one_open", offer("'none', 1")),
        ("offers_one_open_trade", format!("{trade}; {trade}")),
        ("offers_status_known", offer("'status', 'lost', 'ended_at', now()")),
        ("offers_turn_known", ended("'turn', 'nobody'")),
        ("offers_version_range", ended("'version', 0")),
        ("offers_version_range", ended("'version', 51")),
        ("offers_parties_differ", ended("'buyer_org_id', t.seller_org_id, 'offerer_org_id', t.seller_org_id")),
        ("offers_between_lister_and_offerer", ended("'offerer_org_id', t.seller_org_id")),
        ("offers_between_lister_and_offerer", ended(&format!("'lister_org_id', {other}"))),
        ("offers_on_listing", ended("'currency', 'USD'")),
        ("offers_on_listing", ended("'listing_id', gen_random_uuid()")),
        ("offers_of_sellers_item", ended("'item_id', gen_random_uuid()")),
        ("offers_listed_or_traded", ended("'site_id', gen_random_uuid()")),
        ("offers_listed_or_traded", ended("'listing_id', null")),
        ("offers_traded_by_seller", ended("'listing_id', null, 'site_id', gen_random_uuid()")),
        (
            "offers_from_sellers_site",
            ended(
                "'listing_id', null, 'site_id', gen_random_uuid(), 'offerer_org_id', t.seller_org_id, 'lister_org_id', t.buyer_org_id",
            ),
        ),
        ("offers_site_fixed", sql("UPDATE offers SET site_id = gen_random_uuid()")),
        ("offers_expire_later", ended("'expires_at', t.created_at")),
        ("offers_ended", offer("'ended_at', now()")),
        ("offers_ended", offer("'status', 'declined'")),
        (
            "offers_per_day",
            sql("SET LOCAL session_replication_role = replica;
                 INSERT INTO offers
                     (id, listing_id, lister_org_id, offerer_org_id, buyer_org_id, seller_org_id, item_id, currency, status, turn,
                      expires_at, created_at, ended_at)
                 SELECT gen_random_uuid(), listing_id, lister_org_id, offerer_org_id, buyer_org_id, seller_org_id, item_id, currency,
                        'declined', turn, expires_at, created_at, now()
                 FROM (SELECT * FROM offers WHERE status = 'open') AS o, generate_series(1, 500);
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO offers
                     (id, listing_id, lister_org_id, offerer_org_id, buyer_org_id, seller_org_id, item_id, currency, status, turn,
                      expires_at, created_at, ended_at)
                 SELECT gen_random_uuid(), listing_id, lister_org_id, offerer_org_id, buyer_org_id, seller_org_id, item_id, currency,
                        'declined', turn, expires_at, created_at, now()
                 FROM offers
                 WHERE status = 'open'"),
        ),
        ("offers_status_moves", sql("UPDATE offers SET status = 'open', ended_at = NULL WHERE status = 'accepted'")),
        ("offers_fixed", sql("UPDATE offers SET created_at = created_at - interval '1 hour'")),
        ("offers_have_terms", ended("'none', 1")),
        ("offers_have_terms", sql("UPDATE offers SET turn = 'buyer' WHERE status = 'open'")),
        ("offers_have_terms", sql("UPDATE offers SET version = 2 WHERE status = 'open'")),
        ("offer_terms_of_offer", terms("'offer_id', gen_random_uuid()")),
        ("offer_terms_side_known", terms("'side', 'nobody'")),
        ("offer_terms_price_range", terms("'unit_price_minor', 0")),
        ("offer_terms_quantity_range", terms("'quantity', 0")),
        ("offer_terms_note_length", terms("'note', ''")),
        ("offer_terms_append_only", sql("UPDATE offer_terms SET quantity = quantity")),
        ("orders_one_per_offer", order("'none', 1")),
        ("orders_of_offer", order("'offer_id', gen_random_uuid()")),
        ("orders_offer_by_source", copy("orders", "offer_id IS NOT NULL", "'source', 'checkout'")),
        ("orders_offer_by_source", copy("orders", "offer_id IS NOT NULL", "'offer_id', NULL")),
        ("orders_offer_fixed", sql("UPDATE orders SET offer_id = NULL WHERE offer_id IS NOT NULL")),
    ]
}
