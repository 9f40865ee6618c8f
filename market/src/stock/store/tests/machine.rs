//! Random acts, one after the other, against a model of two items at two sites.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const SITE_CAPACITY: i64 = 20;

#[derive(Clone, Copy, Debug)]
enum Act {
    Count {
        item: usize,
        site: usize,
        to: i64,
    },
    Transfer {
        item: usize,
        from: usize,
        quantity: i64,
    },
    Reserve {
        item: usize,
        quantity: i64,
    },
    /// Ends one of the open reservations.
    Free {
        which: usize,
    },
    Take {
        which: usize,
    },
    /// Some of what was taken comes back.
    PutBack {
        which: usize,
        quantity: i64,
        quarantined: bool,
    },
    Inspect {
        item: usize,
        verdict: Verdict,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..2_usize, 0..2_usize, 0..15_i64).prop_map(|(item, site, to)| Act::Count { item, site, to }),
        (0..2_usize, 0..2_usize, 1..8_i64).prop_map(|(item, from, quantity)| Act::Transfer { item, from, quantity }),
        (0..2_usize, 1..6_i64).prop_map(|(item, quantity)| Act::Reserve { item, quantity }),
        (0..4_usize).prop_map(|which| Act::Free { which }),
        (0..4_usize).prop_map(|which| Act::Take { which }),
        (0..4_usize, 1..4_i64, any::<bool>()).prop_map(|(which, quantity, quarantined)| Act::PutBack {
            which,
            quantity,
            quarantined
        }),
        (0..2_usize, 1..4_i64).prop_map(|(item, units)| Act::Inspect { item, verdict: Verdict::Release(units) }),
        (0..2_usize, 1..4_i64).prop_map(|(item, units)| Act::Inspect { item, verdict: Verdict::WriteOff(units) }),
    ]
}

/// What is on hand, reserved and quarantined of each item at each site; listings draw on site 0, whose capacity is counted.
#[derive(Default)]
struct Model {
    on_hand: [[i64; 2]; 2],
    reserved: [i64; 2],
    quarantined: [i64; 2],
    /// The orders that hold something, with the item and how much.
    open: Vec<(OrderId, usize, i64)>,
    /// The orders that have taken something, with the item and how much of it has not come back.
    taken: Vec<(OrderId, usize, i64)>,
}

impl Model {
    fn reserved_at(&self, item: usize, site: usize) -> i64 {
        if site == 0 { self.reserved[item] } else { 0 }
    }

    fn fits(&self, site: usize, more: i64) -> bool {
        let stored = self.on_hand[0][0] + self.on_hand[1][0] + self.quarantined[0] + self.quarantined[1];
        site == 1 || stored + more <= SITE_CAPACITY
    }
}

/// What the model expects of an act, or what came of it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Short(i64),
    Full,
}

fn outcome<T>(result: Result<T, StockError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(StockError::OutOfStock { available, .. }) => Outcome::Short(available),
        Err(StockError::SiteFull) => Outcome::Full,
        Err(other) => panic!("{other:?}"),
    }
}

struct Machine<'a> {
    stock: &'a TestStock,
    sites: [SiteId; 2],
    goods: [(ListingId, ItemId); 2],
    model: Model,
}

