use super::cases;

#[test]
fn few_cases_share_a_database() {
    assert_eq!(cases(40).sum::<u32>() % 40, 0);
    assert!(cases(40).all(|cases| cases <= 200));
}
