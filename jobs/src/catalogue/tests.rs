use queue::schedule::store::{Declarations, NEXT};

/// Every schedule of the product with its next five fire times, from the night on which Berlin's
/// clocks go back.
#[test]
fn the_products_own_schedules() {
    let registry = crate::registry().unwrap();
    let declarations = Declarations::of(&registry).unwrap();
    assert_eq!(declarations.names().count(), registry.iter().map(|info| info.schedules.len()).sum::<usize>());
    let mut lines = Vec::new();
    for info in &registry {
        for schedule in info.schedules {
            let (expression, zone, misfire) = (schedule.expression(), schedule.zone.name(), schedule.misfire);
            lines.push(format!("{} → {}: {expression} ({zone}, {misfire})", schedule.name, info.kind));
            let times = schedule.timetable().unwrap();
            let next = times.upcoming("2030-10-26T22:00:00Z".parse().unwrap()).take(NEXT);
            lines.extend(next.map(|time| format!("  {}", time.format("%F %TZ"))));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
