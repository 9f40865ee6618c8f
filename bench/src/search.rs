//! Searches over many listings, one after the other, as the API runs them: what is found, and the listings themselves.

use std::time::Instant;

use anyhow::Context;
use market::listings::model::{Language, SaleMode};
use market::listings::store as listings;
use market::search::model::{Filter, Fitting, Near, PriceRange, Query, Sort, Wanted};
use market::search::store;
use shared::money::Currency;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::run::note;

/// A page.
const PAGE: i64 = 21;
/// How many searches of each shape.
const EACH: i32 = 25;

/// Fills the market with this many listings; the database is the benchmark's own.
pub(crate) async fn fill(pool: &PgPool, count: i64) -> anyhow::Result<()> {
    let mut conn = pool.acquire().await?.detach();
    // Past the bounds of what one seller may have: rows are made, not acts. They must all be true before anybody searches.
    let script = include_str!("search/listings.sql").replace("$1", &count.to_string());
    sqlx::raw_sql(
        "SET session_replication_role = replica; SET statement_timeout = 0; SET maintenance_work_mem = '256MB'",
    )
    .execute(&mut conn)
    .await?;
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut conn).await.context("making the listings")?;
    sqlx::raw_sql("VACUUM ANALYZE listing_search").execute(&mut conn).await?;
    sqlx::raw_sql("VACUUM ANALYZE listing_numbers").execute(&mut conn).await?;
    sqlx::raw_sql("ANALYZE").execute(&mut conn).await?;
    Ok(())
}

/// Milliseconds of which 95 in 100 searches took no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) p95: f64,
    /// The slowest of all shapes, and its median.
    pub(crate) slowest: (&'static str, f64),
}

/// Runs every shape of search, with or without counts of facets.
pub(crate) async fn measure(pool: &PgPool, with_facets: bool) -> anyhow::Result<Latency> {
    let mut conn = pool.acquire().await?;
    let mut all = Vec::new();
    let mut slowest = ("", 0.0);
    for (name, query) in shapes(&mut conn).await? {
        let mut took = Vec::new();
        for n in 0..EACH {
            let query = query(n);
            let start = Instant::now();
            let found = store::find(&mut conn, &query, None, PAGE).await?;
            let ids: Vec<_> = found.iter().map(|found| found.id).collect();
            listings::listings(&mut conn, &ids).await?;
            if with_facets {
                let filters = store::filters(&mut conn, query.category.as_deref()).await?;
                store::facets(&mut conn, &query, &filters.facets()).await?;
            }
            took.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
        took.sort_by(f64::total_cmp);
        let median = took[took.len() / 2];
        note(&format!("{name}: p50 {median:.1} ms, most {:.1} ms", took[took.len() - 1]));
        if median > slowest.1 {
            slowest = (name, median);
        }
        all.append(&mut took);
    }
    all.sort_by(f64::total_cmp);
    Ok(Latency { p95: all[all.len() * 95 / 100], slowest })
}

type Shape = Box<dyn Fn(i32) -> Query + Send>;

fn tractors() -> Query {
    Query { category: Some("machinery/tractors".to_owned()), ..Query::default() }
}

fn make(n: i32) -> Filter {
    Filter { name: "make".to_owned(), wanted: Wanted::Values(vec![format!("Make {}", n % 28)]) }
}

fn horsepower(from: i32, to: Option<i32>) -> Filter {
    Filter { name: "horsepower".to_owned(), wanted: Wanted::Range(Some(from.into()), to.map(Into::into)) }
}

fn euros(from: i64, to: i64) -> PriceRange {
    PriceRange { currency: Currency::EUR, from: Some(from * 100), to: Some(to * 100) }
}

fn near(n: i32, kilometres: f64) -> Near {
    let (latitude, longitude) = (40.0 + f64::from(n % 19), -5.0 + f64::from(n * 7 % 31));
    Near { body: "earth".to_owned(), latitude, longitude, within_m: Some(kilometres * 1_000.0) }
}

/// The mix: what people look for, common and rare, in every order.
async fn shapes(conn: &mut PgConnection) -> anyhow::Result<Vec<(&'static str, Shape)>> {
    let model = market::catalog::store::model(conn, "make-3-m64").await?.context("the model is there")?;
    let word = |n: i32| Some(format!("word{}", n * 79 % 2_000));
    let shape = |name, query: fn(i32) -> Query| -> (&'static str, Shape) { (name, Box::new(query)) };
    let mut shapes = vec![
        shape("newest", |_| Query::default()),
        shape("category", |_| tractors()),
        shape("make", |n| Query { filters: vec![make(n)], ..tractors() }),
        shape("make, power, price, distance", |n| Query {
            filters: vec![horsepower(80, None), make(n)],
            price: Some(euros(5_000, 60_000)),
            near: Some(near(n, 50.0)),
            ..tractors()
        }),
        shape("power, cheapest", |n| Query {
            filters: vec![horsepower(380 - n, None)],
            sort: Sort::Price,
            ..tractors()
        }),
        shape("exact power", |n| Query { filters: vec![horsepower(390 + n % 10, Some(390 + n % 10))], ..tractors() }),
        shape("price, dearest", |n| Query {
            price: Some(euros(1_000, 20_000 + i64::from(n) * 500)),
            sort: Sort::PriceDesc,
            ..Query::default()
        }),
        shape("nearest", |n| Query { near: Some(near(n, 2_000.0)), sort: Sort::Distance, ..tractors() }),
        shape("nearest of a make", |n| Query {
            near: Some(near(n, 2_000.0)),
            filters: vec![make(n)],
            sort: Sort::Distance,
            ..tractors()
        }),
        shape("within 500 km", |n| Query { near: Some(near(n, 500.0)), ..Query::default() }),
        shape("auctions", |_| Query { mode: Some(SaleMode::Auction), ..Query::default() }),
        shape("common word", |_| Query { text: Some("tractor".to_owned()), ..Query::default() }),
        shape("common word, relevant", |_| Query {
            text: Some("plough".to_owned()),
            sort: Sort::Relevance,
            ..Query::default()
        }),
        shape("words in German", |n| Query {
            text: Some(format!("tractor word{}", n % 7)),
            language: Some(Language::De),
            ..Query::default()
        }),
    ];
    shapes.push(("word", Box::new(move |n| Query { text: word(n), ..Query::default() })));
    shapes.push(("word, cheapest", Box::new(move |n| Query { text: word(n), sort: Sort::Price, ..Query::default() })));
    shapes.push((
        "parts that fit",
        Box::new(move |_| Query { fits: Some(Fitting::of(model.clone(), None)), ..Query::default() }),
    ));
    Ok(shapes)
}
