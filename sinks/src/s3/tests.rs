use std::time::Duration;

use anyhow::Result;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, MultipartUpload};

use super::*;

const BUCKET: &str = "tradeyard";

struct TestS3 {
    server: Server,
    shutdown: CancellationToken,
    _dir: tempfile::TempDir,
}

impl TestS3 {
    async fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let shutdown = CancellationToken::new();
        let server = serve(options(dir.path()), shutdown.clone()).await?;
        Ok(Self { server, shutdown, _dir: dir })
    }

    fn client(&self) -> Client {
        client(self.server.endpoint(), "correct", true)
    }
}

impl Drop for TestS3 {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn options(dir: &Path) -> Options {
    Options {
        dir: dir.join("s3"),
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        access_key: "key".into(),
        secret_key: "correct".into(),
        buckets: vec![BUCKET.into()],
    }
}

fn client(endpoint: String, secret: &str, path_style: bool) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    Client::from_conf(
        aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::from_keys("key", secret, None))
            .endpoint_url(endpoint)
            .force_path_style(path_style)
            .http_client(http)
            .build(),
    )
}

fn a_minute() -> Result<PresigningConfig> {
    Ok(PresigningConfig::expires_in(Duration::from_mins(1))?)
}

#[tokio::test]
async fn an_object_comes_back_with_its_type_and_bytes() -> Result<()> {
    let s3 = TestS3::start().await?;
    let client = s3.client();
    let body = vec![7_u8; 300_000];

    client
        .put_object()
        .bucket(BUCKET)
        .key("photos/1/a b+ü.jpg")
        .content_type("image/jpeg")
        .body(ByteStream::from(body.clone()))
        .send()
        .await?;
    let got = client.get_object().bucket(BUCKET).key("photos/1/a b+ü.jpg").send().await?;
    assert_eq!(got.content_type(), Some("image/jpeg"));
    assert_eq!(got.body.collect().await?.into_bytes(), body);

    let head = client.head_object().bucket(BUCKET).key("photos/1/a b+ü.jpg").send().await?;
    assert_eq!(head.content_length(), Some(300_000));

    let listed = client.list_objects_v2().bucket(BUCKET).prefix("photos/").send().await?;
    assert_eq!(listed.contents().len(), 1);

    client.delete_object().bucket(BUCKET).key("photos/1/a b+ü.jpg").send().await?;
    let gone = client.head_object().bucket(BUCKET).key("photos/1/a b+ü.jpg").send().await;
    assert!(gone.is_err_and(|error| error.into_service_error().is_not_found()));
    // Deleting what is not there succeeds, as in S3: retries of a purge must not fail.
    client.delete_object().bucket(BUCKET).key("photos/1/a b+ü.jpg").send().await?;
    Ok(())
}

#[tokio::test]
async fn virtual_host_addresses_work_on_localhost() -> Result<()> {
    let s3 = TestS3::start().await?;
    let endpoint = format!("http://localhost:{}", s3.server.addr().port());
    let host = format!("{BUCKET}.localhost:{}", s3.server.addr().port());

    // `bucket.localhost` need not resolve on every machine, so the request goes to the address with the Host header that
    // the signature covers.
    let presigned =
        client(endpoint, "correct", false).put_object().bucket(BUCKET).key("a.txt").presigned(a_minute()?).await?;
    assert!(presigned.uri().starts_with(&format!("http://{host}/a.txt")), "{}", presigned.uri());
    let url = presigned.uri().replace(&host, &s3.server.addr().to_string());
    let put = reqwest::Client::new().put(url).header("host", &host).body("hello").send().await?;
    assert_eq!(put.status(), 200);

    let got = s3.client().get_object().bucket(BUCKET).key("a.txt").send().await?;
    assert_eq!(got.body.collect().await?.into_bytes(), "hello");
    Ok(())
}

#[tokio::test]
async fn a_multipart_upload_becomes_one_object() -> Result<()> {
    let s3 = TestS3::start().await?;
    let client = s3.client();
    let created = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("reports/sales.csv")
        .content_type("text/csv")
        .send()
        .await?;
    let upload = created.upload_id().unwrap_or_default();
    let open = async |prefix: &str| -> Result<Vec<(String, String)>> {
        let listed = client.list_multipart_uploads().bucket(BUCKET).prefix(prefix).send().await?;
        let named = |it: &MultipartUpload| {
            it.initiated()?;
            Some((it.key()?.to_owned(), it.upload_id()?.to_owned()))
        };
        Ok(listed.uploads().iter().filter_map(named).collect())
    };
    assert_eq!(open("reports/").await?, [("reports/sales.csv".to_owned(), upload.to_owned())]);
    assert!(open("exports/").await?.is_empty());

    let mut parts = Vec::new();
    for (number, body) in [(1, vec![b'a'; 5 * 1024 * 1024]), (2, vec![b'b'; 10])] {
        let part = client
            .upload_part()
            .bucket(BUCKET)
            .key("reports/sales.csv")
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(body))
            .send()
            .await?;
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
    }
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("reports/sales.csv")
        .upload_id(upload)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
        .send()
        .await?;
    assert!(open("").await?.is_empty());

    let got = client.get_object().bucket(BUCKET).key("reports/sales.csv").send().await?;
    assert_eq!(got.content_type(), Some("text/csv"));
    let bytes = got.body.collect().await?.into_bytes();
    assert_eq!(bytes.len(), 5 * 1024 * 1024 + 10);
    assert_eq!(&bytes[5 * 1024 * 1024 - 1..][..2], b"ab");
    Ok(())
}

