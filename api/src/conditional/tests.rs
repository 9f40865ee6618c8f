use super::*;

#[test]
fn tags_are_compared_as_the_rfc_says() {
    let tag = EntityTag::of_bytes(b"{}");
    assert_ne!(tag, EntityTag::of_bytes(b"[]"));
    let own = &tag.0;
    for (line, strong, weak) in [
        (own.clone(), true, true),
        (format!("\"other\", {own}"), true, true),
        (format!("W/{own}"), false, true),
        ("*".to_owned(), true, true),
        ("\"other\"".to_owned(), false, false),
        (own.trim_matches('"').to_owned(), false, false),
        (String::new(), false, false),
    ] {
        let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::try_from(&line).unwrap())]);
        assert_eq!(tag.is_in(&headers, &IF_MATCH, false), strong, "{line}");
        assert_eq!(tag.is_in(&headers, &IF_MATCH, true), weak, "{line}");
    }
}
