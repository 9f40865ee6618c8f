use std::net::SocketAddr;

use jobs::images::{DeleteImage, ProcessImage};
use market::identity::PlatformRole;
use market::ids::ImageId;
use market::images::model::{Finished, Refusal, Shape, StoredVariant};
use market::images::store;
use queue::testing::{assert_enqueued, enqueued};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::ids::OrgId;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::VALID_FOR;
use crate::testing::{Person, TestApi};

struct TestMarket {
    api: TestApi,
    ann: Person,
    eve: Person,
    org: OrgId,
    _dir: TempDir,
    _stop: DropGuard,
}

impl TestMarket {
    async fn new() -> Self {
        let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let options = sinks::s3::Options {
            dir: dir.path().to_owned(),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["tradeyard".to_owned()],
        };
        let server = sinks::s3::serve(options, stop.clone()).await.unwrap();
        let api = TestApi::with(&[
            ("S3_ENDPOINT", &server.endpoint()),
            ("S3_ACCESS_KEY_ID", "key"),
            ("S3_SECRET_ACCESS_KEY", "secret"),
        ])
        .await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
        let org = api.org(&ann, "Ann Farm", &moderator).await;
        api.org(&eve, "Eve Farm", &moderator).await;
        Self { api, ann, eve, org, _dir: dir, _stop: stop.drop_guard() }
    }
}

impl TestMarket {
    async fn announce(&self, size: usize) -> Value {
        self.api.post(Some(&self.ann), "/v1/uploads", json!({"content_type": "image/png", "size": size})).await.ok()
    }

    /// Sends bytes as the announcement says.
    async fn send(&self, upload: &Value, bytes: &[u8]) -> u16 {
        let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.body(bytes.to_vec()).send().await.unwrap().status().as_u16()
    }

    fn complete(upload: &Value) -> String {
        format!("/v1/uploads/{}/complete", upload["id"].as_str().unwrap())
    }
}

/// As the worker notes it.
fn finished(variant: StoredVariant) -> Finished {
    let (width, height, blurhash) = (variant.width, variant.height, "LEHV6n".to_owned());
    Finished { checksum: [0; 32], width, height, blurhash, animated: true, variants: vec![variant] }
}

