//! The document's schemas stand under the names of their types: of two types with one name it would describe only one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file of Rust below a folder, tests left out.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if ["tests", "tests.rs", "testing", "testing.rs"].iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The names under which a file's types stand in the document.
fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for item in text.split("#[derive(").skip(1) {
        let Some((derived, rest)) = item.split_once(")]") else { continue };
        if !derived.contains("ToSchema") {
            continue;
        }
        let is_type = |line: &&str| line.contains("struct ") || line.contains("enum ");
        let declared = rest.lines().filter(|line| !line.trim_start().starts_with(['/', '#'])).find(is_type);
        let declared =
            declared.and_then(|line| line.split(' ').skip_while(|word| !matches!(*word, "struct" | "enum")).nth(1));
        let above = rest.split(" {").next().unwrap_or_default();
        let name = above.split_once("schema(as = ").map(|(_, name)| name).or(declared).unwrap_or_default();
        names.push(name.chars().take_while(|c| c.is_alphanumeric()).collect());
    }
    names
}

#[test]
fn no_two_schemas_share_a_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for crate_name in ["api", "market", "queue", "shared"] {
        sources(&root.join(crate_name).join("src"), &mut files);
    }
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        for name in names(&std::fs::read_to_string(&file).unwrap()) {
            found.entry(name).or_default().push(file.clone());
        }
    }
    assert!(found.len() > 300 && found["JobReason"].len() == 1, "the schemas are found: {}", found.len());
    found.retain(|_, files| files.len() > 1);
    assert!(found.is_empty(), "{found:#?}");
}
