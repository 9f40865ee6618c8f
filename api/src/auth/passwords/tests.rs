use axum::http::StatusCode;

use super::*;

#[tokio::test]
async fn an_outdated_hash_comes_back_new() {
    let passwords = Passwords::new(5);
    let old = password::hash("correct horse battery", 4).unwrap();
    let (fits, new) = passwords.verify("correct horse battery".to_owned().into(), Some(old.clone())).await.unwrap();
    assert!(fits);
    assert!(!password::is_outdated(&new.unwrap(), 5));
    assert_eq!(passwords.verify("wrong".to_owned().into(), Some(old)).await.unwrap(), (false, None));
    assert_eq!(passwords.verify("wrong".to_owned().into(), None).await.unwrap(), (false, None));
}

#[tokio::test]
async fn an_overloaded_pool_says_come_back_and_registrations_leave_logins_alone() {
    let none = Arc::new(Semaphore::new(0));
    let passwords = Passwords { new_turns: none, max_wait: Duration::ZERO, ..Passwords::new(4) };
    let problem = passwords.hash("correct horse battery".to_owned().into()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert_eq!(passwords.verify("wrong".to_owned().into(), None).await.unwrap(), (false, None));
}
