//! The one HTTPS client of a process: the AWS clients and the fetching of signing keys share its connections.
//!
//! It speaks HTTP/1.1 and trusts the public certificate authorities that are compiled in, so that no certificate file
//! is opened at start (some 4 ms with the SDK's own client, more than the rest of a start together). It bounds
//! connecting only; whoever asks bounds the whole request.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// An idle connection is closed after this; AWS closes its end after some 20 s or more.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

type HyperClient = Client<HttpsConnector<TcpConnector>, SdkBody>;

/// A handle on the client; copies share its connections. The client itself is made at the first request.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<OnceLock<Result<HyperClient, String>>>);

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// TLS cannot be set up: a defect of the build.
    #[error("tls cannot be set up: {0}")]
    Tls(String),
    /// The request failed on its way.
    #[error("the request did not come through")]
    Request(#[from] ClientError),
}

impl Connection {
    /// Sends a request; the answer's body is still to be read.
    pub async fn send(&self, request: http::Request<SdkBody>) -> Result<http::Response<SdkBody>, ConnectionError> {
        let client = self.0.get_or_init(client).as_ref().map_err(|reason| ConnectionError::Tls(reason.clone()))?;
        Ok(client.request(request).await?.map(SdkBody::from_body_1_x))
    }
}

fn client() -> Result<HyperClient, String> {
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|error| error.to_string())?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_TIMEOUT).build(https))
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connection = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // Whatever breaks on the way may go well next time: the SDK tries again.
            let answer = connection.send(request).await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl HttpClient for Connection {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
