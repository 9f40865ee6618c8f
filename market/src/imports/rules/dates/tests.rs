use super::*;

fn read(cell: &str, order: Option<DateOrder>) -> Result<String, String> {
    day(cell, order).map(|day| day.to_string()).map_err(|error| error.to_string())
}

#[test]
fn a_day_is_read_in_the_order_that_was_stated() {
    let (month, day) = (Some(DateOrder::MonthFirst), Some(DateOrder::DayFirst));
    for (cell, order, expected) in [
        ("11/8/2016", month, "2016-11-08"),
        ("11/8/2016", day, "2016-08-11"),
        ("8.11.2016", day, "2016-11-08"),
        ("08-11-2016", day, "2016-11-08"),
        ("2/29/2016", month, "2016-02-29"),
        ("12/31/2017", month, "2017-12-31"),
    ] {
        assert_eq!(read(cell, order), Ok(expected.to_owned()), "{cell}");
    }
    // ISO 8601 says itself what is what.
    for order in [None, month, day] {
        assert_eq!(read("2016-11-08", order), Ok("2016-11-08".to_owned()));
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_until_somebody_says_how() {
    let two_ways =
        "\"11/8/2016\" can be read in two ways: say with `date_order` whether the day or the month comes first";
    assert_eq!(read("11/8/2016", None), Err(two_ways.to_owned()));
    // Also what could be read in one way alone: the file is in one order.
    assert!(matches!(day("13/8/2016", None), Err(NotADay::Unordered(_))));
}

#[test]
fn what_is_not_a_day_of_the_calendar_is_refused() {
    let month = Some(DateOrder::MonthFirst);
    assert_eq!(read("13/8/2016", month), Err("the calendar has no day 2016-13-08".to_owned()));
    assert_eq!(read("2/29/2015", month), Err("the calendar has no day 2015-02-29".to_owned()));
    assert_eq!(read("2015-02-30", None), Err("the calendar has no day 2015-02-30".to_owned()));
    assert_eq!(read("0/1/2016", month), Err("the calendar has no day 2016-00-01".to_owned()));
    assert_eq!(day("1/1/1899", month), Err(NotADay::OutOfRange));
    assert_eq!(day("2200-01-01", month), Err(NotADay::OutOfRange));
    for cell in [
        "",
        "today",
        "2016",
        "11/8/16",
        "11/8",
        "11/8/2016/1",
        "11/8-2016",
        "2016/11/08",
        "2016-11-8",
        "2016-11-08T10:00:00Z",
        "11 8 2016",
        "+1/8/2016",
        "1//2016",
        "11/8/02016",
        "٣/8/2016",
    ] {
        assert_eq!(day(cell, month), Err(NotADay::Malformed), "{cell:?}");
    }
}
