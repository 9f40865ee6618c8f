use axum::http::StatusCode;
use futures::poll;

use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn refused(problem: &Problem) {
    assert_eq!((problem.status(), problem.code()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
}

#[tokio::test]
async fn an_outdated_hash_comes_back_new() {
    let passwords = Passwords::new(5);
    let old = password::hash("correct horse battery", 4).unwrap();
    let (fits, new) = passwords.verify(HERE, secret("correct horse battery"), Some(old.clone())).await.unwrap();
    assert!(fits);
    assert!(!password::is_outdated(&new.unwrap(), 5));
    assert_eq!(passwords.verify(HERE, secret("wrong"), Some(old)).await.unwrap(), (false, None));
    assert_eq!(passwords.verify(HERE, secret("wrong"), None).await.unwrap(), (false, None));
}

#[tokio::test]
async fn an_overloaded_pool_says_come_back_and_registrations_leave_logins_alone() {
    let none = Turns { max_wait: Duration::ZERO, ..Turns::new(0) };
    let passwords = Passwords { new_turns: none, ..Passwords::new(4) };
    refused(&passwords.hash(HERE, secret("correct horse battery")).await.unwrap_err());
    assert_eq!(passwords.verify(HERE, secret("wrong"), None).await.unwrap(), (false, None));
}

#[tokio::test]
async fn a_burst_from_one_place_queues_behind_itself() {
    let turns = Turns::new(1);
    let first = turns.take(HERE).await.unwrap();
    let mut burst: Vec<_> = (1..MOST_WAITING).map(|_| Box::pin(turns.take(HERE))).collect();
    for request in &mut burst {
        assert!(poll!(request).is_pending());
    }
    let mut login = Box::pin(turns.take(THERE));
    assert!(poll!(&mut login).is_pending());
    drop(first);
    for request in &mut burst {
        assert!(poll!(request).is_pending(), "the other place is next");
    }
    let std::task::Poll::Ready(turn) = poll!(&mut login) else { panic!("the login waits behind the burst") };
    drop(turn.unwrap());
    // The burst goes on, one by one.
    for request in burst {
        drop(request.await.unwrap());
    }
    assert!(turns.places.lock().unwrap().is_empty(), "places are forgotten");
}

#[tokio::test]
async fn a_place_has_so_many_requests_in_line() {
    let turns = Turns::new(1);
    let first = turns.take(HERE).await.unwrap();
    let mut burst: Vec<_> = (1..MOST_WAITING).map(|_| Box::pin(turns.take(HERE))).collect();
    for request in &mut burst {
        assert!(poll!(request).is_pending());
    }
    refused(&turns.take(HERE).await.unwrap_err());
    drop(first);
    drop(burst);
    turns.take(HERE).await.unwrap();
}
