use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared::testing::TestDb;
use sqlx::PgPool;
use uuid::Uuid;

use super::*;
use crate::cargo::Bounds;
use crate::epcis::model::{After, EventQuery, KeptEvent};
use crate::epcis::{judge, query};

const ORG: OrgId = OrgId(Uuid::from_u128(7));
const OTHER: OrgId = OrgId(Uuid::from_u128(8));

fn event(id: &str, second: usize, change: &Value) -> Value {
    let mut event = json!({"@context": "https://a.example/", "type": "ObjectEvent", "eventID": id, "eventTime": format!("2026-11-01T08:00:{second:02}Z"),
        "eventTimeZoneOffset": "+00:00", "epcList": ["urn:epc:id:sgtin:4012345.011111.987"], "action": "OBSERVE",
        "bizStep": "shipping", "disposition": "in_transit", "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.0"}});
    for (name, value) in change.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn judged(event: &Value) -> Result<NewEvent, Vec<Fault>> {
    let raw = RawValue::from_string(event.to_string()).unwrap();
    judge(&raw, &[], &Bounds::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap()))
}

async fn capture_all(pool: &PgPool, behaviour: ErrorBehaviour, events: &[Value]) -> Vec<Outcome> {
    let judged: Vec<_> = events.iter().map(judged).collect();
    let id = CaptureId::generate();
    let new = NewCapture { id, org: ORG, error_behaviour: behaviour, judged: &judged };
    let mut conn = pool.acquire().await.unwrap();
    let capture = capture(&mut conn, new).await.unwrap();
    let kept = get_capture(&mut conn, id).await.unwrap();
    assert_eq!((kept.verdicts.clone(), kept.org, kept.error_behaviour), (capture.verdicts, ORG, behaviour));
    kept.verdicts.iter().map(|verdict| verdict.outcome).collect()
}

async fn found(pool: &PgPool, org: OrgId, parameters: &[(&str, &str)]) -> Vec<String> {
    let asked = query(parameters.iter().copied()).unwrap();
    let events = find(&mut pool.acquire().await.unwrap(), org, &asked, None, 100).await.unwrap();
    events.iter().map(id_of).collect()
}

