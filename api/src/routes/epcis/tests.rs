use chrono::TimeDelta;
use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Person, TestApi, with_token};

const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

fn event(id: &str, change: &Value) -> Value {
    let at = shared::clock::Clock::SYSTEM.now() - TimeDelta::minutes(10);
    let mut event = json!({"type": "ObjectEvent", "eventID": id, "eventTime": at, "eventTimeZoneOffset": "+00:00",
        "epcList": ["urn:tradeyard:shipment:S-1"], "action": "OBSERVE", "bizStep": "departing", "readPoint": {"id": "geo:52.5,13.4"}});
    for (name, value) in change.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn document(events: &[Value]) -> Value {
    json!({"@context": [CONTEXT, {"example": "https://e.example/"}], "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-11-01T00:00:00Z", "epcisBody": {"eventList": events}})
}

async fn dealer(api: &TestApi) -> Person {
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann's Tractors", &moderator).await;
    ann
}

fn outcomes(answer: &Value) -> Vec<&str> {
    answer["verdicts"].as_array().unwrap().iter().map(|verdict| verdict["outcome"].as_str().unwrap()).collect()
}

fn ids(answer: &Value) -> Vec<&str> {
    let events = answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"].as_array().unwrap();
    events.iter().map(|event| event["eventID"].as_str().unwrap()).collect()
}

async fn with_header(api: &TestApi, who: &Person, name: &str, value: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, "/v1/epcis/capture").header(name, value).json(body);
    api.send(with_token(request, Some(who))).await
}

#[tokio::test]
async fn each_event_of_a_capture_gets_its_verdict() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let events =
        [event("urn:x:1", &json!({})), event("urn:x:2", &json!({"bizStep": "sailing"})), event("urn:x:1", &json!({}))];
    let answer = api.post(Some(&ann), "/v1/epcis/capture", document(&events)).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["gs1-epcis-version"]), (202, &"2.0.0".parse().unwrap()));
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let answer = answer.ok();
    assert_eq!(outcomes(&answer), ["accepted", "rejected", "duplicate"]);
    assert_eq!(
        (&answer["running"], &answer["success"], &answer["captureErrorBehaviour"]),
        (&json!(false), &json!(false), &json!("proceed"))
    );
    assert_eq!(answer["verdicts"][1]["faults"][0]["pointer"], "/epcisBody/eventList/1/bizStep");
    assert!(
        answer["errors"][0]["detail"].as_str().unwrap().starts_with("/epcisBody/eventList/1/bizStep: "),
        "{answer}"
    );
    assert_eq!(answer["verdicts"][0]["shipment"], "S-1");
    assert_eq!(api.get(Some(&ann), &location).await.ok(), answer);
    let again = api.post(Some(&ann), "/v1/epcis/capture", document(&events)).await.ok();
    assert_eq!(outcomes(&again), ["duplicate", "rejected", "duplicate"]);
    // The log of the shipment has it once.
    let log = api.get(Some(&ann), "/v1/shipments/S-1/events").await.ok();
    let items = log["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["source"], &items[0]["status"]), (1, &json!("epcis"), &json!("in_transit")));

    let fit = [event("urn:x:3", &json!({})), events[1].clone()];
    let rolled = with_header(&api, &ann, "gs1-capture-error-behaviour", "rollback", &document(&fit)).await.ok();
    assert_eq!(outcomes(&rolled), ["rolled_back", "rejected"]);
    assert_eq!(ids(&api.get(Some(&ann), "/v1/epcis/events").await.ok()), ["urn:x:1"]);
    let log = api.get(Some(&ann), "/v1/shipments/S-1/events").await.ok();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    for (name, value) in
        [("gs1-capture-error-behaviour", "maybe"), ("gs1-epcis-version", "1.2"), ("gs1-epcis-version", "2.0.x")]
    {
        with_header(&api, &ann, name, value, &document(&fit)).await.refused(400, "invalid_epcis_header");
    }
    with_header(&api, &ann, "gs1-epcis-version", "2.0.1", &document(&fit)).await.ok();
    api.close().await;
}

