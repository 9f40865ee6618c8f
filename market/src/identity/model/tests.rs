use super::*;

#[test]
fn one_mailbox_is_one_address() {
    assert_eq!("  Ann.Lee+x@Example.COM ".parse::<Email>().unwrap().as_str(), "ann.lee+x@example.com");
}

#[test]
fn what_is_no_address_is_refused() {
    let long = format!("{}@example.com", "a".repeat(65));
    for text in [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@example",
        "ann@exa mple.com",
        "ann@-a.com",
        "ann@a-.com",
        "a..b@example.com",
        "ann@example.com\r\nBcc: x@example.com",
        "\"a\"@example.com",
        "ann@example..com",
        "änn@example.com",
        "a@b@c.com ",
        &long,
    ] {
        assert!(text.parse::<Email>().is_err(), "{text}");
    }
}

#[test]
fn names_keep_to_one_line() {
    assert_eq!(" Ünsal & Söhne ".parse::<LegalName>().unwrap().as_str(), "Ünsal & Söhne");
    assert_eq!("a\u{202e}\u{200b}b".parse::<PersonName>().unwrap().as_str(), "ab");
    for text in ["", "   ", "a\nb", "\u{200b}", "a\u{7f}", "Pay at https://evil.example", "www.evil.example", "a@b.c"] {
        assert!(text.parse::<LegalName>().is_err(), "{text:?}");
    }
    assert!("x".repeat(101).parse::<PersonName>().is_err());
}

#[test]
fn vat_numbers_lose_their_decoration() {
    assert_eq!("de 123.456-788".parse::<VatNumber>().unwrap().as_str(), "DE123456788");
    for text in ["", "D", "DE1", "12345", "DE12345678901234", "DEäöü"] {
        assert!(text.parse::<VatNumber>().is_err(), "{text}");
    }
}

#[test]
fn zones_are_iana_names() {
    assert!("Europe/Berlin".parse::<TimeZone>().is_ok());
    assert!("Berlin".parse::<TimeZone>().is_err());
}

#[test]
fn debug_shows_no_personal_data() {
    assert_eq!(format!("{:?}", "ann@example.com".parse::<Email>().unwrap()), "Email(…)");
}

#[test]
fn roles_include_what_is_below_them() {
    assert!(MemberRole::Owner.includes(MemberRole::Viewer));
    assert!(!MemberRole::Viewer.includes(MemberRole::Trader));
    assert!(PlatformRole::Operator.includes(PlatformRole::Observer));
    assert!(!PlatformRole::Observer.includes(PlatformRole::Operator));
    assert!(!PlatformRole::Moderator.includes(PlatformRole::Finance));
    assert!(PlatformRole::ALL.iter().all(|role| PlatformRole::Admin.includes(*role)));
}
