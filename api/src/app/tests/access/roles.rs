//! Every operation against every role on the platform: a cell without an expectation does not compile.

use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::json;

use super::super::filled;
use super::super::test_market::TestMarket;
use super::owners::{owners, request};
use super::{Who, access};
use crate::testing::{Person, TestApi, with_token};

use PlatformRole::{Admin, Finance, Moderator, Observer, Operator};

/// What is answered to those on the platform who may do what members of an organisation may. To everybody else there, the
/// organisation does not exist. Nor does the document that paths name here: that moderators read one is asserted with its routes.
const BESIDE_MEMBERS: [(&str, PlatformRole, u16); 4] = [
    // They decide who may trade, and look at what is handed in for that.
    ("GET /v1/orgs/{org}", Moderator, 200),
    ("GET /v1/orgs/{org}/documents", Moderator, 200),
    // What an approved organisation cannot change by itself they change for it.
    ("PATCH /v1/orgs/{org}", Moderator, 200),
    // They look after the queues.
    ("GET /v1/jobs/{job}", Observer, 200),
];

/// What is answered to those on the platform who may do what is an organisation's. To everybody else there, it is not theirs.
const BESIDE_OWNERS: [(&str, PlatformRole, &[u16]); 31] = [
    // Any auction, once.
    ("POST /v1/auctions/{auction}/cancel", Moderator, &[200, 409]),
    // They answer for what was charged.
    ("GET /v1/invoices/{invoice}/file", Finance, &[200]),
    // Of any organisation that they name. They do not read what others have exported.
    ("POST /v1/reports", Admin, &[202]),
    ("GET /v1/reports", Admin, &[200]),
    ("GET /v1/reports/{report}", Admin, &[200]),
    ("POST /v1/reports/{report}/cancel", Admin, &[200]),
    ("POST /v1/exports", Admin, &[202]),
    // They look after the log of events, of any organisation that they name.
    ("GET /v1/shipments/{shipment}/events", Operator, &[200]),
    ("GET /v1/shipments/{shipment}/standing", Operator, &[200]),
    ("GET /v1/shipments/{shipment}/epcis", Operator, &[200]),
    ("GET /v1/epcis/events", Operator, &[200]),
    ("GET /v1/epcis/events/{event}", Operator, &[200]),
    ("GET /v1/epcis/eventTypes", Operator, &[200]),
    ("GET /v1/epcis/eventTypes/{eventType}/events", Operator, &[200]),
    ("GET /v1/epcis/epcs", Operator, &[200]),
    ("GET /v1/epcis/epcs/{epc}/events", Operator, &[200]),
    ("GET /v1/epcis/bizSteps", Operator, &[200]),
    ("GET /v1/epcis/bizSteps/{bizStep}/events", Operator, &[200]),
    // Nor do they change what they see of goods, places and shipments.
    ("GET /v1/items", Operator, &[200]),
    ("GET /v1/items/{item}", Operator, &[200]),
    ("GET /v1/items/{item}/stock/{site}", Operator, &[200]),
    ("GET /v1/items/{item}/stock/{site}/movements", Operator, &[200]),
    ("GET /v1/sites", Operator, &[200]),
    ("GET /v1/sites/{site}", Operator, &[200]),
    ("GET /v1/stock", Operator, &[200]),
    ("GET /v1/shipments", Operator, &[200]),
    ("GET /v1/shipments/figures", Operator, &[200]),
    ("GET /v1/shipments/{shipment}", Operator, &[200]),
    // Nor of a fleet.
    ("GET /v1/vehicles", Operator, &[200]),
    ("GET /v1/vehicles/{vehicle}", Operator, &[200]),
    ("GET /v1/vehicles/{vehicle}/maintenance", Operator, &[200]),
];

/// What an operation answers to somebody who belongs to no organisation.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// It is not asked here, for the reason that stands where this is.
    Elsewhere,
    Refused(u16, &'static str),
    Answered(u16),
    /// Whatever it says of things that are not there.
    LetIn,
}

