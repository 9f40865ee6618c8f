use super::*;

#[test]
fn the_widest_column_that_may_be_cut_gives_way_and_the_others_stay() {
    let columns = [Column::full("ID"), Column::cut("KIND", 10), Column::wide("ATTEMPT"), Column::cut("NOTE", 12)];
    let row = ["9223372036854775807".to_owned(), "k".repeat(40), "12".to_owned(), "n".repeat(300)];
    let mut table = Table::new(&columns, false);
    table.add_row(row.clone());
    let text = table.to_string();
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    assert!(text.contains("9223372036854775807") && text.contains("n…") && !text.contains("ATTEMPT"), "{text}");
    let mut table = Table::new(&columns, true);
    table.add_row(row);
    let text = table.to_string();
    assert!(text.contains("ATTEMPT") && text.contains(&"n".repeat(300)), "{text}");
}
