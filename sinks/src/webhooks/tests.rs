use std::net::Ipv4Addr;

use super::*;

#[tokio::test]
async fn webhooks_are_kept_and_answered_as_said() {
    let stop = CancellationToken::new();
    let receiver = Receiver::start((Ipv4Addr::LOCALHOST, 0).into(), stop.clone()).await.unwrap();
    receiver.reply([Reply::Status(503), Reply::Redirect("http://127.0.0.1:1/".to_owned())]);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for (id, status) in [("a", 503), ("a", 307), ("b", 200)] {
        let answer = client.post(receiver.url()).header("webhook-id", id).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let sent = receiver.wait_for(Duration::from_secs(10), 3).await.unwrap();
    assert!(sent[2].id == "b" && sent[2].body == "{}" && sent[2].signature.is_empty(), "{sent:?}");
    assert_eq!(receiver.counts(), (3, 2));
    assert!(receiver.wait_for(Duration::from_millis(1), 4).await.is_err());
    stop.cancel();
    receiver.stopped().await.unwrap();
}
