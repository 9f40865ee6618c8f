use super::super::bids::CURRENCY;
use super::*;

fn sample() -> (Figures, Wanted) {
    let figures = Figures {
        bids_accepted: 2_776,
        bids_refused: 35,
        auctions: 149,
        auctions_at_recorded_price: 144,
        closing_lateness_p50_ms: 12.0,
        closing_lateness_p99_ms: 80.0,
        emails_delivered: 3_000,
        image_variants: 1_490,
        report_rows: 149,
        report_total: "19580.69".to_owned(),
        events_stored: 745,
        shipments_delivered: 2_100,
        shipments_wrong: 0,
        event_lots_closed: 300,
        event_limit_exceeded: 0,
        orders_paid: 2_100,
        orders_defaulted: 12,
        webhooks_delivered: 10_524,
        webhooks_received: 9_800,
        webhooks_again: 3,
        chat_messages: 180,
        escrow_held: 200,
        escrow_released: 1_700,
        escrow_refunded: 100,
        escrow_partly: 100,
        money_ledger_sum: 0,
        stock_mismatches: 0,
        invoice_gaps: 0,
        orders_without_invoice: 0,
        refunds_without_credit_note: 0,
        jobs_open: 0,
        jobs_dead: 0,
        documents: Vec::new(),
    };
    let wanted = Wanted {
        bids_accepted: 2_776,
        bids_refused: 35,
        auctions: 149,
        auctions_at_recorded_price: 144,
        wrong_endings: Vec::new(),
        emails_delivered: 3_000,
        image_variants: 1_490,
        report_rows: 149,
        report_total: Money::from_minor(1_958_069, CURRENCY),
        events_stored: 745,
        event_lots_closed: 300,
        webhooks_delivered: 10_524,
        webhooks_received: 9_800,
        chat_messages: 180,
        ends: Counts { paid: 2_100, defaulted: 12, held: 200, released: 1_700, refunded: 100, partly: 100 },
    };
    (figures, wanted)
}

#[test]
fn the_keys_are_those_that_were_promised() {
    let keys: Vec<_> = serde_json::to_value(sample().0).unwrap().as_object().unwrap().keys().cloned().collect();
    let mut promised = [
        "bids_accepted",
        "bids_refused",
        "auctions",
        "auctions_at_recorded_price",
        "closing_lateness_p50_ms",
        "closing_lateness_p99_ms",
        "emails_delivered",
        "image_variants",
        "report_rows",
        "report_total",
        "events_stored",
        "shipments_delivered",
        "shipments_wrong",
        "event_lots_closed",
        "event_limit_exceeded",
        "orders_paid",
        "orders_defaulted",
        "webhooks_delivered",
        "webhooks_received",
        "webhooks_again",
        "chat_messages",
        "escrow_held",
        "escrow_released",
        "escrow_refunded",
        "escrow_partly",
        "money_ledger_sum",
        "stock_mismatches",
        "invoice_gaps",
        "orders_without_invoice",
        "refunds_without_credit_note",
        "jobs_open",
        "jobs_dead",
        "documents",
    ];
    promised.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, promised);
}

#[test]
fn every_figure_that_must_hold_can_fail() {
    type Break = fn(&mut Figures);
    let (good, wanted) = sample();
    assert!(lines(&good, &wanted).iter().all(|line| line.holds));
    let breaks: [Break; 29] = [
        |f| f.bids_accepted -= 1,
        |f| f.event_lots_closed -= 1,
        |f| f.event_limit_exceeded = 1,
        |f| f.bids_refused += 1,
        |f| f.auctions -= 1,
        |f| f.auctions_at_recorded_price -= 1,
        |f| f.emails_delivered -= 1,
        |f| f.image_variants -= 1,
        |f| f.report_rows += 1,
        |f| f.report_total = "19580.68".to_owned(),
        |f| f.events_stored += 1,
        |f| f.shipments_delivered -= 1,
        |f| f.shipments_wrong = 1,
        |f| f.orders_paid -= 1,
        |f| f.orders_defaulted -= 1,
        |f| f.webhooks_delivered -= 1,
        |f| f.webhooks_received -= 1,
        |f| f.chat_messages -= 1,
        |f| f.escrow_held += 1,
        |f| f.escrow_released -= 1,
        |f| f.escrow_refunded += 1,
        |f| f.escrow_partly -= 1,
        |f| f.money_ledger_sum = -1,
        |f| f.stock_mismatches = 1,
        |f| f.invoice_gaps = 1,
        |f| f.orders_without_invoice = 1,
        |f| f.refunds_without_credit_note = 1,
        |f| f.jobs_open = 1,
        |f| f.jobs_dead = 1,
    ];
    for breaks in breaks {
        let mut bad = good.clone();
        breaks(&mut bad);
        assert_eq!(lines(&bad, &wanted).iter().filter(|line| !line.holds).count(), 1, "{bad:?}");
    }
    let wrong = Wanted { wrong_endings: vec!["xbox-001: 1 for 2".to_owned()], ..wanted };
    assert_eq!(lines(&good, &wrong).iter().filter(|line| !line.holds).count(), 1);
}

#[test]
fn percentiles_are_nearest_ranks() {
    let values: Vec<f64> = (1..=100).map(f64::from).collect();
    let shown = [percentile(&values, 0.5), percentile(&values, 0.99), percentile(&[], 0.5), percentile(&[7.0], 0.99)];
    assert_eq!(shown.map(|value| format!("{value:.0}")), ["50", "99", "0", "7"]);
}
