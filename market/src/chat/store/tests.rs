use shared::testing::{MASTER_KEY, TestDb};
use sqlx::{Connection, PgPool};

use super::*;
use crate::chat::model::{About, Conversation, NewMessage};
use crate::checkout::store::cancel;
use crate::ids::{ListingId, MessageClientId};
use crate::listings::model::SaleMode;
use crate::listings::store as listings;
use crate::offers::model::{Party, Proposal};
use crate::offers::store::{self as offers, NewOffer};
use crate::orders::model::Side;
use crate::testing::{Trader, eur, listing, placed, trader};

mod mails;
mod moderation;
mod secrecy;
mod sequences;

fn ring(keys: &[&str]) -> Keyring {
    Keyring::read(&keys.join(",").into()).expect("keys")
}

fn party(of: Trader) -> Party {
    Party { org: of.org, user: of.user }
}

fn says(text: &str) -> NewMessage<'_> {
    NewMessage { client: MessageClientId::generate(), text, attachments: &[] }
}

struct Market {
    db: TestDb,
    keyring: Keyring,
    seller: Trader,
    buyer: Trader,
    stranger: Trader,
    goods: ListingId,
}

impl Market {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.expect("a connection");
        let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
        let stranger = trader(&mut conn).await;
        let goods = listing(&mut conn, seller, SaleMode::Fixed, 100).await;
        drop(conn);
        Self { db, keyring: ring(&[MASTER_KEY]), seller, buyer, stranger, goods }
    }

    async fn ask(&self, text: &str) -> ConversationId {
        do_begin(self.db.pool.clone(), &self.keyring, party(self.buyer), About::Listing(self.goods), says(text))
            .await
            .expect("begun")
            .0
    }

    async fn write(&self, by: Trader, id: ConversationId, text: &str) -> Result<Posted, ChatError> {
        do_post(self.db.pool.clone(), &self.keyring, party(by), id, says(text)).await
    }

    async fn texts(&self, of: Trader, id: ConversationId) -> Vec<(i64, String)> {
        let mut conn = self.db.pool.acquire().await.expect("a connection");
        let messages = after(&mut conn, &self.keyring, of.org, id, 0, 1_000).await.expect("messages");
        messages.into_iter().map(|message| (message.seq, message.text)).collect()
    }

    async fn of(&self, of: Trader, id: ConversationId) -> Conversation {
        let mut conn = self.db.pool.acquire().await.expect("a connection");
        conversation(&mut conn, of.org, id).await.expect("read").expect("the conversation")
    }

    async fn read(&self, of: Trader, id: ConversationId, seq: i64) -> Result<(), ChatError> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        mark_read(&mut tx, of.org, id, seq).await?;
        tx.commit().await.expect("committed");
        Ok(())
    }
}

async fn do_begin(
    pool: PgPool,
    keyring: &Keyring,
    by: Party,
    about: About,
    new: NewMessage<'_>,
) -> Result<(ConversationId, Posted), ChatError> {
    let mut tx = pool.begin().await.expect("a transaction");
    let begun = begin(&mut tx, keyring, by, about, &new).await?;
    tx.commit().await.expect("committed");
    Ok(begun)
}

async fn do_post(
    pool: PgPool,
    keyring: &Keyring,
    by: Party,
    id: ConversationId,
    new: NewMessage<'_>,
) -> Result<Posted, ChatError> {
    let mut tx = pool.begin().await.expect("a transaction");
    let posted = post(&mut tx, keyring, by, id, &new).await?;
    tx.commit().await.expect("committed");
    Ok(posted)
}

