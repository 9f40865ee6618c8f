use proptest::prelude::*;

use super::*;

#[test]
fn a_number_is_the_random_bits_and_a_check_character() {
    assert_eq!(number([0; 10]), "TY00000000000000000");
    let all = number([255; 10]);
    assert!(all.starts_with("TYZZZZZZZZZZZZZZZZ") && is_valid(&all), "{all}");
    let pattern = regex::Regex::new(PATTERN).expect("a pattern");
    assert!(pattern.is_match(&all));
}

#[test]
fn what_is_not_a_number_is_none() {
    for text in [
        "",
        "TY",
        "TY0000000000000000",
        "ty00000000000000000",
        "TY0000000000000000O",
        "S-1",
        "TY000000000000000000",
        "TYé000000000000000",
    ] {
        assert!(!is_valid(text), "{text}");
    }
}

proptest! {
    #[test]
    fn every_wrong_character_shows(random: [u8; 10], place in 2..19_usize, digit in 0..32_usize) {
        let right = number(random);
        prop_assert!(is_valid(&right));
        let mut wrong = right.clone().into_bytes();
        wrong[place] = DIGITS[digit];
        let wrong = String::from_utf8(wrong).expect("ASCII");
        prop_assert_eq!(is_valid(&wrong), wrong == right);
    }

    #[test]
    fn swapped_neighbours_show_unless_one_is_the_last_digit_and_one_the_first(random: [u8; 10], place in 2..18_usize) {
        let right = number(random);
        let mut swapped = right.clone().into_bytes();
        swapped.swap(place, place + 1);
        let same = swapped[place] == swapped[place + 1];
        let blind = [swapped[place], swapped[place + 1]].iter().all(|digit| b"0Z".contains(digit));
        let swapped = String::from_utf8(swapped).expect("ASCII");
        prop_assert_eq!(is_valid(&swapped), same || blind);
    }
}
