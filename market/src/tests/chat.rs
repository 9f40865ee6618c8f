//! Conversations, their keys, messages and reports.

use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::chat::model::{About, ChatReportReason, NewAttachment, NewMessage};
use crate::chat::store::{begin, block, post, report};
use crate::ids::MessageClientId;
use crate::images::store as images;
use crate::listings::model::SaleMode;
use crate::offers::model::{Party, Proposal};
use crate::offers::store::{NewOffer, create};
use crate::testing::{Trader, eur, listing, placed};

/// A conversation about each thing; that about the listing has two messages, the first with a file, which is reported.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader, buyer: Trader) {
    let keyring = Keyring::read(&MASTER_KEY.to_owned().into()).expect("a key");
    let (sells, buys) = (Party { org: seller.org, user: seller.user }, Party { org: buyer.org, user: buyer.user });
    let goods = listing(conn, seller, SaleMode::Fixed, 9).await;
    let haggled = listing(conn, seller, SaleMode::Offer, 9).await;
    let (_, order) = placed(conn, buyer, goods, eur(10_000)).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let proposal = Proposal { price: eur(9_000), quantity: 1, note: None };
    let offer = create(&mut tx, buys, NewOffer { listing: haggled, item: None, proposal }).await.expect("an offer");
    let valid = std::time::Duration::from_mins(15);
    let file =
        images::insert_upload(&mut tx, buyer.org, buyer.user, "application/pdf", 5, valid).await.expect("a file");
    let carried = [NewAttachment::File { upload: file.id, name: "a.pdf".to_owned() }];
    let says = |attachments| NewMessage { client: MessageClientId::generate(), text: "Hello", attachments };
    let (id, _) = begin(&mut tx, &keyring, buys, About::Listing(goods), &says(&carried)).await.expect("begun");
    post(&mut tx, &keyring, sells, id, &says(&[])).await.expect("written");
    for about in [About::Offer(offer), About::Order(order)] {
        begin(&mut tx, &keyring, buys, about, &says(&[])).await.expect("begun");
    }
    let note = Some("Please look.");
    report(&mut tx, &keyring, sells, id, 1, ChatReportReason::Fraud, note).await.expect("reported");
    block(&mut tx, sells, id).await.expect("blocked");
    tx.commit().await.expect("committed");
}

/// An organisation that has no part in any conversation.
const THIRD: &str = "(SELECT id FROM orgs WHERE id NOT IN (SELECT org_id FROM conversation_parties) LIMIT 1)";
/// The conversation about a listing.
const LISTING: &str = "listing_id IS NOT NULL";

pub(super) fn breaches() -> Vec<Breach> {
    [conversations(), parties(), messages(), reports()].concat()
}

fn conversations() -> Vec<Breach> {
    let about = |which: &str, changes: &str| copy("conversations", which, changes);
    let of_listing = |changes: &str| about(LISTING, changes);
    let key = |changes: &str| copy("conversation_keys", "true", changes);
    vec![
        ("conversations_seq_range", of_listing("'last_seq', -1")),
        ("conversations_one_subject", of_listing("'listing_id', null, 'lister_org_id', null")),
        ("conversations_one_subject", of_listing("'order_id', gen_random_uuid()")),
        ("conversations_lister_of_listing", of_listing("'lister_org_id', null")),
        ("conversations_lister_is_party", of_listing(&format!("'lister_org_id', {THIRD}"))),
        (
            "conversations_parties_differ",
            of_listing("'buyer_org_id', t.seller_org_id, 'begun_by_org', t.seller_org_id"),
        ),
        ("conversations_begun_by_party", of_listing(&format!("'begun_by_org', {THIRD}"))),
        ("conversations_on_listing", of_listing("'listing_id', gen_random_uuid()")),
        ("conversations_on_offer", about("offer_id IS NOT NULL", "'offer_id', gen_random_uuid()")),
        ("conversations_on_order", about("order_id IS NOT NULL", "'order_id', gen_random_uuid()")),
        ("conversations_once_on_listing", of_listing("")),
        ("conversations_once_on_offer", about("offer_id IS NOT NULL", "")),
        ("conversations_once_on_order", about("order_id IS NOT NULL", "")),
        (
            "conversations_per_day",
            many(
                "conversations",
                "listing_id, lister_org_id, buyer_org_id, seller_org_id, begun_by_org",
                "gen_random_uuid(), t.seller_org_id, t.buyer_org_id, t.seller_org_id, t.begun_by_org",
                300,
            ),
        ),
        ("conversations_fixed", "UPDATE conversations SET created_at = created_at - interval '1 day'".to_owned()),
        ("conversations_count_by_one", "UPDATE conversations SET last_seq = last_seq + 2".to_owned()),
        ("conversations_have_messages", "UPDATE conversations SET last_seq = last_seq + 1".to_owned()),
        ("conversation_keys_of_conversation", key("'conversation_id', gen_random_uuid()")),
        ("conversation_keys_version_range", key("'version', 0")),
        ("conversation_keys_sealed_length", key("'sealed', 'short'")),
    ]
}

