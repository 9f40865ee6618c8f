use super::*;

#[test]
fn a_bid_arrives_with_the_first_version_that_shows_it_or_is_missed() {
    let begin = Instant::now();
    let after = |ms| begin + Duration::from_millis(ms);
    let bids = [(2, after(0)), (3, after(200))];
    let whole: News = vec![(2, after(10)), (3, after(230))];
    let gap: News = vec![(3, after(240))];
    let deaf: News = vec![(2, after(20))];

    let (took, missed) = arrivals(&bids, &[whole, gap, deaf]);

    let ms: Vec<_> = took.iter().map(Duration::as_millis).collect();
    assert_eq!(ms, [10, 240, 20, 30, 40]);
    assert_eq!(missed, 1);
}
