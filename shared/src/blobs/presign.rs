//! Addresses that let a browser read or write one object for a short time, without the bytes
//! passing through us.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::{BlobError, Blobs};

/// A presigned PUT: unless the client sends exactly these headers and exactly that many bytes, the
/// store refuses.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUpload {
    /// Grants write access, so it must never be logged.
    pub url: String,
    /// To be sent as they are (`content-type`, `content-length`, `if-none-match`).
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for PresignedUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresignedUpload").field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// What a browser does with a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    Inline,
    /// Saves it under this name.
    Attachment(String),
}

impl Disposition {
    /// The header's value. It contains the name twice (RFC 6266): in ASCII for old clients, and as
    /// UTF-8. Whatever could end the quotes or the header is replaced.
    fn header(&self) -> String {
        match self {
            Self::Inline => "inline".to_owned(),
            Self::Attachment(name) => {
                let ascii: String = name
                    .chars()
                    .map(|c| match c {
                        '"' | '\\' | '/' | '%' => '_',
                        c if c.is_ascii_graphic() || c == ' ' => c,
                        _ => '_',
                    })
                    .collect();
                let encoded: String = name
                    .bytes()
                    .map(|b| {
                        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                            char::from(b).to_string()
                        } else {
                            format!("%{b:02X}")
                        }
                    })
                    .collect();
                format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
            }
        }
    }
}

impl Blobs {
    /// Lets the bearer write `key` within `expires_in`, with this type and exactly `length` bytes, while nothing is there: what has
    /// arrived is not replaced by what comes later, after somebody has looked at it. A store without conditional writes takes the last.
    ///
    /// All of it is part of the signature. Computed locally: the store is not asked.
    pub async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        length: u64,
        expires_in: Duration,
    ) -> Result<PresignedUpload, BlobError> {
        let signed_length = i64::try_from(length)
            .map_err(|_| BlobError::Invalid(format!("{length} bytes is not a valid upload size")))?;
        let request = self
            .public
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .content_length(signed_length)
            .if_none_match("*")
            .presigned(expiry(expires_in)?)
            .await
            .map_err(|error| BlobError::from_sdk("presigning", key, &error))?;
        Ok(PresignedUpload {
            url: request.uri().to_owned(),
            headers: vec![
                ("content-type".to_owned(), content_type.to_owned()),
                ("content-length".to_owned(), length.to_string()),
                ("if-none-match".to_owned(), "*".to_owned()),
            ],
        })
    }

    /// Lets the bearer read `key` within `expires_in`. Whether the object exists is not checked.
    pub async fn presign_get(
        &self,
        key: &str,
        disposition: &Disposition,
        expires_in: Duration,
    ) -> Result<String, BlobError> {
        let request = self
            .public
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .response_content_disposition(disposition.header())
            .presigned(expiry(expires_in)?)
            .await
            .map_err(|error| BlobError::from_sdk("presigning", key, &error))?;
        Ok(request.uri().to_owned())
    }
}

fn expiry(expires_in: Duration) -> Result<PresigningConfig, BlobError> {
    PresigningConfig::expires_in(expires_in)
        .map_err(|error| BlobError::Invalid(format!("presigned addresses: {error}")))
}

#[cfg(test)]
mod unit {
    use super::Disposition;

    #[test]
    fn a_file_name_cannot_leave_its_quotes() {
        let header = Disposition::Attachment("a\"; x=\"\r\nSet-Cookie: ü/%.csv".to_owned()).header();
        assert_eq!(
            header,
            "attachment; filename=\"a_; x=___Set-Cookie: ___.csv\"; \
             filename*=UTF-8''a%22%3B%20x%3D%22%0D%0ASet-Cookie%3A%20%C3%BC%2F%25.csv"
        );
    }
}
