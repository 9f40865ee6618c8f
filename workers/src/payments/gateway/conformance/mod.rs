//! One suite that every gateway passes, against a server that can be made to misbehave.

mod localstripe;
mod of_mollie;
mod servers;
mod suite;
mod test_gateway;

macro_rules! conformance {
    ($($test:ident),+ $(,)?) => {
        mod simulator { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::suite::$test(super::test_gateway::TestGateway::simulator().await).await; }
        )+ }

        mod mollie { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::suite::$test(super::test_gateway::TestGateway::mollie().await).await; }
        )+ }

        mod stripe { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::suite::$test(super::test_gateway::TestGateway::stripe().await).await; }
        )+ }
    };
}

conformance![
    the_same_key_charges_once,
    the_same_key_at_once_charges_once,
    a_key_is_refused_for_anything_else,
    a_declined_charge_is_an_answer,
    a_charge_that_its_buyer_has_to_confirm_says_where,
    a_charge_that_waits_is_made_once_when_its_reply_is_lost,
    a_time_out_after_success_is_found_not_repeated,
    every_reply_lost_once_charges_once,
    a_broken_reply_is_unknown_and_a_failed_server_too,
    a_busy_provider_says_when_to_come_back,
    a_provider_that_cannot_be_reached_is_unknown,
    a_wrong_key_is_denied_and_fails_no_payment,
    parts_are_captured_and_refunded_up_to_the_amount,
    a_part_in_another_currency_is_refused,
    what_is_held_is_cancelled_once,
    what_waits_for_its_buyer_is_cancelled_where_the_provider_can,
    three_decimals_and_none_are_sent_as_the_provider_counts_or_not_at_all,
    money_goes_to_an_account_and_out_of_it_once_it_is_active,
    payments_are_listed_page_by_page,
    what_nobody_made_is_not_found,
    webhooks_are_signed_and_name_what_they_are_about,
    duplicate_and_reordered_webhooks_end_in_the_providers_state,
    an_answer_and_a_webhook_that_come_late_change_nothing,
    a_foreign_signature_is_refused_and_an_old_one_where_a_time_is_signed,
    no_key_of_a_provider_is_shown,
];
