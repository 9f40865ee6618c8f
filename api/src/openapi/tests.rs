//! The document's enums against the types that they come from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::bounds::NOT_EMPTY;
use crate::app::document;

mod names;

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
        "AccountKind": market::money::model::AccountKind,
        "ActorKind": shared::audit::ActorKind,
        "AppointmentKind": market::appointments::model::AppointmentKind,
        "AppointmentStatus": market::appointments::model::AppointmentStatus,
        "AppealOutcome": market::standing::model::AppealOutcome,
        "AttemptOutcome": market::webhooks::model::AttemptOutcome,
        "AuctionStatus": market::auctions::model::AuctionStatus,
        "BidStatus": market::auctions::model::BidStatus,
        "ApprovalStatus": market::auctions::model::ApprovalStatus,
        "ChanceStatus": market::auctions::model::ChanceStatus,
        "CaptureErrorBehaviour": market::epcis::model::ErrorBehaviour,
        "ChatReportOutcome": market::chat::model::ChatReportOutcome,
        "ChatReportReason": market::chat::model::ChatReportReason,
        "ChatReportStatus": market::chat::model::ChatReportStatus,
        "CheckoutStatus": market::checkout::model::CheckoutStatus,
        "DateOrder": market::imports::model::DateOrder,
        "DeliveryStatus": market::webhooks::model::DeliveryStatus,
        "DifferenceKind": market::reconciliation::model::DifferenceKind,
        "Disposition": market::returns::model::Disposition,
        "DisputeReason": market::escrow::model::DisputeReason,
        "DisputeStatus": market::escrow::model::DisputeStatus,
        "DocumentKind": market::documents::model::DocumentKind,
        "DocumentStatus": market::documents::model::DocumentStatus,
        "EndpointStatus": market::webhooks::model::EndpointStatus,
        "EpcisOutcome": market::epcis::model::Outcome,
        "EscrowStatus": market::escrow::model::EscrowStatus,
        "EventType": market::cargo::EventType,
        "ImageFormat": market::images::model::Format,
        "ImageShape": market::images::model::Shape,
        "ImageStatus": market::images::model::Status,
        "CellSeparator": market::imports::model::Separator,
        "FileEncoding": market::imports::model::Encoding,
        "ExportFormat": market::exports::model::Format,
        "ExportKind": market::exports::model::Kind,
        "ExportStatus": market::exports::model::Status,
        "ExportedRows": market::exports::model::Rows,
        "ExportedRowsFormat": market::exports::model::RowsFormat,
        "ImportKind": market::imports::model::ImportKind,
        "ImportStatus": market::imports::model::ImportStatus,
        "RowOutcome": market::imports::model::RowOutcome,
        "InvoiceKind": market::invoices::model::InvoiceKind,
        "InvoicePart": market::invoices::model::InvoicePart,
        "JobReason": queue::ledger::reason::Reason,
        "JobState": queue::ops::JobState,
        "Language": market::listings::model::Language,
        "ListingStatus": market::listings::model::ListingStatus,
        "LotMode": market::auctions::model::LotMode,
        "MemberRole": market::identity::MemberRole,
        "MovementKind": market::stock::model::MovementKind,
        "OfferStatus": market::offers::model::OfferStatus,
        "OrderSource": market::orders::model::OrderSource,
        "OrderStatus": market::orders::model::OrderStatus,
        "OrgKind": market::identity::OrgKind,
        "OrgStatus": market::identity::OrgStatus,
        "PaperKind": market::papers::model::PaperKind,
        "PaperStatus": market::papers::model::PaperStatus,
        "PaymentStatus": market::escrow::model::PaymentStatus,
        "PayoutAccountStatus": market::payouts::model::PayoutAccountStatus,
        "PayoutStatus": market::payouts::model::PayoutStatus,
        "Plan": market::identity::Plan,
        "PlanChargeKind": market::plans::model::PlanChargeKind,
        "PlanChargeStatus": market::plans::model::PlanChargeStatus,
        "PlatformRole": market::identity::PlatformRole,
        "Priority": queue::Priority,
        "ProofStatus": market::invoices::model::ProofStatus,
        "Provider": market::payments::Provider,
        "RefundCause": market::escrow::model::RefundCause,
        "RefundFrom": crate::routes::escrow::RefundFrom,
        "RefundStatus": market::escrow::model::RefundStatus,
        "RegionKind": market::stock::model::RegionKind,
        "ReportCadence": market::reports::rules::Cadence,
        "ReportFormat": market::reports::model::Format,
        "ReportGrouping": market::reports::model::Grouping,
        "ReportKind": market::reports::model::Kind,
        "ReportStatus": market::reports::model::Status,
        "ReturnReason": market::returns::model::ReturnReason,
        "ReturnStatus": market::returns::model::ReturnStatus,
        "Review": market::catalog::model::Review,
        "ReviewReportOutcome": market::reviews::model::ReviewReportOutcome,
        "ReviewReportReason": market::reviews::model::ReviewReportReason,
        "ReviewReportStatus": market::reviews::model::ReviewReportStatus,
        "RegistrationStatus": market::sale_events::model::RegistrationStatus,
        "SaleEventStatus": market::sale_events::model::SaleEventStatus,
        "SaleMode": market::listings::model::SaleMode,
        "Scope": market::keys::model::Scope,
        "ShipmentStatus": market::cargo::ShipmentStatus,
        "Side": market::orders::model::Side,
        "Settlement": market::appointments::model::Settlement,
        "SiteKind": market::stock::model::SiteKind,
        "StopReason": market::webhooks::model::StopReason,
        "SubscriptionStatus": market::plans::model::SubscriptionStatus,
        "Subscription": market::webhooks::model::Subscription,
        "TransferKind": market::money::model::TransferKind,
        "Transport": queue::transport::Transport,
        "TransportProblem": queue::transport::TransportProblem,
        "UserStatus": market::identity::UserStatus,
        "VatTreatment": market::money::rules::vat::Treatment,
        "WorkerState": queue::ops::workers::WorkerState,
    };
    // Of one field of one answer: whoever asserts that answer compares it, and so does schemathesis.
    let elsewhere = BTreeSet::from(["BidOutcome"]);
    // Lists that have their own tests: IANA's, ISO 3166-1's, ISO 4217's, and the locales that mails are written in.
    let lists = BTreeSet::from(["Country", "Currency", "Locale", "TimeZone", "ZoneName"]);
    let document = serde_json::to_value(document()).unwrap();
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
    let document = serde_json::to_value(document()).unwrap();
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
    let document = serde_json::to_value(document()).unwrap();
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
    let document = serde_json::to_value(document()).unwrap();
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
    let document = serde_json::to_value(document()).unwrap();
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

