use serde_json::json;

use super::*;

fn tractors() -> Filters {
    let mut filters = Filters::default();
    let properties = json!({
        "make": {"type": "string", "filter": "facet"},
        "model": {"type": "string"},
        "horsepower": {"type": "number", "filter": "range"},
        "condition": {"type": "string", "enum": ["new", "used"], "filter": "facet"},
        "four_wheel_drive": {"type": "boolean", "filter": "facet"},
        "languages": {"type": "array", "items": {"type": "string", "enum": ["de", "en"]}, "filter": "facet"},
    });
    for (name, property) in properties.as_object().expect("an object") {
        filters.add(name, property);
    }
    filters
}

fn read_all(conditions: &[&str]) -> Result<Vec<Filter>, FilterError> {
    read(&conditions.iter().map(ToString::to_string).collect::<Vec<_>>(), &tractors())
}

fn values(name: &str, values: &[&str]) -> Filter {
    let wanted = Wanted::Values(values.iter().map(ToString::to_string).collect());
    Filter { name: name.to_owned(), wanted }
}

#[test]
fn values_of_one_attribute_are_alternatives_and_numbers_have_bounds() {
    let read =
        read_all(&["make: John Deere", "horsepower:80..", "make:Fendt", "languages:DE", "four_wheel_drive:true"]);
    let horsepower = Filter { name: "horsepower".to_owned(), wanted: Wanted::Range(Some(80.0), None) };
    let all = vec![
        values("four_wheel_drive", &["true"]),
        horsepower,
        values("languages", &["DE"]),
        values("make", &["John Deere", "Fendt"]),
    ];
    assert_eq!(read, Ok(all));
    for (text, from, to) in
        [("..120.5", None, Some(120.5)), ("80..120", Some(80.0), Some(120.0)), ("-3", Some(-3.0), Some(-3.0))]
    {
        let read = read_all(&[&format!("horsepower:{text}")]).expect("read");
        assert_eq!(read[0].wanted, Wanted::Range(from, to), "{text}");
    }
}

#[test]
fn an_unknown_filter_is_refused_with_those_that_there_are() {
    let names = "there are condition, four_wheel_drive, horsepower, languages, make";
    for name in ["colour", "model", "", "Make"] {
        let message = format!("cannot be filtered by {name}; {names}");
        assert_eq!(read_all(&[&format!("{name}:red")]), Err(FilterError::Unknown(message)));
    }
    let nothing = read(&["a:b".to_owned()], &Filters::default());
    let message = "cannot be filtered by a; there is nothing to filter by here".to_owned();
    assert_eq!(nothing, Err(FilterError::Unknown(message)));
}

#[test]
fn a_bad_condition_says_what_is_expected() {
    let long = format!("make:{}", "x".repeat(201));
    for (conditions, message) in [
        (vec!["make"], "expected name:value"),
        (vec!["make:"], "make needs a value"),
        (vec!["condition:broken"], "condition is one of new, used"),
        (vec!["four_wheel_drive:yes"], "four_wheel_drive is one of true, false"),
        (vec!["languages:fr"], "languages is one of de, en"),
        (vec!["horsepower:many"], "horsepower is a number"),
        (vec!["horsepower:.."], "horsepower is a number"),
        (vec!["horsepower:NaN"], "horsepower is a number"),
        (vec!["horsepower:1e400"], "horsepower is a number"),
        (vec!["horsepower:1..x"], "horsepower is a number"),
        (vec!["horsepower:120..80"], "must not begin above its end"),
        (vec!["horsepower:80..", "horsepower:..90"], "has horsepower twice"),
        (vec![long.as_str()], "at most 200 characters"),
        (vec!["make:a"; 11], "at most 10 conditions"),
    ] {
        let Err(FilterError::Bad(bad)) = read_all(&conditions) else { panic!("{conditions:?} is read") };
        assert!(bad.parameter == "where" && bad.message.contains(message), "{bad} lacks {message}");
    }
}

#[test]
fn a_name_of_two_categories_is_looked_for_as_either_has_it() {
    let mut filters = Filters::default();
    filters.add("size", &json!({"type": "string", "enum": ["s", "m"], "filter": "facet"}));
    filters.add("size", &json!({"type": "number", "filter": "range"}));
    let known = Known { facet: Some(Values::Some(vec!["s".to_owned(), "m".to_owned()])), range: true };
    assert_eq!(filters.0["size"], known);
    filters.add("size", &json!({"type": "string", "filter": "facet"}));
    assert_eq!(filters.0["size"].facet, Some(Values::Any));
    assert_eq!(filters.facets(), ["size"]);
}
