use futures::FutureExt as _;
use market::identity::PlatformRole;
use serde_json::Value;
use shared::ids::UserId;
use tokio::sync::oneshot;

use super::*;

fn session() -> SessionRef {
    SessionRef { user: UserId::generate(), session: SessionId::generate(), version: 1 }
}

fn authority(platform_role: PlatformRole) -> Authority {
    Authority { platform_role, role_secured: true, email_verified: true, memberships: Vec::new() }
}

fn join(hub: &Hub, session: SessionRef) -> Connection {
    hub.join(session, authority(PlatformRole::User)).unwrap()
}

fn event(topic: &str, seq: i64) -> Event {
    Event { topic: topic.to_owned(), seq, kind: "bid".to_owned(), data: Value::Null }
}

#[test]
fn events_reach_who_watches_and_nobody_else() {
    let hub = Hub::default();
    let (mut one, mut other) = (join(&hub, session()), join(&hub, session()));
    one.watch("auction:1");
    one.watch("auction:1");
    other.watch("auction:2");
    hub.deliver(event("auction:1", 1));
    assert!(matches!(one.messages.try_recv(), Ok(Message::Event(event)) if event.seq == 1));
    assert!(one.messages.try_recv().is_err(), "watched twice, told once");
    assert!(other.messages.try_recv().is_err());
    one.unwatch("auction:1");
    hub.deliver(event("auction:1", 2));
    assert!(one.messages.try_recv().is_err());
    assert_eq!(hub.watched("auction:"), ["auction:2"]);
    drop(other);
    assert_eq!(hub.watched("auction:"), [""; 0]);
}

#[test]
fn a_session_with_several_sockets_is_looked_at_once() {
    let hub = Hub::default();
    let (one, other) = (session(), session());
    let sockets = [one, one, other].map(|of| join(&hub, of));
    assert_eq!(hub.sessions().len(), 2);
    drop(sockets);
    assert_eq!(hub.sessions(), []);
}

#[test]
fn a_socket_that_leaves_makes_room_for_another_of_its_person() {
    let hub = Hub::default();
    let ann = session();
    let mut sockets: Vec<_> = (0..MAX_SOCKETS).map(|_| join(&hub, ann)).collect();
    let elsewhere = SessionRef { session: SessionId::generate(), ..ann };
    assert!(hub.join(elsewhere, authority(PlatformRole::User)).is_none());
    join(&hub, session());
    sockets.pop();
    sockets.push(join(&hub, elsewhere));
    assert!(hub.join(ann, authority(PlatformRole::User)).is_none());
    drop(sockets);
    assert!(hub.state().sockets.is_empty(), "nobody is remembered who has no socket");
}

#[tokio::test]
async fn a_flood_is_thinned_out_and_its_last_event_arrives() {
    let hub = Hub::default();
    let mut one = join(&hub, session());
    one.watch("auction:1");
    // Without a pause in between, so that no time can pass for the hub.
    for seq in [1, 2, 4, 3, 5, 5, 99, 98] {
        hub.deliver_paced(event("auction:1", seq));
    }
    assert_eq!(hub.newest("auction:1"), Some(99));
    let mut heard = Vec::new();
    while heard.last() != Some(&99) {
        let Some(Message::Event(event)) = one.messages.recv().await else { panic!("the socket was closed") };
        heard.push(event.seq);
    }
    assert_eq!(heard, [1, 99]);
    // After the flood the next one goes out as well.
    hub.deliver_paced(event("auction:1", 100));
    assert!(matches!(one.messages.recv().await, Some(Message::Event(event)) if event.seq == 100));
    one.unwatch("auction:1");
    hub.deliver_paced(event("auction:1", 101));
    assert!(one.messages.try_recv().is_err());
    assert_eq!(hub.newest("auction:1"), None);
}

#[test]
fn only_who_watches_a_topic_is_made_to_look_at_it_again() {
    let hub = Hub::default();
    let (mut one, mut other) = (join(&hub, session()), join(&hub, session()));
    one.watch("listing:1");
    other.watch("listing:2");
    hub.recheck("listing:1");
    hub.recheck("listing:3");
    assert!(matches!(one.messages.try_recv(), Ok(Message::Recheck(topic)) if &*topic == "listing:1"));
    assert!(one.messages.try_recv().is_err());
    assert!(other.messages.try_recv().is_err());
}

