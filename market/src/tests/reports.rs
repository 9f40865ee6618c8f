//! Reports and what they end with.

use sqlx::PgConnection;

use super::{Breach, copy, many};
use crate::reports::model::{Format, Kind, NewReport, NewSubscription, Parameters};
use crate::reports::rules::{Cadence, Period};
use crate::reports::store::{Finished, begin, finish, insert, subscribe};
use crate::reports::table::Sum;
use crate::testing::{Trader, eur};

/// A report that is ready, with one sum.
pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    let day = "2026-01-01".parse().expect("a day");
    let report = NewReport {
        org: of.org,
        requested_by: None,
        subscription: None,
        kind: Kind::Sales,
        format: Format::Csv,
        period: Period::new(day, day, chrono_tz::UTC).expect("a period"),
        parameters: Parameters::default(),
    };
    let id = insert(conn, &report).await.expect("stored").expect("the first");
    begin(conn, id).await.expect("begun");
    let sum = Sum { section: "orders".to_owned(), column: "total".to_owned(), rows: 2, amount: eur(100) };
    let finished = Finished { object_key: "reports/1.csv", rows: 2, sums: &[sum], keep_days: 30 };
    finish(conn, id, finished).await.expect("finished");
    let new = NewSubscription {
        kind: Kind::Sales,
        format: Format::Pdf,
        cadence: Cadence::Weekly,
        parameters: Parameters::default(),
        falls_by: Some(20),
    };
    subscribe(conn, of.user, of.org, &new).await.expect("subscribed");
}

pub(super) fn breaches() -> Vec<Breach> {
    let report = |changes: &str| copy("reports", "true", changes);
    let sum = |changes: &str| copy("report_sums", "true", &format!("'place', 7, {changes}"));
    let subscription = |changes: &str| copy("report_subscriptions", "true", changes);
    let (columns, values) = (
        "org_id, user_id, kind, format, cadence, parameters",
        "t.org_id, t.user_id, t.kind, t.format, t.cadence, t.parameters",
    );
    vec![
        ("report_subscriptions_per_person", many("report_subscriptions", columns, values, 50)),
        ("report_subscriptions_of_org", subscription("'org_id', gen_random_uuid()")),
        ("report_subscriptions_kind_form", subscription("'kind', 'All sales'")),
        ("report_subscriptions_format_known", subscription("'format', 'doc'")),
        ("report_subscriptions_cadence_known", subscription("'cadence', 'hourly'")),
        ("report_subscriptions_parameters_object", subscription("'parameters', '[]'::jsonb")),
        ("report_subscriptions_fall", subscription("'falls_by', 0")),
        ("report_subscriptions_fall", subscription("'falls_by', 101")),
        (
            "reports_of_subscription",
            report("'requested_by', (SELECT user_id FROM report_subscriptions), 'subscription_id', gen_random_uuid()"),
        ),
        ("reports_kind_form", report("'kind', 'All sales'")),
        ("reports_kind_form", report("'kind', repeat('a', 51)")),
        ("reports_format_known", report("'format', 'doc'")),
        ("reports_parameters_object", report("'parameters', '[]'::jsonb")),
        ("reports_scheduled_once", report("'job_id', 7")),
        ("report_sums_of_report", sum("'report_id', gen_random_uuid()")),
        ("report_sums_place_positive", sum("'place', 0")),
        ("report_sums_section_form", sum("'section', 'All orders'")),
        ("report_sums_name_form", sum("'name', ''")),
        ("report_sums_count_positive", sum("'row_count', 0")),
        ("report_sums_once", sum("'amount_minor', 7")),
    ]
}
