//! What a category requires of its items' attributes: a strict subset of JSON Schema.
//!
//! For the object itself: `properties`, `required`. For an attribute: `type` (string, number,
//! integer, boolean, or array of one of these), `enum`, `minLength`, `maxLength`, `pattern`,
//! `minimum`, `maximum`, `items`, `minItems`, `maxItems`, `uniqueItems`, and our own `unit`, which
//! says what a number counts, and `filter`, which says how people look for it: `facet` by values to
//! choose from, `range` between a least and a most. `title` and `description` are for people. A keyword that is not
//! applied is refused, so that nobody relies on it; attributes without a property are refused as
//! well, so that typos do not slip through.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use shared::invalid::{Faults, Invalid, escaped};
use shared::text;

/// The most properties in a schema, and the most values in an `enum`.
const MAX_ENTRIES: usize = 200;
/// The most characters in a pattern, a unit or a title.
const MAX_TEXT: usize = 500;
/// The largest a compiled pattern may be.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// A schema read without faults.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) required: Vec<String>,
}

/// One attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) shape: Shape,
    /// The only values allowed.
    pub(super) allowed: Option<Vec<Value>>,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Text { length: Bounds<u64>, pattern: Option<Regex> },
    Number { whole: bool, range: Bounds<f64>, unit: Option<String> },
    Truth,
    List { each: Box<Attribute>, length: Bounds<u64>, unique: bool },
}

/// A lower and an upper bound, both inclusive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<T> {
    pub(super) least: Option<T>,
    pub(super) most: Option<T>,
}

impl Shape {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "string",
            Self::Number { whole: false, .. } => "number",
            Self::Number { whole: true, .. } => "integer",
            Self::Truth => "boolean",
            Self::List { .. } => "array",
        }
    }
}

impl Schema {
    /// Reads a schema; lists every fault, with pointers below `at`.
    pub fn read(schema: &Value, at: &str) -> Result<Self, Faults> {
        let mut reader = Reader { faults: Vec::new() };
        let read = reader.schema(schema, at);
        match Faults::of(reader.faults) {
            None => Ok(read),
            Some(faults) => Err(faults),
        }
    }
}

/// Keeps reading after a fault, so that all of them are listed at once.
struct Reader {
    faults: Vec<Invalid>,
}

