use proptest::prelude::*;

use super::*;

#[test]
fn a_cursor_of_another_query_is_refused() {
    let query = Query { text: Some("plough".to_owned()), ..Query::default() };
    let id = ListingId::generate();
    let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a time");
    let cursor = write(&query, Found { id, key: Key::Time(at) });
    assert_eq!(read(&query, &cursor), Ok(Found { id, key: Key::Time(at) }));
    let others = [
        Query { text: Some("harrow".to_owned()), ..Query::default() },
        Query { category: Some("machinery".to_owned()), ..query.clone() },
        Query { sort: Sort::Ending, ..query.clone() },
        Query { text: None, ..query.clone() },
    ];
    for other in others {
        assert_eq!(read(&other, &cursor), Err(CursorError::OfAnotherQuery), "{other:?}");
    }
}

#[test]
fn what_is_not_a_cursor_is_malformed() {
    let query = Query { sort: Sort::Price, ..Query::default() };
    let nothing = write(&query, Found { id: ListingId::generate(), key: Key::Number(f64::NAN) });
    for text in
        ["", "1", "!", "AAAA", &"A".repeat(1_000), "1700000000123456.01900000-0000-7000-8000-000000000000", &nothing]
    {
        assert_eq!(read(&query, text), Err(CursorError::Malformed), "{text}");
    }
}

proptest! {
    #[test]
    fn a_number_comes_back_as_it_was(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        let query = Query { sort: Sort::Distance, ..Query::default() };
        let found = Found { id: ListingId::generate(), key: Key::Number(number) };
        prop_assert_eq!(read(&query, &write(&query, found)), Ok(found));
    }
}
