use super::*;

#[test]
fn durations() {
    let secs = |text| duration(text).map(|d| d.as_secs_f64());
    assert_eq!(secs("90s"), Ok(90.0));
    assert_eq!(secs("1h30m"), Ok(5_400.0));
    assert_eq!(secs("250ms"), Ok(0.25));
    for bad in [
        "",
        "h",
        "5",
        "5x",
        "-5s",
        "1.5h",
        "99999999999999999999s",
        "9999999999999999999d",
        "99999999999d",
        "40000d",
        "5s x",
    ] {
        assert!(secs(bad).is_err(), "{bad}");
    }
}

#[test]
fn times() {
    assert_eq!(past("2h"), Ok(When::Ago(Duration::from_hours(2))));
    assert!(
        matches!(past("2026-05-01T12:00:00+02:00"), Ok(When::At(at)) if at.to_rfc3339().starts_with("2026-05-01T10"))
    );
    assert!(past("yesterday").is_err());
}
