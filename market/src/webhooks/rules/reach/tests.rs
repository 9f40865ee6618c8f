use super::*;

fn public(address: &str) -> bool {
    Reach::Public.allows(address.parse().unwrap())
}

#[test]
fn what_is_not_for_everybody_is_refused_however_it_is_written() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "fc00::1",
        "fd12:3456:789a::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!public(address), "{address}");
        assert!(Reach::Anywhere.allows(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn what_is_for_everybody_is_allowed() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.1",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a00:1450:4001::1",
    ] {
        assert!(public(address), "{address}");
    }
}

/// Every way in which a URL can name our own machine by a number.
#[test]
fn a_url_with_a_private_address_is_refused_however_it_is_written() {
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:127.0.0.1]:8443/hooks",
        "https://169.254.169.254/latest/meta-data/",
        "https://0/",
    ] {
        assert_eq!(Reach::Public.read(url), Err(TargetError::Private), "{url}");
    }
}

#[test]
fn what_is_wrong_with_a_url_is_said() {
    for (url, error) in [
        ("", TargetError::Form),
        ("shop.example/hooks", TargetError::Form),
        ("ftp://shop.example/", TargetError::Form),
        ("file:///etc/passwd", TargetError::Form),
        ("https:///", TargetError::Form),
        ("https://shop.example/a b", TargetError::Form),
        ("https:\\\\shop.example\\", TargetError::Form),
        ("https://shop.example/\n", TargetError::Form),
        ("http://shop.example/", TargetError::Plain),
        ("https://me@shop.example/", TargetError::Credentials),
        ("https://:pw@shop.example/", TargetError::Credentials),
        ("https://shop.example/#part", TargetError::Fragment),
    ] {
        assert_eq!(Reach::Public.read(url), Err(error), "{url:?}");
    }
    let long = format!("https://shop.example/{}", "x".repeat(MAX_URL));
    assert_eq!(Reach::Public.read(&long), Err(TargetError::Form));
    for url in
        ["https://shop.example/hooks?id=7", "https://shop.example:8443", "https://8.8.8.8/", "https://localhost/"]
    {
        assert!(Reach::Public.read(url).is_ok(), "{url}: a name is judged when something is sent");
    }
    assert!(Reach::Anywhere.read("http://127.0.0.1:7399/").is_ok());
}
