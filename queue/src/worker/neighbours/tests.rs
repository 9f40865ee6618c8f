use super::*;

#[test]
fn a_process_has_ended_when_it_is_gone_or_only_its_record_is_left() {
    assert!(place().is_some());
    assert!(!has_ended(i32::try_from(std::process::id()).unwrap()));
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    assert!(!has_ended(pid));
    child.kill().unwrap();
    while !has_ended(pid) {
        std::thread::yield_now();
    }
    child.wait().unwrap();
    assert!(has_ended(pid));
}
