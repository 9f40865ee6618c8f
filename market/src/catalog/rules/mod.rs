//! Whether an item's attributes fit its category.

pub mod schema;
mod texts;

use serde_json::{Map, Number, Value};
use shared::invalid::{Faults, Invalid, escaped};

use self::schema::{Attribute, Bounds, Schema, Shape};

pub use texts::cleaned;

impl Schema {
    /// Checks an item's attributes; lists every fault, with pointers below `/attributes`.
    pub fn check(&self, attributes: &Map<String, Value>) -> Result<(), Faults> {
        let lacking = self.required.iter().filter(|name| !attributes.contains_key(*name));
        let lacking = lacking.map(|name| Invalid::new(pointer(name), "the category requires this attribute"));
        self.faults(lacking.collect(), attributes)
    }

    /// [`Schema::check`] of attributes that may still be incomplete.
    pub fn check_present(&self, attributes: &Map<String, Value>) -> Result<(), Faults> {
        self.faults(Vec::new(), attributes)
    }

    /// The value that the text of a cell means for an attribute; `between` stands between several. A text that is not of the
    /// attribute's type stays text, and so does one for an attribute that there is not: [`Schema::check`] refuses them.
    pub fn typed(&self, name: &str, cell: &str, between: char, number: &impl Fn(&str) -> Option<Number>) -> Value {
        self.attributes.get(name).map_or_else(|| Value::from(cell), |attribute| attribute.typed(cell, between, number))
    }

    fn faults(&self, mut faults: Vec<Invalid>, attributes: &Map<String, Value>) -> Result<(), Faults> {
        for (name, value) in attributes {
            if faults.len() >= Faults::MOST {
                break;
            }
            match self.attributes.get(name) {
                Some(attribute) => attribute.check(value, &pointer(name), &mut faults),
                None => faults.push(Invalid::new(pointer(name), self.unknown())),
            }
        }
        Faults::of(faults).map_or(Ok(()), Err)
    }

    fn unknown(&self) -> String {
        if self.attributes.is_empty() {
            return "the category has no attributes".to_owned();
        }
        let names: Vec<_> = self.attributes.keys().take(20).map(String::as_str).collect();
        let more = if self.attributes.len() > names.len() { " and more" } else { "" };
        format!("the category has no such attribute; it has {}{more}", names.join(", "))
    }
}

impl Attribute {
    fn typed(&self, cell: &str, between: char, number: &impl Fn(&str) -> Option<Number>) -> Value {
        match &self.shape {
            Shape::Text { .. } => Value::from(cell),
            Shape::Number { .. } => number(cell).map_or_else(|| Value::from(cell), Value::Number),
            Shape::Truth => match cell.to_lowercase().as_str() {
                "true" | "yes" => Value::Bool(true),
                "false" | "no" => Value::Bool(false),
                _ => Value::from(cell),
            },
            Shape::List { each, .. } => {
                let parts = cell.split(between).map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| each.typed(part, between, number)).collect()
            }
        }
    }

    pub(super) fn check(&self, value: &Value, at: &str, faults: &mut Vec<Invalid>) {
        let mut fault = |message: String| faults.push(Invalid::new(at, message));
        match (&self.shape, value) {
            (Shape::Text { length, pattern }, Value::String(text)) => {
                if let Some(wanted) = length.missed_by(text.chars().count() as u64) {
                    fault(format!("must have {wanted} characters"));
                }
                if let Some(pattern) = pattern
                    && !pattern.is_match(text)
                {
                    fault(format!("must match {pattern}"));
                }
            }
            (Shape::Number { whole, range, unit }, Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                // JSON Schema counts 2.0 as an integer.
                if *whole && number.fract() != 0.0 {
                    fault("must be of type integer".to_owned());
                }
                if let Some(wanted) = range.missed_by(number) {
                    fault(format!(
                        "must be {wanted}{}",
                        unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default()
                    ));
                }
            }
            (Shape::Truth, Value::Bool(_)) => {}
            (Shape::List { each, length, unique }, Value::Array(items)) => {
                if let Some(wanted) = length.missed_by(items.len() as u64) {
                    fault(format!("must have {wanted} entries"));
                }
                for (place, item) in items.iter().enumerate().take(Faults::MOST) {
                    let at = format!("{at}/{place}");
                    if *unique && items[..place].contains(item) {
                        faults.push(Invalid::new(&at, "is there twice"));
                    }
                    each.check(item, &at, faults);
                }
                // The rest are not checked one by one: having so many entries is a fault in itself.
                if items.len() > Faults::MOST {
                    faults.push(Invalid::new(at, format!("must have at most {} entries", Faults::MOST)));
                }
            }
            (shape, _) => fault(format!("must be of type {}", shape.name())),
        }
        if let Some(allowed) = &self.allowed
            && !allowed.contains(value)
        {
            let allowed: Vec<_> = allowed.iter().map(Value::to_string).collect();
            faults.push(Invalid::new(at, format!("must be one of {}", allowed.join(", "))));
        }
    }
}

impl<T: Copy + PartialOrd + std::fmt::Display> Bounds<T> {
    /// The bounds in words, if `value` lies outside them.
    fn missed_by(&self, value: T) -> Option<String> {
        match *self {
            Self { least: Some(least), most: Some(most) } if value < least || value > most => {
                Some(format!("{least} to {most}"))
            }
            Self { least: Some(least), most: None } if value < least => Some(format!("at least {least}")),
            Self { least: None, most: Some(most) } if value > most => Some(format!("at most {most}")),
            _ => None,
        }
    }
}

fn pointer(name: &str) -> String {
    format!("/attributes/{}", escaped(name))
}

#[cfg(test)]
mod tests;
