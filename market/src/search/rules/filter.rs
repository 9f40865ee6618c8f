//! Conditions on attributes, as people write them: `make:John Deere`, `horsepower:80..`, `year:2015..2020`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::BadParameter;
use crate::search::model::{Filter, Wanted};

/// The parameter that conditions come in.
const WHERE: &str = "where";
/// The most conditions of a search.
pub const MOST: usize = 10;
/// The longest value, in characters; longer ones are told apart by how they begin.
const LONGEST: usize = 200;

/// Why a condition is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error(transparent)]
    Bad(#[from] BadParameter),
    /// The category has no such filter; the message names those that it has.
    #[error("{0}")]
    Unknown(String),
}

/// How an attribute is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// By its values; if there are only some, by these.
    pub facet: Option<Values>,
    /// By a least and a most.
    pub range: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Any,
    Some(Vec<String>),
}

/// By what the items of some categories are looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters(pub BTreeMap<String, Known>);

impl Filters {
    /// Adds one property of a category's schema, as it is stored.
    pub fn add(&mut self, name: &str, property: &Value) {
        let known = match property.get("filter").and_then(Value::as_str) {
            Some("range") => Known { range: true, ..Known::default() },
            Some("facet") => Known { facet: Some(values(property)), ..Known::default() },
            _ => return,
        };
        let all = self.0.entry(name.to_owned()).or_default();
        all.range |= known.range;
        all.facet = match (all.facet.take(), known.facet) {
            (Some(Values::Some(mut before)), Some(Values::Some(more))) => {
                before.extend(more);
                Some(Values::Some(before))
            }
            (Some(_), Some(_)) => Some(Values::Any),
            (before, now) => before.or(now),
        };
    }

    /// The attributes that are counted by their values.
    #[must_use]
    pub fn facets(&self) -> Vec<String> {
        let facets = self.0.iter().filter(|(_, known)| known.facet.is_some());
        facets.map(|(name, _)| name.clone()).collect()
    }

    fn names(&self) -> String {
        if self.0.is_empty() {
            return "there is nothing to filter by here".to_owned();
        }
        let names: Vec<_> = self.0.keys().take(50).map(String::as_str).collect();
        let more = if self.0.len() > names.len() { " and more" } else { "" };
        format!("there are {}{more}", names.join(", "))
    }
}

/// The values of an `enum`, of the attribute or of its entries.
fn values(property: &Value) -> Values {
    let of = property.get("items").unwrap_or(property);
    if of.get("type").and_then(Value::as_str) == Some("boolean") {
        return Values::Some(vec!["true".to_owned(), "false".to_owned()]);
    }
    let Some(allowed) = of.get("enum").and_then(Value::as_array) else { return Values::Any };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Values::Some(allowed.iter().map(text).collect())
}

/// Reads conditions. Several values of one attribute are alternatives.
pub fn read(conditions: &[String], known: &Filters) -> Result<Vec<Filter>, FilterError> {
    if conditions.len() > MOST {
        return Err(BadParameter::new(WHERE, format!("has at most {MOST} conditions")).into());
    }
    let mut filters: Vec<Filter> = Vec::new();
    for condition in conditions {
        let Some((name, value)) = condition.split_once(':') else {
            return Err(BadParameter::new(WHERE, "expected name:value, or name:least..most for numbers").into());
        };
        let (name, value) = (name.trim(), value.trim());
        let Some(attribute) = known.0.get(name) else {
            return Err(FilterError::Unknown(format!("cannot be filtered by {name}; {}", known.names())));
        };
        let wanted = wanted(name, value, attribute)?;
        match (filters.iter_mut().find(|filter| filter.name == name), wanted) {
            (None, wanted) => filters.push(Filter { name: name.to_owned(), wanted }),
            (Some(Filter { wanted: Wanted::Values(before), .. }), Wanted::Values(more)) => before.extend(more),
            (Some(_), _) => return Err(BadParameter::new(WHERE, format!("has {name} twice")).into()),
        }
    }
    // The same search written in another order is the same search.
    filters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(filters)
}

fn wanted(name: &str, value: &str, attribute: &Known) -> Result<Wanted, BadParameter> {
    let bad = |message: String| BadParameter::new(WHERE, message);
    if value.is_empty() {
        return Err(bad(format!("{name} needs a value")));
    }
    let range = attribute.range.then(|| range(value)).flatten();
    match (&attribute.facet, range) {
        (_, Some((from, to))) => {
            if let (Some(from), Some(to)) = (from, to)
                && from > to
            {
                return Err(bad(format!("{name} must not begin above its end")));
            }
            Ok(Wanted::Range(from, to))
        }
        (None, None) => {
            let message = format!("{name} is a number: expected 80, 80.., ..120 or 80..120");
            Err(bad(message))
        }
        (Some(Values::Some(allowed)), None)
            if !allowed.iter().any(|one| one.to_lowercase() == value.to_lowercase()) =>
        {
            Err(bad(format!("{name} is one of {}", allowed.join(", "))))
        }
        (Some(_), None) if value.chars().count() > LONGEST => {
            Err(bad(format!("{name} has at most {LONGEST} characters")))
        }
        (Some(_), None) => Ok(Wanted::Values(vec![value.to_owned()])),
    }
}

/// `80`, `80..`, `..120` or `80..120`.
fn range(text: &str) -> Option<(Option<f64>, Option<f64>)> {
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
        text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
    };
    let Some((from, to)) = text.split_once("..") else {
        let exactly = number(text)?;
        return Some((Some(exactly), Some(exactly)));
    };
    match (from.trim(), to.trim()) {
        ("", "") => None,
        ("", to) => Some((None, Some(number(to)?))),
        (from, "") => Some((Some(number(from)?), None)),
        (from, to) => Some((Some(number(from)?), Some(number(to)?))),
    }
}

#[cfg(test)]
mod tests;
