use std::io::Cursor;

use super::*;
use crate::imports::model::ListingTerms;

#[test]
fn another_file_and_other_terms_are_another_import() {
    let of = |file: &str, kind, terms: &ListingTerms| checksum(Cursor::new(file), kind, terms).expect("read");
    let (none, publish) = (ListingTerms::default(), ListingTerms { publish: true, ..ListingTerms::default() });
    let first = of("a,b\n1,2\n", ImportKind::Listings, &none);
    assert_eq!(of("a,b\n1,2\n", ImportKind::Listings, &none), first);
    assert_ne!(of("a,b\n1,2", ImportKind::Listings, &none), first);
    assert_ne!(of("a,b\n1,2\n", ImportKind::Stock, &none), first);
    assert_ne!(of("a,b\n1,2\n", ImportKind::Listings, &publish), first);
}