#[tokio::test]
async fn a_presigned_upload_is_bound_to_its_type_and_length() -> Result<()> {
    let s3 = TestS3::start().await?;
    let presigned = s3
        .client()
        .put_object()
        .bucket(BUCKET)
        .key("uploads/1")
        .content_type("image/png")
        .content_length(5)
        .presigned(a_minute()?)
        .await?;
    let http = reqwest::Client::new();
    let put = |kind: &'static str, body: &'static str| {
        http.put(presigned.uri()).header("content-type", kind).body(body).send()
    };

    assert_eq!(put("image/svg+xml", "12345").await?.status(), 403, "another type");
    assert_eq!(put("image/png", "123456").await?.status(), 403, "another length");
    assert_eq!(put("image/png", "12345").await?.status(), 200);

    let get = s3.client().get_object().bucket(BUCKET).key("uploads/1").presigned(a_minute()?).await?;
    let got = http.get(get.uri()).send().await?;
    assert_eq!(got.headers()["content-type"], "image/png");
    assert_eq!(got.text().await?, "12345");
    Ok(())
}

#[tokio::test]
async fn unsigned_wrongly_signed_and_expired_requests_are_403() -> Result<()> {
    let s3 = TestS3::start().await?;
    let http = reqwest::Client::new();

    let unsigned = http.get(format!("{}/{BUCKET}/x", s3.server.endpoint())).send().await?;
    assert_eq!(unsigned.status(), 403);

    let liar = client(s3.server.endpoint(), "wrong", true);
    let error = liar.put_object().bucket(BUCKET).key("x").body(ByteStream::from_static(b"x")).send().await;
    let error = error.expect_err("a wrong secret must be refused").into_service_error();
    assert_eq!(error.code(), Some("SignatureDoesNotMatch"));

    let presigned = s3.client().get_object().bucket(BUCKET).key("x").presigned(a_minute()?).await?;
    let tampered = presigned.uri().replace("/x?", "/y?");
    assert_eq!(http.get(tampered).send().await?.status(), 403);

    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let old = PresigningConfig::builder().start_time(long_ago).expires_in(Duration::from_mins(1)).build()?;
    let expired = s3.client().get_object().bucket(BUCKET).key("x").presigned(old).await?;
    assert_eq!(http.get(expired.uri()).send().await?.status(), 403);
    Ok(())
}

#[tokio::test]
async fn bad_names_are_clear_errors() -> Result<()> {
    let s3 = TestS3::start().await?;
    let client = s3.client();
    let put = async |bucket: &str, key: &str| {
        let sent = client.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"x")).send().await;
        sent.map_err(|error| error.into_service_error().code().unwrap_or_default().to_owned())
    };
    assert_eq!(put("elsewhere", "x").await.expect_err("no such bucket"), "NoSuchBucket");
    assert_eq!(put(BUCKET, &"k".repeat(101)).await.expect_err("too long"), "KeyTooLongError");
    assert!(put(BUCKET, &"k".repeat(100)).await.is_ok(), "the longest key works");
    assert_eq!(put(BUCKET, "a/../../b").await.expect_err("climbs"), "InvalidArgument");

    let missing = client.get_object().bucket(BUCKET).key("nothing").send().await;
    assert!(missing.is_err_and(|error| error.into_service_error().is_no_such_key()));
    Ok(())
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused_until_the_first_has_stopped() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let shutdown = CancellationToken::new();
    let first = serve(options(dir.path()), shutdown.clone()).await?;
    let second = serve(options(dir.path()), CancellationToken::new()).await;
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");

    client(first.endpoint(), "correct", true)
        .put_object()
        .bucket(BUCKET)
        .key("kept")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await?;
    shutdown.cancel();
    first.stopped().await?;
    let third = serve(options(dir.path()), CancellationToken::new()).await?;
    client(third.endpoint(), "correct", true).head_object().bucket(BUCKET).key("kept").send().await?;
    Ok(())
}

#[tokio::test]
async fn a_bad_bucket_name_is_refused_at_the_start() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let bad = Options { buckets: vec!["../x".into()], ..options(dir.path()) };
    let refused = serve(bad, CancellationToken::new()).await;
    assert!(matches!(refused, Err(Error::BucketName { .. })), "{refused:?}");
    Ok(())
}
