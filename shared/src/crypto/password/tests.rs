use std::time::Instant;

use super::*;

#[test]
fn a_password_fits_its_own_hash_only() {
    let hash = hash("correct horse battery", 4).unwrap();
    assert!(verify("correct horse battery", &hash));
    assert!(!verify("correct horse batterz", &hash));
    assert!(!verify("correct horse battery", "not a hash"));
}

#[test]
fn the_tail_of_a_long_password_counts() {
    let long = "x".repeat(100);
    let hash = hash(&format!("{long}a"), 4).unwrap();
    assert!(verify(&format!("{long}a"), &hash));
    assert!(!verify(&format!("{long}b"), &hash));
}

#[test]
fn the_hash_of_nobody_costs_as_much_as_a_real_one() {
    let real = hash("correct horse battery", 8).unwrap();
    let start = Instant::now();
    assert!(!verify("wrong", &real));
    let for_real = start.elapsed();
    let start = Instant::now();
    verify_nobody("wrong", 8);
    // A hash that bcrypt cannot parse would return in microseconds.
    assert!(start.elapsed() * 4 > for_real, "{:?} against {for_real:?}", start.elapsed());
}

#[test]
fn a_hash_of_another_cost_is_outdated() {
    let hash = hash("correct horse battery", 4).unwrap();
    assert!(!is_outdated(&hash, 4));
    assert!(is_outdated(&hash, 5));
    assert!(is_outdated("nonsense", 4));
}

#[test]
fn only_length_rules() {
    assert_eq!(check("123456789"), Err(Weak));
    assert_eq!(check("pässwörter"), Ok(()));
    assert_eq!(check(&"x".repeat(1025)), Err(Weak));
}
