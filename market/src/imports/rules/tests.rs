use std::fmt::Debug;
use std::io::Cursor;

use super::fields::{Columns, FromFields, ReadRow};
use super::reader::rows;
use super::shape::{Unreadable, inspect};
use super::*;

/// The columns of a file, and its rows as they are understood.
pub(in crate::imports) fn read<R: FromFields>(
    file: impl AsRef<[u8]>,
    terms: &ListingTerms,
) -> Result<(Columns, Vec<ReadRow<R>>), Unreadable> {
    let file = Cursor::new(file.as_ref());
    let shape = inspect(file.clone()).expect("readable");
    let columns = Columns::find::<R>(&shape, terms)?;
    let rows = rows(file, &shape).expect("readable").map(|row| ReadRow::of(&columns, &row.expect("read"))).collect();
    Ok((columns, rows))
}

/// The faults of a row as column and reason.
pub(super) fn faults<R: Debug>(read: &ReadRow<R>) -> Vec<(&str, &str)> {
    let faults = read.row.as_ref().expect_err("refused").iter();
    faults.map(|fault| (fault.column.as_deref().unwrap_or_default(), fault.reason.as_str())).collect()
}

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
