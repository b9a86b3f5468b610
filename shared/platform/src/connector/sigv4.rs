//! The signature of a request to AWS (Signature Version 4), for the services that are asked without their SDK: SES, Secrets
//! Manager and S3. Their crates would make the program a quarter larger for one call each.
//!
//! Only what these need: no query, no body but text, a path of plain characters.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Who signs.
#[derive(Clone)]
pub struct Signer {
    /// The access key's id.
    pub access_key: String,
    /// The access key.
    pub secret_key: String,
    /// The token of temporary credentials.
    pub token: Option<String>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The host, with its port where it is not the usual one.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query, with its parameters in order.
    pub query: &'a str,
    /// The headers that are signed beside those that are made here, with names in lower case.
    pub headers: &'a [(&'static str, String)],
    /// The body.
    pub body: &'a str,
}

impl Signer {
    /// The headers that make a request one of ours.
    pub fn headers(
        &self,
        request: &Signed<'_>,
        service: &str,
        region: &str,
        now: Timestamp,
    ) -> Vec<(&'static str, String)> {
        let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = now.strftime("%Y%m%d").to_string();
        let mut made = vec![("x-amz-date", stamp.clone())];
        made.extend(self.token.clone().map(|token| ("x-amz-security-token", token)));
        let mut all: Vec<(&str, &str)> = vec![("host", request.host)];
        all.extend(request.headers.iter().chain(&made).map(|(name, value)| (*name, value.trim())));
        all.sort_unstable();
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = all.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let Signed { method, path, query, body, .. } = request;
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{}", hash(body));
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hash(&canonical));
        let first = format!("AWS4{}", self.secret_key).into_bytes();
        let key = [day.as_str(), region, service, "aws4_request"].into_iter().fold(first, |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &text));
        let credential = format!("{}/{scope}", self.access_key);
        made.push((
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"),
        ));
        made
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// The digest of a text, as signatures write it.
pub fn hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hex(&digest)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(token: Option<&str>) -> Signer {
        Signer {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            token: token.map(str::to_owned),
        }
    }

    fn signature(headers: &[(&'static str, String)]) -> String {
        let (_, value) = headers.iter().find(|(name, _)| *name == "authorization").unwrap();
        value.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn a_request_is_signed_as_in_the_example_that_aws_documents() {
        let content_type = [("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
        let request = Signed {
            method: "GET",
            host: "iam.amazonaws.com",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &content_type,
            body: "",
        };
        let headers = signer(None).headers(&request, "iam", "us-east-1", "2015-08-30T12:36:00Z".parse().unwrap());
        assert_eq!(signature(&headers), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn a_token_is_sent_and_signed_and_no_key_is_shown() {
        let request = Signed { method: "POST", host: "h", path: "/", query: "", headers: &[], body: "x" };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let headers = signer(Some("token")).headers(&request, "ses", "eu-central-1", now);
        assert_eq!(headers[1], ("x-amz-security-token", "token".to_owned()));
        assert!(headers[2].1.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
        assert!(!format!("{:?}", signer(Some("token"))).contains("wJalr"));
    }
}
