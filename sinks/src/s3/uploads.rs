//! The list of multipart uploads that have begun and not ended, for which `s3s-fs` has no answer.

use std::io;
use std::path::{Path, PathBuf};

use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Uri, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Url;
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

/// Answers `GET /bucket?uploads` from the names of the files that `s3s-fs` keeps of an upload until it ends.
pub(super) struct OpenUploads {
    pub(super) dir: PathBuf,
}

/// An upload that can still be completed or aborted.
struct Upload {
    bucket: String,
    key: String,
    id: String,
    /// The same file's time: it is written once.
    began: DateTime<Utc>,
}

#[async_trait::async_trait]
impl S3Route for OpenUploads {
    fn is_match(&self, method: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        let parameter = |pair: &str| pair == "uploads" || pair == "uploads=";
        method == Method::GET && uri.query().is_some_and(|query| query.split('&').any(parameter))
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let (bucket, prefix) = asked(&request.uri).ok_or_else(|| s3_error!(InvalidRequest))?;
        let mut found = uploads(&self.dir).map_err(|error| s3_error!(error, InternalError))?;
        found.retain(|upload| upload.bucket == bucket && upload.key.starts_with(&prefix));
        found.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        let mut response = S3Response::new(Body::from(listed(&bucket, &prefix, &found)));
        response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        Ok(response)
    }
}

/// The bucket and the prefix of a request with the bucket in its path.
fn asked(uri: &Uri) -> Option<(String, String)> {
    let url = Url::parse("http://s3").ok()?.join(&uri.to_string()).ok()?;
    let bucket = url.path().trim_matches('/').to_owned();
    let prefix = url.query_pairs().find(|(name, _)| name == "prefix").map(|(_, value)| value.into_owned());
    Some((bucket, prefix.unwrap_or_default()))
}

fn uploads(dir: &Path) -> io::Result<Vec<Upload>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let Some((bucket, key, id)) = entry.file_name().to_str().and_then(named) else { continue };
        // An upload that ends at this moment is none any more.
        let Ok(began) = entry.metadata().and_then(|it| it.modified()) else { continue };
        found.push(Upload { bucket, key, id, began: began.into() });
    }
    Ok(found)
}

/// Reads `.bucket-<bucket>.object-<key>.upload-<id>.metadata.json`, with bucket and key in base64.
fn named(file: &str) -> Option<(String, String, String)> {
    let (bucket, rest) = file.strip_prefix(".bucket-")?.strip_suffix(".metadata.json")?.split_once(".object-")?;
    let (key, id) = rest.split_once(".upload-")?;
    let plain = |text: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some((plain(bucket)?, plain(key)?, id.to_owned()))
}

fn listed(bucket: &str, prefix: &str, uploads: &[Upload]) -> String {
    let upload = |upload: &Upload| {
        let (key, id) = (escaped(&upload.key), &upload.id);
        let began = upload.began.to_rfc3339_opts(SecondsFormat::Millis, true);
        format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{began}</Initiated></Upload>")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Bucket>{}</Bucket><Prefix>{}</Prefix><IsTruncated>false</IsTruncated>{}</ListMultipartUploadsResult>",
        escaped(bucket),
        escaped(prefix),
        uploads.iter().map(upload).collect::<String>(),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
