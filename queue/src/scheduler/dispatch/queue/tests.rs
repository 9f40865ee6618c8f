use std::time::Duration;

use super::*;

fn led(transport: Transport) -> Led {
    Led { queue: "emails".to_owned(), transport: Some(transport), changed_at: None }
}

#[test]
fn a_lease_that_is_not_renewed_runs_out_by_itself() {
    let queue = QueueState::new("emails".to_owned());
    let asked = Instant::now();
    assert_eq!(queue.renewed(asked, Some(&led(Transport::Redis))), (true, None));
    assert!(queue.is_led());
    // As after a freeze: the answer came in time, but nothing has since.
    let before = asked.checked_sub(LEASE + Duration::from_millis(1)).unwrap();
    queue.renewed(before, Some(&led(Transport::Redis)));
    assert!(!queue.is_led());
}

#[test]
fn a_move_is_noticed_once() {
    let queue = QueueState::new("emails".to_owned());
    queue.renewed(Instant::now(), Some(&led(Transport::Redis)));
    let (_, changed) = queue.renewed(Instant::now(), Some(&led(Transport::Rabbit)));
    assert_eq!(changed, Some(Changed { left: Some(Transport::Redis) }));
    assert_eq!(queue.renewed(Instant::now(), Some(&led(Transport::Rabbit))).1, None);
    let other = Led { changed_at: Some(DateTime::UNIX_EPOCH), ..led(Transport::Rabbit) };
    assert_eq!(queue.renewed(Instant::now(), Some(&other)).1, Some(Changed { left: None }));
}

#[test]
fn a_broker_that_tells_its_depth_but_refuses_messages_is_down() {
    let queue = QueueState::new("emails".to_owned());
    let alarm = BrokerError::blocked(Transport::Rabbit);
    queue.published(Err(alarm.clone()));
    queue.asked(None);
    assert_eq!(queue.seen().broker_error, Some(alarm));
    queue.published(Ok(()));
    assert_eq!(queue.seen().broker_error, None);
    let refused = BrokerError::new(Transport::Rabbit, "refused");
    queue.asked(Some(refused.clone()));
    assert_eq!(queue.seen().broker_error, Some(refused));
}
