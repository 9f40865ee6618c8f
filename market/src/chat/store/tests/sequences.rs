//! Messages that come at once, and sequences of acts against a plain list.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

#[tokio::test]
async fn two_first_messages_at_once_are_in_one_conversation() {
    let market = Market::new().await;
    for _ in 0..30 {
        let goods =
            listing(&mut market.db.pool.acquire().await.expect("a connection"), market.seller, SaleMode::Fixed, 1)
                .await;
        let begin = |text| {
            do_begin(market.db.pool.clone(), &market.keyring, party(market.buyer), About::Listing(goods), says(text))
        };
        let (one, other) = tokio::join!(begin("One."), begin("Two."));
        let ((id, one), (same, other)) = (one.expect("begun"), other.expect("begun"));
        assert_eq!(id, same);
        let mut seqs = [one.message.seq, other.message.seq];
        seqs.sort_unstable();
        assert_eq!(seqs, [1, 2]);
        assert_eq!(market.texts(market.seller, id).await.len(), 2);
    }
    market.db.close().await;
}

#[tokio::test]
async fn the_same_client_id_twice_at_once_is_one_message() {
    let market = Market::new().await;
    let id = market.ask("Is it still there?").await;
    for round in 0..30 {
        let text = format!("Round {round}");
        let new = says(&text);
        let send = || do_post(market.db.pool.clone(), &market.keyring, party(market.seller), id, new);
        let (one, other) = tokio::join!(send(), send());
        let (one, other) = (one.expect("written"), other.expect("written"));
        assert_eq!(one.message, other.message);
        assert!(one.is_new != other.is_new);
        assert_eq!(market.of(market.buyer, id).await.last_seq, round + 2);
    }
    // The first one of a conversation is found again as well.
    let new = says("Hello");
    let about = About::Listing(market.goods);
    let begin = || do_begin(market.db.pool.clone(), &market.keyring, party(market.stranger), about, new);
    let (one, other) = tokio::join!(begin(), begin());
    assert_eq!(one.expect("begun").1.message, other.expect("begun").1.message);
    // Something else under the same id is refused.
    let reused = NewMessage { text: "Something else", ..new };
    let refused = do_begin(market.db.pool.clone(), &market.keyring, party(market.stranger), about, reused).await;
    assert!(matches!(refused, Err(ChatError::ClientIdReused)), "{refused:?}");
    market.db.close().await;
}

/// What somebody does to a conversation.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write {
        by_seller: bool,
    },
    /// The same message again.
    Repeat,
    Read {
        by_seller: bool,
        back: i64,
    },
    Archive {
        by_seller: bool,
    },
    /// A message that is not committed.
    Abandon {
        by_seller: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|by_seller| Step::Write { by_seller }),
        1 => Just(Step::Repeat),
        3 => (any::<bool>(), 0_i64..4).prop_map(|(by_seller, back)| Step::Read { by_seller, back }),
        1 => any::<bool>().prop_map(|by_seller| Step::Archive { by_seller }),
        1 => any::<bool>().prop_map(|by_seller| Step::Abandon { by_seller }),
    ]
}

/// One side of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Half {
    read: i64,
    archived: bool,
}

/// A conversation as it should be.
#[derive(Debug, Default)]
struct Model {
    /// Who has written each message, whether the seller.
    messages: Vec<(bool, String)>,
    buyer: Half,
    seller: Half,
}

impl Model {
    fn last(&self) -> i64 {
        i64::try_from(self.messages.len()).expect("few")
    }

    fn side(&mut self, seller: bool) -> &mut Half {
        if seller { &mut self.seller } else { &mut self.buyer }
    }

    fn write(&mut self, by_seller: bool, text: String) {
        self.messages.push((by_seller, text));
        let last = self.last();
        self.side(by_seller).read = last;
        (self.buyer.archived, self.seller.archived) = (false, false);
    }

    fn unread(&self, by_seller: bool) -> i64 {
        let read = if by_seller { self.seller.read } else { self.buyer.read };
        let read = usize::try_from(read).expect("not negative");
        let unread = self.messages.iter().skip(read).filter(|(wrote, _)| *wrote != by_seller).count();
        i64::try_from(unread).expect("few")
    }
}

