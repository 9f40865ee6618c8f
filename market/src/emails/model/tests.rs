use shared::ids::OrgId;
use shared::money::{Currency, Money};

use super::*;
use crate::ids::{AuctionId, ItemId, SiteId};

#[test]
fn the_template_name_is_the_serialised_tag() {
    let org = OrgId(uuid::Uuid::nil());
    let contents = [
        Content::VerifyAddress(VerifyAddress {}),
        Content::OrgApproved(OrgApproved { org, org_name: "A".to_owned() }),
        Content::OrgRejected(OrgRejected { org, org_name: "A".to_owned(), reason: "B".to_owned() }),
        Content::StockLow(StockLow {
            item: ItemId(uuid::Uuid::nil()),
            site: SiteId(uuid::Uuid::nil()),
            title: "A".to_owned(),
            site_name: "B".to_owned(),
            on_hand: 1,
            low_at: None,
        }),
        Content::StockRecovered(StockRecovered {
            item: ItemId(uuid::Uuid::nil()),
            site: SiteId(uuid::Uuid::nil()),
            title: "A".to_owned(),
            site_name: "B".to_owned(),
            on_hand: 1,
            low_at: Some(0),
        }),
    ];
    for content in contents {
        let json = serde_json::to_value(&content).unwrap();
        assert_eq!(json["template"], content.template());
        assert!(json["data"].is_object());
        assert_eq!(serde_json::from_value::<Content>(json).unwrap(), content);
    }
}

#[test]
fn a_report_can_be_ended_if_nobody_asked_for_it_and_is_rather_sent_twice_than_never() {
    // As mails were stored before there were kinds, thresholds and regular ones.
    let stored = serde_json::json!({"template": "report_ready", "data": {"report": uuid::Uuid::nil(), "org_name": "A",
        "first_day": "2026-11-19", "last_day": "2026-11-19", "zone": "UTC", "format": "CSV", "rows": 1, "totals": []}});
    let Content::ReportReady(asked) = serde_json::from_value(stored).unwrap() else { panic!("another template") };
    assert_eq!(Content::ReportReady(asked.clone()).category(), None);
    let regular = Content::ReportReady(ReportReady { regular: true, ..asked });
    assert_eq!(regular.category(), Some(EmailCategory::Reports));
    assert!(!regular.at_most_once());
}

#[test]
fn a_reminder_of_a_lead_can_be_ended_and_news_of_one_that_came_back_cannot() {
    let winning = |again| {
        let price = Money::from_minor(1_000, Currency::EUR);
        let auction = AuctionId(uuid::Uuid::nil());
        let (title, ends_at) = ("A".to_owned(), DateTime::UNIX_EPOCH);
        Content::Winning(Winning { auction, title, price, reserve_met: true, again, ends_at })
    };
    for (again, category) in [(false, Some(EmailCategory::AuctionReminders)), (true, None)] {
        let content = winning(again);
        assert_eq!((content.category(), content.at_most_once()), (category, !again));
        assert!(!content.can_wait(), "a lead of the night before may be gone");
    }
}
