use proptest::prelude::*;

use super::*;

#[test]
fn a_routing_key_names_source_and_type() {
    for (source, key) in [
        ("hansa-7", "cargo.hansa-7.planned"),
        ("carrier:hansa", "cargo.carrier:hansa.planned"),
        ("scan.north", "cargo.scan_north.planned"),
        ("a*b#c d", "cargo.a_b_c_d.planned"),
        ("Łódź", "cargo.__d_.planned"),
        ("", "cargo._.planned"),
    ] {
        assert_eq!(routing_key(source, EventType::Planned), key);
    }
    // What is kept among the rejects is nobody's event.
    assert_ne!(routing_key("quarantine", EventType::Actual), QUARANTINE);
}

proptest! {
    #[test]
    fn every_source_makes_a_key_of_three_words_that_amqp_takes(
        source in "\\PC{0,400}", kind in prop::sample::select(EventType::ALL.to_vec()),
    ) {
        let key = routing_key(&source, kind);
        prop_assert!(key.len() <= MAX_KEY && key.is_ascii(), "{key}");
        let words: Vec<&str> = key.split('.').collect();
        prop_assert_eq!(words.len(), 3);
        prop_assert_eq!((words[0], words[2]), ("cargo", kind.name()));
        prop_assert!(!words[1].is_empty() && !words[1].contains(['*', '#', ' ']));
    }
}
