use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::app::document;

/// Every text in quotes in the source of this crate, tests left out.
fn quoted_in_source(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if ["tests", "tests.rs", "testing", "testing.rs"].iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            quoted_in_source(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("openapi/problems.rs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            into.extend(text.split('"').map(str::to_owned));
        }
    }
}

#[test]
fn every_documented_code_is_one_that_is_answered() {
    let mut texts = BTreeSet::new();
    quoted_in_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    let document = serde_json::to_value(document()).unwrap();
    let mut unknown = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let schema = &response["content"]["application/problem+json"]["schema"];
                let codes = schema["allOf"][1]["properties"]["code"]["enum"].as_array().into_iter().flatten();
                let codes = codes.filter_map(Value::as_str).filter(|code| !texts.contains(*code));
                unknown.extend(codes.map(|code| format!("{method} {path} {status}: {code}")));
            }
        }
    }
    assert!(unknown.is_empty(), "no code answers {unknown:#?}");
}
