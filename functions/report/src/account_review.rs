//! `GET /accounts/{id}/review`: one account on a page to print and to talk about with the customer. It is drawn here, holds
//! no script and asks for nothing from anywhere; everything that came from outside is escaped.

use crate::{analytics, story};
use contract::report::TimelineEntry;
use domain::band::Band;
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::AccountId;
use domain::insight::advice::{self, Replies};
use domain::insight::advocacy::AdvocacyPolicy;
use domain::insight::desk::{self, Desk};
use domain::insight::journey::stays;
use domain::insight::{peers, voice};
use domain::portfolio::Row;
use domain::story::{Second, Story};
use jiff::Timestamp;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::table::{self, Range};
use platform::{keys, once};
use std::collections::BTreeMap;

/// No script at all, nothing from elsewhere, in no frame but our own; the style is the page's own.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const STYLE: &str = include_str!("account_review/style.css");
/// How many days are looked back.
const DAYS: i32 = 90;
/// The most lines of the timeline.
const LINES: usize = 20;

/// What the page is drawn from.
struct Review<'a> {
    row: &'a Row,
    story: &'a Story,
    replies: &'a Replies,
    places: &'a [peers::Place],
    lines: &'a [TimelineEntry],
    now: Timestamp,
}

/// Answers the request.
pub async fn page(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    let (table, tenant) = (ports.table.as_ref(), &caller.tenant);
    let row: Row = once::state_of(&table.get(&keys::portfolio_row(tenant, &account)).await?.ok_or_else(not_found)?)?;
    let story = story::one(ports, tenant, &account).await?.unwrap_or_else(|| Story::new(account.clone()));
    let replies = table.get(&keys::replies(tenant, &account)).await?;
    let replies: Replies = replies.as_ref().map(once::state_of).transpose()?.unwrap_or_default();
    let places = peers::places(&analytics::values(ports, tenant).await?, &account);
    let range = Range::prefix(keys::account(tenant, &account), "timeline#").newest_first().limit(LINES);
    let page = table.query(&range).await?;
    let lines = page.items.iter().map(table::read).collect::<Result<Vec<TimelineEntry>, _>>()?;
    let now = ports.clock.now();
    let review = Review { row: &row, story: &story, replies: &replies, places: &places, lines: &lines, now };
    let headers = BTreeMap::from([
        ("content-type".to_owned(), "text/html; charset=utf-8".to_owned()),
        ("content-security-policy".to_owned(), POLICY.to_owned()),
        ("referrer-policy".to_owned(), "no-referrer".to_owned()),
    ]);
    Ok(Response { status: 200, headers, body: review.html() })
}

