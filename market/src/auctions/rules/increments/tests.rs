use super::*;

#[test]
fn the_default_table_is_the_documented_one() {
    let euro = IncrementTable::default_for(Currency::EUR);
    let cases = [
        (0, 5),
        (99, 5),
        (100, 25),
        (499, 25),
        (500, 50),
        (2_499, 50),
        (2_500, 100),
        (9_999, 100),
        (10_000, 250),
        (24_999, 250),
        (25_000, 500),
        (49_999, 500),
        (50_000, 1_000),
        (99_999, 1_000),
        (100_000, 2_500),
        (249_999, 2_500),
        (250_000, 5_000),
        (499_999, 5_000),
        (500_000, 10_000),
        (i64::MAX, 10_000),
    ];
    for (price, step) in cases {
        assert_eq!(euro.step(price), step, "at {price}");
    }
    assert_eq!(euro.next(i64::MAX), i64::MAX);
    let yen = IncrementTable::default_for(Currency::JPY);
    assert_eq!(yen.steps(), [1, 1, 1, 1, 3, 5, 10, 25, 50, 100]);
    assert_eq!(yen.below(), [1, 5, 25, 100, 250, 500, 1_000, 2_500, 5_000]);
    let dinar = IncrementTable::default_for(Currency::KWD);
    assert_eq!(dinar.steps()[..3], [50, 250, 500]);
}

#[test]
fn every_default_table_is_valid() {
    for currency in Currency::all() {
        let table = IncrementTable::default_for(currency);
        let again = IncrementTable::new(table.below.clone(), table.steps.clone());
        assert_eq!(again, Ok(table), "{currency}");
    }
}

#[test]
fn unusable_tables_are_refused() {
    let bad: [(&[i64], &[i64]); 6] =
        [(&[], &[]), (&[100], &[5]), (&[100, 100], &[5, 5, 5]), (&[0], &[5, 5]), (&[100], &[5, 4]), (&[100], &[0, 4])];
    for (below, steps) in bad {
        let table = IncrementTable::new(below.to_vec(), steps.to_vec());
        assert_eq!(table, Err(BadIncrements), "{below:?} {steps:?}");
    }
    assert!(IncrementTable::new(vec![], vec![7]).is_ok());
}
