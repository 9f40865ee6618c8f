//! What mails say in each language, and which of them can be ended.

use std::collections::BTreeSet;

use market::reports::model::Kind;

use super::{every_mail, in_every_language, reader, rendered};
use crate::emails::{Language, Rendered};

/// A German mail has no English in it, apart from what people have typed: no line of the two is the same.
#[test]
fn a_mail_is_in_one_language() {
    let typed = [
        "Fendt",
        "Hof M",
        "Plough",
        "Tractors",
        "Fraud",
        "Write to us",
        "Unpaid",
        "The VAT number",
        "The photographs",
        "The waste code",
        "The seat",
        "It has 9,000",
        "Please send",
        "How many",
        "Cash",
        "the file has a header",
        "It was torn",
        "Good.",
    ];
    for (content, link) in every_mail() {
        let [english, german] = in_every_language().map(|reader| rendered(&content, &link, &reader));
        assert!(
            english.html.contains(r#"<html lang="en" dir="ltr""#)
                && german.html.contains(r#"<html lang="de" dir="ltr""#)
        );
        let said = |mail: &Rendered| -> BTreeSet<String> { mail.text.lines().map(str::to_owned).collect() };
        let is_ours = |line: &&String| {
            let line = line.trim_start_matches("> ");
            line.len() > 3
                && line != "Tradeyard"
                && !line.starts_with("http")
                && !line.contains(['<', ':'])
                && !typed.iter().any(|text| line.contains(text))
        };
        let both: Vec<_> = said(&english).intersection(&said(&german)).filter(|it| is_ours(it)).cloned().collect();
        assert!(both.is_empty(), "{}: {both:?}", content.template());
        assert_ne!(english.subject, german.subject);
    }
}

#[test]
fn a_report_is_called_what_it_is_called_elsewhere() {
    for kind in Kind::ALL {
        assert_eq!(crate::emails::reports::title(*kind, Language::English.words()), kind.definition().title);
    }
}

/// Only a mail that its reader can do without says how to end it.
#[test]
fn transactional_mails_cannot_be_ended() {
    let mut ended = BTreeSet::new();
    for (content, link) in every_mail() {
        let mail = rendered(&content, &link, &reader());
        let url = "https://tradeyard.example/unsubscribe?token=b7Xv-0_unsubscribe";
        assert_eq!(mail.unsubscribe.is_some(), content.category().is_some());
        assert_eq!(mail.html.contains(&format!("<a href=\"{url}\"")), content.category().is_some());
        assert_eq!(mail.text.contains(&format!("Unsubscribe: {url}")), content.category().is_some());
        if content.category().is_some() {
            ended.insert(content.template());
        }
    }
    let expected = [
        "ending_soon",
        "price_fell",
        "relisted",
        "report_ready",
        "review_asked",
        "review_shown",
        "saved_search_digest",
        "stock_low",
        "stock_recovered",
        "winning",
    ];
    assert_eq!(ended, BTreeSet::from(expected));
}
