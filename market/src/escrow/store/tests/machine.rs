//! Random acts on three orders of two sellers, one after the other; after each of them the books agree, and no order is paid,
//! released or refunded twice.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::escrow::model::DisputeReason;

#[derive(Clone, Copy, Debug)]
enum Act {
    Pay,
    Ship(usize),
    Receive(usize),
    Accept(usize),
    Age(usize),
    Lapse(usize),
    Refund(usize, i64),
    Dispute(usize),
    Withdraw(usize),
    Resolve(usize, i64),
    Settle(DisbursementState),
}

fn act() -> impl Strategy<Value = Act> {
    let order = || 0..2_usize;
    let cents = || prop_oneof![1 => Just(20_000_i64), 3 => 1..15_000_i64];
    prop_oneof![
        2 => Just(Act::Pay),
        2 => order().prop_map(Act::Ship),
        2 => order().prop_map(Act::Receive),
        1 => order().prop_map(Act::Accept),
        1 => order().prop_map(Act::Age),
        1 => order().prop_map(Act::Lapse),
        2 => (order(), cents()).prop_map(|(order, cents)| Act::Refund(order, cents)),
        1 => order().prop_map(Act::Dispute),
        1 => order().prop_map(Act::Withdraw),
        1 => (order(), cents()).prop_map(|(order, cents)| Act::Resolve(order, cents)),
        1 => prop_oneof![Just(DisbursementState::Pending), Just(DisbursementState::Done)].prop_map(Act::Settle),
    ]
}

struct Machine {
    sale: Sale,
    judge: Trader,
}

impl Machine {
    /// Plays an act. What is refused changes nothing; what fails otherwise is a fault.
    async fn play(&self, conn: &mut PgConnection, act: Act) {
        let (buyer, sale) = (self.sale.buyer, &self.sale);
        if let Act::Age(n) = act {
            age(conn, sale.orders[n]).await;
            return;
        }
        if let Act::Pay = act {
            let open = checkouts::checkout(conn, buyer.org, sale.checkout).await.expect("read").expect("the checkout");
            if open.status == CheckoutStatus::Open {
                pay(conn, buyer, sale.checkout).await;
            }
            return;
        }
        let mut tx = conn.begin().await.expect("a transaction");
        let done = match act {
            Act::Pay | Act::Age(_) => Ok(()),
            Act::Ship(n) => ship(&mut tx, sale.sellers[n].org, sale.sellers[n].user, sale.orders[n]).await,
            Act::Receive(n) => receive(&mut tx, buyer.org, buyer.user, sale.orders[n]).await.map(|_| ()),
            Act::Accept(n) => accept(&mut tx, buyer.org, buyer.user, sale.orders[n]).await,
            Act::Lapse(n) => lapse(&mut tx, sale.orders[n]).await.map(|_| ()),
            Act::Refund(n, cents) => {
                let seller = sale.sellers[n];
                refund(&mut tx, seller.org, seller.user, sale.orders[n], eur(cents), "scratched").await.map(|_| ())
            }
            Act::Dispute(n) => {
                let new = NewDispute { order: sale.orders[n], reason: DisputeReason::Other, text: "no" };
                open_dispute(&mut tx, buyer.org, buyer.user, new).await.map(|_| ())
            }
            Act::Withdraw(n) | Act::Resolve(n, _) => {
                let last = DisputeFilter { party: Some(sale.sellers[n].org), limit: 1, ..DisputeFilter::default() };
                match (disputes(&mut tx, last).await.expect("a list").first(), act) {
                    (None, _) => Ok(()),
                    (Some(dispute), Act::Resolve(_, cents)) => {
                        let decision = Decision { by: self.judge.user, refund: eur(cents), note: "so it is" };
                        resolve(&mut tx, dispute.id, decision).await.map(|_| ())
                    }
                    (Some(dispute), _) => withdraw(&mut tx, buyer.org, buyer.user, dispute.id).await.map(|_| ()),
                }
            }
            Act::Settle(state) => {
                let open: Option<(RefundId, i64)> = sqlx::query_as(
                    "SELECT id, amount_minor FROM refunds WHERE status IN ('intended', 'sent') ORDER BY id LIMIT 1",
                )
                .fetch_optional(&mut *tx)
                .await
                .expect("a refund");
                match open {
                    None => Ok(()),
                    Some((id, cents)) => {
                        let found = given_back(id, eur(cents), state);
                        settle_refund(&mut tx, id, &found).await.map(|_| ())
                    }
                }
            }
        };
        match done {
            Ok(()) => tx.commit().await.expect("committed"),
            Err(
                EscrowError::Refused(_)
                | EscrowError::OrderStatus(_)
                | EscrowError::NotPaid
                | EscrowError::DisputeEnded(_),
            ) => tx.rollback().await.expect("rolled back"),
            Err(error) => panic!("{act:?}: {error:?}"),
        }
    }
}

#[test]
fn whatever_is_asked_in_whatever_order_the_books_agree() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let db = runtime.block_on(TestDb::new());
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let result = runner.run(&prop::collection::vec(act(), 1..40), |acts| {
        runtime.block_on(async {
            let mut conn = db.pool.acquire().await.expect("a connection");
            let (sale, judge) = (sale(&mut conn, 2).await, trader(&mut conn).await);
            let machine = Machine { sale, judge };
            for act in acts {
                machine.play(&mut conn, act).await;
                assert_books(&mut conn).await;
            }
        });
        Ok(())
    });
    runtime.block_on(db.close());
    result.expect("the books agree");
}
