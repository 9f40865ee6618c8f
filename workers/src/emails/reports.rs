//! Letters about reports.

use chrono::{DateTime, Utc};
use market::emails::model::ReportReady;
use market::reports::model::Kind;
use market::reports::rules::Fall;
use secrecy::{ExposeSecret as _, SecretString};

use super::formats::one_line;
use super::letter::{Action, Letter, Place, fact};
use super::words::Words;

/// What a report is called.
pub(super) fn title(kind: Kind, words: &dyn Words) -> &'static str {
    match kind {
        Kind::Sales => words.report_sales(),
        Kind::InventoryCheck => words.report_inventory_check(),
        Kind::MonthlyAnalytics => words.report_monthly_analytics(),
        Kind::Commissions => words.report_commissions(),
        Kind::Payouts => words.report_payouts(),
        Kind::CargoVolume => words.report_cargo_volume(),
        Kind::PlatformSales => words.report_platform_sales(),
        Kind::UserActivity => words.report_user_activity(),
        Kind::JobActivity => words.report_job_activity(),
    }
}

pub(super) fn ready(it: &ReportReady, url: &SecretString, valid_until: DateTime<Utc>, place: &Place<'_>) -> Letter {
    let (words, org, rows) = (place.words, one_line(&it.org_name), place.number(it.rows));
    let period = if it.first_day == it.last_day {
        place.day(it.first_day)
    } else {
        words.report_from_to(&place.day(it.first_day), &place.day(it.last_day))
    };
    let mut facts = vec![
        fact(words.report_period(), period.clone()),
        fact(words.report_zone(), it.zone.to_string()),
        fact(words.report_rows(), rows.clone()),
    ];
    facts.extend(it.totals.iter().map(|total| fact(words.report_total(), place.money(*total))));
    facts.push(fact(words.report_format(), it.format.clone()));
    let title = title(it.kind, words);
    let fell = it.falls.iter().map(|fall| {
        let percent = fall.percent().to_string();
        words.report_fell(title, &percent, &place.money(fall.before), &place.money(fall.now))
    });
    let paragraphs = fell.chain([words.report_text(title, &org)]).collect();
    Letter {
        subject: match it.falls.iter().map(Fall::percent).max() {
            Some(most) => words.report_fell_subject(title, &most.to_string(), &period, &org),
            None => words.report_subject(title, &period, &org),
        },
        preview: words.report_preview(&rows),
        heading: words.report_heading(title),
        paragraphs,
        facts,
        action: Some(Action { label: words.report_action(), url: url.expose_secret().to_owned() }),
        note: Some(words.report_note(&place.time(valid_until))),
        reason: if it.regular { words.report_regular_reason() } else { words.report_reason() }.to_owned(),
        ..Letter::default()
    }
}
