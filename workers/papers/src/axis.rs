//! Scales of charts: where the ticks are, and what they say.

/// A scale whose ends are ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) step: f64,
}

/// About how many steps a scale has.
const STEPS: f64 = 5.0;
/// What a step may be, times a power of ten.
const NICE: [f64; 5] = [1.0, 2.0, 2.5, 5.0, 10.0];

impl Scale {
    /// A scale that holds every value. `zero` has it begin there, as the length of a bar demands; otherwise it begins there unless the
    /// values are far away from it and close together.
    pub(crate) fn holding(values: impl Iterator<Item = f64>, zero: bool) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self { low: 0.0, high: 1.0, step: 0.5 };
        }
        let near = zero || low <= high * 0.6 && high >= low * 0.6;
        let (low, high) = if near { (low.min(0.0), high.max(0.0)) } else { (low, high) };
        // One value alone has room above and below it.
        let (low, high) = if high - low > f64::EPSILON * high.abs().max(low.abs()) {
            (low, high)
        } else if high == 0.0 {
            (0.0, 1.0)
        } else {
            (low - low.abs() * 0.1, high + high.abs() * 0.1)
        };
        let rough = (high - low) / STEPS;
        let power = 10_f64.powf(rough.log10().floor());
        let step = NICE.iter().map(|nice| nice * power).find(|step| *step >= rough * 0.999).unwrap_or(rough);
        Self { low: (low / step + 1e-9).floor() * step, high: (high / step - 1e-9).ceil() * step, step }
    }

    /// The ticks from the lowest to the highest.
    pub(crate) fn ticks(self) -> impl Iterator<Item = f64> {
        (0_u8..=24)
            .map(move |index| self.low + f64::from(index) * self.step)
            .take_while(move |tick| *tick <= self.high + self.step * 0.5)
    }

    /// Where a value is, from 0 at the lowest to 1 at the highest.
    pub(crate) fn part(self, value: f64) -> f32 {
        length(((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0))
    }

    /// A value with as many decimals as the steps need.
    pub(crate) fn label(self, value: f64, digits: &Digits) -> String {
        let mut decimals = 0;
        let mut scaled = self.step;
        while decimals < 6 && (scaled - scaled.round()).abs() > 1e-6 * scaled.abs().max(1e-9) {
            decimals += 1;
            scaled *= 10.0;
        }
        grouped(value, decimals, digits)
    }
}

/// What stands between the digits of numbers where a paper is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// Between thousands.
    pub group: String,
    /// Before the fraction.
    pub point: String,
}

impl Default for Digits {
    fn default() -> Self {
        Self { group: ",".to_owned(), point: ".".to_owned() }
    }
}

impl Digits {
    /// Decimal digits with a point as they are read here, and a minus sign of the width of a digit.
    #[must_use]
    pub fn show(&self, number: &str) -> String {
        let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("\u{2212}", digits));
        let (whole, fraction) =
            digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
        let mut text = sign.to_owned();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push_str(&self.group);
            }
            text.push(digit);
        }
        if let Some(fraction) = fraction {
            text.push_str(&self.point);
            text.push_str(fraction);
        }
        text
    }
}

/// A number with its thousands apart: −12,500.25.
pub(crate) fn grouped(value: f64, decimals: usize, digits: &Digits) -> String {
    let text = format!("{:.decimals$}", value.abs());
    // Nothing of what is rounded to zero is below it.
    let negative = value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    digits.show(&if negative { format!("-{text}") } else { text })
}

/// Decimal digits with commas between the thousands, and a minus sign of the width of a digit.
#[must_use]
pub fn thousands(number: &str) -> String {
    Digits::default().show(number)
}

#[expect(clippy::cast_possible_truncation, reason = "a part of a page, where a thousandth of a point is nothing")]
fn length(value: f64) -> f32 {
    value as f32
}
