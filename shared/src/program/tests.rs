use std::sync::Arc;

use super::*;

#[tokio::test]
async fn a_program_is_not_ready_before_its_parts_have_begun() {
    let health = Health::default();
    assert_eq!(health.ready().await, Err("it is starting".to_owned()));
    health.add_details(Arc::new(|| Box::pin(async { Vec::new() })));
    assert_eq!(health.ready().await, Ok(()), "the API has details alone");
    health.add(Arc::new(|| Box::pin(async { Err("no broker".to_owned()) })));
    assert_eq!(health.ready().await, Err("no broker".to_owned()));
}
