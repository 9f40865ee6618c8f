//! People who have not verified their address, against everything that changes something.

use reqwest::Method;
use serde_json::json;

use super::super::{filled, operations};
use crate::openapi::problems::WITHOUT_ADDRESS;
use crate::testing::TestApi;

#[tokio::test]
async fn nobody_acts_without_a_verified_address() {
    let api = TestApi::new().await;
    let stranger = api.unverified("Stranger").await;
    // Not even with a role that they should not have.
    sqlx::query("UPDATE users SET platform_role = 'admin' WHERE id = $1")
        .bind(stranger.id)
        .execute(&api.db.pool)
        .await
        .unwrap();
    let mut acts = 0;
    for (path, method, open) in operations() {
        if open || method.is_safe() || WITHOUT_ADDRESS.contains(&format!("{method} {path}").as_str()) {
            continue;
        }
        acts += 1;
        api.call(Some(&stranger), method, &filled(&path), json!({})).await.refused(403, "email_unverified");
    }
    assert!(acts > 40, "the document has {acts} acts");
    api.get(Some(&stranger), "/v1/admin/users").await.refused(403, "role_too_low");
    // Logging out comes last.
    for operation in WITHOUT_ADDRESS {
        let (method, path) = operation.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        assert!(operations().contains(&(path.to_owned(), method.clone(), false)), "{operation}");
        let answer = api.call(Some(&stranger), method, &filled(path), json!({})).await;
        assert!(answer.status.is_success() || answer.status == 404, "{operation}: {answer:?}");
    }
    api.close().await;
}
