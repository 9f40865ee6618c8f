use super::*;
use crate::ids::{ItemId, SiteId};

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
