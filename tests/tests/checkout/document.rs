//! A document and what it names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::code::{files, root};

/// Files that the reader of the recipe in docs/JOBS.md creates.
const MADE_BY_THE_READER: &str = "end_sessions";
const JOB_OF_THE_READER: &str = "EndSessions";

/// A Markdown file of this checkout.
#[derive(Debug)]
pub(crate) struct Document {
    /// Relative to the checkout's root.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Something that a document takes for granted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mention {
    /// A name with at least three underscores, in backticks: of a test, or of a rule of the database.
    Test(String),
    Metric(String),
    /// `queue::ledger::insert::one` or `Cx::commit`.
    Item(String),
    File(String),
    /// A document and the anchor of one of its headings.
    Heading(String, String),
}

impl Document {
    pub(crate) fn all() -> Vec<Self> {
        files()
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
            .map(|path| Self {
                text: fs::read_to_string(root().join(path)).unwrap(),
                path: path.to_str().unwrap().to_owned(),
            })
            .collect()
    }

    pub(crate) fn mentions(&self) -> Vec<Mention> {
        let prose = self.without_fences();
        let mut mentions: Vec<Mention> =
            quoted().captures_iter(&prose).filter_map(|found| mention(found[1].trim())).collect();
        mentions.extend(self.used().into_iter().map(Mention::Item));
        let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
        for found in link.captures_iter(&prose) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if !file.is_empty() {
                mentions.push(Mention::File(file.to_owned()));
            }
            if !anchor.is_empty() {
                mentions.push(Mention::Heading(self.resolve(file), anchor.to_owned()));
            }
        }
        mentions
    }

    /// Whether the path leads to a file or folder, from the root or from the document's own folder.
    pub(crate) fn reaches(&self, path: &str) -> bool {
        if !path.contains('/') {
            // A file's bare name, such as `lib.rs`: any file of that name will do.
            let named = |file: &PathBuf| file.file_name().is_some_and(|name| name == path);
            if files().iter().any(named) {
                return true;
            }
        }
        root().join(path).exists() || root().join(self.folder()).join(path).exists()
    }

    pub(crate) fn has_heading(&self, path: &str, anchor: &str) -> bool {
        self.path == path
            && self
                .without_fences()
                .lines()
                .filter_map(|line| line.strip_prefix('#'))
                .any(|heading| slug(heading.trim_start_matches('#')) == anchor)
    }

    fn folder(&self) -> &Path {
        Path::new(&self.path).parent().unwrap_or(Path::new(""))
    }

    fn resolve(&self, file: &str) -> String {
        if file.is_empty() {
            return self.path.clone();
        }
        let mut resolved = PathBuf::new();
        for part in self.folder().join(file).components() {
            match part {
                std::path::Component::ParentDir => drop(resolved.pop()),
                other => resolved.push(other),
            }
        }
        resolved.to_str().unwrap().to_owned()
    }

    fn without_fences(&self) -> String {
        self.lines(false)
    }

    /// The lines inside or outside of fenced code.
    fn lines(&self, fenced: bool) -> String {
        let mut inside = false;
        let mut lines = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            } else if inside == fenced {
                lines.push_str(line);
                lines.push('\n');
            }
        }
        lines
    }

    /// What the document's code imports from the crates here.
    fn used(&self) -> Vec<String> {
        let import = Regex::new(r"(?m)^\s*use ([a-z_]+(?:::[a-z_]+)*)::(?:([A-Za-z_]+)|\{([^}]*)\});").unwrap();
        let code = self.lines(true);
        let mut used = Vec::new();
        for found in import.captures_iter(&code) {
            let names = found.get(2).or(found.get(3)).map_or("", |names| names.as_str());
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != JOB_OF_THE_READER) {
                used.push(format!("{}::{name}", &found[1]));
            }
        }
        // Relative imports belong to a file that cannot be determined from the document.
        used.retain(|path| !path.starts_with("crate::") && !path.starts_with("super::"));
        used
    }
}

fn quoted() -> Regex {
    Regex::new("`([^`\n]+)`").unwrap()
}

fn mention(quoted: &str) -> Option<Mention> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new("^[a-z0-9_]+$").unwrap());
    // With or without arguments: `queue::ledger::insert::one`, `Cx::commit(tx)`, `Outcome::Done`.
    static ITEM: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^([A-Za-z0-9_]+(?:::[A-Za-z0-9_]+)+)(?:\(.*\))?$").unwrap());
    static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?$").unwrap());
    if NAME.is_match(quoted) {
        if quoted.matches('_').count() < 3 {
            return None;
        }
        let name = quoted.to_owned();
        let is_metric = name.starts_with("tradeyard_") || name.ends_with("_total");
        return Some(if is_metric { Mention::Metric(name) } else { Mention::Test(name) });
    }
    if let Some(found) = ITEM.captures(quoted) {
        return Some(Mention::Item(found[1].to_owned()));
    }
    if !PATH.is_match(quoted) || quoted.contains(MADE_BY_THE_READER) {
        return None;
    }
    let first = quoted.split('/').next().unwrap_or_default();
    let of_the_checkout = quoted.contains('/') && root().join(first).exists();
    let ending = Path::new(quoted).extension().and_then(|ending| ending.to_str());
    let a_file = matches!(ending, Some("rs" | "md" | "sql" | "sh" | "snap" | "lua" | "csv"));
    let made_while_running = matches!(first, "target" | ".dev");
    ((of_the_checkout || a_file) && !made_while_running).then(|| Mention::File(quoted.to_owned()))
}

/// A heading's anchor as GitHub makes it.
fn slug(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
