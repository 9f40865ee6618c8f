use super::*;

#[test]
fn a_traceparent_survives_its_text() {
    let trace = TraceParent::generate();
    assert_eq!(trace.to_string().parse(), Ok(trace));
}

#[test]
fn attempts_have_spans_of_their_own_that_never_change() {
    let trace = TraceParent { trace_id: 7, span_id: 9 };
    let mut spans = std::collections::HashSet::new();
    for (job, epoch) in (1..1_000).flat_map(|job| (1..10).map(move |epoch| (job, epoch))) {
        let attempt = trace.attempt(job, epoch);
        assert_eq!((attempt, attempt.trace_id), (trace.attempt(job, epoch), 7));
        assert!(spans.insert(attempt.span_id), "job {job}, epoch {epoch}");
    }
    let created = DateTime::UNIX_EPOCH;
    assert_eq!(TraceParent::of_job(5, created), TraceParent::of_job(5, created));
    assert_ne!(TraceParent::of_job(5, created).trace_id, TraceParent::of_job(6, created).trace_id);
}

#[test]
fn anything_else_is_refused() {
    for text in [
        "",
        "00",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "00-é-b7ad6b7169203331-01",
    ] {
        assert_eq!(text.parse::<TraceParent>(), Err(InvalidTraceParent), "{text}");
    }
}
