use super::*;

#[test]
fn a_temporary_fault_wears_off_and_a_permanent_one_does_not() {
    let faults = Faults::default();
    faults.add("a@x.se", Fault::Temporary { times: 2 });
    faults.add("b@x.se", Fault::Permanent);
    assert_eq!(faults.at_recipient("A@X.se"), Some(Refusal::Temporary));
    assert_eq!(faults.at_recipient("a@x.se"), Some(Refusal::Temporary));
    assert_eq!(faults.at_recipient("a@x.se"), None);
    for _ in 0..3 {
        assert_eq!(faults.at_recipient("b@x.se"), Some(Refusal::Permanent));
    }
    assert_eq!(faults.at_recipient("c@x.se"), None);
    faults.clear();
    assert_eq!(faults.at_recipient("b@x.se"), None);
}

#[test]
fn endings_add_up_over_rules_and_recipients() {
    let faults = Faults::default();
    faults.add("*", Fault::Delay(Duration::from_secs(1)));
    faults.add("a@x.se", Fault::Delay(Duration::from_secs(3)));
    faults.add("a@x.se", Fault::DropAfterTaken { times: 1 });
    let both = ["b@x.se".to_owned(), "a@x.se".to_owned()];
    assert_eq!(faults.at_end(&both), Ending { delay: Duration::from_secs(3), drop: true });
    assert_eq!(faults.at_end(&both), Ending { delay: Duration::from_secs(3), drop: false });
    assert_eq!(faults.at_end(&both[..1]), Ending { delay: Duration::from_secs(1), drop: false });
}
