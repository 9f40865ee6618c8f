use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_message_survives_its_text(tickets in prop::collection::vec((any::<i64>(), any::<i32>()), 1..MAX_TICKETS)) {
        let message = Message(tickets.into_iter().map(|(job, epoch)| Ticket { job: JobId(job), epoch }).collect());
        prop_assert_eq!(Message::decode(message.encode().as_bytes()), Ok(message));
    }

    #[test]
    fn garbage_is_refused_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::decode(&bytes);
    }
}
