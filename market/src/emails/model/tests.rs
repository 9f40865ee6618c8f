use super::*;

#[test]
fn the_template_name_is_the_serialised_tag() {
    let org = OrgId(uuid::Uuid::nil());
    let contents = [
        Content::VerifyAddress(VerifyAddress {}),
        Content::OrgApproved(OrgApproved { org, org_name: "A".to_owned() }),
        Content::OrgRejected(OrgRejected { org, org_name: "A".to_owned(), reason: "B".to_owned() }),
    ];
    for content in contents {
        let json = serde_json::to_value(&content).unwrap();
        assert_eq!(json["template"], content.template());
        assert!(json["data"].is_object());
        assert_eq!(serde_json::from_value::<Content>(json).unwrap(), content);
    }
}
