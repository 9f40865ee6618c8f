//! One suite that every broker passes, against real servers.

mod only_rabbit;
mod only_redis;
mod suite;
mod test_broker;

macro_rules! conformance {
    ($($test:ident),+ $(,)?) => {
        mod redis { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::suite::$test(super::test_broker::TestBroker::redis().await).await; }
        )+ }
        mod rabbit { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::suite::$test(super::test_broker::TestBroker::rabbit().await).await; }
        )+ }
        mod local { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::suite::$test(super::test_broker::TestBroker::local().await).await; }
        )+ }
    };
}

conformance![
    everything_published_is_delivered,
    a_message_carries_many_tickets,
    two_consumers_share_a_queue,
    what_a_killed_consumer_held_comes_back_or_is_lost_as_documented,
    duplicates_are_delivered_twice_and_harm_nobody,
    garbled_messages_stop_nobody,
    depth_counts_what_waits_and_what_is_in_hand,
    purge_throws_away_what_waits,
    a_stop_lets_deliveries_in_hand_end,
    prefetch_bounds_the_deliveries_in_hand,
    a_panic_stops_nobody,
    a_long_delivery_holds_nobody_up,
    a_cut_is_survived,
    a_refusing_server_is_an_error_in_time,
    a_silent_server_is_an_error_in_time,
    a_slow_network_is_only_slow,
    an_idle_consumer_starts_at_once,
];
