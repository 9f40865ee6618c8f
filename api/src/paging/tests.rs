use super::*;

#[test]
fn the_extra_row_only_tells_that_there_is_more() {
    let limit = Limit::try_from(2).unwrap();
    let page = limit.page(vec![1, 2, 3], ToString::to_string, |row| row * 10);
    assert_eq!((page.items, page.next.as_deref()), (vec![10, 20], Some("2")));
    let page = limit.page(vec![1, 2], ToString::to_string, |row| row * 10);
    assert_eq!((page.items, page.next), (vec![10, 20], None));
    assert!(Limit::try_from(0).is_err() && Limit::try_from(101).is_err());
}

#[test]
fn a_time_cursor_comes_back_as_it_went() {
    let at = DateTime::from_timestamp_micros(1_791_000_000_123_456).unwrap();
    let cursor = TimeCursor { at, id: Uuid::from_u128(7) };
    assert_eq!(TimeCursor::try_from(cursor.to_string()), Ok(cursor));
    let id = Uuid::nil();
    for text in [String::new(), "7".to_owned(), format!("-1.{id}"), format!("{}.{id}", i64::MAX), format!("1.{id}x")] {
        assert!(TimeCursor::try_from(text.clone()).is_err(), "{text}");
    }
}