#[tokio::test]
async fn a_photograph_is_announced_sent_completed_read_and_deleted() {
    let market = TestMarket::new().await;
    let (api, ann, eve) = (&market.api, &market.ann, &market.eve);
    let upload = market.announce(5).await;
    let path = TestMarket::complete(&upload);
    api.post(Some(ann), &path, json!({})).await.refused(409, "upload_missing");
    assert_eq!(market.send(&upload, b"too long").await, 403, "not as many bytes as announced");
    assert_eq!(market.send(&upload, b"12345").await, 200);
    api.post(Some(eve), &path, json!({})).await.refused(404, "not_found");

    let answer = api.post(Some(ann), &path, json!({})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let done = answer.ok();
    let id: ImageId = done["image"].as_str().unwrap().parse().unwrap();
    assert_eq!((location, done["status"].as_str()), (format!("/v1/images/{id}"), Some("uploaded")));
    assert_enqueued::<ProcessImage>(&api.db.pool, |job| job.image == id && job.org == market.org).await;
    let again = api.post(Some(ann), &path, json!({})).await.ok();
    assert_eq!((again["image"].as_str(), &again["job"]), (Some(id.to_string().as_str()), &done["job"]));
    assert_eq!(enqueued::<ProcessImage>(&api.db.pool).await.len(), 1);

    // As the worker does it.
    let mut conn = api.db.pool.acquire().await.unwrap();
    store::begin(&mut conn, id).await.unwrap();
    let object_key = format!("images/{id}/160.webp");
    api.state.blobs.put(&object_key, "image/webp", "picture".as_bytes()).await.unwrap();
    let format = market::images::model::Format::Webp;
    let variant = StoredVariant { shape: Shape::Whole, format, width: 160, height: 90, bytes: 7, object_key };
    let finished = finished(variant);
    store::finish(&mut conn, id, &finished).await.unwrap();
    drop(conn);

    let path = format!("/v1/images/{id}");
    let image = api.get(Some(ann), &path).await.ok();
    assert_eq!((image["status"].as_str(), image["width"].as_i64()), (Some("ready"), Some(160)));
    assert_eq!(image["animated"], true, "its first frame is shown");
    let url = image["variants"][0]["url"].as_str().unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().text().await.unwrap(), "picture");

    // A picture that shows nothing on offer is its seller's alone.
    api.get(Some(eve), &path).await.refused(404, "not_found");
    api.call(Some(eve), Method::DELETE, &path, json!({})).await.refused(404, "not_found");
    assert_eq!(api.call(Some(ann), Method::DELETE, &path, json!({})).await.status, 204);
    assert_enqueued::<DeleteImage>(&api.db.pool, |job| job.image == id).await;
    api.get(Some(ann), &path).await.refused(404, "not_found");
    api.call(Some(ann), Method::DELETE, &path, json!({})).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_rejected_picture_says_why() {
    let market = TestMarket::new().await;
    let upload = market.announce(3).await;
    assert_eq!(market.send(&upload, b"svg").await, 200);
    let done = market.api.post(Some(&market.ann), &TestMarket::complete(&upload), json!({})).await.ok();
    let id: ImageId = done["image"].as_str().unwrap().parse().unwrap();
    let mut conn = market.api.db.pool.acquire().await.unwrap();
    store::begin(&mut conn, id).await.unwrap();
    store::reject(&mut conn, id, &Refusal::UnsupportedType("SVG")).await.unwrap();
    drop(conn);
    let image = market.api.get(Some(&market.ann), &format!("/v1/images/{id}")).await.ok();
    assert_eq!(image["refusal"]["code"], "unsupported_type");
    assert!(image["refusal"]["detail"].as_str().unwrap().starts_with("SVG files are not accepted"), "{image}");
}

#[tokio::test]
async fn what_cannot_be_a_photograph_is_refused_before_it_is_sent() {
    let market = TestMarket::new().await;
    let post = async |body| market.api.post(Some(&market.ann), "/v1/uploads", body).await;
    for (body, code) in [
        (json!({"content_type": "image/svg+xml", "size": 10}), "upload_type"),
        (json!({"content_type": "image/png", "size": 0}), "upload_size"),
        (json!({"content_type": "image/png", "size": 20 * 1024 * 1024 + 1}), "upload_size"),
    ] {
        post(body).await.refused(422, code);
    }
    for body in [
        json!({"content_type": "image/png", "size": -1}),
        json!({"content_type": "image/png", "size": 1, "key": "../x"}),
    ] {
        post(body).await.refused(400, "invalid_body");
    }
    let pending = market.api.pending_org(&market.ann, "Second Farm").await;
    let foreign = market.api.get(Some(&market.eve), "/v1/orgs").await.ok()["items"][0]["id"].clone();
    let body = json!({"content_type": "image/png", "size": 1});
    post(body.clone()).await.refused(400, "org_required");
    for (org, code) in
        [(pending.to_string(), "org_not_approved"), (foreign.as_str().unwrap().to_owned(), "not_a_member")]
    {
        market.api.post(Some(&market.ann.acting(org)), "/v1/uploads", body.clone()).await.refused(403, code);
    }
}

#[tokio::test]
async fn late_and_misdirected_completions_are_refused() {
    let market = TestMarket::new().await;
    let upload = market.announce(5).await;
    market.send(&upload, b"12345").await;
    let path = TestMarket::complete(&upload);
    let nowhere = json!({"listing": "01890a5d-ac96-774b-bcce-b302099a8057"});
    market.api.post(Some(&market.ann), &path, nowhere).await.refused(422, "listing_unknown");
    sqlx::query("UPDATE uploads SET expires_at = now() - interval '31 minutes'")
        .execute(&market.api.db.pool)
        .await
        .unwrap();
    market.api.post(Some(&market.ann), &path, json!({})).await.refused(409, "upload_expired");
    assert!(enqueued::<ProcessImage>(&market.api.db.pool).await.is_empty(), "a refusal leaves no job");
}

#[tokio::test]
async fn a_store_that_is_away_is_said_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = TestApi::with(&[
        ("S3_ENDPOINT", &format!("http://{free}")),
        ("S3_ACCESS_KEY_ID", "k"),
        ("S3_SECRET_ACCESS_KEY", "s"),
    ])
    .await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Farm", &moderator).await;
    let upload = api.post(Some(&ann), "/v1/uploads", json!({"content_type": "image/png", "size": 1})).await.ok();
    api.post(Some(&ann), &TestMarket::complete(&upload), json!({})).await.refused(503, "store_unavailable");
}

