//! Random acts on shipments, one after the other, against a model of what two sites have and what became of each shipment.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const UNITS: i64 = 8;
/// What the other site has room for.
const ROOM: i64 = 20;

#[derive(Clone, Copy, Debug)]
enum Act {
    Create(i64),
    Change(usize, i64),
    Cancel(usize),
    PickUp(usize),
    /// All, or so many units.
    Deliver(usize, Option<i64>),
    Fail(usize),
    GiveBack(usize),
    Follow(usize, ShipmentStatus),
}

fn status() -> impl Strategy<Value = ShipmentStatus> {
    use ShipmentStatus::{Cancelled, Delivered, Exception, InTransit, OutForDelivery, Pending, Returned};
    prop::sample::select(vec![Pending, InTransit, OutForDelivery, Exception, Delivered, Returned, Cancelled])
}

fn acts() -> impl Strategy<Value = Act> {
    let which = 0..5_usize;
    prop_oneof![
        3 => (1..6_i64).prop_map(Act::Create),
        1 => (which.clone(), 1..6_i64).prop_map(|(which, quantity)| Act::Change(which, quantity)),
        1 => which.clone().prop_map(Act::Cancel),
        3 => which.clone().prop_map(Act::PickUp),
        2 => (which.clone(), prop::option::of(1..5_i64)).prop_map(|(which, units)| Act::Deliver(which, units)),
        1 => which.clone().prop_map(Act::Fail),
        1 => which.clone().prop_map(Act::GiveBack),
        2 => (which, status()).prop_map(|(which, status)| Act::Follow(which, status)),
    ]
}

/// A shipment, as it must be.
struct Wanted {
    number: Tracking,
    quantity: i64,
    delivered: i64,
    returned: i64,
    status: ShipmentStatus,
}

impl Wanted {
    const fn open(&self) -> i64 {
        self.quantity - self.delivered - self.returned
    }

    fn left(&self) -> bool {
        !matches!(self.status, ShipmentStatus::Pending | ShipmentStatus::Cancelled)
    }
}

struct Machine {
    yard: Yard,
    shipments: Vec<Wanted>,
}

impl Machine {
    fn on_hand(&self) -> i64 {
        let gone = self.shipments.iter().filter(|wanted| wanted.left()).map(|wanted| wanted.quantity - wanted.returned);
        UNITS - gone.sum::<i64>()
    }

    fn held(&self) -> i64 {
        let held = self.shipments.iter().filter(|wanted| wanted.status == ShipmentStatus::Pending);
        held.map(|wanted| wanted.quantity).sum()
    }

    fn there(&self) -> i64 {
        self.shipments.iter().map(|wanted| wanted.delivered).sum()
    }

