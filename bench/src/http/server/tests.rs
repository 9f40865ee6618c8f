use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

fn read<T: DeserializeOwned>(path: impl AsRef<Path>) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The columns of every statement that the programs run.
fn known() -> HashMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx"))
        .unwrap()
        .map(|file| {
            let file: Value = read(file.unwrap().path());
            let columns = file["describe"]["columns"].as_array().unwrap();
            (text(&file["query"]), columns.iter().map(|column| text(&column["name"])).collect())
        })
        .collect()
}

/// The peers would otherwise be measured with statements that the API no longer runs.
#[test]
fn the_peers_run_the_statements_of_the_api_word_for_word() {
    let known = known();
    let statements: BTreeMap<String, String> = read("peers/statements.json");
    let unknown: Vec<_> =
        statements.iter().filter(|(_, sql)| !known.contains_key(*sql)).map(|(name, _)| name).collect();
    assert!(unknown.is_empty(), "copy these anew from .sqlx into bench/peers/statements.json: {unknown:?}");
}

/// They read rows by place: a column that comes in between moves those after it.
#[test]
fn the_peers_know_the_places_of_the_columns() {
    let known = known();
    let statements: BTreeMap<String, String> = read("peers/statements.json");
    let read: BTreeMap<String, Vec<String>> = read("peers/columns.json");
    let columns: BTreeMap<_, _> = statements.into_iter().map(|(name, sql)| (name, known[&sql].clone())).collect();
    assert_eq!(read, columns, "correct the places in bench/peers/fastapi and express, then bench/peers/columns.json");
}