fn expected(operation: &str, who: Who, role: PlatformRole) -> Expected {
    match who {
        // It asks for no role, as is seen where nothing is changed.
        Who::Session if operation.starts_with("GET ") => Expected::LetIn,
        // What is everybody's does not ask who calls. Acts of people for themselves would end this test's sessions and found
        // organisations. What is an organisation's is asked for where there is something of one:
        // `a_role_on_the_platform_opens_what_is_listed_and_nothing_else`.
        Who::Anyone | Who::Session | Who::Owner => Expected::Elsewhere,
        Who::Member => match BESIDE_MEMBERS.iter().find(|(listed, ..)| *listed == operation) {
            Some((_, needed, status)) if role.includes(*needed) => Expected::Answered(*status),
            Some(_) | None => Expected::Refused(404, "not_found"),
        },
        Who::Platform(needed) if role.includes(needed) => Expected::LetIn,
        Who::Platform(_) => Expected::Refused(403, "role_too_low"),
    }
}

#[tokio::test]
async fn operations_refuse_who_may_not_call_them() {
    let api = TestApi::new().await;
    let mut staff = Vec::new();
    for role in PlatformRole::ALL {
        staff.push((*role, if *role == Admin { api.admin().await } else { api.staff(*role).await }));
    }
    let (_, admin) = staff.iter().find(|(role, _)| *role == Admin).unwrap();
    let (ann, suspended) = (api.person("Ann").await, api.person("Suspended").await);
    let path = format!("/v1/admin/users/{}/suspend", suspended.id);
    assert_eq!(api.post(Some(admin), &path, json!({"reason": "fraud"})).await.status, 204);
    let org = api.org(&ann, "Ann Farm", admin).await;
    let info = api.state.registry.get("jobs.prune").unwrap();
    let job = info.enqueue(json!({"finished_after_hours": 1, "dead_after_hours": 1})).unwrap().tenant(org);
    let mut tx = api.state.ledger.begin().await.unwrap();
    let job = tx.enqueue_with(job).await.unwrap().id();
    tx.commit().await.unwrap();

    let mut wrong = Vec::new();
    for (operation, who, body) in access() {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path
            .replace("{org}", &org.to_string())
            .replace("{user}", &ann.id.to_string())
            .replace("{job}", &job.to_string())
            .replace("{queue}", "emails")
            .replace("{reject}", "7")
            .replace("{schedule}", "none");
        let path = filled(&path);
        let method: Method = method.parse().unwrap();
        let call = async |person: Option<&Person>| {
            let request =
                api.request(method.clone(), &path).header("idempotency-key", uuid::Uuid::now_v7().to_string());
            api.send(with_token(request.json(&body), person)).await
        };
        if who == Who::Anyone {
            continue;
        }
        call(None).await.refused(401, "unauthenticated");
        call(Some(&suspended)).await.refused(401, "session_ended");
        for (role, person) in &staff {
            let expected = expected(operation, who, *role);
            if matches!(expected, Expected::Elsewhere) {
                continue;
            }
            let answer = call(Some(person)).await;
            let status = answer.status.as_u16();
            let right = match expected {
                Expected::Elsewhere => true,
                Expected::Refused(refused, code) => (status, answer.body["code"].as_str()) == (refused, Some(code)),
                Expected::Answered(answered) => status == answered,
                Expected::LetIn => !matches!(status, 401 | 403 | 500..),
            };
            if !right {
                wrong.push(format!("{operation} as {role}: not {expected:?} but {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    api.close().await;
}

#[tokio::test]
async fn a_role_on_the_platform_opens_what_is_listed_and_nothing_else() {
    let owners = owners();
    for (listed, ..) in BESIDE_OWNERS {
        assert!(owners.iter().any(|(operation, ..)| *operation == listed), "{listed} is not there");
    }
    let market = TestMarket::new().await;
    let org = market.path("{org}");
    let mut staff = Vec::new();
    for role in PlatformRole::ALL {
        let person = match role {
            Admin => market.admin.clone(),
            // There already, having decided about the market's documents.
            Moderator => market.api.login("moderator.staff@example.com").await,
            _ => market.api.staff(*role).await,
        };
        staff.push((*role, person.acting(&org)));
    }
    let mut wrong = Vec::new();
    for (operation, body, _) in owners {
        let (method, path) = request(&market, operation);
        let beside = BESIDE_OWNERS.iter().find(|(listed, ..)| *listed == operation);
        for (role, person) in &staff {
            let answer = market.call(Some(person), &method, &path, body.clone()).await;
            let status = answer.status.as_u16();
            let right = match beside {
                Some((_, needed, answers)) if role.includes(*needed) => answers.contains(&status),
                Some(_) | None => (status, answer.body["code"].as_str()) == (403, Some("not_a_member")),
            };
            if !right {
                wrong.push(format!("{operation} as {role}: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    market.api.close().await;
}