fn id_of(event: &KeptEvent) -> String {
    let value: Value = serde_json::from_str(event.json.get()).unwrap();
    value["eventID"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_event_gets_its_verdict_and_is_kept_once() {
    let db = TestDb::new().await;
    let events = [
        event("a:1", 1, &json!({})),
        event("a:2", 2, &json!({"action": "look"})),
        event("a:3", 3, &json!({})),
        event("a:1", 4, &json!({})),
    ];
    let verdicts = capture_all(&db.pool, ErrorBehaviour::Proceed, &events).await;
    assert_eq!(verdicts, [Outcome::Accepted, Outcome::Rejected, Outcome::Accepted, Outcome::Duplicate]);
    let verdicts = capture_all(&db.pool, ErrorBehaviour::Proceed, &events).await;
    assert_eq!(verdicts, [Outcome::Duplicate, Outcome::Rejected, Outcome::Duplicate, Outcome::Duplicate]);
    assert_eq!(found(&db.pool, ORG, &[]).await, ["a:1", "a:3"]);
    assert!(found(&db.pool, OTHER, &[]).await.is_empty());
    // Another organisation's names are its own.
    let mut conn = db.pool.acquire().await.unwrap();
    assert!(record(&mut conn, OTHER, &judged(&events[0]).unwrap()).await.unwrap());
    assert!(!record(&mut conn, OTHER, &judged(&events[0]).unwrap()).await.unwrap());
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_capture_that_rolls_back_takes_nothing() {
    let db = TestDb::new().await;
    let fit = event("a:1", 1, &json!({}));
    let events = [fit.clone(), event("a:2", 2, &json!({"action": "look"}))];
    let verdicts = capture_all(&db.pool, ErrorBehaviour::Rollback, &events).await;
    assert_eq!(verdicts, [Outcome::RolledBack, Outcome::Rejected]);
    assert!(found(&db.pool, ORG, &[]).await.is_empty());
    assert_eq!(capture_all(&db.pool, ErrorBehaviour::Rollback, &[fit]).await, [Outcome::Accepted]);
    db.close().await;
}

#[tokio::test]
async fn of_captures_of_the_same_events_at_once_one_takes_each() {
    let db = TestDb::new().await;
    for round in 0..10 {
        let events: Vec<Value> = (0..20).map(|n| event(&format!("a:{round}-{n}"), n, &json!({}))).collect();
        let backwards: Vec<Value> = events.iter().rev().cloned().collect();
        let (one, other) = tokio::join!(
            capture_all(&db.pool, ErrorBehaviour::Proceed, &events),
            capture_all(&db.pool, ErrorBehaviour::Proceed, &backwards)
        );
        for (one, other) in one.iter().zip(other.iter().rev()) {
            let mut both = [*one, *other];
            both.sort_by_key(|outcome| *outcome == Outcome::Duplicate);
            assert_eq!(both, [Outcome::Accepted, Outcome::Duplicate]);
        }
    }
    assert_eq!(
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM cargo_epcis_events").fetch_one(&db.pool).await.unwrap(),
        200
    );
    assert_eq!(
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM cargo_epcis_epcs").fetch_one(&db.pool).await.unwrap(),
        200
    );
    db.close().await;
}

/// The goods of [`event`], as a shop links to them.
const LINK: &str = "https://shop.example/01/04012345111118/21/987";

/// Parameters, and the events that they find.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

#[tokio::test]
async fn an_event_is_found_by_each_of_its_parts() {
    let db = TestDb::new().await;
    let whole = json!({"type": "AggregationEvent", "action": "ADD", "parentID": "urn:epc:id:sscc:4012345.0000000333", "bizStep": "packing",
        "childEPCs": ["urn:a:child"], "childQuantityList": [{"epcClass": "urn:a:class"}], "bizLocation": {"id": "urn:a:here"}});
    let mut packed = event("a:2", 2, &whole);
    for gone in ["epcList", "disposition", "readPoint"] {
        packed.as_object_mut().unwrap().remove(gone);
    }
    let declared = json!({"errorDeclaration": {"declarationTime": "2026-11-02T00:00:00Z", "reason": "incorrect_data",
        "correctiveEventIDs": ["a:2", "a:9"]}});
    let events = [event("a:1", 1, &json!({})), packed, event("a:3", 3, &declared)];
    assert_eq!(capture_all(&db.pool, ErrorBehaviour::Proceed, &events).await, [Outcome::Accepted; 3]);
    let cases: &[Case] = &[
        (&[("eventType", "AggregationEvent")], &["a:2"]),
        (&[("eventType", "AggregationEvent|ObjectEvent")], &["a:1", "a:2", "a:3"]),
        (&[("GE_eventTime", "2026-11-01T08:00:02Z")], &["a:2", "a:3"]),
        (&[("LT_eventTime", "2026-11-01T09:00:02+01:00")], &["a:1"]),
        (&[("GE_recordTime", "2020-01-01T00:00:00Z"), ("LT_recordTime", "2020-01-02T00:00:00Z")], &[]),
        (&[("EQ_action", "ADD")], &["a:2"]),
        (&[("EQ_bizStep", "urn:epcglobal:cbv:bizstep:packing")], &["a:2"]),
        (&[("EQ_bizStep", "packing|shipping"), ("EQ_disposition", "in_transit")], &["a:1", "a:3"]),
        (&[("EQ_readPoint", "https://id.gs1.org/414/4012345000054")], &["a:1", "a:3"]),
        (&[("EQ_bizLocation", "urn:a:here")], &["a:2"]),
        (&[("EQ_eventID", "a:1|a:2|a:7")], &["a:1", "a:2"]),
        (&[("EXISTS_errorDeclaration", "true")], &["a:3"]),
        (&[("EQ_correctiveEventID", "a:9")], &["a:3"]),
        (&[("MATCH_epc", LINK)], &["a:1", "a:3"]),
        (&[("MATCH_epc", "urn:a:child")], &["a:2"]),
        (&[("MATCH_parentID", "urn:epc:id:sscc:4012345.0000000333")], &["a:2"]),
        (&[("MATCH_epc", "urn:epc:id:sscc:4012345.0000000333")], &[]),
        (&[("MATCH_anyEPC", "https://id.gs1.org/00/040123450000003338|urn:a:none")], &["a:2"]),
        (&[("MATCH_epc", "urn:a:child"), ("MATCH_epcClass", "urn:a:class")], &["a:2"]),
        (&[("MATCH_epc", "urn:a:child"), ("MATCH_anyEPC", LINK)], &[]),
        (&[("MATCH_anyEPCClass", "urn:a:class"), ("EQ_action", "OBSERVE")], &[]),
        (&[("MATCH_inputEPC", "urn:a:child")], &[]),
    ];
    for (parameters, expected) in cases {
        assert_eq!(found(&db.pool, ORG, parameters).await, *expected, "{parameters:?}");
    }
    for (name, value) in [
        ("EQ_bizStep", "sailing"),
        ("EQ_readPoint", "here"),
        ("GE_eventTime", "now"),
        ("EQ_action", "look"),
        ("eventType", "Party"),
        ("EXISTS_errorDeclaration", "false"),
        ("MATCH_epc", "urn:epc:idpat:sgtin:4012345.011111.*"),
        ("MATCH_epc", ""),
    ] {
        assert!(
            query([(name, value)].into_iter()).is_err_and(|bad| bad.is_value && bad.name == name),
            "{name} {value}"
        );
    }
    assert!(query([("EQ_colour", "red")].into_iter()).is_err_and(|bad| !bad.is_value));
    assert!(query([("EQ_action", "ADD"), ("EQ_action", "ADD")].into_iter()).is_err_and(|bad| !bad.is_value));
    db.close().await;
}

#[tokio::test]
async fn pages_have_every_event_once_also_of_the_same_moment() {
    let db = TestDb::new().await;
    let events: Vec<Value> = (0..25).map(|n| event(&format!("a:{n:02}"), n / 10, &json!({}))).collect();
    capture_all(&db.pool, ErrorBehaviour::Proceed, &events).await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = find(&mut db.pool.acquire().await.unwrap(), ORG, &EventQuery::default(), after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(After { at: last.event_time, id: last.id });
        seen.extend(page.iter().map(id_of));
    }
    let sorted: Vec<String> = (0..25).map(|n| format!("a:{n:02}")).collect();
    assert_eq!(seen, sorted);
    db.close().await;
}

/// The declaration repeats the event; whichever comes first, both are there and the event says what declares it.
#[tokio::test]
async fn an_event_is_declared_to_be_wrong_whatever_the_order() {
    let db = TestDb::new().await;
    let declaration = json!({"declarationTime": "2026-11-02T00:00:00Z", "reason": "incorrect_data", "correctiveEventIDs": ["a:right"],
        "example:by": "Bob"});
    for (id, first) in [("a:1", true), ("a:2", false)] {
        let plain = event(id, 1, &json!({}));
        let declared = event(id, 1, &json!({"errorDeclaration": declaration}));
        let (one, other) = if first { (plain, declared) } else { (declared, plain) };
        assert_eq!(
            capture_all(&db.pool, ErrorBehaviour::Proceed, std::slice::from_ref(&one)).await,
            [Outcome::Accepted]
        );
        if !first {
            let kept = get(&mut db.pool.acquire().await.unwrap(), ORG, id).await.unwrap();
            assert!(kept.json.get().contains("errorDeclaration"), "only the declaration is there");
        }
        assert_eq!(
            capture_all(&db.pool, ErrorBehaviour::Proceed, &[other.clone(), one]).await,
            [Outcome::Accepted, Outcome::Duplicate]
        );
        let kept = get(&mut db.pool.acquire().await.unwrap(), ORG, id).await.unwrap();
        let kept: Value = serde_json::from_str(kept.json.get()).unwrap();
        assert_eq!(
            (&kept["tradeyard:declaredInError"], kept.get("errorDeclaration")),
            (&declaration, None),
            "{kept:#}"
        );
        assert_eq!(kept["@context"], json!(["https://a.example/", {"tradeyard": crate::epcis::NAMESPACE}]));
        assert_eq!(found(&db.pool, ORG, &[("EQ_eventID", id)]).await, [id, id]);
        assert_eq!(found(&db.pool, ORG, &[("EQ_eventID", id), ("EXISTS_errorDeclaration", "true")]).await, [id]);
    }
    let missing = get(&mut db.pool.acquire().await.unwrap(), OTHER, "a:1").await;
    assert!(matches!(missing, Err(EpcisError::NotFound)));
    db.close().await;
}

#[tokio::test]
async fn extensions_are_kept_word_for_word() {
    let db = TestDb::new().await;
    let text = event("a:1", 1, &json!({})).to_string();
    let text =
        text.replacen('{', r#"{"example:deep": {"a b": [1.50, "ü", null, {"x": 12345678901234567}], "": true},"#, 1);
    let raw = RawValue::from_string(text).unwrap();
    let new = judge(
        &raw,
        &[json!({"example": "https://e.example/"})],
        &Bounds::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap()),
    )
    .unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    record(&mut conn, ORG, &new).await.unwrap();
    let kept = get(&mut conn, ORG, "a:1").await.unwrap();
    assert!(kept.json.get().contains("1.50"), "{}", kept.json.get());
    let kept: Value = serde_json::from_str(kept.json.get()).unwrap();
    assert_eq!(kept["example:deep"], json!({"a b": [1.5, "ü", null, {"x": 12_345_678_901_234_567_i64}], "": true}));
    assert_eq!(kept["@context"], json!([{"example": "https://e.example/"}, "https://a.example/"]));
    assert!(kept["recordTime"].is_string());
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_month_that_is_missing_is_made_and_old_captures_go() {
    let db = TestDb::new().await;
    sqlx::raw_sql(
        "DO $$ DECLARE part regclass; BEGIN
            FOR part IN SELECT inhrelid::regclass FROM pg_inherits
                WHERE inhparent IN ('cargo_epcis_events'::regclass, 'cargo_epcis_epcs'::regclass)
            LOOP EXECUTE format('DROP TABLE %s', part); END LOOP; END $$",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    assert_eq!(
        capture_all(&db.app, ErrorBehaviour::Proceed, &[event("a:1", 1, &json!({}))]).await,
        [Outcome::Accepted]
    );
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(ensure_partitions(&mut conn, 2).await.unwrap(), 4);
    assert_eq!(prune_captures(&mut conn, 90).await.unwrap(), 0);
    sqlx::query("UPDATE cargo_epcis_captures SET created_at = created_at - interval '91 days'")
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(prune_captures(&mut conn, 90).await.unwrap(), 1);
    drop(conn);
    assert_eq!(found(&db.pool, ORG, &[]).await, ["a:1"]);
    db.close().await;
}

/// What a million rows would read: an EPC, a step and an id are looked up by an index.
#[tokio::test]
async fn events_are_found_by_indexes() {
    let db = TestDb::new().await;
    sqlx::query(
        "INSERT INTO cargo_epcis_events (event_time, org, type, action, declares_error, event_id, event)
         SELECT clock_timestamp(), $1, CASE WHEN n % 100 = 0 THEN 'ObjectEvent' ELSE 'AssociationEvent' END::cargo_epcis_type,
                'ADD'::cargo_epcis_action, false, 'urn:a:' || n, '{}'
         FROM generate_series(1, 5000) AS n",
    )
    .bind(ORG.0)
    .execute(&db.pool)
    .await
    .unwrap();
    sqlx::query("ANALYZE cargo_epcis_events").execute(&db.pool).await.unwrap();
    for (parameters, index) in [
        (&[("MATCH_epc", "urn:a:b")][..], "cargo_epcis_epcs"),
        (&[("EQ_bizStep", "shipping")][..], "cargo_epcis_events"),
        (&[("EQ_eventID", "urn:a:b")][..], "cargo_epcis_keys"),
        (&[("eventType", "ObjectEvent")][..], "type_event_time"),
        (&[("orderBy", "recordTime")][..], "recorded_at_id"),
        (&[][..], "cargo_epcis_events"),
    ] {
        let asked = query(parameters.iter().copied()).unwrap();
        let mut tx = db.pool.begin().await.unwrap();
        sqlx::raw_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            .execute(&mut *tx)
            .await
            .unwrap();
        let plan = find::explained(&mut tx, ORG, &asked).await.unwrap();
        assert!(!plan.contains("Seq Scan") && plan.contains("Index") && plan.contains(index), "{parameters:?}: {plan}");
    }
    for (statement, index) in [(known::EPCS, "cargo_epcis_epcs"), (known::BIZ_STEPS, "biz_step")] {
        let mut tx = db.pool.begin().await.unwrap();
        sqlx::raw_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            .execute(&mut *tx)
            .await
            .unwrap();
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN {statement}"));
        let plan: Vec<String> =
            sqlx::query_scalar(explain).bind(ORG.0).bind("").bind(30_i64).fetch_all(&mut *tx).await.unwrap();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan") && plan.contains("Index") && plan.contains(index), "{plan}");
    }
    db.close().await;
}

/// Of values that are in many events, each is listed once, in whatever pages; classes are not.
#[tokio::test]
async fn what_there_is_is_listed_once() {
    let db = TestDb::new().await;
    let events: Vec<Value> = (0..40)
        .map(|n| {
            let class = json!([{"epcClass": format!("urn:a:class{}", n % 3)}]);
            let step = ["shipping", "packing", "receiving"][n % 3];
            event(
                &format!("a:{n:02}"),
                n,
                &json!({"epcList": [format!("urn:a:{}", n % 7), "urn:b:all"], "quantityList": class, "bizStep": step}),
            )
        })
        .collect();
    capture_all(&db.pool, ErrorBehaviour::Proceed, &events).await;
    let mut conn = db.pool.acquire().await.unwrap();
    for page in [1, 3, 100] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let some = epcs(&mut conn, ORG, &after, page).await.unwrap();
            let Some(last) = some.last() else { break };
            after = last.clone();
            seen.extend(some);
        }
        let expected: Vec<String> = (0..7).map(|n| format!("urn:a:{n}")).chain(["urn:b:all".to_owned()]).collect();
        assert_eq!(seen, expected);
    }
    assert_eq!(biz_steps(&mut conn, ORG, "", 10).await.unwrap(), ["packing", "receiving", "shipping"]);
    assert_eq!(biz_steps(&mut conn, ORG, "packing", 1).await.unwrap(), ["receiving"]);
    assert!(epcs(&mut conn, OTHER, "", 10).await.unwrap().is_empty());
    drop(conn);
    db.close().await;
}
