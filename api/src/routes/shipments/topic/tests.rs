use super::*;

/// A status is told at once; positions once a second, and of those in between the last one.
#[test]
fn positions_are_paced_and_the_last_one_is_told() {
    let at = |seq, version| Progress { tracking: "TY".to_owned(), seq, version, stalled: false };
    let begun = Instant::now();
    let last = Delivered { progress: at(5, 2), at: begun };
    let soon = begun + PACE / 2;
    assert!(!last.is_news(&at(5, 2), begun + PACE), "nothing has happened");
    assert!(!last.is_news(&at(6, 2), soon), "a position waits");
    assert!(last.is_news(&at(6, 2), begun + PACE), "and is told when it has waited");
    assert!(last.is_news(&at(9, 2), begun + PACE), "or the last one of those that have come meanwhile");
    assert!(last.is_news(&at(6, 3), soon), "a change of the shipment does not wait");
    assert!(last.is_news(&Progress { stalled: true, ..at(6, 2) }, soon), "nor does a silence");
    assert!(!last.is_news(&at(4, 3), begun + PACE), "what is older is never told");
}
