//! Prints one paper of each kind into a folder, to be looked at, and measures a report of as many rows as there may be:
//! `cargo run --release -p papers --example samples -- FOLDER`.

#![expect(clippy::print_stdout, reason = "it measures, for a person at a terminal")]

#[path = "../src/tests/samples/mod.rs"]
mod samples;

use std::path::PathBuf;
use std::time::Instant;

use papers::document::{self, Block, MAX_ROWS, Page};
use papers::fonts::{DEBIAN, Fonts};
use papers::{Paper, PaperError, invoice, label, movement, slip};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/papers".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let begin = Instant::now();
    let fonts = Fonts::load(std::path::Path::new(DEBIAN))?;
    println!("fonts loaded in {:?}, {} KB resident", begin.elapsed(), peak());
    let write = |name: &str, paper: Result<Paper, PaperError>| -> Result<(), Failure> {
        let paper = paper?;
        println!("{name}: {} pages, {} bytes", paper.pages, paper.bytes.len());
        std::fs::write(folder.join(format!("{name}.pdf")), paper.bytes)?;
        Ok(())
    };
    write("report", document::print(&fonts, &samples::report()))?;
    write("hebrew", document::print(&fonts, &samples::hebrew()))?;
    write("arabic", document::print(&fonts, &samples::arabic()))?;
    write("label", label::print(&fonts, &samples::shipping_label()))?;
    write("movement", movement::print(&fonts, &samples::movement()))?;
    write("picking-list", slip::picking_list(&fonts, &samples::picking_list()))?;
    write("release-pass", slip::release_pass(&fonts, &samples::release_pass()))?;
    for (name, made) in samples::invoices() {
        write(&format!("invoice-{name}"), invoice::print(&fonts, &made))?;
    }

    let mut long = samples::document("en", "Every row", vec![Block::Table(samples::sales(MAX_ROWS))]);
    long.page = Page::A4Landscape;
    let before = peak();
    let begin = Instant::now();
    let paper = document::print(&fonts, &long)?;
    let took = begin.elapsed();
    println!(
        "{MAX_ROWS} rows of 8 columns: {} pages in {took:?}, {:.0} pages a second; peak {} KB, {} KB before",
        paper.pages,
        f64::from(u32::try_from(paper.pages)?) / took.as_secs_f64(),
        peak(),
        before,
    );
    write("long", Ok(paper))?;
    // Last: it maps and hashes the fonts of Han characters.
    write("scripts", document::print(&fonts, &samples::scripts()))?;
    println!("with Han characters: peak {} KB", peak());
    // The samples that only tests use.
    let _ = (samples::code(papers::code::Symbology::Qr, ""), samples::domestic(), samples::SCRIPTS);
    Ok(())
}

/// The most memory that the process has had, in kilobytes, as Linux counts it.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
