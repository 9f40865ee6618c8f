//! Which operations go on from an answer: whoever has made or listed something can read, change and end it.
//!
//! They follow from the paths. An answer of `/v1/items` that names one thing by its `id` leads to everything below
//! `/v1/items/{item}`; one that names several leads there by the first of them.

use std::collections::BTreeMap;

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::{RefOr, Response, Schema};

use super::operations_mut;

/// An operation that a link can lead to: its id and the one parameter of its path.
struct Target {
    collection: String,
    parameter: String,
    operation: String,
}

/// Adds every link to the document.
pub(super) fn add(paths: &mut Paths, schemas: &BTreeMap<String, RefOr<Schema>>) {
    let targets: Vec<Target> = paths.paths.iter().flat_map(|(path, item)| targets(path, item)).collect();
    for (path, item) in &mut paths.paths {
        for (_, operation) in operations_mut(item) {
            let links = links(path, operation, &targets, schemas);
            for (status, name, link) in links {
                if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(&status) {
                    response.links.insert(name, RefOr::T(link));
                }
            }
        }
    }
}

/// The operations of a path with one parameter: `/v1/items/{item}` and `/v1/items/{item}/publish`.
fn targets(path: &str, item: &PathItem) -> Vec<Target> {
    let Some((collection, rest)) = path.split_once("/{") else { return Vec::new() };
    let Some((parameter, rest)) = rest.split_once('}') else { return Vec::new() };
    if rest.contains('{') {
        return Vec::new();
    }
    let operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch];
    let ids = operations.into_iter().flatten().filter_map(|operation| operation.operation_id.clone());
    ids.map(|operation| Target { collection: collection.to_owned(), parameter: parameter.to_owned(), operation })
        .collect()
}

/// Status, name and link for each target of each success.
fn links(
    path: &str,
    operation: &Operation,
    targets: &[Target],
    schemas: &BTreeMap<String, RefOr<Schema>>,
) -> Vec<(String, String, Link)> {
    let mut links = Vec::new();
    for (status, response) in &operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if !status.starts_with('2') {
            continue;
        }
        for target in targets.iter().filter(|target| target.collection == path) {
            let Some(expression) = id(response, schemas) else { continue };
            // Not by `operation_id`, which utoipa writes in snake case.
            let operation = Extensions::from_iter([("operationId", target.operation.as_str())]);
            let link = LinkBuilder::new().parameter(&target.parameter, expression).extensions(Some(operation)).build();
            links.push((status.clone(), target.operation.clone(), link));
        }
    }
    links
}

/// Where an answer names the thing, or the first of the things, that it is about.
fn id(response: &Response, schemas: &BTreeMap<String, RefOr<Schema>>) -> Option<&'static str> {
    let schema = response.content.get("application/json")?.schema.as_ref()?;
    let properties = properties(schema, schemas)?;
    if properties.iter().any(|name| name == "id") {
        return Some("$response.body#/id");
    }
    properties.iter().any(|name| name == "items").then_some("$response.body#/items/0/id")
}

fn properties(schema: &RefOr<Schema>, schemas: &BTreeMap<String, RefOr<Schema>>) -> Option<Vec<String>> {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next()?;
            properties(schemas.get(name)?, schemas)
        }
        RefOr::T(Schema::Object(object)) => Some(object.properties.keys().cloned().collect()),
        RefOr::T(_) => None,
    }
}
