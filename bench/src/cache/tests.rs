use super::*;

#[test]
fn hits_are_counted_over_everything_that_is_kept() {
    let metrics = "# TYPE tradeyard_cache_reads_total counter\n\
                   tradeyard_cache_reads_total{what=\"listings\",result=\"hit\"} 6\n\
                   tradeyard_cache_reads_total{what=\"facets\",result=\"hit\"} 3\n\
                   tradeyard_cache_reads_total{what=\"facets\",result=\"miss\"} 2\n\
                   tradeyard_cache_reads_total{what=\"facets\",result=\"bypass\"} 1\n\
                   another_total{result=\"hit\"} 100\n";
    assert!((share_of_hits(metrics) - 0.75).abs() < f64::EPSILON);
    assert!(share_of_hits("").abs() < f64::EPSILON);
}

#[test]
fn every_visitor_reads_every_page() {
    for first in 0..CONNECTIONS {
        let read: std::collections::BTreeSet<_> =
            (first..).step_by(STEP).take(PAGES.len()).map(|page| page % PAGES.len()).collect();
        assert_eq!(read.len(), PAGES.len());
    }
}