#[tokio::test]
async fn what_is_no_document_is_refused_with_its_place() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let post = |body: Value| api.post(Some(&ann), "/v1/epcis/capture", body);
    let pointer = |answer: Answer| answer.body["errors"][0]["pointer"].as_str().unwrap().to_owned();
    assert_eq!(pointer(post(json!([])).await.refused(422, "invalid_document")), "");
    assert_eq!(pointer(post(json!({})).await.refused(422, "invalid_document")), "/type");
    assert_eq!(pointer(post(json!({"type": "EPCISDocument"})).await.refused(422, "invalid_document")), "/@context");
    let many = vec![json!(null); 1001];
    post(document(&many)).await.refused(422, "too_many_events");
    let none = vec![json!(null); 1000];
    assert_eq!(outcomes(&post(document(&none)).await.ok()), vec!["rejected"; 1000]);
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    post(document(&[event("urn:x:1", &json!({"example:deep": deep}))])).await.refused(400, "too_deep");
    let send = async |body: String| {
        let request =
            api.request(Method::POST, "/v1/epcis/capture").header("content-type", "application/ld+json").body(body);
        api.send(with_token(request, Some(&ann))).await
    };
    let text = document(&[event("urn:x:1", &json!({"example:n": 1}))]).to_string();
    let long = text.replace("\"example:n\":1", &format!("\"example:n\":{}", "1".repeat(900_000)));
    let answer = send(long).await.ok();
    assert_eq!(answer["verdicts"][0]["faults"][0]["pointer"], "/epcisBody/eventList/0/example:n");
    send(text.replace("\"example:n\":1", &format!("\"example:n\":{}", "1".repeat(1_100_000))))
        .await
        .refused(413, "body_too_large");
    send(text.replace("\"example:n\":1", "\"example:n\":\"\\u0000\"")).await.refused(400, "zero_character");
    send(text.replace("\"example:n\":1", "\"example:n\":")).await.refused(400, "malformed_json");
    let surrogate = send(text.replace("\"example:n\":1", "\"example:n\":\"\\ud800\"")).await.ok();
    assert_eq!(outcomes(&surrogate), ["rejected"]);
    assert_eq!(ids(&api.get(Some(&ann), "/v1/epcis/events").await.ok()), [""; 0]);
    api.close().await;
}

#[tokio::test]
async fn one_event_is_made_read_and_not_made_again() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let post = |body: Value| api.post(Some(&ann), "/v1/epcis/events", body);
    let mut alone =
        event("", &json!({"@context": [CONTEXT, {"example": "https://e.example/"}], "example:by": {"who": "Ann"}}));
    alone.as_object_mut().unwrap().remove("eventID");
    let answer = post(alone.clone()).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let made = answer.ok();
    let id = made["eventID"].as_str().unwrap();
    assert!(id.starts_with("ni:///sha-256;") && id.ends_with("?ver=CBV2.0"), "{id}");
    assert_eq!((&made["example:by"], &made["@context"]), (&json!({"who": "Ann"}), &alone["@context"]));
    assert_eq!(api.get(Some(&ann), &location).await.ok(), made);
    post(alone.clone()).await.refused(409, "event_exists");
    // What was captured in a document is the same event.
    alone.as_object_mut().unwrap().remove("@context");
    assert_eq!(
        outcomes(&api.post(Some(&ann), "/v1/epcis/capture", document(&[alone.clone()])).await.ok()),
        ["duplicate"]
    );
    let answer = post(alone).await.refused(422, "invalid_event");
    assert_eq!(answer.body["errors"][0]["pointer"], "/@context");
    post(json!({"type": "EPCISDocument"})).await.refused(422, "invalid_event");
    api.get(Some(&ann), "/v1/epcis/events/urn:x:none").await.refused(404, "not_found");
    api.get(Some(&ann), "/v1/epcis/capture/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn queries_are_paged_by_the_standards_parameters() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let events: Vec<Value> = (0..5)
        .map(|n| {
            event(
                &format!("urn:x:{n}"),
                &json!({"eventTime": format!("2026-11-01T08:00:0{n}Z"), "epcList": [format!("urn:a:{}", n % 2)]}),
            )
        })
        .collect();
    api.post(Some(&ann), "/v1/epcis/capture", document(&events)).await.ok();
    let mut path =
        "/v1/epcis/events?perPage=2&EQ_bizStep=departing%7Cshipping&GE_eventTime=2026-11-01T09:00:01%2B01:00"
            .to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = api.get(Some(&ann), &path).await;
        let next = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        pages.push(ids(&answer.ok()).join(" "));
        let Some(next) = next else { break };
        path = next.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(pages, ["urn:x:1 urn:x:2", "urn:x:3 urn:x:4"]);
    let found = api.get(Some(&ann), "/v1/epcis/events?MATCH_epc=urn:a:1").await.ok();
    assert_eq!((ids(&found), &found["type"]), (vec!["urn:x:1", "urn:x:3"], &json!("EPCISQueryDocument")));
    for (query, name) in [
        ("EQ_colour=red", "EQ_colour"),
        ("perPage=0", "perPage"),
        ("perPage=101", "perPage"),
        ("nextPageToken=x", "nextPageToken"),
        ("nextPageToken=1.x", "nextPageToken"),
        ("EQ_action=ADD&EQ_action=ADD", "EQ_action"),
    ] {
        let answer = api.get(Some(&ann), &format!("/v1/epcis/events?{query}")).await.refused(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["parameter"], name);
    }
    let answer = api.get(Some(&ann), "/v1/epcis/events?EQ_bizStep=sailing").await.refused(422, "invalid_epcis_query");
    assert_eq!(answer.body["errors"][0]["parameter"], "EQ_bizStep");
    api.close().await;
}

