use std::collections::BTreeSet;

use market::keys::model::SCOPES;
use serde_json::json;

use super::*;
use crate::app::document;
use crate::openapi::operations_mut;

#[test]
fn every_operation_has_a_scope_or_is_closed_to_keys() {
    let mut document = document();
    let (mut wrong, mut needed, mut closed) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            let scope = of(method, operation);
            if scope.is_some() == super::closed(operation).is_some() {
                wrong.push(format!("{method} {path}: {:?}", operation.tags));
            }
            needed.extend(scope.map(Scope::name));
            closed.extend(operation.tags.iter().flatten().next().filter(|_| scope.is_none()).cloned());
        }
    }
    assert!(wrong.is_empty(), "neither in SCOPES nor in CLOSED, or in both: {wrong:#?}");
    let unneeded: Vec<_> = SCOPES.iter().filter(|scope| !needed.contains(*scope)).collect();
    // What an area only reads, and only writes.
    assert!(unneeded.iter().all(|scope| scope.ends_with(":write")), "nothing needs {unneeded:?}");
    let unused: Vec<_> = CLOSED.iter().filter(|(tag, _)| !closed.contains(*tag)).collect();
    assert!(unused.is_empty(), "{unused:?} are no tags");
}

#[test]
fn the_document_says_which_scope_is_needed() {
    let document = serde_json::to_value(document()).unwrap();
    let ways = |method: &str, path: &str| document["paths"][path][method]["security"].clone();
    assert_eq!(ways("get", "/v1/orders"), json!([{"bearer": []}, {"api_key": ["orders:read"]}]));
    assert_eq!(ways("post", "/v1/items"), json!([{"bearer": []}, {"api_key": ["items:write"]}]));
    assert!(ways("get", "/v1/auctions").as_array().unwrap().contains(&json!({"api_key": ["auctions:read"]})));
    assert!(ways("get", "/v1/me").is_null() && ways("post", "/v1/api-keys").is_null());
    assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
}
