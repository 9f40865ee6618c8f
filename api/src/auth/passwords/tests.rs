use axum::http::StatusCode;
use futures::poll;
use reqwest::Method;
use serde_json::json;

use super::*;
use crate::testing::socket::PATIENCE;
use crate::testing::{PASSWORD, TestApi};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

async fn verify(passwords: &Passwords, password: &str, hash: Option<String>) -> (bool, Option<String>) {
    passwords.turn(HERE).await.unwrap().verify(secret(password), hash).await.unwrap()
}

fn refused(problem: &Problem) {
    assert_eq!((problem.status(), problem.code()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
}

#[tokio::test]
async fn an_outdated_hash_comes_back_new() {
    let passwords = Passwords::new(5);
    let old = password::hash("correct horse battery", 4).unwrap();
    let (fits, new) = verify(&passwords, "correct horse battery", Some(old.clone())).await;
    assert!(fits);
    assert!(!password::is_outdated(&new.unwrap(), 5));
    assert_eq!(verify(&passwords, "wrong", Some(old)).await, (false, None));
    assert_eq!(verify(&passwords, "wrong", None).await, (false, None));
}

#[tokio::test]
async fn an_overloaded_pool_says_come_back_and_registrations_leave_logins_alone() {
    let none = Turns { max_wait: Duration::ZERO, ..Turns::new(0) };
    let passwords = Passwords { new_turns: none, ..Passwords::new(4) };
    refused(&passwords.hash(HERE, secret("correct horse battery")).await.unwrap_err());
    assert_eq!(verify(&passwords, "wrong", None).await, (false, None));
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

#[tokio::test]
async fn who_is_told_to_come_back_or_leaves_before_the_turn_is_not_counted_as_a_failure() {
    let api = TestApi::new().await;
    let ann = api.unverified("Ann").await;
    let counts = "SELECT count(*) FROM login_throttle WHERE failures > 0";
    let counts = async || -> i64 { sqlx::query_scalar(counts).fetch_one(&api.db.pool).await.unwrap() };
    let before = counts().await;
    let turns = &api.state.passwords.turns;
    // All turns are taken by others, so that whoever comes has to wait.
    let all =
        turns.all.clone().acquire_many_owned(u32::try_from(turns.all.available_permits()).unwrap()).await.unwrap();
    let here = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let waiting = || turns.places.lock().unwrap().get(&here).map_or(0, |place| place.requests);
    let wait_until = async |number: usize| {
        let until = async {
            while waiting() != number {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, until).await.expect("the line has that length");
    };
    let login = |password: &str| {
        let request = api.request(Method::POST, "/v1/auth/login");
        request.json(&json!({"email": ann.email, "password": password}))
    };
    let leaves = tokio::spawn(login(PASSWORD).send());
    wait_until(1).await;
    leaves.abort();
    wait_until(0).await;
    let mut line: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(turns.take(here))).collect();
    for request in &mut line {
        assert!(poll!(request).is_pending());
    }
    for _ in 0..6 {
        api.send(login(PASSWORD)).await.refused(503, "busy");
    }
    assert_eq!(counts().await, before);
    drop(line);
    drop(all);
    api.send(login("guessed it")).await.refused(401, "invalid_credentials");
    assert!(counts().await > before, "what is judged counts");
    api.login(&ann.email).await;
    api.close().await;
}
