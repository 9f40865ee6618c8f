use axum::http::Request;
use futures::poll;
use tokio::time::timeout;

use super::*;
use crate::testing::TestApi;
use crate::testing::socket::{PATIENCE, wait_in_line};

#[tokio::test]
async fn those_who_wait_for_a_ticket_do_not_hold_up_a_server_that_stops() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let line = wait_in_line(&api, 1).await;
    let request = Request::builder().header(header::AUTHORIZATION, format!("Bearer {}", ann.access)).body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    let mut turn = Box::pin(Turn::from_request_parts(&mut parts, &api.state));
    assert!(poll!(&mut turn).is_pending());
    api.state.shutdown.cancel();
    let refused = timeout(PATIENCE, turn).await.expect("an answer").unwrap_err();
    assert_eq!((refused.status(), refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    drop(line);
    api.close().await;
}
