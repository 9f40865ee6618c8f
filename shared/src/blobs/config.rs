//! Where the objects are stored, and how long a call may take.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls;
use secrecy::ExposeSecret as _;

use super::BlobError;
use crate::config::S3;

/// How long connecting may take, including the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the first byte of an answer may take.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one try of a call may take: enough for a part of [`super::PART_SIZE`] at 150 KB/s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a call may take with all its tries.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(150);
/// How often a call is tried in all, with exponential backoff and jitter in between.
const MAX_ATTEMPTS: u32 = 4;

/// The client for our own calls and the one that signs addresses for others.
pub(super) fn clients(config: &S3) -> Result<(Client, Client), BlobError> {
    if config.bucket.is_empty() {
        return Err(BlobError::Invalid("the S3 bucket has no name".to_owned()));
    }
    // TLS roots take several megabytes, so they are not loaded for a store that is reached over
    // plain http.
    let http = match scheme(&config.endpoint)? {
        Scheme::Http => aws_smithy_http_client::Builder::new().build_http(),
        Scheme::Https => aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https(),
    };
    let ours = client(config, &config.endpoint, http.clone());
    let public = if config.public_endpoint == config.endpoint {
        ours.clone()
    } else {
        scheme(&config.public_endpoint)?;
        // It signs and never connects, so the transport does not matter.
        client(config, &config.public_endpoint, http)
    };
    Ok((ours, public))
}

fn client(config: &S3, endpoint: &str, http: SharedHttpClient) -> Client {
    let credentials = Credentials::new(
        config.access_key_id.expose_secret(),
        config.secret_access_key.expose_secret(),
        None,
        None,
        "configuration",
    );
    let settings = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        // `endpoint/bucket/key`, which every store other than Amazon's understands.
        .force_path_style(!endpoint.contains(".amazonaws.com"))
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
        // A body that stops flowing is cut off instead of holding a worker until the time-out.
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(READ_TIMEOUT).build())
        // Trailing checksums are Amazon's own extension: other stores refuse them, and a presigned
        // address must not contain the checksum of an empty body.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(settings)
}

enum Scheme {
    Http,
    Https,
}

fn scheme(endpoint: &str) -> Result<Scheme, BlobError> {
    let parsed: Result<axum::http::Uri, _> = endpoint.parse();
    match parsed.as_ref().ok().and_then(axum::http::Uri::scheme_str) {
        Some("http") => Ok(Scheme::Http),
        Some("https") => Ok(Scheme::Https),
        _ => Err(BlobError::Invalid(format!("the S3 endpoint {endpoint:?} is not an http or https address"))),
    }
}
