use super::*;

#[test]
fn decimals_have_all_of_their_places() {
    let text = |digits, places| Decimal { digits, places }.text();
    assert_eq!(text(12_345, 3), "12.345");
    assert_eq!(text(-5, 2), "-0.05");
    assert_eq!(text(7, 0), "7");
    assert_eq!(text(0, 3), "0.000");
    assert_eq!(text(i64::MIN, 2), "-92233720368547758.08");
    assert_eq!(Decimal::percent(-2_000).text(), "-20.00");
}

#[test]
fn headings_say_what_the_numbers_are_of() {
    assert_eq!(Column::decimal("weight", "Weight", "kg").heading(Tz::UTC), "Weight (kg)");
    assert_eq!(Column::new("sold_at", "Sold at", Shape::Time).heading(Tz::Asia__Kolkata), "Sold at (Asia/Kolkata)");
    assert_eq!(Column::money("total", "Total").heading(Tz::UTC), "Total");
}