#[tokio::test]
async fn two_organisations_write_and_read_and_a_third_one_finds_nothing() {
    let market = Market::new().await;
    let id = market.ask("Is it still there?").await;
    let first = market.of(market.seller, id).await;
    assert_eq!((first.last_seq, first.unread, first.read_seq, first.side), (1, 1, 0, Side::Seller));
    assert_eq!(first.other_org_id, market.buyer.org);
    market.write(market.seller, id, "Yes.").await.expect("written");
    // Whoever answers has read.
    let (sellers, buyers) = (market.of(market.seller, id).await, market.of(market.buyer, id).await);
    assert_eq!((sellers.unread, sellers.read_seq, sellers.other_read_seq), (0, 2, 1));
    assert_eq!((buyers.unread, buyers.read_seq, buyers.other_read_seq), (1, 1, 2));
    let both = [(1, "Is it still there?".to_owned()), (2, "Yes.".to_owned())];
    assert_eq!(market.texts(market.buyer, id).await, both);
    assert_eq!(market.texts(market.seller, id).await, both);
    // About the same listing there is one conversation, whoever of the two goes on.
    assert_eq!(market.ask("Thank you.").await, id);
    let stranger = market.stranger;
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    assert_eq!(conversation(&mut conn, stranger.org, id).await.expect("read"), None);
    let is_hidden = |refused: ChatError| matches!(refused, ChatError::NotFound("conversation"));
    let keyring = &market.keyring;
    assert!(is_hidden(after(&mut conn, keyring, stranger.org, id, 0, 9).await.expect_err("hidden")));
    assert!(is_hidden(before(&mut conn, keyring, stranger.org, id, 9, 9).await.expect_err("hidden")));
    assert!(is_hidden(attachment(&mut conn, keyring, stranger.org, id, 1, 1).await.expect_err("hidden")));
    assert!(is_hidden(market.write(stranger, id, "Me too!").await.expect_err("hidden")));
    assert!(is_hidden(market.read(stranger, id, 1).await.expect_err("hidden")));
    assert!(is_hidden(archive(&mut conn, stranger.org, id).await.expect_err("hidden")));
    assert!(is_hidden(unarchive(&mut conn, stranger.org, id).await.expect_err("hidden")));
    assert!(is_hidden(block(&mut conn, party(stranger), id).await.expect_err("hidden")));
    assert!(is_hidden(unblock(&mut conn, party(stranger), id).await.expect_err("hidden")));
    let mut tx = conn.begin().await.expect("a transaction");
    let refused =
        report(&mut tx, keyring, party(stranger), id, 1, crate::chat::model::ChatReportReason::Spam, None).await;
    assert!(is_hidden(refused.expect_err("hidden")));
    tx.rollback().await.expect("rolled back");
    // The stranger's own conversation about it is another one.
    let about = About::Listing(market.goods);
    let (other, _) =
        do_begin(market.db.pool.clone(), keyring, party(stranger), about, says("Hello")).await.expect("begun");
    assert_ne!(other, id);
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn listings_offers_and_orders_have_a_conversation_each_for_their_parties() {
    let market = Market::new().await;
    let pool = || market.db.pool.clone();
    let (keyring, buyer, seller) = (&market.keyring, party(market.buyer), party(market.seller));
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let haggled = listing(&mut conn, market.seller, SaleMode::Offer, 5).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let proposal = Proposal { price: eur(9_000), quantity: 1, note: None };
    let offer =
        offers::create(&mut tx, buyer, NewOffer { listing: haggled, item: None, proposal }).await.expect("made");
    tx.commit().await.expect("committed");
    let (checkout, order) = placed(&mut conn, market.buyer, market.goods, eur(10_000)).await;
    let mut ids = Vec::new();
    for about in [About::Offer(offer), About::Order(order)] {
        let refused = do_begin(pool(), keyring, party(market.stranger), about, says("?")).await;
        assert!(matches!(refused, Err(ChatError::NotFound(_))), "{refused:?}");
        // Either side may begin.
        let (id, _) = do_begin(pool(), keyring, seller, about, says("Hello.")).await.expect("begun");
        let (same, posted) = do_begin(pool(), keyring, buyer, about, says("Hello!")).await.expect("begun");
        assert_eq!((same, posted.message.seq), (id, 2));
        assert_eq!(market.of(market.buyer, id).await.title, "A console with two controllers");
        ids.push(id);
    }
    // It goes on when the order has ended.
    let mut tx = conn.begin().await.expect("a transaction");
    cancel(&mut tx, buyer.org, buyer.user, checkout).await.expect("cancelled");
    tx.commit().await.expect("committed");
    market.write(market.buyer, ids[1], "I have changed my mind.").await.expect("written");
    // Of what is wanted, whoever has listed buys.
    let wanted = listing(&mut conn, market.buyer, SaleMode::Wanted, 5).await;
    let (id, _) = do_begin(pool(), keyring, seller, About::Listing(wanted), says("I have one.")).await.expect("begun");
    assert_eq!(
        (market.of(market.buyer, id).await.side, market.of(market.seller, id).await.side),
        (Side::Buyer, Side::Seller)
    );
    // Nobody begins about an own listing, or one that is gone; what has begun goes on.
    let refused = do_begin(pool(), keyring, seller, About::Listing(market.goods), says("?")).await;
    assert!(matches!(refused, Err(ChatError::Begin(BeginRefusal::OwnListing))), "{refused:?}");
    let begun = market.ask("Is it still there?").await;
    listings::withdraw(&mut conn, market.seller.org, haggled).await.expect("withdrawn");
    let refused = do_begin(pool(), keyring, buyer, About::Listing(haggled), says("?")).await;
    assert!(matches!(refused, Err(ChatError::NotFound("listing"))), "{refused:?}");
    market.write(market.seller, begun, "Yes.").await.expect("written");
    // The newest first.
    let page: Vec<_> =
        page(&mut conn, buyer.org, false, None, 10).await.expect("a page").iter().map(|one| one.id).collect();
    assert_eq!(page, [begun, id, ids[1], ids[0]]);
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn marks_only_go_forward_and_archived_ones_come_back_with_a_message() {
    let market = Market::new().await;
    let id = market.ask("One.").await;
    for text in ["Two.", "Three."] {
        market.write(market.buyer, id, text).await.expect("written");
    }
    assert_eq!(market.of(market.seller, id).await.unread, 3);
    market.read(market.seller, id, 2).await.expect("marked");
    market.read(market.seller, id, 1).await.expect("nothing to do");
    let of_seller = market.of(market.seller, id).await;
    assert_eq!((of_seller.read_seq, of_seller.unread), (2, 1));
    let refused = market.read(market.seller, id, 4).await;
    assert!(matches!(&refused, Err(ChatError::Invalid(invalid)) if invalid.pointer == "/seq"), "{refused:?}");
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let people = [market.seller.user, market.buyer.user];
    let unread = async || {
        let mut conn = market.db.pool.acquire().await.expect("a connection");
        let mut inboxes = inboxes(&mut conn, &people).await.expect("inboxes");
        inboxes.sort_by_key(|inbox| inbox.user != people[0]);
        inboxes.iter().map(|inbox| inbox.unread_conversations).collect::<Vec<_>>()
    };
    assert_eq!(unread().await, [1, 0]);
    archive(&mut conn, market.seller.org, id).await.expect("archived");
    assert_eq!(unread().await, [0, 0]);
    assert_eq!(page(&mut conn, market.seller.org, false, None, 10).await.expect("a page"), []);
    assert_eq!(page(&mut conn, market.seller.org, true, None, 10).await.expect("a page").len(), 1);
    assert_eq!(page(&mut conn, market.buyer.org, false, None, 10).await.expect("a page").len(), 1);
    unarchive(&mut conn, market.seller.org, id).await.expect("back");
    archive(&mut conn, market.seller.org, id).await.expect("archived");
    market.write(market.buyer, id, "Four.").await.expect("written");
    assert!(!market.of(market.seller, id).await.archived);
    assert_eq!(unread().await, [1, 0]);
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn whoever_is_blocked_writes_nowhere_and_what_was_sent_before_is_found_again() {
    let market = Market::new().await;
    let id = market.ask("One.").await;
    let new = says("Two.");
    let send = async || do_post(market.db.pool.clone(), &market.keyring, party(market.buyer), id, new).await;
    let sent = send().await.expect("written");
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    for _ in 0..2 {
        block(&mut conn, party(market.seller), id).await.expect("blocked");
    }
    assert_eq!(send().await.expect("found").message, sent.message);
    let refused = market.write(market.buyer, id, "Three.").await;
    assert!(matches!(refused, Err(ChatError::Write(WriteRefusal::Blocked))), "{refused:?}");
    let refused = market.write(market.seller, id, "Three.").await;
    assert!(matches!(refused, Err(ChatError::Write(WriteRefusal::Blocking))), "{refused:?}");
    let elsewhere = listing(&mut conn, market.seller, SaleMode::Fixed, 1).await;
    let (by, about) = (party(market.buyer), About::Listing(elsewhere));
    let refused = do_begin(market.db.pool.clone(), &market.keyring, by, about, says("Hello")).await;
    assert!(matches!(refused, Err(ChatError::Write(WriteRefusal::Blocked))), "{refused:?}");
    let (of_buyer, of_seller) = (market.of(market.buyer, id).await, market.of(market.seller, id).await);
    assert_eq!((of_buyer.blocked, of_buyer.blocked_by_other), (false, true));
    assert_eq!((of_seller.blocked, of_seller.blocked_by_other), (true, false));
    unblock(&mut conn, party(market.seller), id).await.expect("unblocked");
    assert_eq!(market.write(market.buyer, id, "Three.").await.expect("written").message.seq, 3);
    drop(conn);
    market.db.close().await;
}
