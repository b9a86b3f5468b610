//! The shelf: where finished papers lie for people, as a bucket in the cloud and a folder on one machine.
//!
//! A paper of the same name takes the place of the one before: who lays it down again after a failure leaves one.

use crate::connector::request::{OutboundRequest, Transport};
use crate::connector::sigv4;
use async_trait::async_trait;
use std::sync::Arc;

/// A finished paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Where on the shelf: folders and a file's name, of letters, digits and `-_./` alone.
    pub name: String,
    /// What kind of text it is, as `Content-Type` says it.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

/// Why a paper does not lie on the shelf.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` could not be laid down: {reason}")]
pub struct ShelfError {
    /// Which one.
    pub name: String,
    /// What stood against it.
    pub reason: String,
}

/// Takes papers.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Lays a paper down, in the place of the one of this name.
    async fn lay(&self, paper: &Paper) -> Result<(), ShelfError>;
}

/// No shelf: that a paper was finished is said in the log alone.
pub struct Nowhere;

#[async_trait]
impl Shelf for Nowhere {
    async fn lay(&self, paper: &Paper) -> Result<(), ShelfError> {
        tracing::debug!(name = paper.name, "a paper has nowhere to lie");
        Ok(())
    }
}

/// A bucket of S3, asked without its SDK: one call, `PutObject`, signed here and sent by the transport.
pub struct Bucket {
    transport: Arc<dyn Transport>,
    region: String,
    name: String,
}

impl Bucket {
    /// A bucket of this region. Nothing is sent yet.
    pub fn new(transport: Arc<dyn Transport>, region: impl Into<String>, name: impl Into<String>) -> Self {
        Self { transport, region: region.into(), name: name.into() }
    }
}

#[async_trait]
impl Shelf for Bucket {
    async fn lay(&self, paper: &Paper) -> Result<(), ShelfError> {
        let error = |reason: String| ShelfError { name: paper.name.clone(), reason };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !paper.name.chars().all(plain) {
            return Err(error("its name is not of letters, digits and `-_./` alone".into()));
        }
        // The bucket stands in the path, so that its name is in no certificate.
        let url = format!("https://s3.{}.amazonaws.com/{}/{}", self.region, self.name, paper.name);
        let mut request = OutboundRequest::text("PUT", url, paper.media_type, paper.text.clone())
            .header("x-amz-content-sha256", sigv4::hash(&paper.text));
        request.aws = Some(("s3", self.region.clone()));
        let response = self.transport.send(request).await.map_err(|failed| error(failed.to_string()))?;
        match response.status {
            200..300 => Ok(()),
            403 => Err(error("the bucket refuses it (403): may this function write there?".into())),
            404 => Err(error(format!("there is no bucket `{}` (404)", self.name))),
            status => Err(error(format!("the bucket answered {status}"))),
        }
    }
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::request::{OutboundResponse, TransportError};
    use crate::doubles::block_on;

    /// Answers every request the same way.
    struct Answers(u16);

    #[async_trait]
    impl Transport for Answers {
        async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
            assert_eq!(request.method, "PUT");
            assert_eq!(request.url, "https://s3.eu-central-1.amazonaws.com/papers/daily/2026-01-05.csv");
            assert_eq!(request.aws, Some(("s3", "eu-central-1".to_owned())));
            let header = |name: &str| request.headers.iter().find(|(known, _)| *known == name).unwrap().1.clone();
            assert_eq!(header("content-type"), "text/csv");
            assert_eq!(
                header("x-amz-content-sha256"),
                "1eb7c54d52831bbfe8942af0b1c56b7409523a59ed6ca99c1174fef7eb32c1b5"
            );
            assert_eq!(request.body, "a,b");
            Ok(OutboundResponse { status: self.0, ..OutboundResponse::default() })
        }
    }

    fn lay(status: u16, name: &str) -> Result<(), String> {
        let bucket = Bucket::new(Arc::new(Answers(status)), "eu-central-1", "papers");
        let paper = Paper { name: name.into(), media_type: "text/csv", text: "a,b".into() };
        block_on(bucket.lay(&paper)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_paper_is_put_where_its_name_says_and_a_refusal_says_what_to_do() {
        assert_eq!(lay(200, "daily/2026-01-05.csv"), Ok(()));
        assert!(lay(403, "daily/2026-01-05.csv").unwrap_err().contains("may this function write there?"));
        assert!(lay(404, "daily/2026-01-05.csv").unwrap_err().contains("there is no bucket `papers`"));
        assert!(lay(500, "daily/2026-01-05.csv").unwrap_err().contains("answered 500"));
    }

    #[test]
    fn a_name_that_would_have_to_be_escaped_is_refused() {
        assert!(lay(200, "daily/a b.csv").unwrap_err().contains("letters, digits"));
    }
}
