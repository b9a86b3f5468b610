//! The dashboard: a page, a script and a style, and nothing from anywhere else.

use platform::http::{Problem, Request, Response};
use std::collections::BTreeMap;

const PAGE: &str = include_str!("dashboard/index.html");
const SCRIPT: &str = include_str!("dashboard/app.js");
const STYLE: &str = include_str!("dashboard/style.css");

/// Only this page's own script, style and data; nothing inline, no other host, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// `GET /dashboard`.
pub fn page() -> Response {
    serve("text/html; charset=utf-8", PAGE)
}

/// `GET /dashboard/{file}`.
pub fn file(request: &Request) -> Result<Response, Problem> {
    match request.parameters.get("file").map(String::as_str).unwrap_or_default() {
        "app.js" => Ok(serve("text/javascript; charset=utf-8", SCRIPT)),
        "style.css" => Ok(serve("text/css; charset=utf-8", STYLE)),
        other => Err(Problem::not_found("dashboard file", other)),
    }
}

fn serve(content_type: &str, body: &str) -> Response {
    let headers = BTreeMap::from([
        ("content-type".to_owned(), content_type.to_owned()),
        ("content-security-policy".to_owned(), POLICY.to_owned()),
        ("referrer-policy".to_owned(), "no-referrer".to_owned()),
    ]);
    Response { status: 200, headers, body: body.to_owned() }
}