impl Machine<'_> {
    async fn play(&mut self, conn: &mut PgConnection, act: Act) {
        let model = &mut self.model;
        match act {
            Act::Count { item, site, to } => {
                let (before, kept) = (model.on_hand[item][site], model.reserved_at(item, site));
                let expected = match to - before {
                    _ if to < kept => Outcome::Short(before - kept),
                    more if more > 0 && !model.fits(site, more) => Outcome::Full,
                    _ => Outcome::Done,
                };
                let done = self.stock.adjust(conn, self.goods[item].1, self.sites[site], Count::To(to)).await;
                assert_eq!(outcome(done), expected, "{act:?}");
                if expected == Outcome::Done {
                    model.on_hand[item][site] = to;
                }
            }
            Act::Transfer { item, from, quantity } => {
                let to = 1 - from;
                let available = model.on_hand[item][from] - model.reserved_at(item, from);
                let expected = if quantity > available {
                    Outcome::Short(available)
                } else if model.fits(to, quantity) {
                    Outcome::Done
                } else {
                    Outcome::Full
                };
                let moving = self.stock.moving(self.goods[item].1, self.sites[from], self.sites[to], quantity);
                assert_eq!(outcome(transferred(conn, &moving).await), expected, "{act:?}");
                if expected == Outcome::Done {
                    model.on_hand[item][from] -= quantity;
                    model.on_hand[item][to] += quantity;
                }
            }
            Act::Reserve { item, quantity } => {
                let available = model.on_hand[item][0] - model.reserved[item];
                let expected = if quantity > available { Outcome::Short(available) } else { Outcome::Done };
                let order = self.stock.order(conn, &[self.goods[item]]).await;
                let wanted = Want { quantity, ..want(self.goods[item].0, order, 1) };
                assert_eq!(outcome(reserved(conn, &[wanted]).await), expected, "{act:?}");
                if expected == Outcome::Done {
                    model.reserved[item] += quantity;
                    model.open.push((order, item, quantity));
                }
            }
            Act::Free { which } | Act::Take { which } => {
                if model.open.is_empty() {
                    return;
                }
                let (order, item, quantity) = model.open.swap_remove(which % model.open.len());
                model.reserved[item] -= quantity;
                if matches!(act, Act::Take { .. }) {
                    take(conn, Kept::OfOrder(order)).await.expect("taken");
                    model.on_hand[item][0] -= quantity;
                    model.taken.push((order, item, quantity));
                } else {
                    free(conn, Kept::OfOrder(order)).await.expect("freed");
                }
            }
            Act::PutBack { which, quantity, quarantined } => {
                let count = model.taken.len();
                if count == 0 {
                    return;
                }
                let (order, item, rest) = model.taken[which % count];
                let quantity = quantity.min(rest);
                let expected = if model.fits(0, quantity) { Outcome::Done } else { Outcome::Full };
                let back = [Back { line_no: 1, quantity, quarantined }];
                assert_eq!(outcome(returned(conn, order, &back).await), expected, "{act:?}");
                if expected == Outcome::Done {
                    if quarantined {
                        model.quarantined[item] += quantity;
                    } else {
                        model.on_hand[item][0] += quantity;
                    }
                    if rest == quantity {
                        model.taken.swap_remove(which % count);
                    } else {
                        model.taken[which % count].2 -= quantity;
                    }
                }
            }
            Act::Inspect { item, verdict } => {
                let (Verdict::Release(units) | Verdict::WriteOff(units)) = verdict;
                let there = model.quarantined[item];
                let expected = if units > there { Outcome::Short(there) } else { Outcome::Done };
                let done = self.stock.inspect(conn, self.goods[item].1, self.sites[0], verdict).await;
                assert_eq!(outcome(done), expected, "{act:?}");
                if expected == Outcome::Done {
                    model.quarantined[item] -= units;
                    if verdict == Verdict::Release(units) {
                        model.on_hand[item][0] += units;
                    }
                }
            }
        }
    }

    async fn assert_as_modelled(&self, conn: &mut PgConnection) {
        for (item, (_, id)) in self.goods.into_iter().enumerate() {
            for (site, at) in self.sites.into_iter().enumerate() {
                let found = level(conn, self.stock.seller.org, id, at).await.expect("read");
                let found = found.map_or((0, 0, 0), |level| (level.on_hand, level.reserved, level.quarantined));
                let quarantined = if site == 0 { self.model.quarantined[item] } else { 0 };
                assert_eq!(found, (self.model.on_hand[item][site], self.model.reserved_at(item, site), quarantined));
            }
        }
        assert_books(conn).await;
    }
}

#[test]
fn every_level_is_the_sum_of_its_movements() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    for cases in shared::testing::cases(24) {
        let (stock, mut conn) = runtime.block_on(TestStock::new());
        let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
        let shared = std::cell::RefCell::new(&mut conn);
        let played = TestRunner::new(config).run(&prop::collection::vec(act(), 1..40), |acts| {
            let mut conn = shared.borrow_mut();
            runtime.block_on(async {
                let sites = [stock.site(&mut conn, Some(SITE_CAPACITY)).await, stock.site(&mut conn, None).await];
                let goods = [stock.listing(&mut conn, sites[0]).await, stock.listing(&mut conn, sites[0]).await];
                for (_, item) in goods {
                    for site in sites {
                        stock.adjust(&mut conn, item, site, Count::To(0)).await.expect("counted");
                    }
                }
                let mut machine = Machine { stock: &stock, sites, goods, model: Model::default() };
                for act in acts {
                    machine.play(&mut conn, act).await;
                }
                machine.assert_as_modelled(&mut conn).await;
            });
            Ok(())
        });
        played.expect("as modelled");
        runtime.block_on(stock.close(conn));
    }
}
