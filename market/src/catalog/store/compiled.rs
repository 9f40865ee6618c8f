//! Keeps schemas that have been read: every item written is checked against one.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde_json::Value;
use shared::invalid::Faults;

use crate::catalog::rules::schema::Schema;

/// More than there are categories in any catalogue.
const MOST: usize = 1_000;

/// Keyed by what is stored: a category that has changed has another schema, whoever changed it.
static COMPILED: LazyLock<RwLock<HashMap<Value, Arc<Schema>>>> = LazyLock::new(RwLock::default);

/// Reads a stored schema the first time it is met.
pub(super) fn compiled(schema: &Value) -> Result<Arc<Schema>, Faults> {
    let known = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(schema).cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let read = Arc::new(Schema::read(schema, "/attribute_schema")?);
    let mut compiled = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    if compiled.len() >= MOST {
        compiled.clear();
    }
    Ok(Arc::clone(compiled.entry(schema.clone()).or_insert(read)))
}

#[cfg(test)]
mod tests;
