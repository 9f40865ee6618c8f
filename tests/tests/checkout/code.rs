//! The names in the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The checkout's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files of the checkout, relative to its root, without those that are built, fetched or
/// hidden.
pub(crate) fn files() -> &'static [PathBuf] {
    static FILES: LazyLock<Vec<PathBuf>> = LazyLock::new(walk);
    &FILES
}

fn walk() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = folder.join(&name);
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.') && !matches!(name.as_str(), "target" | "node_modules") {
                    folders.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[derive(Debug)]
pub(crate) struct Code {
    /// The items of each crate by name, and its modules.
    items: BTreeMap<String, BTreeSet<String>>,
    tests: BTreeSet<String>,
    /// The constraints, triggers and indexes that some migration makes.
    rules: BTreeSet<String>,
    /// All string literals that may name a metric.
    metrics: BTreeSet<String>,
    /// Cargo.lock, which names every package.
    packages: String,
}

impl Code {
    pub(crate) fn read() -> Self {
        let item = Regex::new(
            r"(?m)^\s*(?:pub(?:\([a-z: ]+\))? )?(?:default )?(?:const |async |unsafe )*(fn|struct|enum|trait|mod|const|static(?: mut)?|type|macro_rules!) ([A-Za-z0-9_]+)",
        )
        .unwrap();
        let variant = Regex::new(r"(?m)^\s+([A-Z][A-Za-z0-9]*)(?:,|\(| \{| =|$)").unwrap();
        let exported = Regex::new(r"(?ms)^pub use ([^;]+);").unwrap();
        let word = Regex::new("[A-Za-z0-9_]+").unwrap();
        let metric = Regex::new(r#""(tradeyard_[a-z0-9_]+|[a-z0-9_]+_total)""#).unwrap();
        let rule = Regex::new("(?:CONSTRAINT|TRIGGER|INDEX) ([a-z0-9_]+)").unwrap();
        let (mut items, mut tests, mut metrics) =
            (BTreeMap::<_, BTreeSet<String>>::new(), BTreeSet::new(), BTreeSet::new());
        for path in files().iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
            let text = fs::read_to_string(root().join(path)).unwrap();
            let of_crate = items.entry(path.iter().next().unwrap().to_str().unwrap().to_owned()).or_default();
            for found in item.captures_iter(&text) {
                of_crate.insert(found[2].to_owned());
            }
            of_crate.extend(variant.captures_iter(&text).map(|found| found[1].to_owned()));
            for found in exported.captures_iter(&text) {
                of_crate.extend(word.find_iter(&found[1]).map(|word| word.as_str().to_owned()));
            }
            tests.extend(tests_of(&text));
            if path.starts_with("tests/tests/checkout") {
                continue;
            }
            metrics.extend(metric.captures_iter(&text).map(|found| found[1].to_owned()));
        }
        let mut rules = BTreeSet::new();
        for path in files().iter().filter(|path| path.extension().is_some_and(|ending| ending == "sql")) {
            let text = fs::read_to_string(root().join(path)).unwrap();
            rules.extend(rule.captures_iter(&text).map(|found| found[1].to_owned()));
        }
        let packages = fs::read_to_string(root().join("Cargo.lock")).unwrap();
        Self { items, tests, rules, metrics, packages }
    }

    pub(crate) fn has_test(&self, name: &str) -> bool {
        self.tests.contains(name)
    }

    pub(crate) fn has_rule(&self, name: &str) -> bool {
        self.rules.contains(name)
    }

    /// Whether there is such a metric; a histogram's name may have one of the exporter's suffixes.
    pub(crate) fn has_metric(&self, name: &str) -> bool {
        let plain = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        self.metrics.contains(name) || self.metrics.contains(plain)
    }

    /// What is wrong with a path such as `queue::ledger::insert::one` or `Cx::commit`, if anything.
    /// Of paths into other people's crates, only the crate is checked.
    pub(crate) fn missing_item(&self, path: &str) -> Option<String> {
        let mut parts = path.split("::");
        let first = parts.next().unwrap_or_default();
        if first.starts_with(|c: char| c.is_ascii_uppercase()) {
            let whole = |items: &BTreeSet<String>| path.split("::").all(|part| items.contains(part));
            return (!self.items.values().any(whole)).then(|| format!("no crate has {path}"));
        }
        let Some(items) = self.items.get(first) else {
            let package = |name: &str| self.packages.contains(&format!("name = \"{name}\""));
            let known = first == "std" || package(first) || package(&first.replace('_', "-"));
            return (!known).then(|| format!("{path}: there is no crate {first}"));
        };
        parts.find(|part| !items.contains(*part)).map(|part| format!("{path}: the crate {first} has no {part}"))
    }
}

/// The tests of a file: the functions under `#[test]`, `#[tokio::test]` and their like, and the names that are given to a macro of the
/// same file that makes such functions of them, as in `conformance![a_cut_is_survived]`.
fn tests_of(text: &str) -> BTreeSet<String> {
    static TEST: LazyLock<Regex> = LazyLock::new(|| {
        let between = r"(?:\s*(?://[^\n]*|#\[[^\n]*\]))*";
        let function = r"\s*(?:pub(?:\([a-z: ]+\))? )?(?:async )?fn ([A-Za-z0-9_]+)";
        Regex::new(&format!(r"(?m)^\s*#\[(?:[a-z_]+::)?test(?:\([^\n]*\))?\]{between}{function}")).unwrap()
    });
    static MACRO: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?ms)^macro_rules! ([a-z_]+) \{(.*?)^\}").unwrap());
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new("[a-z0-9_]+").unwrap());
    let mut tests: BTreeSet<String> = TEST.captures_iter(text).map(|found| found[1].to_owned()).collect();
    for made in MACRO.captures_iter(text).filter(|made| made[2].contains("test]") || made[2].contains("::test(")) {
        let call = Regex::new(&format!(r"(?m)^{}!\[([^\]]*)\];", &made[1])).unwrap();
        for found in call.captures_iter(text) {
            tests.extend(NAME.find_iter(&found[1]).map(|name| name.as_str().to_owned()));
        }
    }
    tests
}
