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

/// The example that the standard's own libraries are tested with.
fn example() -> (Sent, SecretString) {
    let sent = Sent {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
        timestamp: "1614265330".to_owned(),
        signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(),
        body: r#"{"test": 2432232314}"#.into(),
    };
    (sent, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into())
}

#[test]
fn a_signature_is_checked_as_the_standard_says() {
    let (good, secret) = example();
    assert!(good.is_signed_with(&secret));
    let among = Sent { signature: format!("v1a,AAAA v1,AAAA {}", good.signature), ..good.clone() };
    assert!(among.is_signed_with(&secret));
    for wrong in [
        Sent { id: "msg_2".to_owned(), ..good.clone() },
        Sent { timestamp: "1614265331".to_owned(), ..good.clone() },
        Sent { body: "{}".into(), ..good.clone() },
        Sent { signature: String::new(), ..good.clone() },
        Sent { signature: good.signature.replace("v1,", "v2,"), ..good.clone() },
    ] {
        assert!(!wrong.is_signed_with(&secret), "{wrong:?}");
    }
    for other in ["whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???", ""] {
        assert!(!good.is_signed_with(&other.into()), "{other}");
    }
}

#[tokio::test]
async fn a_receiver_with_secrets_takes_what_is_signed_with_one_of_them_alone() {
    let stop = CancellationToken::new();
    let receiver = Receiver::start((Ipv4Addr::LOCALHOST, 0).into(), stop.clone()).await.unwrap();
    let (good, secret) = example();
    let client = reqwest::Client::new();
    let send = async |signature: &str| {
        let request = client.post(receiver.url()).header("webhook-id", &good.id);
        let request = request.header("webhook-timestamp", &good.timestamp).header("webhook-signature", signature);
        request.body(good.body.clone()).send().await.unwrap().status().as_u16()
    };
    receiver.take_signed_with([]);
    assert_eq!(send(&good.signature).await, 401);
    receiver.take_signed_with(["whsec_AAAA".into(), secret]);
    assert_eq!((send("v1,AAAA").await, send(&good.signature).await), (401, 200));
    assert_eq!(receiver.sent(), std::slice::from_ref(&good));
    stop.cancel();
    receiver.stopped().await.unwrap();
}
