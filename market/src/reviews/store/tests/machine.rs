//! Orders, reviews and their hiding in any order against a plain list.

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    /// The first or the second organisation writes about an order.
    Write { order: usize, first: bool, stars: i16 },
    /// The seven days pass, and the job runs.
    Show { order: usize },
    /// A moderator hides what the first or the second organisation has written.
    Hide { order: usize, first: bool },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let write =
        (0..3_usize, any::<bool>(), 1..=5_i16).prop_map(|(order, first, stars)| Act::Write { order, first, stars });
    let show = (0..3_usize).prop_map(|order| Act::Show { order });
    let hide = (0..3_usize, any::<bool>()).prop_map(|(order, first)| Act::Hide { order, first });
    proptest::collection::vec(prop_oneof![4 => write, 2 => show, 1 => hide], 1..25)
}

/// What the list says of one side's review.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    stars: Option<i16>,
    shown: bool,
    hidden: bool,
}

async fn play(acts: Vec<Act>) {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (one, two, moderator) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let mut orders = Vec::new();
    for way in [(one, two), (two, one), (one, two)] {
        orders.push(earn(&mut conn, way.0, way.1, eur(10_000)).await);
    }
    let mut model = [[Side::default(); 2]; 3];
    for act in acts {
        match act {
            Act::Write { order, first, stars } => {
                let (by, place) = if first { (one, 0) } else { (two, 1) };
                let done = written(&mut conn, by, orders[order], stars, "So.").await;
                let sides = &mut model[order];
                assert_eq!(done.is_ok(), !sides[place].shown, "{done:?}");
                if !sides[place].shown {
                    sides[place].stars = Some(stars);
                    if sides.iter().all(|side| side.stars.is_some()) {
                        for side in sides.iter_mut() {
                            side.shown = true;
                        }
                    }
                }
            }
            Act::Show { order } => {
                age(&mut conn, orders[order], 7).await;
                let _ = shown(&mut conn, orders[order]).await;
                model[order].iter_mut().for_each(|side| side.shown |= side.stars.is_some());
            }
            Act::Hide { order, first } => {
                let (by, reporter, place) = if first { (one, two, 0) } else { (two, one, 1) };
                let own = of_order(&mut conn, by.org, orders[order]).await.expect("read");
                let side = &mut model[order][place];
                let Some(review) = own.iter().find(|review| review.author_org_id == by.org) else {
                    assert!(side.stars.is_none());
                    continue;
                };
                let mut tx = conn.begin().await.expect("a transaction");
                let made = report(&mut tx, party(reporter), review.id, ReviewReportReason::Other, None).await;
                assert_eq!(made.is_ok(), side.shown && !side.hidden, "{made:?}");
                if let Ok(made) = made {
                    let upheld = ReviewReportOutcome::Upheld;
                    decide(&mut tx, moderator.user, made.id, upheld, "So.").await.expect("decided");
                    tx.commit().await.expect("committed");
                    side.hidden = true;
                }
            }
        }
        for (org, place) in [(one.org, 1), (two.org, 0)] {
            let counts = model.iter().map(|sides| sides[place]).filter(|side| side.shown && !side.hidden);
            let stars: Vec<i64> = counts.filter_map(|side| side.stars).map(i64::from).collect();
            let expected = Rating::of(i64::try_from(stars.len()).expect("a count"), stars.iter().sum());
            assert_eq!(rating(&mut conn, org).await, expected);
            assert_eq!(counted(&mut conn, org).await, expected);
            let public = of_org(&mut conn, org, None, 10).await.expect("read");
            assert_eq!(public.len(), stars.len());
        }
    }
    drop(conn);
    db.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ratings_are_what_a_plain_list_says(acts in acts()) {
        Runtime::new().expect("a runtime").block_on(play(acts));
    }
}
