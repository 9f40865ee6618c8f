//! Random searches against one that looks at each listing.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::assert_kept;
use super::naive::{CATEGORIES, MAKES, Market, PLACES, WORDS, currency};
use crate::ids::ListingId;
use crate::listings::model::{Language, SaleMode};
use crate::search::model::{Filter, Fitting, Near, PriceRange, Query, Sort, Wanted};
use crate::search::rules::cursor;
use crate::search::store::{facets, find};

fn some_of<T: Clone>(rng: &mut StdRng, one_in: u32, all: &[T]) -> Option<T> {
    rng.random_ratio(1, one_in).then(|| all.choose(rng).expect("one").clone())
}

fn filters(rng: &mut StdRng) -> Vec<Filter> {
    let mut filters = Vec::new();
    if rng.random_ratio(1, 3) {
        let makes = (0..rng.random_range(1..3)).map(|_| MAKES.choose(rng).expect("one").to_string()).collect();
        filters.push(Filter { name: "make".to_owned(), wanted: Wanted::Values(makes) });
    }
    if let Some(four) = some_of(rng, 6, &["true", "false"]) {
        filters.push(Filter { name: "four_wheel_drive".to_owned(), wanted: Wanted::Values(vec![four.to_owned()]) });
    }
    for (name, least, most) in [("horsepower", 40, 200), ("year", 2010, 2024)] {
        if rng.random_ratio(1, 5) {
            let from = rng.random::<bool>().then(|| f64::from(rng.random_range(least..most)));
            // One of them is always there.
            let to = (from.is_none() || rng.random()).then(|| f64::from(rng.random_range(least..most)));
            filters.push(Filter { name: name.to_owned(), wanted: Wanted::Range(from, to) });
        }
    }
    filters
}

fn query(rng: &mut StdRng, market: &Market) -> Query {
    let near = rng.random_ratio(1, 3).then(|| {
        let (body, latitude, longitude) = *PLACES.choose(rng).expect("one");
        let within = [1.0, 30_000.0, 800_000.0, 12_000_000.0, 30_000_000.0];
        let within_m = some_of(rng, 2, &within);
        Near { body: body.to_owned(), latitude: latitude - 0.01, longitude, within_m }
    });
    let text = rng.random_ratio(1, 3).then(|| {
        let [one, two] = [(); 2].map(|()| *WORDS.choose(rng).expect("one"));
        [one.to_owned(), format!("{one} {two}"), format!("{one} -{two}")].choose(rng).expect("one").clone()
    });
    let mut sorts = vec![Sort::Newest, Sort::Price, Sort::PriceDesc, Sort::Ending];
    sorts.extend(near.is_some().then_some(Sort::Distance));
    sorts.extend(text.is_some().then_some(Sort::Relevance));
    let price = rng.random_ratio(1, 4).then(|| {
        let currency = currency(["EUR", "USD", "JPY", "KWD"].choose(rng).expect("one"));
        let mut bound = || rng.random::<bool>().then(|| rng.random_range(1..40) * 500);
        PriceRange { currency, from: bound(), to: bound() }
    });
    let fits = rng.random_ratio(1, 6).then(|| {
        let n = rng.random_range(0..MAKES.len());
        let year = rng.random::<bool>().then(|| rng.random_range(1998..2024));
        Fitting { model: market.models[n], make: MAKES[n].to_owned(), year }
    });
    let categories = ["machinery", CATEGORIES[0], CATEGORIES[2], "machinery/tract"].map(str::to_owned);
    Query {
        text,
        language: some_of(rng, 5, &[Language::En, Language::De, Language::Fi]),
        category: some_of(rng, 3, &categories),
        seller: some_of(rng, 6, &market.sellers),
        mode: some_of(rng, 6, &[SaleMode::Fixed, SaleMode::Auction]),
        filters: filters(rng),
        price,
        near,
        fits,
        free: None,
        sort: *sorts.choose(rng).expect("one"),
    }
}

/// Every page of a search, through cursors as people have them.
async fn pages(conn: &mut PgConnection, query: &Query, size: usize) -> Vec<ListingId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let limit = i64::try_from(size + 1).expect("small");
        let page = find(conn, query, after, limit).await.unwrap_or_else(|error| panic!("{query:?}: {error}"));
        let more = page.len() > size;
        all.extend(page.iter().take(size).map(|found| found.id));
        if !more {
            return all;
        }
        let next = cursor::write(query, page[size - 1]);
        after = Some(cursor::read(query, &next).expect("its own cursor"));
    }
}

