//! API Gateway's proxy integration (REST API): its request becomes ours, our answer becomes its.

use crate::http::{BASE, Request, Response};
use aws_smithy_types::base64;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request as API Gateway hands it over. Maps that hold nothing come as `null`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyRequest {
    http_method: String,
    /// The route with its parameters in braces, such as `/api/v1/cs-ops/accounts/{id}/health`.
    resource: String,
    path_parameters: Option<BTreeMap<String, String>>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: RequestContext,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: String,
}

/// Why a request cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the body is said to be base64 and is not")]
pub struct NotBase64(#[source] base64::DecodeError);

impl TryFrom<ProxyRequest> for Request {
    type Error = NotBase64;

    fn try_from(proxy: ProxyRequest) -> Result<Self, NotBase64> {
        let body = match proxy.body {
            Some(body) if proxy.is_base64_encoded => base64::decode(body).map_err(NotBase64)?.into(),
            Some(body) => body.into(),
            None => Bytes::new(),
        };
        // API Gateway decodes the query but hands path parameters over as they were written.
        let decoded = |value: String| percent_decode_str(&value).decode_utf8_lossy().into_owned();
        Ok(Self {
            method: proxy.http_method,
            route: proxy.resource.strip_prefix(BASE).unwrap_or(&proxy.resource).to_owned(),
            parameters: proxy
                .path_parameters
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name, decoded(value)))
                .collect(),
            query: proxy.query_string_parameters.unwrap_or_default(),
            headers: headers(proxy.headers, proxy.multi_value_headers),
            body,
            request_id: proxy.request_context.request_id,
            cause: None,
        })
    }
}

/// The headers, names in lower case. A header that was sent twice holds both values, as HTTP joins them: two tokens are
/// then no token.
fn headers(
    single: Option<BTreeMap<String, String>>,
    multi: Option<BTreeMap<String, Vec<String>>>,
) -> BTreeMap<String, String> {
    let single = single.unwrap_or_default().into_iter();
    let multi = multi.unwrap_or_default().into_iter().map(|(name, values)| (name, values.join(", ")));
    single.chain(multi).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// An answer as API Gateway takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyResponse {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response> for ProxyResponse {
    fn from(response: Response) -> Self {
        Self { status_code: response.status, headers: response.headers, body: response.body, is_base64_encoded: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(change: impl FnOnce(&mut serde_json::Value)) -> Request {
        let mut event = json!({
            "resource": "/api/v1/cs-ops/accounts/{id}/health",
            "path": "/api/v1/cs-ops/accounts/acme%2Feu+1/health",
            "httpMethod": "GET",
            "headers": { "Authorization": "Bearer b", "Accept": "application/json" },
            "multiValueHeaders": { "Authorization": ["Bearer a", "Bearer b"], "Accept": ["application/json"] },
            "queryStringParameters": { "limit": "5" },
            "multiValueQueryStringParameters": { "limit": ["5"] },
            "pathParameters": { "id": "acme%2Feu+1" },
            "stageVariables": null,
            "requestContext": { "requestId": "r-1", "stage": "prod" },
            "body": null,
            "isBase64Encoded": false
        });
        change(&mut event);
        serde_json::from_value::<ProxyRequest>(event).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_request_is_read_with_its_route_parameters_and_id() {
        let request = read(|_| {});
        assert_eq!(request.method, "GET");
        assert_eq!(request.route, "/accounts/{id}/health");
        assert_eq!(request.parameters["id"], "acme/eu+1");
        assert_eq!(request.query["limit"], "5");
        assert_eq!(request.headers["accept"], "application/json");
        assert_eq!(request.request_id, "r-1");
        assert!(request.body.is_empty());
    }

    #[test]
    fn two_tokens_are_not_one() {
        assert_eq!(read(|_| {}).headers["authorization"], "Bearer a, Bearer b");
    }

    #[test]
    fn a_body_comes_as_text_or_as_base64() {
        assert_eq!(read(|event| event["body"] = json!("{}")).body, "{}");
        let request = read(|event| {
            event["body"] = json!("eyJhIjoxfQ==");
            event["isBase64Encoded"] = json!(true);
        });
        assert_eq!(request.body, r#"{"a":1}"#);
    }

    #[test]
    fn maps_may_be_null() {
        let request = read(|event| {
            for map in ["headers", "multiValueHeaders", "queryStringParameters", "pathParameters"] {
                event[map] = serde_json::Value::Null;
            }
        });
        assert!(request.headers.is_empty() && request.query.is_empty() && request.parameters.is_empty());
    }
}