#[test]
fn what_must_not_be_empty_is_in_the_document() {
    let document = serde_json::to_value(document()).unwrap();
    for (name, uncounted) in NOT_EMPTY {
        let schema = &document["components"]["schemas"][name];
        let fields: BTreeSet<_> = schema["properties"].as_object().expect(name).keys().map(String::as_str).collect();
        assert!(uncounted.iter().all(|field| fields.contains(field)), "{name} has not all of {uncounted:?}");
        let asked = schema["anyOf"].as_array().expect(name).iter().map(|way| way["required"][0].as_str().unwrap());
        let counted = fields.into_iter().filter(|field| !uncounted.contains(field)).collect();
        assert_eq!(asked.collect::<BTreeSet<_>>(), counted, "{name}");
    }
}

#[test]
fn refusals_that_a_schema_can_say_are_said() {
    let document = serde_json::to_value(document()).unwrap();
    let schemas = &document["components"]["schemas"];
    for reason in ["Reason", "ListingReason", "StaffReason"] {
        let reason = &schemas[reason]["properties"]["reason"];
        assert_eq!((&reason["minLength"], &reason["maxLength"]), (&json!(1), &json!(1000)));
        assert_eq!(reason["pattern"], shared::text::VISIBLE_LINES);
    }
    for item in ["NewItem", "ItemChange"] {
        assert_eq!(schemas[item]["properties"]["compatibility"]["items"]["pattern"], shared::text::VISIBLE_LINE);
    }
    let slowest = schemas["RetryJobs"]["properties"]["per_second"]["minimum"].as_f64().unwrap();
    assert!(queue::ops::retry::check_rate(Some(slowest)).is_ok());
    assert!(queue::ops::retry::check_rate(Some(slowest * 0.999_999)).is_err());
    let types = &schemas["CreateUpload"]["properties"]["content_type"]["enum"];
    assert_eq!(*types, json!(market::images::model::UPLOAD_TYPES));
    for body in ["ReportedEvents", "ReportedByCarrier"] {
        let many = &schemas[body]["oneOf"][1];
        assert_eq!((&many["minItems"], &many["maxItems"]), (&json!(1), &json!(1000)));
    }
}

/// The texts of a schema, at whatever depth, that may hold U+0000.
fn texts_with_nul(schema: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(object) = schema.as_object() {
        let kind = &schema["type"];
        let is_text = *kind == "string" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("string")));
        // What has another format is no text of somebody's choice.
        let is_free = object.get("format").is_none_or(|format| format == "password");
        let is_bounded = object.contains_key("pattern") || object.contains_key("enum");
        if is_text && is_free && !is_bounded {
            found.push(place.to_owned());
        }
    }
    let parts: Vec<_> = match schema {
        Value::Object(fields) => fields.iter().map(|(name, part)| (name.clone(), part)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, part)| (at.to_string(), part)).collect(),
        _ => Vec::new(),
    };
    for (name, part) in parts {
        texts_with_nul(part, &format!("{place}/{name}"), found);
    }
}

#[test]
fn no_text_of_a_request_holds_the_character_that_postgresql_does_not_keep() {
    let document = serde_json::to_value(document()).unwrap();
    let mut found = Vec::new();
    texts_with_nul(&document["components"]["schemas"], "", &mut found);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            // A header cannot hold it.
            let sent: Vec<_> = parameters.filter(|it| it["in"] != "header").cloned().collect();
            texts_with_nul(&json!([sent, operation["requestBody"]["content"]]), &place, &mut found);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Programs that make clients out of the document stop at a reference that leads nowhere.
#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| walk(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(document()).unwrap();
    let mut found = BTreeSet::new();
    walk(&document, &mut found);
    assert!(found.len() > 100, "the references are found");
    let gone: Vec<_> = found.into_iter().filter(|to| document.pointer(to.trim_start_matches('#')).is_none()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn every_kind_of_topic_is_described() {
    let document = serde_json::to_value(document()).unwrap();
    let description = document["paths"]["/v1/ws"]["get"]["description"].as_str().unwrap();
    for kind in crate::routes::TOPICS.0 {
        let prefix = kind.prefix();
        assert!(prefix == "counter" || description.contains(&format!("`{prefix}:<")), "{prefix}");
    }
}
