use super::*;

#[test]
fn a_pass_is_found_however_it_is_typed_and_nothing_else_is() {
    assert_eq!(pass([0; 16]), "TP00000000000000000000000000");
    assert_eq!(pass([255; 16]), "TP7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    let one = pass(*b"release of goods");
    assert_eq!(one.len(), 28);
    let kept = hash(&one);
    assert!(kept.as_ref().is_some_and(|hash| hash.len() == 32));
    assert_eq!(hash(&format!(" {}\n", one.to_lowercase())), kept);
    assert_ne!(hash(&pass(*b"release of boats")), kept);
    for wrong in ["", "TP", &one[..27], &format!("{one}0"), &one.replace("TP", "TY")] {
        assert_eq!(hash(wrong), None, "{wrong}");
    }
    assert_eq!(hash("TPOOOOOOOOOOOOOOOOOOOOOOOOOO"), None);
}