fn parties() -> Vec<Breach> {
    let set = |what: &str| format!("UPDATE conversation_parties SET {what}");
    vec![
        ("conversation_parties_known", "DELETE FROM conversation_keys; DELETE FROM conversations".to_owned()),
        ("conversation_parties_read_known", set("read_seq = 999")),
        ("conversation_parties_mailed_known", set("mailed_seq = 999")),
        ("conversation_parties_forward", set("read_seq = NULL WHERE read_seq IS NOT NULL")),
        ("conversation_parties_forward", set("read_seq = 1 WHERE read_seq = 2")),
        ("conversation_parties_are_its_own", copy("conversation_parties", "true", &format!("'org_id', {THIRD}"))),
        ("chat_blocks_another", copy("chat_blocks", "true", "'blocked_org_id', t.org_id")),
    ]
}

fn messages() -> Vec<Breach> {
    let last = "seq = (SELECT last_seq FROM conversations WHERE id = t.conversation_id)";
    let message = |changes: &str| copy("chat_messages", last, changes);
    // The next one of a conversation that has counted on.
    let next = |changes: &str| {
        let before = "seq = (SELECT last_seq - 1 FROM conversations WHERE id = t.conversation_id)";
        let message = copy("chat_messages", before, &format!("'seq', t.seq + 1, {changes}"));
        format!("UPDATE conversations SET last_seq = last_seq + 1; {message}")
    };
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    let empty =
        copy("conversations", LISTING, &format!("'id', '{nowhere}', 'listing_id', gen_random_uuid(), 'last_seq', 0"));
    let zeroth = copy("chat_messages", "true", &format!("'conversation_id', '{nowhere}', 'seq', 0"));
    let row = "INSERT INTO chat_messages (conversation_id, seq, org_id, sender_id, client_id, key_version, sealed)
               SELECT conversation_id, 7000 - n, org_id, sender_id, gen_random_uuid(), key_version, sealed
               FROM (SELECT * FROM chat_messages LIMIT 1) AS t";
    let attachment = |changes: &str| copy("chat_attachments", "true", &format!("'place', 2, {changes}"));
    vec![
        (
            "chat_messages_seq_positive",
            format!(
                "SET LOCAL session_replication_role = replica; {empty}; SET LOCAL session_replication_role = origin; {zeroth}"
            ),
        ),
        ("chat_messages_key_version_range", message("'key_version', 0")),
        ("chat_messages_sealed_length", message("'sealed', 'short'")),
        ("chat_messages_once", next("'key_version', 1")),
        ("chat_messages_of_party", next(&format!("'client_id', gen_random_uuid(), 'org_id', {THIRD}"))),
        ("chat_messages_in_order", message("'seq', 999")),
        ("chat_messages_append_only", "UPDATE chat_messages SET created_at = now()".to_owned()),
        ("chat_messages_append_only", "DELETE FROM chat_messages".to_owned()),
        (
            "chat_messages_per_day",
            format!(
                "SET LOCAL session_replication_role = replica;
                 {row}, generate_series(1, 5000) AS n;
                 UPDATE conversations SET last_seq = 7000;
                 SET LOCAL session_replication_role = origin;
                 {row}, generate_series(0, 0) AS n"
            ),
        ),
        ("chat_attachments_place_range", attachment("'place', 11")),
        ("chat_attachments_one_thing", attachment("'image_id', gen_random_uuid()")),
        ("chat_attachments_of_image", attachment("'upload_id', null, 'image_id', gen_random_uuid()")),
        ("chat_attachments_of_upload", attachment("'upload_id', gen_random_uuid()")),
        ("chat_attachments_of_message", attachment("'seq', 999")),
    ]
}

fn reports() -> Vec<Breach> {
    let report = |changes: &str| copy("chat_reports", "true", changes);
    let decided = "'decided_by', t.reported_by, 'decided_at', t.created_at";
    let decide = |outcome: &str| {
        format!(
            "UPDATE chat_reports
             SET status = '{outcome}', decided_by = reported_by, decided_at = now(), decision = 'So.'"
        )
    };
    vec![
        ("chat_reports_reason_known", report("'reason', 'none'")),
        ("chat_reports_note_length", report("'sealed_note', 'short'")),
        ("chat_reports_status_known", report(&format!("'status', 'none', {decided}, 'decision', 'So.'"))),
        ("chat_reports_decision_length", report(&format!("'status', 'upheld', {decided}, 'decision', ''"))),
        ("chat_reports_decided", report("'decided_at', t.created_at")),
        ("chat_reports_decided", report("'status', 'upheld'")),
        ("chat_reports_once", report("")),
        ("chat_reports_of_message", report("'seq', 999")),
        ("chat_reports_by_party", report(&format!("'org_id', {THIRD}"))),
        (
            "chat_reports_per_day",
            many(
                "chat_reports",
                "conversation_id, seq, org_id, reported_by, reason",
                "t.conversation_id, 1000 + n, t.org_id, t.reported_by, t.reason",
                100,
            ),
        ),
        ("chat_reports_status_moves", format!("{}; {}", decide("upheld"), decide("dismissed"))),
        ("chat_reports_fixed", "UPDATE chat_reports SET reason = 'spam'".to_owned()),
    ]
}
