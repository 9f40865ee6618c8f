use super::*;

#[test]
fn a_network_has_the_addresses_that_begin_like_it() {
    for (network, address, within) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.6", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("::/0", "2001:db9::1", true),
    ] {
        let parsed: Network = network.parse().unwrap();
        assert_eq!(parsed.contains(address.parse().unwrap()), within, "{network} {address}");
    }
    for bad in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "proxy", "10.0.0.0/8/8"] {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
}
