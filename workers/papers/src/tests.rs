//! Papers are read back by programs that others wrote: text, tags and fonts by poppler, codes by `zbarimg`, invoices by `factur-x` with the
//! rules of EN 16931. `./dev test` installs them.

mod codes;
mod documents;
mod invoices;
mod others;
pub(crate) mod samples;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::Paper;
use crate::fonts::{DEBIAN, Fonts};

static FONTS: LazyLock<Fonts> = LazyLock::new(|| Fonts::load(Path::new(DEBIAN)).unwrap());

/// What poppler puts around runs from right to left.
const MARKS: [char; 7] = ['\u{200E}', '\u{200F}', '\u{202A}', '\u{202B}', '\u{202C}', '\u{202D}', '\u{202E}'];

/// A paper in a folder that goes with it.
struct Printed {
    folder: TempDir,
    path: PathBuf,
    paper: Paper,
}

impl Printed {
    fn new(paper: Paper) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paper.pdf");
        std::fs::write(&path, &paper.bytes).unwrap();
        Self { folder, path, paper }
    }

    /// What a program says of the file.
    fn ask(&self, program: &str, before: &[&str], after: &[&str]) -> String {
        let mut command = Command::new(program);
        run(command.args(before).arg(&self.path).args(after))
    }

    /// The text in the order of reading, without [`MARKS`].
    fn text(&self) -> String {
        let text = self.ask("pdftotext", &["-enc", "UTF-8"], &["-"]);
        text.replace(MARKS, "")
    }

    /// The tree of tags with the text of each.
    fn structure(&self) -> String {
        self.ask("pdfinfo", &["-struct-text"], &[])
    }

    /// The left edge and the page of each word, in the order of reading.
    fn words(&self) -> Vec<Word> {
        let html = self.ask("pdftotext", &["-bbox", "-enc", "UTF-8"], &["-"]);
        let mut page = 0;
        html.lines()
            .filter_map(|line| {
                page += usize::from(line.trim_start().starts_with("<page "));
                let rest = line.trim_start().strip_prefix("<word xMin=\"")?;
                let (x, rest) = rest.split_once('"')?;
                let (_, text) = rest.split_once('>')?;
                Some(Word { page, x: x.parse().ok()?, text: text.trim_end_matches("</word>").to_owned() })
            })
            .collect()
    }

    /// The first page as a picture, with so many dots in an inch.
    fn picture(&self, dots: u32) -> PathBuf {
        let stem = self.folder.path().join("page");
        run(Command::new("pdftoppm").args(["-png", "-singlefile", "-r", &dots.to_string()]).arg(&self.path).arg(&stem));
        stem.with_extension("png")
    }
}

#[derive(Debug)]
struct Word {
    page: usize,
    x: f32,
    text: String,
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// That each text comes after the one before it.
#[track_caller]
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut from = 0;
    for wanted in wanted {
        let found = text[from..].find(wanted);
        let at = found.unwrap_or_else(|| panic!("{wanted:?} is not, or not in its place, in:\n{text}"));
        from += at + wanted.len();
    }
}

fn contains(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}
