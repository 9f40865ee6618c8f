//! Every mail in Chromium: at 360 pixels, by day and by night, in each language. The picture of them all is `target/mails/sheet.png`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{every_mail, in_every_language, rendered};
use crate::emails::Language;

/// The names under which distributions install it.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// As wide as the narrowest phones.
const WIDTH: u32 = 360;
/// Pictures beside each other in the sheet.
const COLUMNS: u32 = 16;
/// The least contrast of text and what is behind it (WCAG 2.2, AA).
const LEAST_CONTRAST: f64 = 4.5;

/// What the page finds out about each mail; it measures in the frame that shows it.
#[derive(Debug, Deserialize)]
struct Measured {
    name: String,
    /// What is as wide as this needs no scrolling to the side in [`WIDTH`].
    width: u32,
    height: u32,
    title: String,
    preview: String,
    /// Whether something of the preview is seen in the mail itself.
    preview_shows: bool,
    /// Of the text that is hardest to read.
    contrast: f64,
    /// That text.
    faintest: String,
    /// Buttons and links that a finger cannot hit, lower than 44 pixels.
    small_buttons: u32,
    background: String,
}

fn chromium() -> &'static str {
    let is_there =
        |program: &&&str| Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success());
    PROGRAMS.iter().find(is_there).expect("chromium is not installed; ./dev test installs it")
}

fn run(page: &Path, arguments: &[&str]) -> Vec<u8> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"])
        .args(["--disable-background-networking", "--virtual-time-budget=60000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn escaped(html: &str) -> String {
    html.replace('&', "&amp;").replace('"', "&quot;")
}

fn sheet() -> String {
    let mut frames = String::new();
    for (number, (content, link)) in every_mail().into_iter().enumerate() {
        for reader in in_every_language() {
            let mail = rendered(&content, &link, &reader);
            let language = Language::of(&reader.locale).code();
            for scheme in ["light", "dark"] {
                let name = format!("{number:02} {} {language} {scheme}", content.template());
                let html = escaped(&mail.html);
                write!(
                    frames,
                    r#"<figure><figcaption>{name}</figcaption><div><iframe style="color-scheme:{scheme}" data-name="{name}" srcdoc="{html}"></iframe></div></figure>"#
                )
                .unwrap();
            }
        }
    }
    include_str!("sheet.html").replace("WIDTH", &WIDTH.to_string()).replace("COLUMNS", &COLUMNS.to_string()) + &frames
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/mails");
    std::fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

#[test]
fn every_mail_fits_a_phone_by_day_and_by_night() {
    let page = folder().join("sheet.html");
    std::fs::write(&page, sheet()).unwrap();
    let dom = String::from_utf8(run(&page, &["--dump-dom"])).unwrap();
    let (_, report) = dom.split_once(r#"<pre id="report">"#).expect("the page has measured");
    let report = report.split_once("</pre>").unwrap().0.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    let measured: Vec<Measured> = serde_json::from_str(&report).unwrap();
    assert_eq!(measured.len(), every_mail().len() * 4);
    for mail in &measured {
        assert!(mail.width <= WIDTH, "{} is {} pixels wide", mail.name, mail.width);
        assert!(!mail.title.is_empty() && !mail.preview.trim().is_empty(), "{mail:?}");
        assert!(!mail.preview_shows, "{mail:?}");
        assert!(mail.contrast >= LEAST_CONTRAST, "{}: {} of {:?}", mail.name, mail.contrast, mail.faintest);
        assert!(mail.height > 300, "{} is not drawn", mail.name);
        assert_eq!(mail.small_buttons, 0, "{mail:?}");
        let night = mail.name.ends_with("dark");
        assert_eq!(mail.background, if night { "rgb(16, 21, 19)" } else { "rgb(241, 244, 242)" }, "{mail:?}");
    }
    let rows = u32::try_from(measured.len()).unwrap().div_ceil(COLUMNS);
    let (width, height) = (COLUMNS * 190 + 10, rows * 420 + 10);
    let picture = folder().join("sheet.png");
    let _nothing =
        run(&page, &[&format!("--window-size={width},{height}"), &format!("--screenshot={}", picture.display())]);
    let drawn = image::ImageReader::open(&picture).unwrap().into_dimensions().unwrap();
    assert_eq!(drawn, (width, height));
}
