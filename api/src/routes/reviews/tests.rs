use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::escrow::tests::TestSale;
use crate::testing::{Answer, Person};

impl TestSale {
    /// An order that is completed.
    async fn completed() -> Self {
        let sale = Self::new().await;
        sale.paid().await;
        sale.act(&sale.ann, "ship").await.ok();
        sale.act(&sale.bob, "receive").await.ok();
        sale.act(&sale.bob, "accept").await.ok();
        sale
    }

    async fn review(&self, who: &Person, stars: i64, text: &str) -> Answer {
        let body = json!({"stars": stars, "text": text});
        self.api.call(Some(who), Method::PUT, &format!("/v1/orders/{}/review", self.order), body).await
    }

    /// What this person's organisation reads of the order's reviews.
    async fn reviews(&self, who: &Person) -> Vec<Value> {
        let list = self.api.get(Some(who), &format!("/v1/orders/{}/reviews", self.order)).await.ok();
        list["items"].as_array().unwrap().clone()
    }

    /// What everybody reads about the seller.
    async fn public(&self, path: &str) -> Value {
        self.api.get(None, &format!("/v1/orgs/{}/{path}", self.seller().org)).await.ok()
    }
}

#[tokio::test]
async fn both_sides_write_blindly_and_then_everybody_reads_it() {
    let sale = TestSale::completed().await;
    let (ann, bob) = (&sale.ann, &sale.bob);
    sale.review(&sale.eve, 1, "I was not there.").await.refused(404, "not_found");
    let first = sale.review(bob, 3, "So so.").await.ok();
    assert_eq!((&first["stars"], &first["side"], first.get("shown_at")), (&json!(3), &json!("buyer"), None));
    assert_eq!(sale.jobs("reviews.show").await, 1);
    let changed = sale.review(bob, 4, "Better than I thought.").await.ok();
    assert_eq!((&changed["id"], &changed["stars"]), (&first["id"], &json!(4)));
    assert_eq!((sale.jobs("reviews.show").await, sale.reviews(bob).await.len()), (1, 1));

    // Nobody else reads it.
    assert_eq!(sale.reviews(ann).await, [] as [Value; 0]);
    assert_eq!(sale.public("reviews").await["items"], json!([]));
    assert_eq!(sale.public("profile").await["rating"], json!({"reviews": 0}));
    let review = format!("/v1/reviews/{}", first["id"].as_str().unwrap());
    let thanks = json!({"text": "Thank you."});
    sale.api.post(Some(ann), &format!("{review}/answer"), thanks.clone()).await.refused(404, "not_found");
    sale.api.post(Some(ann), &format!("{review}/reports"), json!({"reason": "spam"})).await.refused(404, "not_found");

    sale.review(ann, 5, "Pays at once.").await.ok();
    assert_eq!((sale.reviews(ann).await.len(), sale.reviews(bob).await.len()), (2, 2));
    sale.review(bob, 1, "I have changed my mind.").await.refused(409, "review_shown");
    let profile = sale.public("profile").await;
    assert_eq!(profile["rating"], json!({"reviews": 1, "average_hundredths": 400}));
    let shown = sale.public("reviews").await["items"][0].clone();
    assert_eq!((&shown["text"], &shown["author_name"]), (&json!("Better than I thought."), &json!("Bob Farm")));
    assert!(shown.get("order").is_none(), "{shown}");
    let mailed = "SELECT count(*) FROM emails WHERE template = 'review_shown'";
    let mailed: i64 = sqlx::query_scalar(mailed).fetch_one(&sale.api.db.pool).await.unwrap();
    assert_eq!(mailed, 2);

    // Whom it is about answers once.
    sale.api.post(Some(bob), &format!("{review}/answer"), thanks.clone()).await.refused(404, "not_found");
    let answered = sale.api.post(Some(ann), &format!("{review}/answer"), thanks.clone()).await.ok();
    assert_eq!(answered["answer"]["text"], "Thank you.");
    sale.api.post(Some(ann), &format!("{review}/answer"), thanks).await.refused(409, "review_answered");
    assert_eq!(sale.public("reviews").await["items"][0]["answer"]["text"], "Thank you.");
    sale.api.close().await;
}

