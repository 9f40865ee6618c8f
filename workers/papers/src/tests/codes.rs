use std::process::Command;

use super::samples::{code, document, picking_list, release_pass, shipping_label};
use super::{FONTS, Printed, run};
use crate::PaperError;
use crate::code::{MAX_BARS, MAX_SQUARES, Symbology};
use crate::document::{Block, print};
use crate::{label, slip};

/// What a scanner reads on the first page, at the 203 dots of a label printer.
fn scanned(printed: &Printed) -> Vec<String> {
    let picture = printed.picture(203);
    let read = run(Command::new("zbarimg").args(["--quiet", "--nodbus"]).arg(picture));
    let mut codes: Vec<String> = read.lines().map(str::to_owned).collect();
    codes.sort();
    codes
}

#[test]
fn scanners_read_the_codes_of_a_label() {
    let printed = Printed::new(label::print(&FONTS, &shipping_label()).unwrap());
    assert_eq!(
        scanned(&printed),
        ["CODE-128:HC0048211773920DK", "QR-Code:https://tradeyard.example/t/HC0048211773920DK"]
    );
}

#[test]
fn scanners_read_a_release_pass_and_a_picking_list() {
    let pass = Printed::new(slip::release_pass(&FONTS, &release_pass()).unwrap());
    assert_eq!(scanned(&pass), ["QR-Code:7KQ4-MX2P"]);
    let list = Printed::new(slip::picking_list(&FONTS, &picking_list()).unwrap());
    assert_eq!(scanned(&list), ["CODE-128:PL-2026-00981"]);
}

#[test]
fn scanners_read_texts_of_every_shape() {
    // Digits in pairs, odd runs of digits, signs, and the longest ones.
    for text in [
        "1",
        "12",
        "1234567",
        "12345678",
        "A1",
        "AB123456C",
        "00340434161094042557",
        "~!\"#$%&'()*",
        &"9".repeat(MAX_BARS),
    ] {
        let paper = print(&FONTS, &document("en", "Bars", vec![Block::Code(code(Symbology::Code128, text))])).unwrap();
        assert_eq!(scanned(&Printed::new(paper)), [format!("CODE-128:{text}")]);
    }
    for text in ["1", "Größe 12 · €", &"https://tradeyard.example/".repeat(9)] {
        let paper = print(&FONTS, &document("en", "Squares", vec![Block::Code(code(Symbology::Qr, text))])).unwrap();
        assert_eq!(scanned(&Printed::new(paper)), [format!("QR-Code:{text}")]);
    }
}

#[test]
fn what_a_code_cannot_hold_is_an_error() {
    let (bars, squares) = ("1".repeat(MAX_BARS + 1), "1".repeat(MAX_SQUARES + 1));
    for (symbology, text) in [
        (Symbology::Code128, ""),
        (Symbology::Code128, "Größe"),
        (Symbology::Code128, bars.as_str()),
        (Symbology::Qr, ""),
        (Symbology::Qr, squares.as_str()),
    ] {
        let made = print(&FONTS, &document("en", "No code", vec![Block::Code(code(symbology, text))]));
        assert!(matches!(made, Err(PaperError::Code(_))), "{text:?}");
    }
}
