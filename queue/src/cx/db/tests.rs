use chrono::DateTime;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_session_that_waits_on_is_lost_and_one_that_has_just_answered_a_long_statement_is_not() {
    let connection = OneConnection::default();
    let turn = connection.take().unwrap();
    assert!(connection.quiet(Duration::ZERO).is_none(), "there is no connection yet");
    turn.holds(SessionId { pid: 7, started_at: DateTime::UNIX_EPOCH });
    assert!(connection.quiet(PATIENCE).is_none(), "it was used a moment ago");

    // A statement of five minutes.
    lock(&connection.held).as_mut().unwrap().used = Instant::now().checked_sub(Duration::from_mins(5)).unwrap();
    let quiet = connection.quiet(PATIENCE).unwrap();
    assert!(!connection.is_lost(&quiet, SessionState::Works, PATIENCE));
    assert!(!connection.is_lost(&quiet, SessionState::Waits, PATIENCE), "its answer is on the way");
    lock(&connection.held).as_mut().unwrap().waits_since = Instant::now().checked_sub(PATIENCE);
    assert!(!connection.is_lost(&quiet, SessionState::Works, PATIENCE), "the server works again");
    lock(&connection.held).as_mut().unwrap().waits_since = Instant::now().checked_sub(PATIENCE);
    assert!(connection.is_lost(&quiet, SessionState::Waits, PATIENCE));
    assert!(connection.is_lost(&quiet, SessionState::Gone, PATIENCE));

    turn.used();
    assert!(!connection.is_lost(&quiet, SessionState::Gone, PATIENCE), "it was used since it was found quiet");
    drop(turn);
    assert!(connection.quiet(Duration::ZERO).is_none(), "it was given back");
    connection.take().unwrap();
}