#[tokio::test]
async fn a_picture_whose_job_has_given_up_says_so() {
    let market = TestMarket::new().await;
    let operator = market.api.staff(PlatformRole::Operator).await;
    let upload = market.announce(3).await;
    assert_eq!(market.send(&upload, b"png").await, 200);
    let done = market.api.post(Some(&market.ann), &TestMarket::complete(&upload), json!({})).await.ok();
    market.api.post(Some(&operator), &format!("/v1/jobs/{}/cancel", done["job"]), json!({})).await.ok();
    let path = format!("/v1/images/{}", done["image"].as_str().unwrap());
    let image = market.api.get(Some(&market.ann), &path).await.ok();
    assert_eq!((&image["status"], &image["refusal"]["code"]), (&json!("rejected"), &json!("not_processed")), "{image}");
}

#[tokio::test]
async fn a_listing_has_room_for_so_many_pictures() {
    let market = TestMarket::new().await;
    let (api, ann) = (&market.api, &market.ann);
    let mut conn = api.db.pool.acquire().await.unwrap();
    let seller = market::testing::Trader { org: market.org, user: ann.id };
    let mode = market::listings::model::SaleMode::Auction;
    let listing = market::testing::listing(&mut conn, seller, mode, 1).await;
    for _ in 1..store::MAX_PER_LISTING {
        let upload = store::insert_upload(&mut conn, market.org, ann.id, "image/png", 5, VALID_FOR).await.unwrap();
        store::complete_upload(&mut conn, &upload, Some(listing)).await.unwrap();
    }
    drop(conn);
    let (one, other) = (market.announce(5).await, market.announce(5).await);
    for upload in [&one, &other] {
        assert_eq!(market.send(upload, b"12345").await, 200);
    }
    let body = json!({"listing": listing});
    let (one, other) = (TestMarket::complete(&one), TestMarket::complete(&other));
    let (one, other) =
        futures::join!(api.post(Some(ann), &one, body.clone()), api.post(Some(ann), &other, body.clone()));
    let (taken, refused) = if one.status.is_success() { (one, other) } else { (other, one) };
    assert_eq!(taken.status, 202, "{taken:?}");
    refused.refused(409, "too_many_images");
    // One that goes makes room.
    let path = format!("/v1/images/{}", taken.body["image"].as_str().unwrap());
    assert_eq!(api.call(Some(ann), Method::DELETE, &path, json!({})).await.status, 204);
    let upload = market.announce(5).await;
    assert_eq!(market.send(&upload, b"12345").await, 200);
    assert_eq!(api.post(Some(ann), &TestMarket::complete(&upload), body).await.status, 202);
}

#[tokio::test]
async fn an_organisation_announces_so_many_uploads_at_a_time() {
    let market = TestMarket::new().await;
    let mut conn = market.api.db.pool.acquire().await.unwrap();
    for _ in 0..store::MAX_OPEN_UPLOADS {
        store::insert_upload(&mut conn, market.org, market.ann.id, "image/png", 5, VALID_FOR).await.unwrap();
    }
    let announce = async || {
        market.api.post(Some(&market.ann), "/v1/uploads", json!({"content_type": "image/png", "size": 5})).await
    };
    assert!(announce().await.refused(429, "too_many_uploads").headers.contains_key("retry-after"));
    sqlx::query("UPDATE uploads SET expires_at = now() WHERE org_id = $1")
        .bind(market.org)
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(announce().await.status, 201);
}

