//! Colours, sizes and distances, in one place. Lengths are in points.

use krilla::color::rgb;
use krilla::paint::Paint;

use crate::text::Style;

/// Red, green and blue. The library's own colours cannot be constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color(u8, u8, u8);

impl Color {
    const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self(red, green, blue)
    }
}

impl From<Color> for Paint {
    fn from(Color(red, green, blue): Color) -> Self {
        rgb::Color::new(red, green, blue).into()
    }
}

pub(crate) const INK: Color = Color::new(0x1B, 0x24, 0x30);
/// Labels and footers: 7 to 1 on white.
pub(crate) const QUIET: Color = Color::new(0x4E, 0x5A, 0x68);
pub(crate) const RULE: Color = Color::new(0xC9, 0xD1, 0xDA);
pub(crate) const GRID: Color = Color::new(0xE3, 0xE8, 0xED);
pub(crate) const SHADE: Color = Color::new(0xF4, 0xF7, 0xF9);
pub(crate) const ACCENT: Color = Color::new(0x0B, 0x5C, 0x7A);
pub(crate) const WHITE: Color = Color::new(0xFF, 0xFF, 0xFF);
pub(crate) const BLACK: Color = Color::new(0, 0, 0);

/// Of series: told apart by people who see no red or no green, and each with a mark of its own besides.
pub(crate) const SERIES: [Color; 6] = [
    Color::new(0x00, 0x5F, 0x8F),
    Color::new(0xC7, 0x5B, 0x00),
    Color::new(0x00, 0x7A, 0x5E),
    Color::new(0xA8, 0x4B, 0x8A),
    Color::new(0x6B, 0x6B, 0x6B),
    Color::new(0x8A, 0x6D, 0x00),
];

pub(crate) const TITLE: Style = Style { size: 21.0, bold: true, colour: INK, leading: 1.2 };
pub(crate) const HEADING: Style = Style { size: 13.0, bold: true, colour: INK, leading: 1.25 };
pub(crate) const ABOVE_TITLE: Style = Style { size: 9.5, bold: true, colour: ACCENT, leading: 1.3 };
pub(crate) const BODY: Style = Style { size: 9.5, bold: false, colour: INK, leading: 1.45 };
pub(crate) const LABEL: Style = Style { size: 7.5, bold: false, colour: QUIET, leading: 1.3 };
pub(crate) const VALUE: Style = Style { size: 9.5, bold: true, colour: INK, leading: 1.35 };
pub(crate) const FIGURE: Style = Style { size: 16.0, bold: true, colour: INK, leading: 1.25 };
pub(crate) const NOTE: Style = Style { size: 8.0, bold: false, colour: QUIET, leading: 1.4 };
pub(crate) const FOOTER: Style = Style { size: 7.5, bold: false, colour: QUIET, leading: 1.3 };
pub(crate) const TICK: Style = Style { size: 7.5, bold: false, colour: QUIET, leading: 1.2 };

/// A millimetre.
pub(crate) const MM: f32 = 72.0 / 25.4;
