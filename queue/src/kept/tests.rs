use super::*;

#[test]
fn a_text_is_cut_between_characters_and_says_so() {
    assert_eq!(text("fits", 4), "fits");
    assert_eq!(text("fits not", 7), "fits…");
    assert_eq!(text(&"ü".repeat(1_000), 500).len(), 499);
    assert_eq!(text("a\0b", 500), "ab");
    assert!(text(&"\0".repeat(1_000_000), 500).len() <= 500);
}

#[test]
fn a_result_that_fits_stays_as_it_is() {
    let fits = json!({"rows": 3, "of": [1.5, null, "ü", {"deep": true}]});
    assert_eq!(value(&fits), fits);
    assert_eq!(value(&json!({"a\0": ["b\0", {"c": "\0"}]})), json!({"a": ["b", {"c": ""}]}));
}

#[test]
fn of_a_large_or_deep_result_the_start_is_kept() {
    let large = json!({"rows": vec!["0123456789"; 10_000]});
    let mut deep = json!(1);
    for _ in 0..RESULT_DEPTH {
        deep = json!([deep]);
    }
    for (value_given, start) in
        [(large, r#"{"rows":["0123456789","#), (deep, "[[[["), (json!("x".repeat(70_000)), "\"xxx")]
    {
        let kept = value(&value_given);
        let begins = kept["begins"].as_str().unwrap();
        assert_eq!(kept["cut"], true);
        assert!(begins.starts_with(start) && begins.len() <= CUT_RESULT_BYTES, "{begins}");
    }
}