#[tokio::test]
async fn pictures_of_what_is_on_offer_are_for_everybody_and_for_every_cache() {
    let market = TestMarket::new().await;
    let (api, ann) = (&market.api, &market.ann);
    let seller = market::testing::Trader { org: market.org, user: ann.id };
    let mut conn = api.db.pool.acquire().await.unwrap();
    let listing = market::testing::draft(&mut conn, seller, market::listings::model::SaleMode::Fixed, 1).await;
    let upload = store::insert_upload(&mut conn, market.org, ann.id, "image/png", 5, VALID_FOR).await.unwrap();
    let id = store::complete_upload(&mut conn, &upload, Some(listing)).await.unwrap();
    // As the worker does it.
    store::begin(&mut conn, id).await.unwrap();
    let object_key = format!("images/{id}/160.webp");
    api.state.blobs.put(&object_key, "image/webp", "picture".as_bytes()).await.unwrap();
    let format = market::images::model::Format::Webp;
    let variant = StoredVariant { shape: Shape::Whole, format, width: 160, height: 90, bytes: 7, object_key };
    let finished = finished(variant);
    store::finish(&mut conn, id, &finished).await.unwrap();

    // Of a draft nobody else sees anything, and nothing of it is kept.
    let (file, image, listing) =
        (format!("/v1/images/{id}/160.webp"), format!("/v1/images/{id}"), format!("/v1/listings/{listing}"));
    for path in [&file, &image, &listing] {
        let refused = api.get(None, path).await.refused(404, "not_found");
        assert_eq!(refused.headers["cache-control"], "no-store", "{path}");
    }
    let own = api.get(Some(ann), &image).await;
    assert_eq!(own.headers["cache-control"], "private, no-cache");
    assert!(own.ok()["variants"][0]["url"].as_str().unwrap().contains("X-Amz-Signature"));

    api.post(Some(ann), &format!("{listing}/publish"), json!({})).await.ok();
    let shown = api.get(None, &listing).await;
    assert_eq!(shown.headers["cache-control"], "public, max-age=5");
    let tag = shown.headers["etag"].to_str().unwrap().to_owned();
    let body = shown.ok();
    assert_eq!((&body["seller_name"], &body["attributes"]), (&json!("Ann Farm"), &json!({})));
    assert_eq!(body["pictures"][0]["variants"][0]["url"], json!(file));
    let found = api.get(None, "/v1/listings").await.ok();
    assert_eq!(found["items"][0]["pictures"][0]["variants"][0]["url"], json!(file));
    let listed = api.get(None, &format!("/v1/images?listing={}", body["id"].as_str().unwrap())).await.ok();
    assert_eq!(listed["items"][0]["variants"][0]["url"], json!(file));
    let again = api.send(api.request(Method::GET, &listing).header("if-none-match", format!("\"x\", W/{tag}"))).await;
    assert_eq!((again.status.as_u16(), again.headers["etag"].to_str().unwrap()), (304, tag.as_str()));

    let answer = api.request(Method::GET, &file).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    for (name, value) in [
        ("cache-control", "public, max-age=31536000, immutable"),
        ("content-type", "image/webp"),
        ("content-length", "7"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(answer.text().await.unwrap(), "picture");
    let again = api.request(Method::GET, &file).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    // An address of a recipe that made this one before leads to it; the client goes there by itself.
    let moved = api.request(Method::GET, &format!("/v1/images/{id}/160.7.webp")).send().await.unwrap();
    assert_eq!((moved.status().as_u16(), moved.url().path()), (200, file.as_str()));
    for path in [format!("/v1/images/{id}/320.webp"), format!("/v1/images/{id}/..%2F..%2Fuploads%2F{}", upload.id)] {
        api.get(None, &path).await.refused(404, "not_found");
    }

    // A picture that shows the files of another one, as that of a lot that is listed again, has addresses of its own.
    let copy = ImageId::generate();
    for sql in [
        "INSERT INTO images (id, upload_id, org_id, listing_id, position, status, checksum, width, height, blurhash, is_copy)
         SELECT $2, upload_id, org_id, listing_id, 1, status, checksum, width, height, blurhash, true FROM images WHERE id = $1",
        "INSERT INTO image_variants (image_id, shape, format, width, height, bytes, object_key)
         SELECT $2, shape, format, width, height, bytes, object_key FROM image_variants WHERE image_id = $1",
    ] {
        sqlx::query(sql).bind(id).bind(copy).execute(&mut *conn).await.unwrap();
    }
    let listed = api.get(None, &format!("/v1/images/{copy}")).await.ok();
    let url = listed["variants"][0]["url"].as_str().unwrap();
    assert_eq!(url, format!("/v1/images/{copy}/160.webp"));
    assert_eq!(api.request(Method::GET, url).send().await.unwrap().text().await.unwrap(), "picture");

    // A seller that is suspended shows nothing.
    sqlx::query("UPDATE orgs SET status = 'suspended' WHERE id = $1")
        .bind(market.org)
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    api.get(None, &file).await.refused(404, "not_found");
    assert_eq!(api.get(None, "/v1/listings").await.ok()["items"], json!([]));
}
