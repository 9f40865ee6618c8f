//! Amounts and times as people read them.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use shared::money::Money;
use shared::text::without_links;

/// `12,345.50 EUR`
pub(super) fn money(amount: Money) -> String {
    let plain = amount.amount();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = fraction.map(|it| format!(".{it}")).unwrap_or_default();
    format!("{sign}{grouped}{point} {}", amount.currency())
}

/// `Friday, 20 November 2026, 18:00 (Europe/Berlin)`
pub(super) fn time(at: DateTime<Utc>, zone: Tz) -> String {
    format!("{} ({zone})", at.with_timezone(&zone).format("%A, %-d %B %Y, %H:%M"))
}

/// `20 November 2026`
pub(super) fn day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// One line without control or hidden characters, in which no mail program finds a link: nothing
/// that somebody typed can break a subject, forge a line of text or lead elsewhere from one of our
/// mails.
pub(super) fn one_line(text: &str) -> String {
    without_links(text)
        .split(|it: char| it.is_control() || it.is_whitespace())
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
