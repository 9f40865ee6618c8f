use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::Value;

/// The peers would otherwise be measured with statements that the API no longer runs.
#[test]
fn the_peers_run_the_statements_of_the_api_word_for_word() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known: HashSet<String> = std::fs::read_dir(here.join("../.sqlx"))
        .unwrap()
        .map(|file| {
            let file: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
            file["query"].as_str().unwrap().to_owned()
        })
        .collect();
    let statements = std::fs::read(here.join("peers/statements.json")).unwrap();
    let statements: BTreeMap<String, String> = serde_json::from_slice(&statements).unwrap();
    let unknown: Vec<_> = statements.iter().filter(|(_, sql)| !known.contains(*sql)).map(|(name, _)| name).collect();
    assert!(unknown.is_empty(), "copy these anew from .sqlx into bench/peers/statements.json: {unknown:?}");
}
