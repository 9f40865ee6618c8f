use super::*;

#[test]
fn only_proxies_of_ours_speak_for_others() {
    let trusted = ["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    for (peer, lines, expected) in [
        ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
        ("127.0.0.1", &[], "127.0.0.1"),
        ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", &["1.1.1.1", "198.51.100.1", "10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", &["10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", &["198.51.100.1, nonsense, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
    ] {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        assert_eq!(client(peer.parse().unwrap(), &headers, &trusted).to_string(), expected, "{peer} {lines:?}");
    }
}