impl Review<'_> {
    fn html(&self) -> String {
        let name = escape(self.row.name());
        let parts = [
            self.standing(),
            table("Key figures among its like", &["Measure", "This account", "Others’ middle", "Above"], &self.peers()),
            table("Support", &["", ""], &self.support()),
            table("How its health went", &["Since", "Band"], &self.bands()),
            table("The way it came", &["Since", "Stage"], &self.stages()),
            table("What it said, and what came of it", &["Theme", "Said on", "Told on"], &self.loops()),
            table("What to do next", &["What", "Why", "About"], &self.actions()),
            table("Open calls to action", &["Rule", "Why", "Due"], &self.ctas()),
            table("What happened lately", &["When", "What"], &self.timeline()),
        ];
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Review of {name}</title><style>{STYLE}</style></head>\
             <body><main><h1>Review of {name}</h1><p class=\"as-of\">As of {}</p>{}</main></body></html>\n",
            minute(self.now),
            parts.concat()
        )
    }

    fn standing(&self) -> String {
        let mut facts: Vec<(&str, String)> = Vec::new();
        if let Some(health) = self.row.health() {
            let band = health.band.map(|band| band.to_string()).unwrap_or_default();
            facts.push(("Health", format!("{} {}", health.score.rounded(1), words(&band))));
        }
        if let Some(description) = self.story.description() {
            facts.push(("Yearly revenue", money(description.arr.cents())));
            facts.push(("Stage", words(description.stage.name())));
            facts.push(("Segment", words(description.segment.name())));
            facts.extend(description.renewal_on.map(|on| ("Contract ends", on.to_string())));
        }
        let fact = |(name, value): &(&str, String)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
        format!("<dl>{}</dl>", facts.iter().map(fact).collect::<String>())
    }

    fn peers(&self) -> Vec<Vec<String>> {
        let shown = |value: Quantity| value.rounded(1);
        let row = |place: &peers::Place| {
            let above = place.above_percent.map(|percent| format!("{percent} %"));
            let few = || "too few".to_owned();
            vec![
                words(&place.measure),
                shown(place.value),
                place.median.map_or_else(few, shown),
                above.unwrap_or_else(few),
            ]
        };
        self.places.iter().map(row).collect()
    }

    fn support(&self) -> Vec<Vec<String>> {
        let today = Day::of(self.now);
        let Desk { all, open, csat, .. } = desk::desk([self.story], today.plus(1 - DAYS), today);
        let hours = |seconds: Option<i64>| seconds.map_or("–".to_owned(), |seconds| format!("{} h", seconds / 3_600));
        let mut rows = vec![
            vec![format!("Cases opened in {DAYS} days"), all.opened.to_string()],
            vec!["Solved".into(), all.resolved.to_string()],
            vec!["Open now".into(), open.to_string()],
            vec!["First answer, the middle one".into(), hours(all.first_response.percentile(50))],
            vec!["Solution, the middle one".into(), hours(all.resolution.percentile(50))],
        ];
        rows.extend(
            csat.map(|(count, mean)| vec![format!("Content, of {count} answers"), format!("{} %", mean.rounded(0))]),
        );
        rows
    }

    fn bands(&self) -> Vec<Vec<String>> {
        let row = |(at, band): (Second, &Band)| vec![desk::day_of(at).to_string(), words(band.name())];
        self.story.bands.iter().rev().take(8).map(row).collect()
    }

    fn stages(&self) -> Vec<Vec<String>> {
        let stays = stays(self.story);
        stays.iter().map(|stay| vec![desk::day_of(stay.from).to_string(), words(stay.stage.name())]).collect()
    }

    fn loops(&self) -> Vec<Vec<String>> {
        let all = voice::loops([(self.story, &self.replies.told)], self.now.as_second());
        let day = |at: Second| desk::day_of(at).to_string();
        let told = |one: &voice::Loop| one.told.map_or_else(|| "not yet".to_owned(), day);
        all.iter().map(|one| vec![words(&one.theme), day(one.heard), told(one)]).collect()
    }

    fn actions(&self) -> Vec<Vec<String>> {
        let pair = [(self.story, self.replies)];
        let all = advice::advise(pair, &AdvocacyPolicy::default(), self.now.as_second());
        let row =
            |one: &advice::Advice| vec![words(one.action.name()), one.evidence.join("; "), money(one.worth.cents())];
        all.iter().map(row).collect()
    }

    fn ctas(&self) -> Vec<Vec<String>> {
        let row = |cta: &domain::portfolio::CtaView| {
            vec![words(cta.rule.as_str()), cta.reason.clone(), Day::of(cta.due_at).to_string()]
        };
        self.row.ctas().map(|(_, cta)| row(cta)).collect()
    }

    fn timeline(&self) -> Vec<Vec<String>> {
        self.lines.iter().map(|line| vec![minute(line.at), line.text.clone()]).collect()
    }
}

/// A table under a heading; one without rows says so.
fn table(heading: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return format!("<section><h2>{heading}</h2><p>Nothing.</p></section>");
    }
    let head: String = columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    let cell = |(place, cell): (usize, &String)| match place {
        0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
        _ => format!("<td>{}</td>", escape(cell)),
    };
    let row = |row: &Vec<String>| format!("<tr>{}</tr>", row.iter().enumerate().map(cell).collect::<String>());
    let body: String = rows.iter().map(row).collect();
    let head = if columns.iter().all(|column| column.is_empty()) {
        String::new()
    } else {
        format!("<thead><tr>{head}</tr></thead>")
    };
    format!("<section><h2>{heading}</h2><table>{head}<tbody>{body}</tbody></table></section>")
}

/// Text as HTML shows it.
fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            other => shown.push(other),
        }
    }
    shown
}

/// A name as people read it.
fn words(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or_else(|| text.clone(), |text| format!("{} UTC", text.replace('T', " ")))
}

/// An amount in whole units of the tenant's currency.
fn money(cents: i64) -> String {
    let whole = (cents / 100).to_string();
    let mut shown = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) && !shown.ends_with('-') {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_is_escaped_and_amounts_are_grouped() {
        assert_eq!(escape(r#"<b a="1">&'"#), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
        assert_eq!(money(123_456_789), "1\u{202f}234\u{202f}567");
        assert_eq!((money(99_900), money(0)), ("999".into(), "0".into()));
        assert_eq!(minute("2026-11-23T08:05:59Z".parse().unwrap()), "2026-11-23 08:05 UTC");
    }
}
