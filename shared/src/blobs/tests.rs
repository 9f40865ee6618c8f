//! Tests against a real S3 server in this process, over TCP.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Method, StatusCode, Uri};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;

struct Store {
    blobs: Blobs,
    config: S3,
    dir: TempDir,
    _stop: DropGuard,
}

async fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let server = sinks::s3::serve(
        sinks::s3::Options {
            dir: dir.path().to_owned(),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["media".to_owned()],
        },
        stop.clone(),
    )
    .await
    .unwrap();
    let config = config(server.endpoint());
    Store { blobs: Blobs::new(&config).unwrap(), config, dir, _stop: stop.drop_guard() }
}

fn config(endpoint: String) -> S3 {
    S3 {
        public_endpoint: endpoint.clone(),
        endpoint,
        region: "us-east-1".to_owned(),
        bucket: "media".to_owned(),
        access_key_id: SecretString::from("key"),
        secret_access_key: SecretString::from("secret"),
    }
}

/// Yields `left` bytes in small pieces, then ends or fails.
struct Source {
    left: usize,
    fails: bool,
}

impl AsyncRead for Source {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let piece = self.left.min(buf.remaining()).min(10_007);
        if piece == 0 && self.fails {
            return Poll::Ready(Err(std::io::Error::other("the disk broke")));
        }
        for at in 0..piece {
            buf.put_slice(&[u8::try_from((self.left - at) % 251).unwrap()]);
        }
        self.left -= piece;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn put_get_head_delete() {
    let store = store().await;
    let blobs = &store.blobs;
    blobs.check().await.unwrap();
    blobs.put("a/b.txt", "text/plain", "hello".as_bytes()).await.unwrap();
    blobs.put("a/b.txt", "text/plain", "hello again".as_bytes()).await.unwrap();
    let info = blobs.head("a/b.txt").await.unwrap();
    assert_eq!(info, ObjectInfo { size: 11, content_type: Some("text/plain".to_owned()) });
    assert_eq!(blobs.get("a/b.txt", 11).await.unwrap(), b"hello again");
    let refused = blobs.get("a/b.txt", 10).await.unwrap_err();
    assert!(matches!(refused, BlobError::TooLarge { limit: 10, .. }));
    blobs.delete("a/b.txt").await.unwrap();
    blobs.delete("a/b.txt").await.unwrap();
    for missing in [blobs.head("a/b.txt").await.map(drop), blobs.get("a/b.txt", 9).await.map(drop)] {
        assert!(matches!(missing.unwrap_err(), BlobError::NotFound { key } if key == "a/b.txt"));
    }
}

#[tokio::test]
async fn a_stream_of_unknown_length_arrives_whole() {
    let store = store().await;
    let blobs = &store.blobs;
    // None, less than a part, exactly a part, one byte more, and several parts.
    for size in [0, 100_000, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE + 12_345] {
        let sent = blobs.put_stream("big", "text/csv", Source { left: size, fails: false }).await.unwrap();
        assert_eq!(sent, size as u64);
        let (info, mut reader) = blobs.open("big").await.unwrap();
        assert_eq!(info, ObjectInfo { size: size as u64, content_type: Some("text/csv".to_owned()) });
        let (mut got, mut expected) = (Vec::new(), Vec::new());
        reader.read_to_end(&mut got).await.unwrap();
        Source { left: size, fails: false }.read_to_end(&mut expected).await.unwrap();
        assert!(got == expected, "{size} bytes differ");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_nothing() {
    let store = store().await;
    let (blobs, dir) = (&store.blobs, &store.dir);
    for size in [1_000, PART_SIZE + 1_000] {
        let error = blobs.put_stream("broken", "text/csv", Source { left: size, fails: true }).await.unwrap_err();
        assert!(matches!(&error, BlobError::Io { .. }), "{error}");
        assert!(error.is_temporary());
        assert!(matches!(blobs.head("broken").await.unwrap_err(), BlobError::NotFound { .. }));
    }
    let left: Vec<_> = files(dir.path());
    assert!(left.is_empty(), "parts were left behind: {left:?}");
}

/// Yields `left` bytes and then nothing more, for ever; says when.
struct Stalls {
    left: usize,
    stalled: Option<tokio::sync::oneshot::Sender<()>>,
}

impl AsyncRead for Stalls {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let piece = self.left.min(buf.remaining()).min(10_007);
        if piece == 0 {
            if let Some(stalled) = self.stalled.take() {
                let _ = stalled.send(());
            }
            return Poll::Pending;
        }
        buf.put_slice(&vec![7; piece]);
        self.left -= piece;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let store = store().await;
    let (blobs, dir) = (&store.blobs, &store.dir);
    let (stalled, has_stalled) = tokio::sync::oneshot::channel();
    let dropped = Stalls { left: PART_SIZE + 1_000, stalled: Some(stalled) };
    tokio::select! {
        sent = blobs.put_stream("given-up", "text/csv", dropped) => panic!("it ended: {sent:?}"),
        _ = has_stalled => {}
    }
    assert_eq!(files(dir.path()).len(), 1, "a part");
    blobs.give_up("given-up").await.unwrap();
    // Or it came to its end a moment before.
    blobs.put("given-up", "text/csv", "whole").await.unwrap();
    blobs.put("other", "text/csv", "whole").await.unwrap();
    blobs.give_up("given-up").await.unwrap();
    assert!(matches!(blobs.head("given-up").await.unwrap_err(), BlobError::NotFound { .. }));
    assert_eq!(blobs.get("other", 9).await.unwrap(), b"whole");
    blobs.delete("other").await.unwrap();
    let left = files(dir.path());
    assert!(left.is_empty(), "parts were left behind: {left:?}");
}

#[tokio::test]
async fn what_a_dead_process_began_to_upload_is_aborted_by_the_next() {
    let store = store().await;
    let (blobs, dir) = (&store.blobs, &store.dir);
    let (stalled, has_stalled) = tokio::sync::oneshot::channel();
    let dying = Stalls { left: PART_SIZE + 1_000, stalled: Some(stalled) };
    // Dropped in the middle, it aborts nothing, as a process that is killed.
    tokio::select! {
        sent = blobs.put_stream("big", "text/csv", dying) => panic!("it ended: {sent:?}"),
        _ = has_stalled => {}
    }
    assert_eq!(files(dir.path()).len(), 1, "a part");
    let other = Source { left: PART_SIZE + 1, fails: false };
    blobs.put_stream("bigger", "text/csv", other).await.unwrap();
    assert_eq!(files(dir.path()).len(), 2, "another key's upload leaves it alone");
    let again = Source { left: PART_SIZE + 1_000, fails: false };
    blobs.put_stream("big", "text/csv", again).await.unwrap();
    let mut left: Vec<_> = files(dir.path()).iter().map(|it| it.strip_prefix(dir.path()).unwrap().to_owned()).collect();
    left.sort();
    assert_eq!(left, ["media/big", "media/bigger"].map(std::path::PathBuf::from));
}

#[tokio::test]
async fn objects_are_listed_by_key_a_page_at_a_time() {
    let store = store().await;
    let blobs = &store.blobs;
    for key in ["a/3", "a/1", "b/1", "a/2"] {
        blobs.put(key, "text/csv", "x").await.unwrap();
    }
    let (mut after, mut pages) = (String::new(), Vec::new());
    loop {
        let page = blobs.list("a/", &after, 2).await.unwrap();
        let keys: Vec<_> = page.objects.iter().map(|it| it.key.clone()).collect();
        after.clone_from(keys.last().unwrap());
        pages.push(keys);
        if !page.more {
            break;
        }
    }
    assert_eq!(pages, [vec!["a/1", "a/2"], vec!["a/3"]]);
    assert_eq!(blobs.list("a/", &after, 2).await.unwrap(), Page::default());
}

#[tokio::test]
async fn uploads_of_dead_processes_are_aborted_by_their_age() {
    let store = store().await;
    let (blobs, dir) = (&store.blobs, &store.dir);
    for key in ["reports/1", "reports/2", "other/1"] {
        let (stalled, has_stalled) = tokio::sync::oneshot::channel();
        let dying = Stalls { left: PART_SIZE + 1_000, stalled: Some(stalled) };
        tokio::select! {
            sent = blobs.put_stream(key, "text/csv", dying) => panic!("it ended: {sent:?}"),
            _ = has_stalled => {}
        }
    }
    let now = crate::clock::Clock::SYSTEM.now();
    assert_eq!(blobs.abort_begun_before("reports/", now - chrono::TimeDelta::hours(1)).await.unwrap(), 0);
    assert_eq!(files(dir.path()).len(), 3, "parts");
    assert_eq!(blobs.abort_begun_before("reports/", now + chrono::TimeDelta::hours(1)).await.unwrap(), 2);
    assert_eq!(files(dir.path()).len(), 1, "that of another folder");
}

/// A store that lists two open uploads and lets only the second one be aborted.
async fn refuses_an_abort(method: Method, uri: Uri) -> (StatusCode, &'static str) {
    let list = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>\
                <Upload><Key>reports/1</Key><UploadId>1</UploadId><Initiated>2020-11-01T00:00:00.000Z</Initiated></Upload>\
                <Upload><Key>reports/2</Key><UploadId>2</UploadId><Initiated>2020-11-01T00:00:00.000Z</Initiated></Upload>\
                </ListMultipartUploadsResult>";
    let refused = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    match method {
        Method::GET => (StatusCode::OK, list),
        Method::DELETE if uri.path().ends_with("reports/2") => (StatusCode::NO_CONTENT, ""),
        _ => (StatusCode::FORBIDDEN, refused),
    }
}

#[tokio::test]
async fn an_upload_that_the_store_does_not_abort_is_not_counted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let blobs = Blobs::new(&config(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
    let router = axum::Router::new().fallback(refuses_an_abort);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let now = crate::clock::Clock::SYSTEM.now();
    assert_eq!(blobs.abort_begun_before("reports/", now).await.unwrap(), 1);
    server.abort();
}

/// The objects and parts below a folder.
fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if std::fs::metadata(&path).unwrap().len() > 900 {
            found.push(path);
        }
    }
    found
}

async fn put(http: &reqwest::Client, url: &str, content_type: &str, body: Vec<u8>) -> u16 {
    let request = http.put(url).header("content-type", content_type).header("if-none-match", "*");
    let answer = request.body(body).send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_presigned_upload_is_bound_to_type_length_key_and_time() {
    let store = store().await;
    let blobs = &store.blobs;
    let http = reqwest::Client::new();
    let minute = Duration::from_mins(1);
    let upload = blobs.presign_put("uploads/1", "image/jpeg", 5, minute).await.unwrap();
    assert_eq!(
        upload.headers,
        [("content-type", "image/jpeg"), ("content-length", "5"), ("if-none-match", "*")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert!(!format!("{upload:?}").contains("Signature"), "the address grants the write");

    assert_eq!(put(&http, &upload.url, "image/jpeg", b"sixsix".to_vec()).await, 403, "another length");
    assert_eq!(put(&http, &upload.url, "image/jpeg", b"four".to_vec()).await, 403, "another length");
    assert_eq!(put(&http, &upload.url, "text/html", b"12345".to_vec()).await, 403, "another type");
    let elsewhere = upload.url.replace("uploads/1", "uploads/2");
    assert_eq!(put(&http, &elsewhere, "image/jpeg", b"12345".to_vec()).await, 403, "another key");
    assert!(matches!(blobs.head("uploads/1").await.unwrap_err(), BlobError::NotFound { .. }));
    assert_eq!(put(&http, &upload.url, "image/jpeg", b"12345".to_vec()).await, 200);
    let unconditional = http.put(&upload.url).header("content-type", "image/jpeg").body(b"67890".to_vec());
    assert_eq!(unconditional.send().await.unwrap().status().as_u16(), 403, "the condition left out");
    assert_eq!(put(&http, &upload.url, "image/jpeg", b"67890".to_vec()).await, 412, "what is there stays");
    assert_eq!(blobs.get("uploads/1", 5).await.unwrap(), b"12345");

    let never = blobs.presign_put("uploads/1", "image/jpeg", 5, Duration::from_hours(24 * 8)).await;
    assert!(matches!(never.unwrap_err(), BlobError::Invalid(_)), "a week at most");
}

#[tokio::test]
async fn a_presigned_download_names_the_file_and_expires() {
    let store = store().await;
    let blobs = &store.blobs;
    let http = reqwest::Client::new();
    blobs.put("reports/1", "text/csv", "a,b".as_bytes()).await.unwrap();
    let name = Disposition::Attachment("Verkäufe 3.csv".to_owned());
    let url = blobs.presign_get("reports/1", &name, Duration::from_mins(1)).await.unwrap();
    let answer = http.get(&url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let disposition = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("filename*=UTF-8''Verk%C3%A4ufe%203.csv"), "{disposition}");
    assert_eq!(answer.text().await.unwrap(), "a,b");

    let longer = url.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    assert_ne!(longer, url);
    assert_eq!(http.get(&longer).send().await.unwrap().status().as_u16(), 403);
    let short = blobs.presign_get("reports/1", &name, Duration::from_secs(1)).await.unwrap();
    let expired = async {
        while http.get(&short).send().await.unwrap().status().as_u16() != 403 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), expired).await.unwrap();
}

#[tokio::test]
async fn addresses_for_people_use_the_public_endpoint() {
    let mut config = config("http://127.0.0.1:9".to_owned());
    config.public_endpoint = "https://files.example".to_owned();
    let blobs = Blobs::new(&config).unwrap();
    let url = blobs.presign_get("k", &Disposition::Inline, Duration::from_mins(1)).await.unwrap();
    assert!(url.starts_with("https://files.example/media/k?"), "{url}");
}

#[tokio::test]
async fn failures_say_whether_to_try_again() {
    let store = store().await;
    let config = store.config.clone();
    let other = |change: fn(&mut S3)| {
        let mut config = config.clone();
        change(&mut config);
        Blobs::new(&config).unwrap()
    };
    let wrong_secret = other(|it| it.secret_access_key = SecretString::from("wrong"));
    let refused = wrong_secret.put("k", "text/plain", "x".as_bytes()).await.unwrap_err();
    assert!(matches!(refused, BlobError::Refused { .. }), "{refused}");
    assert!(!refused.is_temporary());

    let wrong_bucket = other(|it| it.bucket = "nowhere".to_owned());
    let refused = wrong_bucket.put("k", "text/plain", "x".as_bytes()).await.unwrap_err();
    assert!(matches!(refused, BlobError::Refused { .. }), "{refused}");

    // A port that was free a moment ago: nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = config;
    config.endpoint = format!("http://{free}");
    let unreachable = Blobs::new(&config).unwrap().get("k", 1).await.unwrap_err();
    assert!(matches!(unreachable, BlobError::Unavailable { .. }), "{unreachable}");
    assert!(unreachable.is_temporary());

    for endpoint in ["", "127.0.0.1:9000", "ftp://files"] {
        config.endpoint = endpoint.to_owned();
        assert!(matches!(Blobs::new(&config).unwrap_err(), BlobError::Invalid(_)));
    }
}

#[tokio::test]
async fn the_bucket_is_made_once() {
    let store = store().await;
    let mut config = store.config.clone();
    config.bucket = "fresh".to_owned();
    let blobs = Blobs::new(&config).unwrap();
    assert!(blobs.check().await.is_err());
    blobs.ensure_bucket().await.unwrap();
    blobs.ensure_bucket().await.unwrap();
    blobs.check().await.unwrap();
}
