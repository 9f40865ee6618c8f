//! The file that states the rates of a day, fetched over HTTP.

use std::time::Duration;

use reqwest::redirect::Policy;

/// How long the whole answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file of one day has about two kilobytes.
const MOST_BYTES: usize = 256 << 10;

#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the file of rates did not arrive")]
    Http(#[from] reqwest::Error),
    #[error("the server of the rates answered {0}")]
    Status(u16),
    #[error("the file of rates has more than {MOST_BYTES} bytes")]
    TooLarge,
}

/// Where the rates come from.
#[derive(Clone, Debug)]
pub struct RatesFile {
    http: reqwest::Client,
    url: String,
}

impl RatesFile {
    /// Connects when the file is fetched.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn new(url: String) -> reqwest::Result<Self> {
        Self::with_patience(url, PATIENCE)
    }

    pub(crate) fn with_patience(url: String, patience: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(patience).redirect(Policy::limited(3)).build()?;
        Ok(Self { http, url })
    }

    pub(super) async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        let mut answer = self.http.get(&self.url).send().await?;
        if !answer.status().is_success() {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let mut file = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if file.len() + chunk.len() > MOST_BYTES {
                return Err(FetchError::TooLarge);
            }
            file.extend_from_slice(&chunk);
        }
        Ok(file)
    }
}
