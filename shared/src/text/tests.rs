use super::*;

#[test]
fn what_nobody_sees_is_dropped() {
    for (typed, shown) in [
        (" Fendt\u{200b} 724 ", "Fendt 724"),
        ("gnp.exe\u{202e}", "gnp.exe"),
        ("\u{2066}a\u{2069}\u{feff}b\u{ad}c", "abc"),
        ("Ünsal & Söhne", "Ünsal & Söhne"),
        ("مزرعة", "مزرعة"),
        ("❤\u{fe0f}", "❤\u{fe0f}"),
    ] {
        assert_eq!(line(typed).as_deref(), Ok(shown), "{typed:?}");
    }
    assert_eq!(lines("a\r\n\u{200b}b\n").as_deref(), Ok("a\nb"));
    assert_eq!(lines(" \n").as_deref(), Ok(""));
}

#[test]
fn what_shows_nothing_or_breaks_the_line_is_refused() {
    for typed in ["", "  ", "\u{200b}", "\u{3164}\u{2800}", "\u{202e}\u{a0}", "\u{fe0f}"] {
        assert_eq!(line(typed), Err(Unshowable::Invisible), "{typed:?}");
    }
    for typed in ["a\nb", "a\0", "a\u{7f}", "a\u{85}", "\t"] {
        assert_eq!(line(typed), Err(Unshowable::Control), "{typed:?}");
    }
    for typed in ["a\0b", "\u{b}", "\r", " \u{85}\n"] {
        assert_eq!(lines(typed), Err(Unshowable::Control), "{typed:?}");
    }
    assert_eq!(lines("\u{200b}"), Err(Unshowable::Invisible));
}

#[test]
fn the_patterns_take_what_the_rules_take() {
    let (pattern, one) = (regex::Regex::new(VISIBLE_LINES).unwrap(), regex::Regex::new(VISIBLE_LINE).unwrap());
    for c in (0..=0xffff).filter_map(char::from_u32) {
        // Text before and after it, so that lines end within; and the character alone.
        for text in [format!("a{c}b"), c.to_string()] {
            let taken = lines(&text).is_ok_and(|text| !text.is_empty());
            assert_eq!(pattern.is_match(&text), taken, "{text:?}");
            assert_eq!(one.is_match(&text), line(&text).is_ok(), "{text:?}");
        }
    }
    for (text, taken) in [("a\r\nb", true), ("\r\n", false), ("a\rb", false), ("", false), (" \n\t", false)] {
        assert_eq!(pattern.is_match(text), taken, "{text:?}");
    }
}

#[test]
fn addresses_are_found_and_broken() {
    for address in ["https://a", "WWW.evil.example", "me@evil.example"] {
        assert!(has_address(address), "{address}");
    }
    for name in ["J.R.R. Tolkien", "Booking.com B.V.", "Mærsk A/S", "St.John"] {
        assert!(!has_address(name), "{name}");
    }
    let broken = without_links("Pay at https://evil.example/x or me@evil.example. Mærsk A/S, J. R.");
    for link in ["https://", "evil.example", "me@evil"] {
        assert!(!broken.contains(link), "{broken:?}");
    }
    assert_eq!(without_hidden(&broken), "Pay at https://evil.example/x or me@evil.example. Mærsk A/S, J. R.");
    assert_eq!(without_links(&broken), broken);
    assert_eq!(without_links("Mærsk A/S, J. R."), "Mærsk A/S, J. R.");
}
