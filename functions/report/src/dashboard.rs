//! The dashboard: a page, its modules, its style and its icon, and nothing from anywhere else.
//!
//! The page holds no data: it asks the API for them with the reader's token. Nothing of it is built, so what stands in
//! `dashboard/` is what a browser gets.

use platform::http::{Problem, Request, Response};
use std::collections::BTreeMap;

const PAGE: &str = include_str!("dashboard/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What the page consists of, by name: `app` begins, and asks for the others.
const FILES: &[(&str, &str, &str)] = &[
    ("account.js", SCRIPT, include_str!("dashboard/account.js")),
    ("app.js", SCRIPT, include_str!("dashboard/app.js")),
    ("charts.js", SCRIPT, include_str!("dashboard/charts.js")),
    ("contributions.js", SCRIPT, include_str!("dashboard/contributions.js")),
    ("dom.js", SCRIPT, include_str!("dashboard/dom.js")),
    ("feed.js", SCRIPT, include_str!("dashboard/feed.js")),
    ("figures.js", SCRIPT, include_str!("dashboard/figures.js")),
    ("icon.svg", "image/svg+xml", include_str!("dashboard/icon.svg")),
    ("journey.js", SCRIPT, include_str!("dashboard/journey.js")),
    ("moments.js", SCRIPT, include_str!("dashboard/moments.js")),
    ("portfolio.js", SCRIPT, include_str!("dashboard/portfolio.js")),
    ("style.css", "text/css; charset=utf-8", include_str!("dashboard/style.css")),
    ("timeline.js", SCRIPT, include_str!("dashboard/timeline.js")),
    ("words.js", SCRIPT, include_str!("dashboard/words.js")),
    ("work.js", SCRIPT, include_str!("dashboard/work.js")),
];

/// Only this page's own scripts, style, icon and data; nothing inline, no other host, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// `GET /dashboard`.
pub fn page() -> Response {
    serve("text/html; charset=utf-8", PAGE)
}

/// `GET /dashboard/{file}`.
pub fn file(request: &Request) -> Result<Response, Problem> {
    let asked = request.parameters.get("file").map(String::as_str).unwrap_or_default();
    let found = FILES.iter().find(|(name, _, _)| *name == asked);
    found
        .map(|(_, content_type, body)| serve(content_type, body))
        .ok_or_else(|| Problem::not_found("dashboard file", asked))
}

fn serve(content_type: &str, body: &str) -> Response {
    let headers = [
        ("content-type", content_type),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        // Modules of two versions do not fit together: a new one is asked for at each visit.
        ("cache-control", "no-cache"),
    ];
    let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Response { status: 200, headers, body: body.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_that_a_file_names_is_served_and_every_one_that_is_served_is_named() {
        let all = || FILES.iter().map(|(_, _, body)| *body).chain([PAGE]);
        let named: BTreeSet<&str> = all()
            .flat_map(|body| body.split(['"', '\'']))
            .filter_map(|text| text.strip_prefix("./").or_else(|| text.strip_prefix("dashboard/")))
            .collect();
        let served: BTreeSet<&str> = FILES.iter().map(|(name, _, _)| *name).collect();
        assert_eq!(named, served);
    }

    #[test]
    fn nothing_of_it_names_another_host_or_makes_markup_of_text() {
        for (name, _, body) in FILES.iter().copied().chain([("index.html", "", PAGE)]) {
            let body = body.replace("http://www.w3.org/2000/svg", "");
            assert!(!body.contains("http://") && !body.contains("https://") && !body.contains("//cdn"), "{name}");
            assert!(!body.contains("innerHTML") && !body.contains("eval("), "{name} makes markup of text");
        }
    }
}
