use super::*;

#[test]
fn an_average_is_in_hundredths_and_rounded_half_up() {
    for (reviews, stars, average) in [(1, 1, 100), (1, 5, 500), (2, 9, 450), (3, 14, 467), (3, 13, 433), (8, 33, 413)] {
        assert_eq!(Rating::of(reviews, stars), Rating { reviews, average_hundredths: Some(average) });
    }
    assert_eq!(Rating::of(0, 0), Rating::default());
}
