use super::*;

#[test]
fn names_of_sheets_are_as_excel_takes_them() {
    let mut names = Names::default();
    assert_eq!(names.unique("Orders"), "Orders");
    assert_eq!(names.unique("ORDERS"), "ORDERS (2)", "they differ in nothing but their case");
    assert_eq!(names.unique("orders"), "orders (3)");
    assert_eq!(names.unique("'Tom & Jerry'"), "Tom & Jerry");
    assert_eq!(names.unique("a/b\\c?*:[d]"), "a b c    d");
    assert_eq!(names.unique("''"), "Sheet");
    assert_eq!(names.unique("History"), "Sheet (2)");
    let long = "A name that is much longer than thirty-one characters";
    assert_eq!(names.unique(long).chars().count(), 31);
    assert!(names.unique(long).ends_with(" (2)"));
    for name in names.taken() {
        rust_xlsxwriter::utility::check_sheet_name(name).unwrap();
    }
}

#[test]
fn long_texts_are_cut_with_a_mark() {
    let fits = "ä".repeat(32_767);
    assert_eq!(values::cut(&fits), fits);
    let long = "ä".repeat(32_768);
    let kept = values::cut(&long);
    assert!(kept.ends_with("… (cut)"));
    assert_eq!(kept.encode_utf16().count(), 32_767);
    // Two units each in UTF-16: none is cut in halves.
    let pairs = values::cut(&"🚜".repeat(20_000)).into_owned();
    assert!(pairs.encode_utf16().count() <= 32_767 && pairs.ends_with("🚜… (cut)"));
}
