use super::*;

fn position(due: i64, open: Option<Open>, active: bool) -> Position {
    Position { due, open, active, withheld: false }
}

fn waiting(transferred: bool, usable: bool) -> Open {
    Open { status: PayoutStatus::Waiting, transferred, usable }
}

#[test]
fn earnings_wait_for_an_account_and_go_on_when_there_is_one() {
    for (position, step) in [
        (position(0, None, true), Step::Nothing),
        (position(1, None, false), Step::Wait),
        (position(1, None, true), Step::Begin),
        (position(1, Some(waiting(false, false)), false), Step::Nothing),
        (position(1, Some(waiting(false, false)), true), Step::Fill),
        (position(0, Some(waiting(false, false)), false), Step::End),
        (position(0, Some(waiting(true, true)), false), Step::Again),
        (position(5, Some(waiting(true, false)), true), Step::Nothing),
    ] {
        assert_eq!(decide(position), step, "{position:?}");
        assert_eq!(decide(Position { withheld: true, ..position }), Step::Nothing, "{position:?}");
    }
    for status in [PayoutStatus::Intended, PayoutStatus::Sent] {
        let open = Some(Open { status, transferred: false, usable: true });
        assert_eq!(decide(position(1, open, true)), Step::Nothing);
    }
}
