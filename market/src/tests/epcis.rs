//! EPCIS events.

use super::Breach;

/// An event with these values for its id, its type and action, whether it is a declaration, its corrections and its content.
fn event(id: &str, kind: &str, declares: bool, corrective: &str, content: &str) -> String {
    format!(
        "INSERT INTO cargo_epcis_events (event_time, org, event_id, type, action, declares_error, corrective_ids, event, biz_step)
         VALUES (now(), '00000000-0000-0000-0000-000000000007', {id}, {kind}, {declares}, {corrective}, {content}"
    )
}

pub(super) fn breaches() -> Vec<Breach> {
    let object = "'ObjectEvent', 'ADD'";
    let one = format!("{}, 'shipping')", event("'urn:a:1'", object, false, "'{}'", "'{}'"));
    let epc = |epc: &str| {
        format!(
            "INSERT INTO cargo_epcis_epcs (event, recorded_at, org, role, epc)
             VALUES (1, now(), gen_random_uuid(), 'epc', {epc})"
        )
    };
    let capture = |values: &str| {
        format!(
            "INSERT INTO cargo_epcis_captures (id, org, created_at, error_behaviour, verdicts)
             VALUES (gen_random_uuid(), gen_random_uuid(), {values})"
        )
    };
    vec![
        ("cargo_epcis_keys_once", format!("{one}; {one}")),
        (
            "cargo_epcis_events_action_by_type",
            format!("{}, NULL)", event("'a:b'", "'ObjectEvent', NULL", false, "'{}'", "'{}'")),
        ),
        (
            "cargo_epcis_events_action_by_type",
            format!("{}, NULL)", event("'a:b'", "'TransformationEvent', 'ADD'", false, "'{}'", "'{}'")),
        ),
        (
            "cargo_epcis_events_corrected_by_declaration",
            format!("{}, NULL)", event("'a:b'", object, false, "'{a:c}'", "'{}'")),
        ),
        ("cargo_epcis_events_event_id_length", format!("{}, NULL)", event("''", object, false, "'{}'", "'{}'"))),
        (
            "cargo_epcis_events_event_id_length",
            format!("{}, NULL)", event("repeat('a', 1025)", object, false, "'{}'", "'{}'")),
        ),
        ("cargo_epcis_events_event_object", format!("{}, NULL)", event("'a:b'", object, true, "'{a:c}'", "'[]'"))),
        (
            "cargo_epcis_events_words_length",
            format!("{}, repeat('a', 1025))", event("'a:b'", object, false, "'{}'", "'{}'")),
        ),
        ("cargo_epcis_epcs_epc_length", epc("''")),
        ("cargo_epcis_epcs_epc_length", epc("repeat('a', 1025)")),
        ("cargo_epcis_captures_finished_after_created", capture("now() + interval '1 hour', 'proceed', '[]'")),
        ("cargo_epcis_captures_verdicts_array", capture("now(), 'rollback', '{}'")),
        ("cargo_epcis_events_append_only", format!("{one}; DELETE FROM cargo_epcis_events")),
        ("cargo_epcis_events_append_only", format!("{one}; UPDATE cargo_epcis_events SET event = '{{}}'")),
        ("cargo_epcis_keys_append_only", format!("{one}; DELETE FROM cargo_epcis_keys")),
        ("cargo_epcis_epcs_append_only", format!("{}; UPDATE cargo_epcis_epcs SET epc = 'a:b'", epc("'a:c'"))),
    ]
}