/// Declared to be wrong, the event no longer counts for the shipment; what is right does.
#[tokio::test]
async fn a_shipment_is_read_as_epcis_with_its_declarations() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let declaration = json!({"declarationTime": "2026-11-02T00:00:00Z", "reason": "incorrect_data", "correctiveEventIDs": ["urn:x:2"]});
    let wrong = event("urn:x:1", &json!({"bizStep": "receiving"}));
    let mut declared = wrong.clone();
    declared["errorDeclaration"] = declaration;
    let right = event("urn:x:2", &json!({"bizStep": "arriving"}));
    let captured = api.post(Some(&ann), "/v1/epcis/capture", document(&[declared, right, wrong])).await.ok();
    assert_eq!(outcomes(&captured), ["accepted"; 3]);
    assert_eq!(api.get(Some(&ann), "/v1/shipments/S-1/standing").await.ok()["status"], "in_transit");
    let marked = api.get(Some(&ann), "/v1/epcis/events/urn:x:1").await.ok();
    assert_eq!(marked["tradeyard:declaredInError"]["correctiveEventIDs"], json!(["urn:x:2"]));
    let shown = api.get(Some(&ann), "/v1/shipments/S-1/epcis").await.ok();
    let events = shown["epcisBody"]["eventList"].as_array().unwrap();
    let steps: Vec<_> = events
        .iter()
        .map(|event| (event["bizStep"].as_str().unwrap(), event.get("errorDeclaration").is_some()))
        .collect();
    assert_eq!(steps, [("receiving", false), ("receiving", true), ("transporting", false)]);
    assert_eq!(events[0]["readPoint"]["id"], "geo:52.5,13.4");
    // By pages it is the same; one of what only ends another event is empty.
    let (mut path, mut paged) = ("/v1/shipments/S-1/epcis?perPage=1".to_owned(), Vec::new());
    loop {
        let answer = api.get(Some(&ann), &path).await;
        let next = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        paged.push(answer.ok()["epcisBody"]["eventList"].as_array().unwrap().clone());
        let Some(next) = next else { break };
        path = next.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!((paged.len(), &paged.concat()), (3, events));
    api.get(Some(&ann), "/v1/shipments/S-2/epcis").await.refused(404, "not_found");
    for query in ["colour=red", "perPage=x", "nextPageToken=1.2"] {
        api.get(Some(&ann), &format!("/v1/shipments/S-1/epcis?{query}")).await.refused(400, "invalid_query");
    }
    api.close().await;
}

#[tokio::test]
async fn without_the_broker_nothing_is_captured() {
    let (proxy, url) = shared::testing::Proxy::before(&shared::testing::server("AMQP_URL")).await.unwrap();
    let namespace = format!("api-epcis-{}", std::process::id());
    let api = TestApi::with(&[("AMQP_URL", &url), ("NAMESPACE", &namespace)]).await;
    let ann = dealer(&api).await;
    proxy.set(shared::testing::NetworkFault::Refuse);
    proxy.cut();
    let body = document(&[event("urn:x:1", &json!({}))]);
    api.post(Some(&ann), "/v1/epcis/capture", body.clone()).await.refused(503, "events_unavailable");
    let mut alone = event("urn:x:1", &json!({}));
    alone["@context"] = json!(CONTEXT);
    api.post(Some(&ann), "/v1/epcis/events", alone).await.refused(503, "events_unavailable");
    // What says nothing of a shipment needs no broker.
    let other = document(&[event("urn:x:2", &json!({"epcList": ["urn:a:b"]}))]);
    assert_eq!(outcomes(&api.post(Some(&ann), "/v1/epcis/capture", other).await.ok()), ["accepted"]);
    assert_eq!(ids(&api.get(Some(&ann), "/v1/epcis/events").await.ok()), ["urn:x:2"]);
    proxy.set(shared::testing::NetworkFault::None);
    assert_eq!(outcomes(&api.post(Some(&ann), "/v1/epcis/capture", body).await.ok()), ["accepted"]);
    let connection =
        queue::transport::rabbit::connection::connect(&shared::testing::server("AMQP_URL").into(), "api test")
            .await
            .unwrap();
    let channel = connection.create_channel().await.unwrap();
    jobs::cargo::topology::delete(&channel, &namespace).await.ok();
    api.close().await;
}

