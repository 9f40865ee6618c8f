//! The shape of this crate: no SQL, and no circle between real time and routes.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
    found
}

#[test]
fn sql_is_left_to_the_stores_and_realtime_knows_no_route() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&src) {
        let text = std::fs::read_to_string(&path).unwrap();
        let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        assert!(!code.contains("sqlx::query") && !code.contains("query!("), "{} has SQL", path.display());
        assert!(!code.contains("mod tests {"), "{}: its tests belong in tests.rs", path.display());
        if path.strip_prefix(&src).unwrap().starts_with("realtime") {
            assert!(!code.contains("crate::routes"), "{} uses routes", path.display());
        }
    }
}
