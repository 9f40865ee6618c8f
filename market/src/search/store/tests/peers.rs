//! The statements that the peers of the benchmark search with.

use std::collections::BTreeMap;

use shared::testing::TestDb;
use sqlx::Connection;
use uuid::Uuid;

use super::naive::currency;
use crate::search::model::{Filter, PriceRange, Query, Sort, Wanted};
use crate::search::store::conditions::Prepared;
use crate::search::store::{facets, find};

fn tractors(filters: Vec<Filter>) -> Query {
    Query { category: Some("machinery/tractors".to_owned()), filters, ..Query::default() }
}

/// What the benchmark asks for, with the names that the peers have for the order and for the conditions.
fn searches() -> [(&'static str, &'static str, Query); 6] {
    let make = || Filter { name: "make".to_owned(), wanted: Wanted::Values(vec!["Make 3".to_owned()]) };
    let power = || Filter { name: "horsepower".to_owned(), wanted: Wanted::Range(Some(80.0), None) };
    let text = Query { text: Some("word79".to_owned()), ..Query::default() };
    let price = PriceRange { currency: currency("EUR"), from: Some(100_000), to: Some(2_000_000) };
    [
        ("newest", "category", tractors(Vec::new())),
        ("newest", "category value", tractors(vec![make()])),
        ("newest", "category at_least value", tractors(vec![power(), make()])),
        ("price", "category at_least priced", Query { sort: Sort::Price, ..tractors(vec![power()]) }),
        ("newest", "words", text),
        ("price_desc", "price priced", Query { sort: Sort::PriceDesc, price: Some(price), ..Query::default() }),
    ]
}

/// The peers would otherwise be measured with statements that the API no longer runs.
#[tokio::test]
async fn the_peers_search_with_the_statements_of_the_api_word_for_word() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut expected = BTreeMap::new();
    for (order, conditions, query) in searches() {
        let has_range = query.filters.iter().any(|filter| matches!(filter.wanted, Wanted::Range(..)));
        for few in [None, has_range.then(|| vec![Uuid::nil()])] {
            let mut prepared = Prepared::new(&mut conn, &query).await.expect("prepared");
            let conditions = if few.is_some() { format!("few {conditions}") } else { conditions.to_owned() };
            prepared.few = few;
            let statement = find::statement(&prepared, query.sort, None, 21).into_string();
            expected.insert(format!("find {order} {conditions}"), statement);
            let names = ["condition".to_owned(), "make".to_owned()];
            let counted = |left_out| facets::statement(&prepared, left_out, &names).into_string();
            expected.insert(format!("facets {conditions}"), counted(None));
            if let Some(others) = conditions.strip_suffix(" value") {
                expected.insert(format!("facets {others}"), counted(Some("make")));
            }
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/peers/searches.json");
    let statements: BTreeMap<String, String> =
        serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("statements");
    assert_eq!(statements, expected, "copy these anew into bench/peers/searches.json");
    conn.close().await.expect("closed");
    db.close().await;
}