#[test]
fn a_snapshot_counts_from_when_it_is_there() {
    let hub = Hub::default();
    let mut one = join(&hub, session());
    one.watch("job:1");
    assert!(!hub.looked_since("job:1", None));
    let before = Instant::now();
    let looked = one.looked("job:1");
    for since in [None, Some(before), Some(looked)] {
        assert!(hub.looked_since("job:1", since), "{since:?}");
    }
    assert!(!hub.looked_since("job:1", Some(looked + Duration::from_nanos(1))));
    one.unwatch("job:1");
    one.looked("job:1");
    assert!(!hub.looked_since("job:1", None));
}

#[test]
fn a_slow_socket_is_dropped_and_others_are_not() {
    let hub = Hub::default();
    let (mut slow, mut fast) = (join(&hub, session()), join(&hub, session()));
    slow.watch("auction:1");
    fast.watch("auction:1");
    for seq in 0..=i64::try_from(QUEUE).unwrap() {
        hub.deliver(event("auction:1", seq));
        assert!(fast.messages.try_recv().is_ok());
    }
    assert_eq!((slow.closed(), slow.close.is_cancelled()), (Some(Closed::Slow), true));
    assert_eq!((fast.closed(), fast.close.is_cancelled()), (None, false));
}

#[tokio::test]
async fn whoever_is_kept_waiting_is_not_slow_and_hears_the_newest() {
    let hub = Hub::default();
    let mut socket = join(&hub, session());
    socket.watch("auction:1");
    socket.watch("auction:2");
    let newest = 2 * i64::try_from(QUEUE).unwrap();
    let (turn, comes) = oneshot::channel();
    let flood = async {
        // The older one comes later.
        hub.deliver(event("auction:2", 8));
        hub.deliver(event("auction:2", 7));
        for seq in 1..=newest {
            hub.deliver(event("auction:1", seq));
            tokio::task::yield_now().await;
        }
        // The other side may have its turn before this one or after it.
        tokio::task::yield_now().await;
        hub.recheck("auction:1");
        turn.send(()).unwrap();
    };
    let ((), came) = tokio::join!(flood, socket.hold_until(comes));
    came.unwrap();
    assert_eq!(socket.closed(), None);
    let mut heard = Vec::new();
    while let Some(message) = socket.hear().now_or_never().flatten() {
        heard.push(match message {
            Message::Event(event) => (event.topic.clone(), Some(event.seq)),
            Message::Recheck(topic) => (topic.to_string(), None),
            other => panic!("{other:?}"),
        });
    }
    let expected = [("auction:2", Some(8)), ("auction:2", Some(7)), ("auction:1", Some(newest)), ("auction:1", None)];
    assert_eq!(heard, expected.map(|(topic, seq)| (topic.to_owned(), seq)));
}

#[test]
fn ended_sessions_lose_their_sockets_and_changed_ones_hear_of_it() {
    let hub = Hub::default();
    let (ended, stays, promoted, new) = (session(), session(), session(), session());
    let [one, mut other, mut third, fourth] = [ended, stays, promoted, new].map(|session| join(&hub, session));
    let now = [(stays.session, authority(PlatformRole::User)), (promoted.session, authority(PlatformRole::Admin))];
    for _ in 0..2 {
        hub.authorize(&[ended, stays, promoted], &HashMap::from(now.clone()));
    }
    assert_eq!((one.closed(), other.closed(), fourth.closed()), (Some(Closed::SessionEnded), None, None));
    assert!(other.messages.try_recv().is_err());
    let told = third.messages.try_recv();
    assert!(matches!(&told, Ok(Message::Authority(now)) if now.platform_role == PlatformRole::Admin), "{told:?}");
    assert!(third.messages.try_recv().is_err(), "told once");
}

#[test]
fn a_person_has_so_many_sockets() {
    let hub = Hub::default();
    let (busy, other) = (session(), session());
    let mut sockets: Vec<_> = (0..MAX_SOCKETS).map(|_| join(&hub, busy)).collect();
    assert!(hub.join(busy, authority(PlatformRole::User)).is_none());
    join(&hub, other);
    sockets.pop();
    join(&hub, busy);
}