/// Whatever is written, repeated, abandoned and read in whatever order: messages are numbered without gaps, nothing is lost or
/// doubled, and both sides count as a plain list would.
#[tokio::test]
async fn a_conversation_is_what_a_plain_list_would_be() {
    let market = Market::new().await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let steps = proptest::collection::vec(step(), 1..25).new_tree(&mut runner).expect("steps").current();
        follow(&market, &steps).await;
    }
    market.db.close().await;
}

async fn follow(market: &Market, steps: &[Step]) {
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let goods = listing(&mut conn, market.seller, SaleMode::Fixed, 1).await;
    let of = |by_seller| if by_seller { market.seller } else { market.buyer };
    let mut last = ("First".to_owned(), MessageClientId::generate(), false);
    let first = NewMessage { client: last.1, text: &last.0, attachments: &[] };
    let (by, about) = (party(market.buyer), About::Listing(goods));
    let (id, _) = do_begin(market.db.pool.clone(), &market.keyring, by, about, first).await.expect("begun");
    let mut model = Model::default();
    model.write(false, last.0.clone());
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Step::Write { by_seller } => {
                last = (format!("Message {at}"), MessageClientId::generate(), by_seller);
                let new = NewMessage { client: last.1, text: &last.0, attachments: &[] };
                let posted = do_post(market.db.pool.clone(), &market.keyring, party(of(by_seller)), id, new).await;
                model.write(by_seller, last.0.clone());
                assert_eq!(posted.expect("written").message.seq, model.last());
            }
            Step::Repeat => {
                let new = NewMessage { client: last.1, text: &last.0, attachments: &[] };
                let posted = do_post(market.db.pool.clone(), &market.keyring, party(of(last.2)), id, new).await;
                assert!(!posted.expect("found").is_new);
            }
            Step::Read { by_seller, back } => {
                let seq = (model.last() - back).max(1);
                market.read(of(by_seller), id, seq).await.expect("marked");
                let side = model.side(by_seller);
                side.read = side.read.max(seq);
            }
            Step::Archive { by_seller } => {
                archive(&mut conn, of(by_seller).org, id).await.expect("archived");
                model.side(by_seller).archived = true;
            }
            Step::Abandon { by_seller } => {
                let mut tx = conn.begin().await.expect("a transaction");
                post(&mut tx, &market.keyring, party(of(by_seller)), id, &says("Never sent")).await.expect("written");
                tx.rollback().await.expect("rolled back");
            }
        }
        for by_seller in [false, true] {
            let shown = market.of(of(by_seller), id).await;
            let expected = *model.side(by_seller);
            assert_eq!(Half { read: shown.read_seq, archived: shown.archived }, expected, "after {step:?}");
            assert_eq!((shown.last_seq, shown.unread), (model.last(), model.unread(by_seller)), "after {step:?}");
            assert_eq!(since(market, of(by_seller), id).await.is_some(), shown.unread > 0, "after {step:?}");
        }
        let texts: Vec<_> = (1..).zip(model.messages.iter().map(|(_, text)| text.clone())).collect();
        assert_eq!(market.texts(market.seller, id).await, texts);
    }
}

/// Since when something is unread by this side.
async fn since(market: &Market, of: Trader, id: ConversationId) -> Option<DateTime<Utc>> {
    let sql = "SELECT unread_since FROM conversation_parties WHERE conversation_id = $1 AND org_id = $2";
    sqlx::query_scalar(sql).bind(id).bind(of.org).fetch_one(&market.db.pool).await.expect("a row")
}

/// A reading at the very moment of a message leaves it unread, or read because it was seen: never lost.
#[tokio::test]
async fn a_message_that_comes_while_somebody_reads_stays_unread() {
    let market = Market::new().await;
    let id = market.ask("One.").await;
    for round in 1..=30 {
        let (written, read) =
            tokio::join!(market.write(market.buyer, id, "Another."), market.read(market.seller, id, round));
        written.expect("written");
        read.expect("marked");
        let shown = market.of(market.seller, id).await;
        assert_eq!((shown.last_seq, shown.read_seq, shown.unread), (round + 1, round, 1));
        assert!(since(&market, market.seller, id).await.is_some());
    }
    market.db.close().await;
}
