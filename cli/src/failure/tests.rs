use anyhow::Context;

use super::*;

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let error = anyhow::Error::new(io::Error::from(ErrorKind::BrokenPipe)).context("write");
    assert!(nobody_reads(&error));
    assert!(!nobody_reads(&anyhow::anyhow!("other")));
}

#[test]
fn the_advice_is_found_below_its_context() {
    let error = Err::<(), _>(advised("no", "do this")).context("while at it").unwrap_err();
    assert_eq!(advice(&error).as_deref(), Some("do this"));
    assert_eq!(causes(&error), "while at it: no");
}