#[tokio::test]
async fn make_power_price_and_distance_find_only_what_matches() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut rng = StdRng::seed_from_u64(50);
    let market = Market::new(&mut conn, &mut rng, 250).await;
    assert_kept(&mut conn, "the listings").await;
    let (mut found_any, mut sorts) = (0, BTreeMap::<String, u32>::new());
    for n in 0..2_000 {
        let query = query(&mut rng, &market);
        let wanted = market.find(&query);
        let found = pages(&mut conn, &query, rng.random_range(1..60)).await;
        if query.sort == Sort::Relevance {
            let set = |ids: &[ListingId]| ids.iter().map(|id| id.0).collect::<BTreeSet<_>>();
            assert!(found.len() == wanted.len() && set(&found) == set(&wanted), "search {n}, {query:?}");
        } else {
            assert_eq!(found, wanted, "search {n}, {query:?}");
        }
        if wanted.len() > 1 {
            found_any += 1;
            *sorts.entry(format!("{:?}", query.sort)).or_default() += 1;
        }
    }
    assert!(found_any > 500 && sorts.values().all(|times| *times > 20), "{found_any} found something: {sorts:?}");
    conn.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn facets_count_what_the_query_finds() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut rng = StdRng::seed_from_u64(51);
    let market = Market::new(&mut conn, &mut rng, 150).await;
    let names = ["make", "condition", "four_wheel_drive"].map(str::to_owned);
    for n in 0..300 {
        let query = query(&mut rng, &market);
        let counted = facets(&mut conn, &query, &names).await.unwrap_or_else(|error| panic!("{query:?}: {error}"));
        assert_eq!(counted[0].name, "category");
        for facet in &counted[1..] {
            let values: BTreeMap<_, _> = facet.values.iter().map(|one| (one.value.clone(), one.count)).collect();
            assert!(facet.exact);
            assert_eq!(values, market.count(&query, &facet.name), "search {n}, {}: {query:?}", facet.name);
            assert!(facet.values.is_sorted_by(|a, b| a.count >= b.count), "{facet:?}");
        }
        assert_eq!(counted.len(), names.len() + 1);
        // What all have in common is in every one of them.
        let all = i64::try_from(market.find(&Query { sort: Sort::Newest, ..query.clone() }).len()).expect("few");
        if !matches!(query.sort, Sort::Newest | Sort::Relevance | Sort::Distance) || all == 0 {
            continue;
        }
        let below: i64 =
            counted[0].values.iter().filter(|one| CATEGORIES.contains(&one.value.as_str())).map(|one| one.count).sum();
        let of_query = i64::try_from(market.find(&query).len()).expect("few");
        assert_eq!(below, of_query, "search {n}: {query:?}");
    }
    conn.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn a_cursor_neither_skips_nor_repeats_while_listings_come_and_go() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut rng = StdRng::seed_from_u64(52);
    let market = Market::new(&mut conn, &mut rng, 80).await;
    let near = Near { body: "earth".to_owned(), latitude: 50.0, longitude: 9.0, within_m: None };
    for sort in [Sort::Newest, Sort::Price, Sort::PriceDesc, Sort::Distance, Sort::Ending] {
        let query = Query { sort, near: (sort == Sort::Distance).then(|| near.clone()), ..Query::default() };
        let wanted = market.find(&query);
        let (mut seen, mut gone, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = find(&mut conn, &query, after, 3).await.expect("found");
            let Some(last) = page.last() else { break };
            seen.extend(page.iter().map(|found| found.id));
            after = Some(*last);
            // One leaves, sometimes the very one that the cursor names.
            let leaving = *wanted.choose(&mut rng).expect("one");
            let leaving = if rng.random() { last.id } else { leaving };
            sqlx::query("UPDATE listings SET status = 'suspended' WHERE id = $1 AND status = 'published'")
                .bind(leaving)
                .execute(&mut conn)
                .await
                .expect("suspended");
            gone.push(leaving);
        }
        let seen_once: BTreeSet<_> = seen.iter().map(|id| id.0).collect();
        assert_eq!(seen_once.len(), seen.len(), "{sort:?} repeats");
        for id in &wanted {
            assert!(seen.contains(id) || gone.contains(id), "{sort:?} skips {id}");
        }
        sqlx::query("UPDATE listings SET status = 'published' WHERE status = 'suspended'")
            .execute(&mut conn)
            .await
            .expect("back");
    }
    conn.close().await.expect("closed");
    db.close().await;
}
