use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn every_request_gets_its_own_answer_and_statements_are_shared() {
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&statements);
    let group = Group::start("test", move |inputs: Vec<u32>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            inputs.into_iter().map(|n| n * 2).collect()
        }
    });
    let asks = (0..1_000_u32).map(|n| {
        let group = group.clone();
        tokio::spawn(async move { (n, group.ask(n).await) })
    });
    for ask in futures::future::join_all(asks).await {
        let (n, answer) = ask.unwrap();
        assert_eq!(answer, Some(n * 2));
    }
    let statements = statements.load(Ordering::Relaxed);
    assert!(statements < 500, "{statements} statements for 1,000 requests: nothing was grouped");
}

#[tokio::test]
async fn a_second_statement_waits_until_it_is_worth_it() {
    let (started, mut starts) = mpsc::unbounded_channel();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opens = Arc::clone(&gate);
    let group = Group::start("test", move |inputs: Vec<()>| {
        let (started, gate) = (started.clone(), Arc::clone(&opens));
        async move {
            started.send(inputs.len()).unwrap();
            gate.acquire().await.unwrap().forget();
            inputs
        }
    });
    let ask = |count: usize| {
        let group = group.clone();
        tokio::spawn(async move { futures::future::join_all((0..count).map(|_| group.ask(()))).await })
    };
    let first = ask(1);
    assert_eq!(starts.recv().await, Some(1));
    let second = ask(ENOUGH - 1);
    tokio::time::timeout(std::time::Duration::from_millis(50), starts.recv()).await.unwrap_err();
    let third = ask(1);
    assert_eq!(starts.recv().await, Some(ENOUGH), "worth a statement beside the first");
    let fourth = ask(3);
    gate.add_permits(2);
    assert_eq!(starts.recv().await, Some(3), "a lone few go as soon as nothing else is under way");
    gate.add_permits(1);
    for asked in [first, second, third, fourth] {
        assert!(asked.await.unwrap().iter().all(Option::is_some));
    }
}

#[tokio::test]
async fn no_statement_has_more_than_the_most() {
    let largest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&largest);
    let group = Group::of_at_most(7, "test", move |inputs: Vec<u32>| {
        seen.fetch_max(inputs.len(), Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            inputs
        }
    });
    let asks = (0..100_u32).map(|n| {
        let group = group.clone();
        async move { assert_eq!(group.ask(n).await, Some(n)) }
    });
    futures::future::join_all(asks).await;
    assert_eq!(largest.load(Ordering::Relaxed), 7);
}