#[tokio::test]
async fn nobody_reviews_what_is_not_completed_or_with_nothing_to_say() {
    let sale = TestSale::new().await;
    sale.review(&sale.bob, 5, "I expect the best.").await.refused(409, "not_completed");
    sale.paid().await;
    sale.act(&sale.ann, "ship").await.ok();
    sale.act(&sale.bob, "receive").await.ok();
    sale.review(&sale.bob, 5, "It is here.").await.refused(409, "not_completed");
    sale.act(&sale.bob, "accept").await.ok();
    for (stars, text, pointer) in [(0, "a", "/stars"), (6, "a", "/stars"), (5, "", "/text")] {
        let refused = sale.review(&sale.bob, stars, text).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    sale.review(&sale.bob, 5, &"x".repeat(2_001)).await.refused(422, "invalid_value");
    sale.review(&sale.bob, 5, &"x".repeat(2_000)).await.ok();
    sale.api.close().await;
}

#[tokio::test]
async fn a_moderator_hides_what_was_reported_and_it_counts_no_more() {
    let sale = TestSale::completed().await;
    let written = sale.review(&sale.bob, 1, "Ann lives at 5 Mill Lane.").await.ok();
    sale.review(&sale.ann, 5, "Fine.").await.ok();
    let review = format!("/v1/reviews/{}/reports", written["id"].as_str().unwrap());
    let why = json!({"reason": "private_data", "note": "My address."});
    sale.api.post(Some(&sale.bob), &review, why.clone()).await.refused(403, "own_review");
    let report = sale.api.post(Some(&sale.ann), &review, why.clone()).await.ok();
    sale.api.post(Some(&sale.ann), &review, why).await.refused(409, "reported");
    sale.api.post(Some(&sale.eve), &review, json!({"reason": "spam", "note": ""})).await.refused(422, "invalid_value");

    sale.api.get(Some(&sale.ann), "/v1/admin/review-reports").await.refused(403, "role_too_low");
    let list = sale.api.get(Some(&sale.moderator), "/v1/admin/review-reports").await.ok();
    assert_eq!(list["items"], json!([report]));
    assert_eq!(sale.public("profile").await["rating"], json!({"reviews": 1, "average_hundredths": 100}));
    let decide = format!("/v1/admin/review-reports/{}/decide", report["id"].as_str().unwrap());
    let upheld = json!({"outcome": "upheld", "reason": "It has somebody's address."});
    let decided = sale.api.post(Some(&sale.moderator), &decide, upheld.clone()).await.ok();
    assert_eq!(decided["status"], "upheld");
    sale.api.post(Some(&sale.moderator), &decide, upheld).await.refused(409, "report_decided");

    assert_eq!(sale.public("reviews").await["items"], json!([]));
    assert_eq!(sale.public("profile").await["rating"], json!({"reviews": 0}));
    assert_eq!(sale.reviews(&sale.ann).await.len(), 1, "her own");
    let own = sale.reviews(&sale.bob).await;
    let hidden = own.iter().find(|one| one["id"] == written["id"]).unwrap();
    assert_eq!(hidden["hidden"]["reason"], "It has somebody's address.");
    let answer = format!("/v1/reviews/{}/answer", written["id"].as_str().unwrap());
    sale.api.post(Some(&sale.ann), &answer, json!({"text": "No."})).await.refused(409, "review_hidden");
    let acts: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_entries WHERE action LIKE 'review.%' ORDER BY seq")
            .fetch_all(&sale.api.db.pool)
            .await
            .unwrap();
    assert_eq!(acts, ["review.report", "review.report_decide", "review.hide"]);
    sale.api.close().await;
}
