use super::*;

#[test]
fn a_key_is_known_by_its_hash_alone() {
    let ((one, its_hash), (other, _)) = (generate(), generate());
    assert_eq!(hash(one.expose_secret()), Some(its_hash));
    assert_ne!(hash(other.expose_secret()), Some(its_hash));
    let shown = prefix(&one);
    assert_eq!(shown.len(), 11);
    assert!(one.expose_secret().starts_with(&shown) && !format!("{one:?}").contains(&shown));
}

#[test]
fn what_no_key_looks_like_is_not_looked_up() {
    let (key, _) = generate();
    let key = key.expose_secret();
    let strange =
        [format!("ty_{}", "=".repeat(43)), format!("ty_{}", "\u{e9}".repeat(43)), format!("ty_{}", " ".repeat(43))];
    for bad in ["", "ty_", &key[..key.len() - 1], &format!("{key}A"), &key.replacen("ty_", "tz_", 1)] {
        assert_eq!(hash(bad), None, "{bad}");
    }
    for bad in strange {
        assert_eq!(hash(&bad), None, "{bad}");
    }
    assert!(is_meant("ty_x") && !is_meant("eyJ"));
}
