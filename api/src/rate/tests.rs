use std::time::Duration;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;
use shared::testing::{NetworkFault, Proxy, server};

use super::*;
use crate::testing::{Answer, TestApi, redis_url};

const LIMITS: [(&str, &str); 5] = [
    ("RATE_LIMIT_ANONYMOUS", "6"),
    ("RATE_LIMIT_USER", "12"),
    ("RATE_LIMIT_STANDARD", "15"),
    ("RATE_LIMIT_PRO", "18"),
    ("RATE_LIMIT_PARTNER", "20"),
];

/// Tier, limit, and what is left.
fn limits(answer: &Answer) -> (String, u32, u32) {
    let text = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
    let (policy, limit) = (text("ratelimit-policy"), text("ratelimit"));
    let number = |text: &str, name: &str| {
        let part = text.split(';').find_map(|part| part.strip_prefix(name)).unwrap();
        part.parse::<u32>().unwrap()
    };
    assert_eq!(number(&policy, "w="), 3600);
    assert!((1..=3600).contains(&number(&limit, "t=")), "{limit}");
    let name = policy.split(';').next().unwrap().trim_matches('"').to_owned();
    assert!(limit.starts_with(&format!("\"{name}\";")), "{policy} {limit}");
    (name, number(&policy, "q="), number(&limit, "r="))
}

async fn tiers_have_their_limits(api: TestApi) {
    // Registering and logging in takes two.
    let ann = api.person("Ann").await;
    let (admin, org) = (api.admin().await, api.pending_org(&ann, "Ann Farm").await);
    let answer = api.get(None, "/v1/categories").await;
    assert_eq!(limits(&answer), ("anonymous".to_owned(), 6, 2));
    // A token that is not good is nobody's.
    let bad = api.request(Method::GET, "/v1/me").bearer_auth("nonsense");
    assert_eq!(limits(&api.send(bad).await.refused(401, "token_invalid")), ("anonymous".to_owned(), 6, 1));
    api.get(None, "/nowhere").await.refused(404, "not_found");
    let refused = api.get(None, "/v1/categories").await.refused(429, "rate_limited");
    assert_eq!(limits(&refused), ("anonymous".to_owned(), 6, 0));
    let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    // Webhooks come on their own account, whatever else their address has asked, and whoever's token they bring.
    let hook = || api.request(Method::POST, "/v1/webhooks/simulator").json(&json!({}));
    let answer = api.send(hook()).await.refused(403, "invalid_signature");
    assert_eq!(limits(&answer), ("webhook".to_owned(), 20, 19));
    let answer = api.send(hook().bearer_auth(&ann.access)).await;
    assert_eq!(limits(&answer), ("webhook".to_owned(), 20, 18));
    // Whoever looks after it must see how it is.
    for path in ["/healthz", "/readyz"] {
        let answer = api.get(None, path).await;
        assert!(answer.status.is_success() && !answer.headers.contains_key("ratelimit"), "{answer:?}");
    }

    // People have their own count, whatever their address has used up.
    assert_eq!(limits(&api.get(Some(&ann), "/v1/me").await), ("user".to_owned(), 12, 10));
    while limits(&api.get(Some(&ann), "/v1/me").await).2 > 0 {}
    api.get(Some(&ann), "/v1/me").await.refused(429, "rate_limited");
    // Staff is a partner from the first request on.
    assert_eq!(limits(&api.get(Some(&admin), "/v1/me").await), ("partner".to_owned(), 20, 19));
    api.post(Some(&admin), &format!("/v1/orgs/{org}/approve"), json!({})).await.ok();
    // The best plan counts: another organisation on the free one takes nothing away.
    let mut conn = api.db.pool.acquire().await.unwrap();
    let other = market::testing::trader(&mut conn).await.org;
    sqlx::query("INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, 'viewer')")
        .bind(other)
        .bind(ann.id)
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    for (plan, limit) in [("standard", 15), ("pro", 18), ("partner", 20)] {
        sqlx::query("UPDATE orgs SET plan = $2 WHERE id = $1")
            .bind(org)
            .bind(plan)
            .execute(&api.db.pool)
            .await
            .unwrap();
        // It is looked at again after a while; here at once.
        api.state.rate.0.known.lock().unwrap().clear();
        let answer = api.get(Some(&ann), "/v1/me").await;
        let (tier, most, _) = limits(&answer);
        assert_eq!((tier.as_str(), most), (plan, limit), "{answer:?}");
        while limits(&api.get(Some(&ann), "/v1/me").await).2 > 0 {}
        api.get(Some(&ann), "/v1/me").await.refused(429, "rate_limited");
    }
    api.close().await;
}

/// Tracking numbers are open to everybody, but not to whoever tries them out.
#[tokio::test]
async fn whoever_guesses_tracking_numbers_is_stopped_soon() {
    let api = TestApi::with(&LIMITS).await;
    for number in 0..6 {
        api.get(None, &format!("/v1/track/TY{number:014}")).await.refused(404, "not_found");
    }
    let refused = api.get(None, "/v1/track/TY00000000000006").await.refused(429, "rate_limited");
    assert_eq!(limits(&refused), ("anonymous".to_owned(), 6, 0));
    api.close().await;
}

#[tokio::test]
async fn tiers_have_their_limits_without_redis() {
    tiers_have_their_limits(TestApi::with(&LIMITS).await).await;
}

#[tokio::test]
async fn tiers_have_their_limits_in_redis() {
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let url = redis_url();
    let settings: Vec<_> =
        LIMITS.into_iter().chain([("REDIS_URL", url.as_str()), ("NAMESPACE", namespace.as_str())]).collect();
    tiers_have_their_limits(TestApi::with(&settings).await).await;
}

/// Waits until both count in Redis. The first call connects, which may take longer than a request waits: until then each counts for
/// itself.
async fn connected(one: &Counter, two: &Counter) {
    loop {
        let mut counts = Vec::new();
        for counter in [one, two, one, two] {
            counts.push(counter.take("a", 99).await.count);
        }
        if counts.windows(2).all(|pair| pair[1] == pair[0] + 1) {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn processes_share_a_count_in_redis_and_do_without_it() {
    let (proxy, url) = Proxy::before(&server("REDIS_URL")).await.unwrap();
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let start = || Counter::start(Some(&SecretString::from(url.clone())), &namespace).unwrap();
    let (one, two) = (start(), start());
    connected(&one, &two).await;
    // A Redis that says nothing costs a request a moment, and then no request anything.
    proxy.set(NetworkFault::Silence);
    let alone = tokio::time::timeout(Duration::from_secs(5), one.take("b", 99)).await.unwrap();
    assert_eq!(alone.count, 1);
    assert_eq!(one.take("b", 99).await.count, 2);
    proxy.set(NetworkFault::None);
    proxy.cut();
}

#[tokio::test]
async fn a_caller_has_no_more_than_a_hundredth_more_with_each_process() {
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let start = || Counter::start(Some(&SecretString::from(redis_url())), &namespace).unwrap();
    let (one, two) = (start(), start());
    connected(&one, &two).await;
    for _ in 0..100 {
        one.take("b", 1_000).await;
        two.take("b", 1_000).await;
    }
    let known = one.take("b", 0).await.count;
    assert!((191..=201).contains(&known), "{known} of 201");
}

#[test]
fn an_address_of_a_network_is_counted_as_the_network() {
    for (address, counted) in [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ] {
        assert_eq!(store::network(address.parse().unwrap()).to_string(), counted);
    }
}
