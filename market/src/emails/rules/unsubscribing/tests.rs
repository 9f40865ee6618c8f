use secrecy::ExposeSecret as _;

use super::*;

fn made(key: &[u8], user: UserId, category: EmailCategory) -> String {
    token(key, user, category).unwrap().expose_secret().to_owned()
}

#[test]
fn a_token_ends_one_category_of_one_person() {
    let (ann, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    let (key, other) = ([1; 32], [2; 32]);
    for category in EmailCategory::ALL {
        let claim = read(&made(&key, ann, category)).unwrap();
        assert_eq!((claim.user, claim.category), (ann, category));
        assert!(claim.is_signed_with(&key) && !claim.is_signed_with(&other));
        // The same code under another name, or on another category.
        assert!(!Claim { user: bob, ..claim.clone() }.is_signed_with(&key));
        for another in EmailCategory::ALL.into_iter().filter(|another| *another != category) {
            assert!(!Claim { category: another, ..claim.clone() }.is_signed_with(&key));
        }
    }
}

#[test]
fn what_is_no_token_is_none() {
    let good = made(&[1; 32], UserId(Uuid::from_u128(1)), EmailCategory::Watches);
    assert_eq!(good.len(), 44);
    assert!(good.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_'));
    let short = &good[..43];
    let long = format!("{good}AAAA");
    let no_category = URL_SAFE_NO_PAD.encode([0; 33]);
    for bad in ["", "x", "å", short, &long, &no_category, "=", &format!("{good}=")] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn numbers_of_categories_are_their_own() {
    for category in EmailCategory::ALL {
        assert_eq!(EmailCategory::of_number(category.number()), Some(category));
    }
    assert_eq!(EmailCategory::of_number(0), None);
}
