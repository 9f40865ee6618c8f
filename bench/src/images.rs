//! Photographs per second: our recipe on as many threads as the pool has slots, beside `vipsthumbnail` and ImageMagick, which make the
//! same files (sizes, formats, qualities) in as many processes.
//!
//! All three read a photograph and write a dozen files. `vipsthumbnail` makes one file each time it is started, as its users start it;
//! it reads a JPEG at an eighth, a quarter or half of its size where that is enough. ImageMagick makes all of them in one process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, ensure};
use market::images::model::{Format, THUMBNAIL_SIDE, widths_for};
use tokio::process::Command;

use crate::report::{Report, per_second};
use crate::run::note;

/// How often each photograph is processed in a run.
const TIMES: usize = 8;

/// Who makes the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Ours,
    Vips,
    ImageMagick,
}

impl Maker {
    const ALL: [Self; 3] = [Self::Ours, Self::Vips, Self::ImageMagick];

    /// How its figures are called.
    const fn name(self) -> &'static str {
        match self {
            Self::Ours => "images",
            Self::Vips => "vips_images",
            Self::ImageMagick => "imagemagick_images",
        }
    }

    /// Whether it is there. ImageMagick is known by `identify`: other programs are called `convert` as well.
    async fn is_installed(self) -> bool {
        let program = match self {
            Self::Ours => return true,
            Self::Vips => "vipsthumbnail",
            Self::ImageMagick => "identify",
        };
        let quiet = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        quiet.is_ok_and(|status| status.success())
    }
}

/// A photograph, and how wide it is as people see it.
#[derive(Clone, Debug)]
struct Photograph {
    path: PathBuf,
    width: u32,
}

/// Measures whoever is installed, in turn.
pub(crate) async fn measure(folder: &Path, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let photographs = photographs(folder).await?;
    let threads = std::thread::available_parallelism()?.get();
    note(&format!("{} photographs of {}, {threads} at once", photographs.len(), folder.display()));
    let mut makers = Vec::new();
    for maker in Maker::ALL {
        if maker.is_installed().await {
            makers.push(maker);
        } else {
            note(&format!("{maker:?} is left out: it is not installed"));
        }
    }
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); makers.len()];
    for run in 0..runs {
        for (maker, rates) in makers.iter().zip(&mut all) {
            note(&format!("photographs by {maker:?}, run {}", run + 1));
            rates.push(rate(*maker, &photographs, threads).await?);
        }
    }
    for (maker, rates) in makers.iter().zip(&all) {
        let beside = format!("photographs read, 12 files of each written, {threads} at once");
        report.put(&format!("{}_per_s", maker.name()), rates, &beside);
    }
    for (maker, name) in [(Maker::Vips, "images_vs_vips"), (Maker::ImageMagick, "images_vs_imagemagick")] {
        if let Some(place) = makers.iter().position(|it| *it == maker) {
            let times: Vec<_> = all[0].iter().zip(&all[place]).map(|(ours, theirs)| ours / theirs).collect();
            report.put(name, &times, "times as many, run by run");
        }
    }
    Ok(())
}

/// The JPEGs of the folder.
async fn photographs(folder: &Path) -> anyhow::Result<Vec<Photograph>> {
    let mut found = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await.with_context(|| format!("reading {}", folder.display()))?;
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        if !path.extension().is_some_and(|it| it.eq_ignore_ascii_case("jpg") || it.eq_ignore_ascii_case("jpeg")) {
            continue;
        }
        let bytes = tokio::fs::read(&path).await?;
        let made = pictures::process(&bytes).with_context(|| format!("{} is refused", path.display()))?;
        found.push(Photograph { path, width: made.width });
    }
    ensure!(!found.is_empty(), "{} has no JPEG", folder.display());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Photographs per second.
async fn rate(maker: Maker, photographs: &[Photograph], threads: usize) -> anyhow::Result<f64> {
    let folder = std::env::temp_dir().join(format!("tradeyard-bench-{}", uuid::Uuid::now_v7()));
    tokio::fs::create_dir(&folder).await?;
    let next = AtomicUsize::new(0);
    let total = photographs.len() * TIMES;
    let began = Instant::now();
    let working = (0..threads).map(|thread| {
        let (folder, next) = (folder.join(thread.to_string()), &next);
        async move {
            tokio::fs::create_dir(&folder).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return anyhow::Ok(());
                }
                make(maker, &photographs[number % photographs.len()], &folder).await?;
            }
        }
    });
    let worked = futures::future::try_join_all(working).await;
    let rate = per_second(i64::try_from(total)?, began.elapsed());
    tokio::fs::remove_dir_all(&folder).await?;
    worked?;
    Ok(rate)
}

async fn make(maker: Maker, photograph: &Photograph, folder: &Path) -> anyhow::Result<()> {
    match maker {
        Maker::Ours => {
            let (path, folder) = (photograph.path.clone(), folder.to_owned());
            let work = tokio::task::spawn_blocking(move || {
                let made = pictures::process(&std::fs::read(path)?)?;
                for (number, variant) in made.variants.into_iter().enumerate() {
                    std::fs::write(folder.join(number.to_string()), variant.bytes)?;
                }
                anyhow::Ok(())
            });
            work.await?
        }
        Maker::Vips => {
            for (side, size, suffix) in files(photograph.width) {
                let mut command = Command::new("vipsthumbnail");
                command.env("VIPS_CONCURRENCY", "1").arg(&photograph.path).args([
                    "--size",
                    &size,
                    "--eprofile",
                    "srgb",
                ]);
                if side == Side::Square {
                    command.args(["--smartcrop", "centre"]);
                }
                let options = if suffix == "webp" { "Q=78,effort=2,strip" } else { "Q=80,interlace,strip" };
                let output = format!("{}/{size}-{side:?}.{suffix}[{options}]", folder.display());
                run(command.arg("-o").arg(output)).await?;
            }
            Ok(())
        }
        Maker::ImageMagick => {
            let mut command = Command::new("convert");
            command.env("MAGICK_THREAD_LIMIT", "1").arg(&photograph.path).args(["-auto-orient", "-strip"]);
            command.args(["-define", "webp:method=2", "-sampling-factor", "4:2:0", "-interlace", "JPEG"]);
            let mut all = files(photograph.width).peekable();
            while let Some((side, size, suffix)) = all.next() {
                let quality = if suffix == "webp" { "78" } else { "80" };
                let output = format!("{}/{size}-{side:?}.{suffix}", folder.display());
                command.args(["(", "+clone"]);
                if side == Side::Square {
                    command.args(["-resize", &format!("{size}^"), "-gravity", "center", "-extent", &size]);
                } else {
                    command.args(["-resize", &size]);
                }
                command.args(["-quality", quality]);
                if all.peek().is_some() {
                    command.args(["-write", &output, "+delete", ")"]);
                } else {
                    command.args([")", "-delete", "0", &output]);
                }
            }
            run(&mut command).await
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Whole,
    Square,
}

/// The files of a photograph: what they show, their size as both programs write it, and their format.
fn files(width: u32) -> impl Iterator<Item = (Side, String, &'static str)> {
    let whole = widths_for(width).into_iter().map(|width| (Side::Whole, format!("{width}x")));
    let square = (Side::Square, format!("{THUMBNAIL_SIDE}x{THUMBNAIL_SIDE}"));
    whole.chain([square]).flat_map(|(side, size)| {
        Format::ALL.map(|format| (side, size.clone(), if format == Format::Webp { "webp" } else { "jpg" }))
    })
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().await.with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[cfg(test)]
mod tests;
