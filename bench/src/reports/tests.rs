use super::*;

#[test]
fn the_peer_is_given_what_we_write() {
    let same = same().unwrap();
    let rows = same["rows"].as_array().unwrap();
    let columns = head().unwrap().sections[0].columns.len();
    assert_eq!((rows.len(), same["titles"].as_array().unwrap().len()), (1_000, columns));
    assert!(rows.iter().all(|row| row.as_array().unwrap().len() == columns));
    // 100,015 cents, and 100,001 yen.
    assert_eq!(rows[2][6], json!(["money", 1000.15, "EUR", 2]));
    assert_eq!(rows[0][6], json!(["money", 100_001.0, "JPY", 0]));
}
