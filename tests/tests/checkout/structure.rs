//! The shape of the sources: the house rules that a program can check.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::code::{files, root};

/// Where statements may stand outside a `store`, `ledger` or `ops`, and why.
const SQL_ELSEWHERE: [(&str, &str); 10] = [
    ("bench", "measures statements"),
    ("cli/src/commands/migrate.rs", "reads the migrator's own table"),
    ("market/src/exports/own_data.rs", "a column and what fills it"),
    ("market/src/exports/parts", "a column and what fills it"),
    ("market/src/reports/definitions", "a column and what fills it"),
    ("queue/examples", "shows how a program uses the engine"),
    ("shared/src/audit", "the log of every domain"),
    ("shared/src/audit.rs", "the log of every domain"),
    ("shared/src/idempotency.rs", "the keys of every domain"),
    ("shared/src/db", "roles and rights"),
];

/// The Rust files of the crates, with their text.
fn sources() -> impl Iterator<Item = (&'static Path, String)> {
    files()
        .iter()
        .map(AsRef::as_ref)
        .filter(|path: &&Path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| (path, fs::read_to_string(root().join(path)).unwrap()))
}

/// Whether a part of the path, without its ending, is one of `names`.
fn is_under(path: &Path, names: &[&str]) -> bool {
    path.with_extension("").iter().any(|part| names.iter().any(|name| part == *name))
}

fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn tests_stand_in_files_of_their_own() {
    let inline = Regex::new(r"(?m)^\s*mod tests \{").unwrap();
    let found: Vec<_> = sources().filter(|(_, text)| inline.is_match(text)).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "the tests of x.rs belong in x/tests.rs: {found:?}");
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let found: Vec<_> = sources().filter(|(_, text)| text.lines().count() > 400).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "split by what they do: {found:?}");
}

#[test]
fn sql_is_left_to_the_stores() {
    let statement = Regex::new(r"sqlx::query|\bquery(_as|_scalar)?!\(").unwrap();
    let found: Vec<_> = sources()
        .filter(|(path, _)| !is_under(path, &["store", "ledger", "ops", "tests", "testing", "conformance"]))
        .filter(|(path, _)| !SQL_ELSEWHERE.iter().any(|(place, _)| path.starts_with(place)))
        .filter(|(_, text)| statement.is_match(&code_of(text)))
        .map(|(path, _)| path)
        .collect();
    assert!(found.is_empty(), "{found:?} have SQL");
}

#[test]
fn real_time_knows_no_route() {
    let found: Vec<_> = sources()
        .filter(|(path, _)| path.starts_with("api/src/realtime"))
        .filter(|(_, text)| code_of(text).contains("crate::routes"))
        .map(|(path, _)| path)
        .collect();
    assert!(found.is_empty(), "{found:?} use routes");
}

#[test]
fn no_item_has_a_name_that_the_glossary_gave_up() {
    let given_up = [
        "Parcel", "Receipt", "Bell", "Leash", "Studio", "Course", "Shelf", "Weather", "Hopeless", "Heart", "Meanings",
        "Scene", "Told", "bury", "ripen", "hungry", "told",
    ];
    let item =
        Regex::new(r"(?m)^\s*(?:pub(?:\([a-z: ]+\))? )?(?:const |async )*(?:fn|struct|enum|trait|mod|type) (\w+)")
            .unwrap();
    let mut found = Vec::new();
    for (path, text) in sources() {
        for name in item.captures_iter(&text).map(|found| found[1].to_owned()) {
            if given_up.contains(&name.as_str()) {
                found.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