    async fn play(&mut self, conn: &mut PgConnection, what: Act) {
        let (by, available, room) = (self.yard.by(), self.on_hand() - self.held(), ROOM - self.there());
        let which = match what {
            Act::Create(quantity) => return self.create(conn, quantity, available).await,
            Act::Change(which, _)
            | Act::Cancel(which)
            | Act::PickUp(which)
            | Act::Deliver(which, _)
            | Act::Fail(which)
            | Act::GiveBack(which)
            | Act::Follow(which, _) => which,
        };
        if self.shipments.is_empty() {
            return;
        }
        let place = which % self.shipments.len();
        let wanted = &mut self.shipments[place];
        let number = wanted.number.clone();
        let (pending, open) = (wanted.status == ShipmentStatus::Pending, wanted.open());
        let under_way = wanted.left() && !wanted.status.is_terminal();
        match what {
            Act::Create(_) => {}
            Act::Change(_, quantity) => {
                let lines = vec![LineChange { line: 1, quantity: Some(quantity), weight_g: None, volume_ml: Some(1) }];
                let edit = ShipmentChange { lines, ..ShipmentChange::default() };
                let done = act(conn, async |tx| change(tx, by, &number, &edit).await).await;
                let enough = quantity - wanted.quantity <= available;
                assert_eq!(done.is_ok(), pending && enough, "{what:?}: {done:?}");
                if done.is_ok() {
                    wanted.quantity = quantity;
                }
            }
            Act::Cancel(_) => {
                let done = act(conn, async |tx| cancel(tx, by, &number).await).await;
                assert_eq!(done.is_ok(), pending, "{what:?}: {done:?}");
                if pending {
                    wanted.status = ShipmentStatus::Cancelled;
                }
            }
            Act::PickUp(_) => {
                let done = act(conn, async |tx| pick_up(tx, by, &number).await).await;
                assert_eq!(done.is_ok(), pending, "{what:?}: {done:?}");
                if pending {
                    wanted.status = ShipmentStatus::PickedUp;
                }
            }
            Act::Deliver(_, units) => {
                let given = units.map(|units| [(1, units)]);
                let done =
                    act(conn, async |tx| deliver(tx, by, &number, given.as_ref().map(<[_; 1]>::as_slice)).await).await;
                let units = units.unwrap_or(open);
                assert_eq!(done.is_ok(), under_way && units <= open && units <= room, "{what:?}: {done:?}");
                if done.is_ok() {
                    wanted.delivered += units;
                    if wanted.open() == 0 {
                        wanted.status = ShipmentStatus::Delivered;
                    }
                }
            }
            Act::Fail(_) => {
                let done = act(conn, async |tx| fail(tx, by, &number).await).await;
                assert_eq!(done.is_ok(), under_way, "{what:?}: {done:?}");
                if under_way {
                    wanted.status = ShipmentStatus::AttemptFailed;
                }
            }
            Act::GiveBack(_) => {
                let done = act(conn, async |tx| give_back(tx, by, &number).await).await;
                assert_eq!(done.is_ok(), under_way, "{what:?}: {done:?}");
                if under_way {
                    (wanted.returned, wanted.status) = (wanted.quantity - wanted.delivered, ShipmentStatus::Returned);
                }
            }
            Act::Follow(_, said) => {
                let standing = Standing { status: Some(said), ..Standing::default() };
                let org = by.org;
                let done = act(conn, async |tx| follow(tx, org, number.as_str(), &standing).await).await;
                match said {
                    _ if wanted.status.is_terminal() => {}
                    ShipmentStatus::Cancelled if pending => wanted.status = said,
                    ShipmentStatus::Pending | ShipmentStatus::Cancelled => {}
                    ShipmentStatus::Delivered if open > room => {
                        let full = matches!(done, Err(ShipmentError::Stock(StockError::SiteFull)));
                        assert!(full, "{what:?}: {done:?}");
                        return;
                    }
                    ShipmentStatus::Delivered => (wanted.delivered, wanted.status) = (wanted.quantity, said),
                    ShipmentStatus::Returned => {
                        (wanted.returned, wanted.status) = (wanted.quantity - wanted.delivered, said);
                    }
                    _ => wanted.status = said,
                }
                assert!(done.is_ok(), "{what:?}: {done:?}");
            }
        }
    }

    async fn create(&mut self, conn: &mut PgConnection, quantity: i64, available: i64) {
        let yard = self.yard;
        let done = act(conn, async |tx| create(tx, yard.by(), &yard.transfer(quantity)).await).await;
        match done {
            Ok(done) => {
                assert!(quantity <= available, "{quantity} of {available}");
                let number = done.shipment.tracking;
                let status = ShipmentStatus::Pending;
                self.shipments.push(Wanted { number, quantity, delivered: 0, returned: 0, status });
            }
            Err(ShipmentError::Stock(StockError::OutOfStock { available: left, .. })) => {
                assert!(left == available && quantity > available, "{quantity} of {available}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn assert_as_modelled(&self, conn: &mut PgConnection) {
        assert_eq!(self.yard.level(conn, self.yard.site).await, (self.on_hand(), self.held()));
        assert_eq!(self.yard.level(conn, self.yard.away).await, (self.there(), 0));
        for wanted in &self.shipments {
            let found = get(conn, self.yard.shipper.org, &wanted.number).await.expect("read").expect("there");
            let line = &found.lines[0];
            assert_eq!(
                (found.status, line.quantity, line.delivered_quantity, line.returned_quantity),
                (wanted.status, wanted.quantity, wanted.delivered, wanted.returned)
            );
        }
    }
}

#[test]
fn stock_and_shipments_are_as_modelled_whatever_is_done() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for cases in shared::testing::cases(40) {
        let db = runtime.block_on(TestDb::new());
        let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&prop::collection::vec(acts(), 1..40), |played| {
            runtime.block_on(async {
                let mut conn = db.pool.acquire().await.expect("a connection");
                let mut machine = Machine { yard: Yard::with(&mut conn, UNITS).await, shipments: Vec::new() };
                for what in played {
                    machine.play(&mut conn, what).await;
                    machine.assert_as_modelled(&mut conn).await;
                }
            });
            Ok(())
        });
        runtime.block_on(async {
            let mut conn = db.pool.acquire().await.expect("a connection");
            assert_books(&mut conn).await;
            drop(conn);
            db.close().await;
        });
        result.expect("as modelled");
    }
}
