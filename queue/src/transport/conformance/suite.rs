//! What every broker promises.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shared::ids::JobId;
use shared::testing::NetworkFault;
use tower::util::BoxCloneSyncService;

use super::test_broker::{QUEUE, Recorder, TestBroker, singles, until};
use crate::ticket::Ticket;
use crate::transport::Transport;
use crate::transport::{MAX_TICKETS, Message, PATIENCE};

pub(super) async fn everything_published_is_delivered(broker: TestBroker) {
    let recorder = Recorder::open();
    broker.publish(0..700).await;
    let running = broker.consume(50, recorder.deliver());
    broker.publish(700..1500).await;
    for job in 1500..1520 {
        broker.publish([job]).await;
    }
    recorder.wait_for(0..1520).await;
    assert!((0..1520).all(|job| recorder.times(job) == 1));
    broker.wait_for_depth(0).await;
    running.stop().await;
    broker.client.publish(QUEUE, &[]).await.unwrap();
    assert_eq!(broker.depth().await, 0);
    broker.close().await;
}

pub(super) async fn a_message_carries_many_tickets(broker: TestBroker) {
    let recorder = Recorder::open();
    let running = broker.consume(10, recorder.deliver());
    let count = i64::try_from(MAX_TICKETS).unwrap();
    let message = Message((0..count).map(|job| Ticket { job: JobId(job), epoch: i32::MAX }).collect());
    broker.client.publish(QUEUE, &[message]).await.unwrap();
    recorder.wait_for(0..count).await;
    assert_eq!(recorder.peak(), 1);
    running.stop().await;
    broker.close().await;
}

pub(super) async fn two_consumers_share_a_queue(broker: TestBroker) {
    let (one, two) = (Recorder::shut(), Recorder::shut());
    let running = [broker.consume(3, one.deliver()), broker.consume(3, two.deliver())];
    broker.publish(0..200).await;
    until("both have their hands full", || one.in_hand() == 3 && two.in_hand() == 3).await;
    one.open_gate();
    two.open_gate();
    until("all are delivered", || one.jobs().len() + two.jobs().len() == 200).await;
    assert!(one.jobs().iter().all(|job| two.times(*job) == 0));
    for running in running {
        running.stop().await;
    }
    broker.close().await;
}

pub(super) async fn what_a_killed_consumer_held_comes_back_or_is_lost_as_documented(broker: TestBroker) {
    let (victim, heir) = (Recorder::shut(), Recorder::open());
    broker.publish(0..20).await;
    let running = broker.consume(4, victim.deliver());
    until("the victim has its hands full", || victim.in_hand() == 4).await;
    running.kill().await;
    let running = broker.consume(4, heir.deliver());
    if broker.transport() == Transport::Local {
        until("the rest is delivered", || heir.jobs().len() == 16).await;
        assert_eq!(broker.depth().await, 4, "what the dead one held still counts as in hand until its tasks end");
        victim.open_gate();
        broker.wait_for_depth(0).await;
        assert_eq!(heir.jobs().len(), 16);
    } else {
        heir.wait_for(0..20).await;
    }
    running.stop().await;
    broker.close().await;
}

