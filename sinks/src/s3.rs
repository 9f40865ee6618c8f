//! An S3 server over a folder (`s3s` for the protocol and signatures, `s3s-fs` for the storage).
//!
//! Objects are plain files: `<dir>/<bucket>/<key>`. Every request must be signed (`SigV4` in the
//! header or presigned in the query); an unsigned, expired or wrongly signed one is answered with
//! 403. Both address styles work: `http://host/bucket/key` always,
//! `http://bucket.localhost:port/key` when the client uses `localhost` as its endpoint.
//!
//! Limits set by the folder: a key is at most [`MAX_KEY_BYTES`] long, `a` and `a/b` cannot both be
//! keys, and no segment may be `.` or `..`. Requests that break the first or the last are answered
//! with 400.

mod uploads;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::host::{S3Host, VirtualHost};
use s3s::path::S3Path;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::uploads::OpenUploads;
use crate::folder::{self, Refused};

/// The longest key in bytes. `s3s-fs` keeps an object's headers in one file whose name contains the
/// key in base64, and a file name has at most 255 bytes.
pub const MAX_KEY_BYTES: usize = 100;

/// How long open requests may go on after shutdown has been requested.
const GRACE: Duration = Duration::from_secs(5);

/// What to serve, and where.
#[derive(Debug)]
pub struct Options {
    /// The folder of the objects; created if it is missing. One server per folder: a second one is
    /// refused.
    pub dir: PathBuf,
    /// Port 0 picks a free port; [`Server::addr`] returns which.
    pub addr: SocketAddr,
    pub access_key: String,
    pub secret_key: SecretString,
    /// Buckets to create if they are missing.
    pub buckets: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for S3 on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("cannot use {} as the folder of S3 objects", dir.display())]
    Folder { dir: PathBuf, source: io::Error },
    #[error("another S3 server already uses the folder {}", dir.display())]
    InUse { dir: PathBuf },
    #[error(
        "`{name}` is not a bucket name: 3 to 63 of a-z, 0-9, '-' and '.', starting and ending with a letter or digit"
    )]
    BucketName { name: String },
    #[error("cannot start the S3 storage: {0}")]
    Storage(String),
    #[error("the S3 server stopped")]
    Stopped(#[source] io::Error),
}

/// A listening server. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    task: JoinHandle<Result<(), Error>>,
}

impl Server {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint address to give to an S3 client.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}

/// Starts an S3 server; it accepts requests when this returns.
pub async fn serve(options: Options, shutdown: CancellationToken) -> Result<Server, Error> {
    let lock = prepare(&options.dir, &options.buckets)?;
    let listener =
        TcpListener::bind(options.addr).await.map_err(|source| Error::Listen { addr: options.addr, source })?;
    let addr = listener.local_addr().map_err(|source| Error::Listen { addr: options.addr, source })?;

    let storage = FileSystem::new(&options.dir).map_err(|error| Error::Storage(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(storage);
    builder.set_auth(SimpleAuth::from_single(options.access_key, options.secret_key.expose_secret()));
    builder.set_route(OpenUploads { dir: options.dir.clone() });
    builder.set_access(SignedOnly { dir: options.dir });
    builder.set_host(Localhost { base: format!("localhost:{}", addr.port()) });
    let app = Router::new().fallback(answer).with_state(builder.build());

    let task = tokio::spawn(async move {
        let _lock = lock;
        let server =
            axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().cancelled_owned()).into_future();
        tokio::select! {
            result = server => result.map_err(Error::Stopped),
            () = cut_off(shutdown) => Ok(()),
        }
    });
    tracing::info!(%addr, "S3 server listens");
    Ok(Server { addr, task })
}

/// Resolves when requests that were open at shutdown have had their time.
async fn cut_off(shutdown: CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

async fn answer(State(s3): State<S3Service>, request: Request) -> Response {
    match s3.call(request.map(s3s::Body::http_body_unsync)).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(error) => {
            tracing::warn!(?error, "S3 request failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Creates the folder and buckets, and takes the folder's lock.
///
/// Two servers over one folder would write the same temporary files, and each would remove the
/// other's when it starts.
fn prepare(dir: &Path, buckets: &[String]) -> Result<File, Error> {
    let unusable = |source| Error::Folder { dir: dir.to_owned(), source };
    let lock = folder::claim(dir).map_err(|refused| match refused {
        Refused::InUse => Error::InUse { dir: dir.to_owned() },
        Refused::Io(source) => unusable(source),
    })?;
    for name in buckets {
        if !s3s::path::check_bucket_name(name) {
            return Err(Error::BucketName { name: name.clone() });
        }
        std::fs::create_dir_all(dir.join(name)).map_err(unusable)?;
    }
    Ok(lock)
}

/// Refuses unsigned requests, and whatever the storage itself would answer with a 500, put outside
/// its bucket, or create a new bucket for.
struct SignedOnly {
    dir: PathBuf,
}

#[async_trait::async_trait]
impl S3Access for SignedOnly {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        if let S3Path::Object { bucket, key } = cx.s3_path() {
            if !tokio::fs::try_exists(self.dir.join(&**bucket)).await.unwrap_or(false) {
                return Err(s3_error!(NoSuchBucket));
            }
            if key.len() > MAX_KEY_BYTES {
                return Err(s3_error!(KeyTooLongError, "the key is longer than {MAX_KEY_BYTES} bytes"));
            }
            if key.split('/').any(|segment| matches!(segment, "." | "..")) {
                return Err(s3_error!(InvalidArgument, "a segment of the key is '.' or '..'"));
            }
        }
        Ok(())
    }
}

/// `bucket.localhost:port` names a bucket; every other host is a plain address, so the bucket is in the path.
struct Localhost {
    base: String,
}

impl S3Host for Localhost {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let bucket = host.strip_suffix(&self.base).and_then(|rest| rest.strip_suffix('.'));
        Ok(match bucket {
            Some(bucket) => VirtualHost::new(self.base.as_str()).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

#[cfg(test)]
mod tests;
