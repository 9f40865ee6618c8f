use super::*;
use crate::imports::model::ListingTerms;
use crate::imports::rules::shape::Unreadable;
use crate::imports::rules::tests::read;

fn row(header: &str, cells: &str) -> Result<StockRow, Vec<(Option<String>, String)>> {
    let (_, mut rows) =
        read::<StockRow>(format!("{header}\n{cells}\n"), &ListingTerms::default()).expect("known columns");
    let faults = |faults: Vec<RowFault>| faults.into_iter().map(|fault| (fault.column, fault.reason)).collect();
    rows.remove(0).row.map_err(faults)
}

#[test]
fn columns_are_found_by_their_names_in_any_order() {
    let read = row("Reason,DELTA,site,SKU", " damp ,-3, Depot ,=1+1").expect("a row");
    let expected = StockRow {
        sku: "=1+1".to_owned(),
        site: "Depot".to_owned(),
        count: Count::By(-3),
        reason: Some("damp".to_owned()),
    };
    assert_eq!(read, expected);
    let count = |cells: &str| row("sku,site,on_hand,delta", cells).map(|row| row.count);
    assert_eq!(count("a,b,7,"), Ok(Count::To(7)));
    assert_eq!(count("a,b,,7"), Ok(Count::By(7)));
}

#[test]
fn unknown_and_missing_columns_refuse_the_file() {
    let find =
        |header: &str| read::<StockRow>(format!("{header}\n1\n"), &ListingTerms::default()).expect_err("refused");
    let known = "sku, site, on_hand, delta, reason".to_owned();
    assert_eq!(find("sku,site,on_hand,colour"), Unreadable::Unknown { name: "colour".to_owned(), known });
    assert_eq!(find("site,on_hand"), Unreadable::Missing("sku".to_owned()));
    assert_eq!(find("sku,on_hand"), Unreadable::Missing("site".to_owned()));
    assert_eq!(find("sku,site,reason"), Unreadable::Missing("on_hand".to_owned()));
    // The first of several that are missing.
    assert_eq!(find("site,reason"), Unreadable::Missing("on_hand".to_owned()));
    assert_eq!(find("on_hand,reason"), Unreadable::Missing("sku".to_owned()));
}

#[test]
fn everything_that_is_wrong_with_a_row_is_said_with_its_column() {
    let at = |column: &str, reason: &str| (Some(column.to_owned()), reason.to_owned());
    let faults = |cells: &str| row("sku,site,on_hand,delta,reason", cells).expect_err("refused");
    let whole = "must be a whole number, without separators";
    assert_eq!(
        faults(",,x,,"),
        [at("sku", "must not be empty"), at("site", "must not be empty"), at("on_hand", whole)]
    );
    assert_eq!(faults("a,b,,,"), [at("on_hand", "must not be empty")]);
    let both = "say either what is on hand or by how much it changes, not both";
    assert_eq!(faults("a,b,1,1,"), [at("delta", both)]);
    assert_eq!(faults("a,b,-1,,"), [at("on_hand", "must lie between 0 and 1000000000")]);
    assert_eq!(faults("a,b,,-1000000001,"), [at("delta", "must lie between -1000000000 and 1000000000")]);
    assert_eq!(faults("a\u{7},b,1,,"), [at("sku", "control characters are not allowed")]);
    assert_eq!(faults(&format!("{},b,1,,", "x".repeat(65))), [at("sku", "must have at most 64 characters")]);
    assert_eq!(faults(&format!("a,b,1,,{}", "x".repeat(501))), [at("reason", "must have at most 500 characters")]);
}

#[test]
fn a_name_that_several_sites_have_means_none_of_them() {
    let [one, two, three] = [SiteId::generate(), SiteId::generate(), SiteId::generate()];
    let mut known = Places::default();
    known.items.insert("a".to_owned(), ItemId::generate());
    known.sites = HashMap::from([("Depot".to_owned(), vec![one, two]), ("Shop".to_owned(), vec![three])]);
    known.sites.insert(one.to_string(), vec![one]);
    let site = |sku: &str, site: &str| {
        let row = row("sku,site,on_hand", &format!("{sku},{site},1")).expect("a row");
        row.place(&known).map(|(_, site)| site).map_err(|fault| fault.reason)
    };
    assert_eq!(site("a", "Shop"), Ok(three));
    assert_eq!(site("a", &one.to_string()), Ok(one));
    assert_eq!(site("a", "Depot"), Err("several sites are called so: name the site by its id".to_owned()));
    assert_eq!(site("a", "Barn"), Err("the organisation has no such site".to_owned()));
    assert_eq!(site("b", "Shop"), Err("the organisation has no such item".to_owned()));
}
