use super::*;

const YOUTH: Duration = Duration::from_secs(2);

fn lead<'a>(flights: &'a Flights, key: &str, now: Instant) -> Lead<'a> {
    match flights.join(key, YOUTH, now) {
        Place::Lead(lead) => lead,
        Place::Follow(_) => panic!("somebody reads {key} already"),
    }
}

fn follow(flights: &Flights, key: &str, now: Instant) -> Waiting {
    match flights.join(key, YOUTH, now) {
        Place::Follow(flight) => flight,
        Place::Lead(_) => panic!("nobody reads {key}"),
    }
}

#[tokio::test]
async fn who_asks_meanwhile_gets_the_outcome() {
    let (flights, now) = (Flights::default(), Instant::now());
    let reading = lead(&flights, "a", now);
    let waiting = follow(&flights, "a", now);
    drop(lead(&flights, "b", now));
    let body = Outcome::Body(Bytes::from_static(b"[]"));
    reading.land(body.clone());
    // Until it is kept.
    assert_eq!(outcome(follow(&flights, "a", now)).await, Some(body.clone()));
    drop(reading);
    assert_eq!(outcome(waiting).await, Some(body));
    drop(lead(&flights, "a", now));
    assert!(flights.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_reading_that_is_given_up_leaves_nobody_behind() {
    let (flights, now) = (Flights::default(), Instant::now());
    let reading = lead(&flights, "a", now);
    let waiting = follow(&flights, "a", now);
    drop(reading);
    assert_eq!(outcome(waiting).await, None);
    drop(lead(&flights, "a", now));
}

#[test]
fn nobody_joins_a_reading_that_is_as_old_as_an_entry_may_be() {
    let (flights, start) = (Flights::default(), Instant::now());
    let old = lead(&flights, "a", start);
    drop(follow(&flights, "a", start + YOUTH.checked_sub(Duration::from_millis(1)).unwrap()));
    let young = lead(&flights, "a", start + YOUTH);
    // The old one ends nothing but itself.
    drop(old);
    drop(follow(&flights, "a", start + YOUTH));
    drop(young);
    assert!(flights.0.lock().unwrap().is_empty());
}
