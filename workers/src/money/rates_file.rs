//! The file that states the rates of a day, fetched over HTTP.

use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use url::Url;

use crate::http::{ClientError, Http, SendError};

/// How long the whole answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file of one day has about two kilobytes.
const MOST_BYTES: usize = 256 << 10;

#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the file of rates did not arrive")]
    Http(#[from] SendError),
    #[error("the server of the rates answered {0}")]
    Status(u16),
    #[error("the file of rates has more than {MOST_BYTES} bytes")]
    TooLarge,
}

/// Where the rates come from.
#[derive(Clone, Debug)]
pub struct RatesFile {
    http: Http,
    url: Url,
}

impl RatesFile {
    /// Connects when the file is fetched.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let url = Url::parse(url)?;
        Ok(Self { http: Http::new(&url, PATIENCE)?, url })
    }

    pub(super) async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        let answer = self.http.send(Request::get(self.url.as_str()).body(Full::default())).await?;
        if !answer.status.is_success() {
            return Err(FetchError::Status(answer.status.as_u16()));
        }
        if answer.body.len() > MOST_BYTES {
            return Err(FetchError::TooLarge);
        }
        Ok(answer.body.to_vec())
    }
}
