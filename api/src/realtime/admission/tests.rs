use std::cell::RefCell;
use std::task::Poll;

use axum::http::StatusCode;
use futures::future::join_all;
use futures::poll;

use super::*;
use crate::testing::socket::PATIENCE;

/// Whoever is second waits for longer than any test takes.
fn slow() -> Admission {
    Admission { apart: Duration::from_hours(1), ..Admission::new(1, 1) }
}

/// More than go at once where they come in 10 ms apart.
const PEOPLE: usize = 30;

fn refused(problem: &Problem) {
    assert_eq!((problem.status(), problem.code()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
}

#[tokio::test]
async fn whoever_comes_in_a_quiet_moment_waits_for_nothing_and_the_next_does() {
    let admission = slow();
    let mut first = Box::pin(admission.enter(UserId::generate()));
    assert!(matches!(poll!(&mut first), Poll::Ready(Ok(()))));
    let mut second = Box::pin(admission.enter(UserId::generate()));
    assert!(poll!(&mut second).is_pending());
}

#[tokio::test]
async fn those_who_wait_are_let_in_in_their_order() {
    let admission = Admission::new(100, 1);
    let order = RefCell::new(Vec::new());
    let come = |number: usize| {
        let (admission, order) = (&admission, &order);
        async move {
            admission.enter(UserId::generate()).await.unwrap();
            order.borrow_mut().push(number);
        }
    };
    join_all((0..PEOPLE).map(come)).await;
    assert_eq!(order.borrow().as_slice(), (0..PEOPLE).collect::<Vec<_>>());
    let line = admission.line();
    assert_eq!((line.length, line.of.len()), (0, 0), "everybody is forgotten");
}

#[tokio::test]
async fn whoever_leaves_gives_the_turn_to_the_next() {
    let admission = slow();
    let mut next = admission.next.lock().await;
    let mut leaves = Box::pin(admission.enter(UserId::generate()));
    let mut stays = Box::pin(admission.enter(UserId::generate()));
    assert!(poll!(&mut leaves).is_pending() && poll!(&mut stays).is_pending());
    drop(leaves);
    *next = Instant::now();
    drop(next);
    tokio::time::timeout(PATIENCE, stays).await.expect("the turn is not lost").unwrap();
    let mut third = Box::pin(admission.enter(UserId::generate()));
    assert!(poll!(&mut third).is_pending(), "it was one turn");
}

#[tokio::test]
async fn a_line_has_an_end() {
    let admission = Admission { most: 3, ..slow() };
    admission.enter(UserId::generate()).await.unwrap();
    let mut line: Vec<_> = (0..3).map(|_| Box::pin(admission.enter(UserId::generate()))).collect();
    for place in &mut line {
        assert!(poll!(place).is_pending());
    }
    refused(&admission.enter(UserId::generate()).await.unwrap_err());
    line.pop();
    let mut other = Box::pin(admission.enter(UserId::generate()));
    assert!(poll!(&mut other).is_pending(), "there is room again");
}

#[tokio::test]
async fn nobody_fills_the_line_alone() {
    let admission = Admission { most: 100, ..slow() };
    let ann = UserId::generate();
    admission.enter(ann).await.unwrap();
    let mut line: Vec<_> = (0..MAX_SOCKETS).map(|_| Box::pin(admission.enter(ann))).collect();
    for place in &mut line {
        assert!(poll!(place).is_pending());
    }
    refused(&admission.enter(ann).await.unwrap_err());
    let mut bob = Box::pin(admission.enter(UserId::generate()));
    assert!(poll!(&mut bob).is_pending());
}

#[tokio::test]
async fn a_few_look_at_once_and_the_others_in_turn() {
    let admission = Admission::new(1, 8);
    let (one, _two) = (admission.look().await.unwrap(), admission.look().await.unwrap());
    let mut three = Box::pin(admission.look());
    assert!(poll!(&mut three).is_pending());
    drop(one);
    assert!(poll!(&mut three).is_ready());
    drop(Admission::new(1, 1).look().await.expect("with one connection, too"));
}