pub(super) async fn duplicates_are_delivered_twice_and_harm_nobody(broker: TestBroker) {
    let recorder = Recorder::open();
    let running = broker.consume(5, recorder.deliver());
    broker.client.publish(QUEUE, &singles([1, 1, 2])).await.unwrap();
    broker.publish([1]).await;
    until("every copy is delivered", || recorder.times(1) == 3 && recorder.times(2) == 1).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn garbled_messages_stop_nobody(broker: TestBroker) {
    let recorder = Recorder::open();
    broker.publish([1]).await;
    let running = broker.consume(4, recorder.deliver());
    let huge = "1:1,".repeat(1_000_000);
    for body in [&b""[..], b"{\"job\":1}", b"\"1:1\"", b"\xff\xfe\x00", b"1:", b"1:1,", huge.as_bytes()] {
        broker.inject(body).await;
    }
    broker.publish([2, 3]).await;
    recorder.wait_for(1..=3).await;
    broker.wait_for_depth(0).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn depth_counts_what_waits_and_what_is_in_hand(broker: TestBroker) {
    assert_eq!(broker.depth().await, 0);
    broker.publish(0..5).await;
    broker.wait_for_depth(5).await;
    let recorder = Recorder::shut();
    let running = broker.consume(2, recorder.deliver());
    until("two are in hand", || recorder.in_hand() == 2).await;
    broker.wait_for_depth(5).await;
    recorder.open_gate();
    broker.wait_for_depth(0).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn purge_throws_away_what_waits(broker: TestBroker) {
    broker.client.purge(QUEUE).await.unwrap();
    broker.publish(0..1200).await;
    broker.wait_for_depth(1200).await;
    broker.client.purge(QUEUE).await.unwrap();
    broker.wait_for_depth(0).await;
    let recorder = Recorder::open();
    let running = broker.consume(2, recorder.deliver());
    broker.publish([7]).await;
    recorder.wait_for([7]).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn a_stop_lets_deliveries_in_hand_end(broker: TestBroker) {
    let recorder = Recorder::shut();
    let running = broker.consume(3, recorder.deliver());
    broker.publish(0..10).await;
    until("the hands are full", || recorder.in_hand() == 3).await;
    running.ask_to_stop();
    let late = tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>());
    assert!(late.await.is_err() && !running.task.is_finished(), "it waits for the deliveries in hand");
    recorder.open_gate();
    running.stop().await;
    let taken = recorder.jobs().len();
    assert!((3..=6).contains(&taken), "{taken}");
    assert_eq!(recorder.in_hand(), 0);

    // The rest waits for the next one, and nothing is delivered twice.
    broker.wait_for_depth(10 - taken as u64).await;
    let running = broker.consume(3, recorder.deliver());
    recorder.wait_for(0..10).await;
    assert!((0..10).all(|job| recorder.times(job) == 1));
    running.stop().await;
    broker.close().await;
}

pub(super) async fn prefetch_bounds_the_deliveries_in_hand(broker: TestBroker) {
    for prefetch in [1, 8] {
        let recorder = Recorder::shut();
        broker.publish(0..100).await;
        let running = broker.consume(prefetch, recorder.deliver());
        until("the hands are full", || recorder.in_hand() >= prefetch.div_ceil(2)).await;
        recorder.open_gate();
        recorder.wait_for(0..100).await;
        assert!(recorder.peak() <= prefetch, "{} were in hand at once", recorder.peak());
        running.stop().await;
    }
    broker.close().await;
}

pub(super) async fn a_panic_stops_nobody(broker: TestBroker) {
    let recorder = Recorder::open();
    let panics = Arc::new(AtomicUsize::new(0));
    let (inner, count) = (recorder.deliver(), Arc::clone(&panics));
    let deliver = BoxCloneSyncService::new(tower::service_fn(move |message: Message| {
        let (inner, count) = (inner.clone(), Arc::clone(&count));
        async move {
            if message.0[0].job.0 < 5 {
                count.fetch_add(1, Ordering::SeqCst);
                panic!("this panic belongs to the test");
            }
            tower::ServiceExt::oneshot(inner, message).await
        }
    }));
    let running = broker.consume(2, deliver);
    broker.publish(0..5).await;
    until("each has panicked", || panics.load(Ordering::SeqCst) == 5).await;
    broker.wait_for_depth(0).await;
    broker.publish(5..8).await;
    recorder.wait_for(5..8).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn a_long_delivery_holds_nobody_up(broker: TestBroker) {
    let (quick, long) = (Recorder::open(), Recorder::shut());
    let (quickly, slowly) = (quick.deliver(), long.deliver());
    let deliver = BoxCloneSyncService::new(tower::service_fn(move |message: Message| {
        let inner = if message.0[0].job == JobId(0) { slowly.clone() } else { quickly.clone() };
        tower::ServiceExt::oneshot(inner, message)
    }));
    let running = broker.consume(4, deliver);
    broker.publish(0..100).await;
    quick.wait_for(1..100).await;
    assert_eq!(long.in_hand(), 1);
    long.open_gate();
    long.wait_for([0]).await;
    broker.wait_for_depth(0).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn a_cut_is_survived(broker: TestBroker) {
    let recorder = Recorder::open();
    let running = Arc::new(Mutex::new(broker.consume(10, recorder.deliver())));
    broker.publish(0..50).await;
    recorder.wait_for(0..50).await;
    for round in 1..=3 {
        broker.proxy.cut();
        // The first call after a cut must not fail: it is repeated inside.
        broker.publish(round * 50..(round + 1) * 50).await;
        if broker.transport() != Transport::Local {
            until("the supervisor hears of it", || running.lock().unwrap().task.is_finished()).await;
        }
        // What the supervisor of a real worker does.
        let everything: Vec<i64> = (0..(round + 1) * 50).collect();
        until("everything arrives", || {
            let mut running = running.lock().unwrap();
            if running.task.is_finished() {
                *running = broker.consume(10, recorder.deliver());
            }
            recorder.jobs() == everything
        })
        .await;
    }
    broker.wait_for_depth(0).await;
    broker.close().await;
}

pub(super) async fn a_refusing_server_is_an_error_in_time(broker: TestBroker) {
    let broker = broker.impatient();
    let recorder = Recorder::open();
    broker.proxy.set(NetworkFault::Refuse);
    broker.proxy.cut();
    let asked = Instant::now();
    assert!(broker.client.ping().await.is_err());
    assert!(broker.client.publish(QUEUE, &singles([1])).await.is_err());
    assert!(broker.client.depth(QUEUE).await.is_err());
    assert!(asked.elapsed() < PATIENCE * 3 + Duration::from_secs(2));
    let refused = tokio::time::timeout(Duration::from_secs(10), broker.consume(1, recorder.deliver()).task).await;
    assert!(refused.expect("it ends soon").unwrap().is_err());

    broker.proxy.set(NetworkFault::None);
    broker.client.ping().await.unwrap();
    broker.publish([2]).await;
    let running = broker.consume(1, recorder.deliver());
    recorder.wait_for([2]).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn a_silent_server_is_an_error_in_time(broker: TestBroker) {
    let broker = broker.impatient();
    broker.client.ping().await.unwrap();
    broker.publish([1]).await;
    broker.proxy.set(NetworkFault::Silence);
    let asked = Instant::now();
    assert!(broker.client.publish(QUEUE, &singles([2])).await.is_err());
    assert!(broker.client.ping().await.is_err());
    assert!(asked.elapsed() < PATIENCE * 2 + Duration::from_secs(1));

    broker.proxy.cut();
    broker.proxy.set(NetworkFault::None);
    broker.publish([3]).await;
    let recorder = Recorder::open();
    let running = broker.consume(1, recorder.deliver());
    until("the messages arrive", || recorder.times(1) > 0 && recorder.times(3) > 0).await;
    running.stop().await;
    broker.close().await;
}

pub(super) async fn a_slow_network_is_only_slow(broker: TestBroker) {
    let recorder = Recorder::open();
    let running = broker.consume(20, recorder.deliver());
    broker.publish([0]).await;
    recorder.wait_for([0]).await;
    broker.proxy.set(NetworkFault::Delay(Duration::from_millis(150)));
    broker.publish(1..100).await;
    recorder.wait_for(0..100).await;
    assert!(!running.task.is_finished());
    broker.proxy.set(NetworkFault::None);
    running.stop().await;
    broker.close().await;
}

pub(super) async fn an_idle_consumer_starts_at_once(broker: TestBroker) {
    let recorder = Recorder::open();
    let running = broker.consume(10, recorder.deliver());
    broker.publish([0]).await;
    recorder.wait_for([0]).await;
    let mut micros = Vec::new();
    for job in 1..=50 {
        // Idle means that it has looked and found nothing.
        broker.wait_for_depth(0).await;
        let published = Instant::now();
        broker.publish([job]).await;
        while recorder.times(job) == 0 {
            tokio::task::yield_now().await;
        }
        micros.push(published.elapsed().as_micros());
    }
    micros.sort_unstable();
    println!(
        "{}: idle publish to delivery, with the proxy: p50 {} µs, p90 {} µs",
        broker.transport(),
        micros[25],
        micros[45]
    );
    // Not a matter of speed: a wake-up that is lost costs the fallback of a second, or more.
    assert!(micros[25] < 500_000);
    running.stop().await;
    broker.close().await;
}
