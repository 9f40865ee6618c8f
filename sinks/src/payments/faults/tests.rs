use super::*;

#[test]
fn so_many_acts_and_so_many_webhooks_are_late() {
    let (mut faults, by) = (Faults::default(), Duration::from_secs(5));
    faults.add(Fault::Delay { times: 2, by });
    assert_eq!([faults.fate(), faults.fate(), faults.fate()], [Fate::Late(by), Fate::Late(by), Fate::Answered]);
    assert_eq!([faults.lateness(), faults.lateness(), faults.lateness()], [by, by, Duration::ZERO]);
}
