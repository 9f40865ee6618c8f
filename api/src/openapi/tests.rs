//! The document's enums against the types that they come from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::documented;

/// The names that a type knows, out of its own complaint about one that it does not.
fn known<T: DeserializeOwned>() -> BTreeSet<String> {
    let complaint = serde_json::from_value::<T>(json!("no such name")).err().unwrap().to_string();
    complaint.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

/// What is wrong with a documented enum: names that are not read, or not written as they stand, or not there.
fn judge<T: DeserializeOwned + Serialize>(documented: &BTreeSet<String>) -> Vec<String> {
    let mut wrong: Vec<String> = known::<T>().symmetric_difference(documented).cloned().collect();
    for name in documented {
        match serde_json::from_value::<T>(json!(name)) {
            Ok(value) if serde_json::to_value(&value).unwrap() == json!(name) => {}
            _ => wrong.push(format!("{name} is not {name} on the wire")),
        }
    }
    wrong
}

macro_rules! enums {
    ($($name:literal: $type:ty,)*) => {
        BTreeMap::from([$(($name, judge::<$type> as fn(&BTreeSet<String>) -> Vec<String>)),*])
    };
}

#[test]
fn every_documented_enum_is_what_is_on_the_wire() {
    let enums = enums! {
        "ActorKind": shared::audit::ActorKind,
        "AuctionStatus": market::auctions::model::AuctionStatus,
        "BidStatus": market::auctions::model::BidStatus,
        "EventType": market::cargo::EventType,
        "ImageFormat": market::images::model::Format,
        "ImageShape": market::images::model::Shape,
        "ImageStatus": market::images::model::Status,
        "JobState": queue::ops::JobState,
        "ListingStatus": market::listings::model::ListingStatus,
        "LotMode": market::auctions::model::LotMode,
        "MemberRole": market::identity::MemberRole,
        "OrderSource": market::orders::model::OrderSource,
        "OrderStatus": market::orders::model::OrderStatus,
        "OrgKind": market::identity::OrgKind,
        "OrgStatus": market::identity::OrgStatus,
        "Plan": market::identity::Plan,
        "PlatformRole": market::identity::PlatformRole,
        "Priority": queue::Priority,
        "ReportFormat": market::reports::model::Format,
        "ReportKind": market::reports::model::Kind,
        "ReportStatus": market::reports::model::Status,
        "SaleMode": market::listings::model::SaleMode,
        "ShipmentStatus": market::cargo::ShipmentStatus,
        "Transport": queue::transport::Transport,
        "TransportProblem": queue::transport::TransportProblem,
        "UserStatus": market::identity::UserStatus,
        "WorkerState": queue::ops::workers::WorkerState,
    };
    // Of one field of one answer: whoever asserts that answer compares it, and so does schemathesis.
    let elsewhere = BTreeSet::from(["BidOutcome"]);
    // Lists that have their own tests: IANA's and ISO 4217's.
    let lists = BTreeSet::from(["Currency", "TimeZone", "ZoneName"]);
    let document = serde_json::to_value(documented().1).unwrap();
    let mut wrong = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let Some(values) = schema["enum"].as_array() else { continue };
        if elsewhere.contains(name.as_str()) || lists.contains(name.as_str()) {
            continue;
        }
        let Some(judge) = enums.get(name.as_str()) else {
            wrong.push(format!("{name} is not compared with its type"));
            continue;
        };
        let values = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        wrong.extend(judge(&values).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn operations_have_names_of_their_own() {
    let document = serde_json::to_value(documented().1).unwrap();
    let mut names = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "two operations are called {name}");
        }
    }
}

#[test]
fn every_body_that_is_needed_has_an_example() {
    let document = serde_json::to_value(documented().1).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = &operation["requestBody"];
            let content = &body["content"]["application/json"];
            assert!(body["required"] != true || content.is_null() || content["example"].is_object(), "{method} {path}");
        }
    }
}

#[test]
fn whoever_makes_something_is_led_to_it() {
    let document = serde_json::to_value(documented().1).unwrap();
    let links = &document["paths"]["/v1/listings"]["post"]["responses"]["201"]["links"];
    assert_eq!(
        links["get_listing"],
        json!({"operationId": "get_listing", "parameters": {"listing": "$response.body#/id"}})
    );
    assert_eq!(links["create_auction"]["parameters"]["listing"], "$response.body#/id");
    let links = &document["paths"]["/v1/items"]["get"]["responses"]["200"]["links"];
    assert_eq!(links["get_item"]["parameters"]["item"], "$response.body#/items/0/id");
}

#[test]
fn every_answer_but_those_of_health_is_documented_with_the_rate_limit() {
    let document = serde_json::to_value(documented().1).unwrap();
    let mut answers = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let operations = item.as_object().unwrap().values();
        for (status, answer) in operations.flat_map(|it| it["responses"].as_object().unwrap()) {
            for (header, component) in [("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")] {
                let named = answer["headers"][header]["schema"]["$ref"].as_str();
                let wanted = format!("#/components/schemas/{component}");
                let wanted = (!crate::rate::is_free(path)).then_some(wanted.as_str());
                assert_eq!(named, wanted, "{path} {status}");
            }
            answers += 1;
        }
    }
    assert!(answers > 500, "{answers}");
    assert!(document["components"]["schemas"]["RateLimitPolicy"]["description"].as_str().unwrap().contains("q=1000"));
}