/// The pages of a path, and where each next one is.
async fn pages(api: &TestApi, who: &Person, path: &str, read: fn(&Value) -> Vec<String>) -> Vec<Vec<String>> {
    let (mut path, mut pages) = (path.to_owned(), Vec::new());
    loop {
        let answer = api.get(Some(who), &path).await;
        let next = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        pages.push(read(&answer.ok()));
        let Some(next) = next else { return pages };
        path = next.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
}

#[tokio::test]
async fn lists_and_orders_are_paged_by_the_standards_parameters() {
    let api = TestApi::new().await;
    let ann = dealer(&api).await;
    let steps = ["departing", "shipping", "departing", "receiving", "packing"];
    for (n, step) in steps.iter().enumerate() {
        let change = json!({"eventTime": format!("2026-11-01T08:00:0{}Z", 9 - n), "epcList": [format!("urn:a:{}", n % 3)], "bizStep": step});
        api.post(Some(&ann), "/v1/epcis/capture", document(&[event(&format!("urn:x:{n}"), &change)])).await.ok();
    }
    let members = |page: &Value| -> Vec<String> {
        page["member"].as_array().unwrap().iter().map(|member| member.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        pages(&api, &ann, "/v1/epcis/epcs?perPage=2", members).await,
        [vec!["urn:a:0", "urn:a:1"], vec!["urn:a:2"]]
    );
    let steps = pages(&api, &ann, "/v1/epcis/bizSteps?perPage=3", members).await;
    assert_eq!(steps, [vec!["departing", "packing", "receiving"], vec!["shipping"]]);
    assert_eq!(pages(&api, &ann, "/v1/epcis/eventTypes?perPage=2", members).await.len(), 3);
    let events = |page: &Value| -> Vec<String> { ids(page).into_iter().map(str::to_owned).collect() };
    for (path, expected) in [
        ("/v1/epcis/events?perPage=2&orderBy=recordTime&orderDirection=ASC", "urn:x:0 urn:x:1|urn:x:2 urn:x:3|urn:x:4"),
        ("/v1/epcis/events?perPage=2&orderBy=recordTime", "urn:x:4 urn:x:3|urn:x:2 urn:x:1|urn:x:0"),
        ("/v1/epcis/events?perPage=3&orderBy=eventTime&orderDirection=DESC", "urn:x:0 urn:x:1 urn:x:2|urn:x:3 urn:x:4"),
        ("/v1/epcis/eventTypes/ObjectEvent/events?perPage=3", "urn:x:4 urn:x:3 urn:x:2|urn:x:1 urn:x:0"),
        ("/v1/epcis/bizSteps/departing/events?perPage=1", "urn:x:2|urn:x:0"),
        ("/v1/epcis/epcs/urn:a:0/events?perPage=1", "urn:x:3|urn:x:0"),
    ] {
        let found = pages(&api, &ann, path, events).await;
        assert_eq!(found.iter().map(|page| page.join(" ")).collect::<Vec<_>>().join("|"), expected, "{path}");
    }
    for path in [
        "/v1/epcis/eventTypes/Sailing/events",
        "/v1/epcis/eventTypes/ObjectEvent/events?eventType=AggregationEvent",
        "/v1/epcis/bizSteps/sailing/events",
        "/v1/epcis/bizSteps/departing/events?EQ_bizStep=packing",
        "/v1/epcis/epcs/here/events",
    ] {
        api.get(Some(&ann), path).await.refused(404, "not_found");
    }
    for query in ["orderBy=bizStep", "orderBy=eventTime&orderDirection=UP", "orderDirection=ASC"] {
        api.get(Some(&ann), &format!("/v1/epcis/events?{query}")).await.refused(422, "invalid_epcis_query");
    }
    for query in ["perPage=0", "EQ_action=ADD"] {
        api.get(Some(&ann), &format!("/v1/epcis/epcs?{query}")).await.refused(400, "invalid_query");
    }
    api.close().await;
}
