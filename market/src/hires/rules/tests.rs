use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Two units, on the first of March.
fn line() -> Line {
    Line {
        status: OrderStatus::PendingPayment,
        quantity: 2,
        is_service: true,
        by_day: false,
        today: day("2027-03-01"),
        days: Vec::new(),
    }
}

#[test]
fn days_that_follow_each_other_are_one_stretch() {
    let days: Vec<_> =
        ["2027-02-27", "2027-02-28", "2027-03-01", "2027-03-03", "2027-12-31", "2028-01-01"].map(day).to_vec();
    let of = |first, last| (day(first), day(last));
    assert_eq!(
        stretches(&days),
        [of("2027-02-27", "2027-03-01"), of("2027-03-03", "2027-03-03"), of("2027-12-31", "2028-01-01")]
    );
    assert!(stretches(&[]).is_empty());
}

fn refused(line: &Line, wanted: &[&str]) -> String {
    let wanted: Vec<_> = wanted.iter().map(|text| day(text)).collect();
    judge(line, &wanted).expect_err("refused").to_string()
}

#[test]
fn an_order_has_no_more_days_than_units_and_by_the_day_as_many() {
    let (today, later) = (day("2027-03-01"), day("2100-12-31"));
    assert_eq!(judge(&line(), &[later, today]), Ok(vec![today, later]));
    let by_day = Line { by_day: true, ..line() };
    for line in [&line(), &by_day] {
        assert_eq!(judge(line, &[]), Ok(vec![]));
        let many = ["2027-03-01", "2027-03-02", "2027-03-03"];
        assert_eq!(refused(line, &many), "/days: must be at most 2: no more than the units that are bought");
        assert_eq!(refused(line, &["2027-03-02", "2027-03-02"]), "/days/1: is there twice");
        let wrong = "/days/0: has passed; /days/1: is too far away";
        assert_eq!(refused(line, &["2027-02-28", "2101-01-01"]), wrong);
    }
    assert_eq!(judge(&line(), &[today]), Ok(vec![today]));
    assert_eq!(refused(&by_day, &["2027-03-01"]), "/days: must be 2, one for each unit that is bought");
    let goods = Line { is_service: false, ..line() };
    assert_eq!(refused(&goods, &["2027-03-01"]), "/days: only what is of a category of services has days");
    let years = Line { quantity: i64::MAX, ..line() };
    let year: Vec<_> = today.iter_days().take(MAX_DAYS + 1).collect();
    assert_eq!(judge(&years, &year[1..]), Ok(year[1..].to_vec()));
    assert!(judge(&years, &year).is_err());
}

#[test]
fn days_change_until_they_are_paid_and_are_chosen_until_the_work_is_done() {
    let (one, other, passed) = (day("2027-03-02"), day("2027-03-03"), day("2027-02-01"));
    for status in [OrderStatus::PendingPayment, OrderStatus::Paid, OrderStatus::InFulfilment] {
        let none = Line { status, ..line() };
        assert_eq!(judge(&none, &[one]), Ok(vec![one]), "{status:?}");
        let some = Line { status, days: vec![passed, one], ..line() };
        assert_eq!(judge(&some, &[one, passed]), Ok(vec![passed, one]), "{status:?}");
        let changed = if status == OrderStatus::PendingPayment { Ok(vec![other]) } else { Err(HireRefusal::Fixed) };
        assert_eq!(judge(&some, &[other]), changed, "{status:?}");
    }
    for status in [OrderStatus::Delivered, OrderStatus::Completed, OrderStatus::Cancelled, OrderStatus::Refunded] {
        let ended = Line { status, ..line() };
        assert_eq!(judge(&ended, &[one]), Err(HireRefusal::OrderStatus(status)));
    }
}
