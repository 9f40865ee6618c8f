use super::*;

#[test]
fn errors_of_one_cause_share_a_fingerprint() {
    let one = fingerprint("emails.send", "450 4.2.1 mailbox 17 busy, try 8f14e45f-ceea-467f-a9c1 later\nmore");
    let two = fingerprint("emails.send", "450 4.2.1 mailbox 99123 busy, try 00000000-ceea-467f-aaaa later");
    assert_eq!(one, two);
    assert_eq!(one, "emails.send: # #.#.# mailbox # busy, try # later");
}

#[test]
fn personal_data_and_passwords_are_left_out() {
    let text = scrub("to ada@example.com failed at postgres://u:secret@host/db\0 and\tmore");
    assert_eq!(text, "to <address> failed at <url> and more");
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let cut = scrub(&"é".repeat(10_000));
    assert!(cut.len() <= 4_000 && cut.ends_with("é…"), "{cut}");
}
