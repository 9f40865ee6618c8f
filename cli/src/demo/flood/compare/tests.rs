use super::*;

#[test]
fn a_figure_that_differs_is_marked() {
    let line = |found| Line { name: "in the log, each once", expected: 7, found };
    let figures =
        Figures { lines: vec![line(7), line(8)], sent_per_s: 5.0, stored_per_s: 4.0, tag: "flood-1".to_owned() };
    let text = figures.text();
    let marked: Vec<_> = text.lines().filter(|line| line.ends_with("DIFFERS")).collect();
    assert_eq!(marked.len(), 1, "{text}");
    assert!(marked[0].contains('8'), "{text}");
    assert!(figures.lines[0].holds() && !figures.lines[1].holds());
}