impl Reader {
    fn fault(&mut self, at: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Invalid::new(at, message));
    }

    fn schema(&mut self, schema: &Value, at: &str) -> Schema {
        let mut read = Schema { attributes: BTreeMap::new(), required: Vec::new() };
        let Value::Object(schema) = schema else {
            self.fault(at, "must be an object");
            return read;
        };
        if schema.get("type") != Some(&Value::from("object")) {
            self.fault(format!("{at}/type"), "must be \"object\"");
        }
        if schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false)) {
            self.fault(format!("{at}/additionalProperties"), "must be false, or absent, which means the same");
        }
        match schema.get("properties") {
            None => {}
            Some(Value::Object(properties)) if properties.len() <= MAX_ENTRIES => {
                for (name, property) in properties {
                    let at = format!("{at}/properties/{}", escaped(name));
                    if !(1..=100).contains(&name.chars().count()) {
                        self.fault(&at, "a name has 1 to 100 characters");
                    }
                    if let Some(attribute) = self.attribute(property, &at, true) {
                        read.attributes.insert(name.clone(), attribute);
                    }
                }
            }
            Some(_) => self.fault(format!("{at}/properties"), format!("must be an object of at most {MAX_ENTRIES}")),
        }
        match schema.get("required") {
            None => {}
            Some(Value::Array(names)) => {
                for (place, name) in names.iter().enumerate() {
                    let at = format!("{at}/required/{place}");
                    match name.as_str() {
                        Some(name) if read.required.iter().any(|known| known == name) => {
                            self.fault(at, "is there twice");
                        }
                        Some(name) if schema.get("properties").and_then(|all| all.get(name)).is_some() => {
                            read.required.push(name.to_owned());
                        }
                        _ => self.fault(at, "must name one of the properties"),
                    }
                }
            }
            Some(_) => self.fault(format!("{at}/required"), "must be an array of names"),
        }
        self.only(schema, &["type", "properties", "required", "additionalProperties", "$schema"], at);
        read
    }

    /// `None` when its type cannot be determined; other faults are recorded and reading goes on.
    fn attribute(&mut self, property: &Value, at: &str, may_be_list: bool) -> Option<Attribute> {
        let Value::Object(property) = property else {
            self.fault(at, "must be an object");
            return None;
        };
        let (shape, keywords): (_, &[&str]) = match property.get("type").and_then(Value::as_str) {
            Some("string") => {
                let length = self.counts(property, ["minLength", "maxLength"], at);
                (Shape::Text { length, pattern: self.pattern(property, at) }, &["minLength", "maxLength", "pattern"])
            }
            Some(number @ ("number" | "integer")) => {
                let range = self.bounds(property, ["minimum", "maximum"], at, "a number", Value::as_f64);
                let unit = self.text(property, "unit", at);
                (Shape::Number { whole: number == "integer", range, unit }, &["minimum", "maximum", "unit"])
            }
            Some("boolean") => (Shape::Truth, &[]),
            Some("array") if may_be_list => {
                let length = self.counts(property, ["minItems", "maxItems"], at);
                let unique = match property.get("uniqueItems") {
                    None => false,
                    Some(Value::Bool(unique)) => *unique,
                    Some(_) => {
                        self.fault(format!("{at}/uniqueItems"), "must be true or false");
                        false
                    }
                };
                let each = property.get("items").unwrap_or(&Value::Null);
                let each = Box::new(self.attribute(each, &format!("{at}/items"), false)?);
                (Shape::List { each, length, unique }, &["items", "minItems", "maxItems", "uniqueItems"])
            }
            _ => {
                let more = if may_be_list { ", boolean or array" } else { " or boolean" };
                self.fault(format!("{at}/type"), format!("must be one of string, number, integer{more}"));
                return None;
            }
        };
        let own = if may_be_list { &["type", "enum", "filter"][..] } else { &["type", "enum"] };
        let keywords: Vec<_> = own.iter().chain(keywords).copied().collect();
        self.only(property, &keywords, at);
        if may_be_list {
            self.filter(property, &shape, at);
        }
        let mut attribute = Attribute { shape, allowed: None };
        attribute.allowed = self.allowed(property, &attribute, at);
        Some(attribute)
    }

    fn allowed(&mut self, property: &Map<String, Value>, attribute: &Attribute, at: &str) -> Option<Vec<Value>> {
        let at = format!("{at}/enum");
        match property.get("enum")? {
            Value::Array(values) if (1..=MAX_ENTRIES).contains(&values.len()) => {
                for (place, value) in values.iter().enumerate() {
                    if values[..place].contains(value) {
                        self.fault(format!("{at}/{place}"), "is there twice");
                    }
                    attribute.check(value, &format!("{at}/{place}"), &mut self.faults);
                    // Items' texts are compared as they are shown.
                    if value.as_str().is_some_and(|text| text::line(text).as_deref() != Ok(text)) {
                        self.fault(
                            format!("{at}/{place}"),
                            "must be visible text of one line, without spaces around it",
                        );
                    }
                }
                Some(values.clone())
            }
            _ => {
                self.fault(at, format!("must be an array of 1 to {MAX_ENTRIES} values"));
                None
            }
        }
    }

    /// Numbers are looked for by range, everything else by its values; numbers in lists not at all.
    fn filter(&mut self, of: &Map<String, Value>, shape: &Shape, at: &str) {
        let Some(given) = of.get("filter") else { return };
        let fitting = match shape {
            Shape::Number { .. } => Some("range"),
            Shape::List { each, .. } if matches!(each.shape, Shape::Number { .. }) => None,
            Shape::Text { .. } | Shape::Truth | Shape::List { .. } => Some("facet"),
        };
        match fitting {
            Some(fitting) if given == fitting => {}
            Some(fitting) => self.fault(format!("{at}/filter"), format!("must be \"{fitting}\" for this type")),
            None => self.fault(format!("{at}/filter"), "is not for lists of numbers"),
        }
    }

    fn counts(&mut self, of: &Map<String, Value>, names: [&str; 2], at: &str) -> Bounds<u64> {
        self.bounds(of, names, at, "a whole number from 0", Value::as_u64)
    }

    fn bounds<T: Copy + PartialOrd>(
        &mut self,
        of: &Map<String, Value>,
        [least, most]: [&str; 2],
        at: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Bounds<T> {
        let mut one = |name: &str| {
            let value = of.get(name)?;
            let found = read(value);
            if found.is_none() {
                self.fault(format!("{at}/{name}"), format!("must be {what}"));
            }
            found
        };
        let bounds = Bounds { least: one(least), most: one(most) };
        if let Bounds { least: Some(from), most: Some(to) } = bounds
            && from > to
        {
            self.fault(format!("{at}/{most}"), format!("must not be below {least}"));
        }
        bounds
    }

    fn text(&mut self, of: &Map<String, Value>, name: &str, at: &str) -> Option<String> {
        match of.get(name)? {
            Value::String(text) if !text.trim().is_empty() && text.chars().count() <= MAX_TEXT => Some(text.clone()),
            _ => {
                self.fault(format!("{at}/{name}"), format!("must be text of 1 to {MAX_TEXT} characters"));
                None
            }
        }
    }

    fn pattern(&mut self, of: &Map<String, Value>, at: &str) -> Option<Regex> {
        let pattern = self.text(of, "pattern", at)?;
        match RegexBuilder::new(&pattern).size_limit(MAX_PATTERN_BYTES).build() {
            Ok(regex) => Some(regex),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.fault(format!("{at}/pattern"), "is too large when compiled");
                None
            }
            Err(_) => {
                self.fault(
                    format!("{at}/pattern"),
                    "is not a regular expression that is supported (without look-around and back-references)",
                );
                None
            }
        }
    }

    /// Refuses every other keyword.
    fn only(&mut self, of: &Map<String, Value>, keywords: &[&str], at: &str) {
        for name in of.keys() {
            match name.as_str() {
                "title" | "description" => drop(self.text(of, name, at)),
                known if keywords.contains(&known) => {}
                _ => self.fault(
                    format!("{at}/{}", escaped(name)),
                    format!("is not applied here; known are {}, title, description", keywords.join(", ")),
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests;
