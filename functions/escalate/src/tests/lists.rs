//! The list of active escalations: in order, page by page, with how probable a breach is.

use super::*;
use contract::escalate::ClockBody;

impl Stage {
    fn page(&self, query: &[(&str, &str)]) -> Result<ActiveEscalations, Problem> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let route = "/escalations/active".into();
        let answer = self.ask("t", Request { method: "GET".into(), route, query, ..Request::default() })?;
        Ok(serde_json::from_value(answer).unwrap())
    }
}

#[test]
fn a129_pages_hold_each_escalation_once_in_order_even_where_some_end_in_between() {
    let stage = stage();
    for number in 0..230_i64 {
        let severity = Severity::ALL[usize::try_from(number % 4).unwrap()];
        stage.case(&format!("case-{number}"), severity, &[(-number * 7, CaseStatus::Opened)]);
    }
    stage.request("1", "band-critical", "cta-1");
    let all = stage.page(&[]).unwrap();
    let mut found = all.escalations.clone();
    let mut cursor = all.cursor;
    // One of the first page ends while the second one is asked for: nothing moves.
    stage.act("t", &found[0].escalation, "resolve", r#"{"outcome":"done"}"#).unwrap();
    while let Some(text) = cursor {
        let page = stage.page(&[("cursor", &text)]).unwrap();
        found.extend(page.escalations);
        cursor = page.cursor;
    }
    let ids: std::collections::BTreeSet<&String> = found.iter().map(|item| &item.escalation).collect();
    assert_eq!((found.len(), ids.len()), (231, 231));
    let times: Vec<i64> = found.iter().map(|item| item.seconds_to_breach.unwrap_or(i64::MAX)).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(found[230].cause_id, "band-critical", "what has no clock comes last");
    assert_eq!(stage.page(&[("cursor", "42")]).unwrap_err().status, 422);
}

#[test]
fn a129_it_is_asked_by_tier_channel_and_person() {
    let stage = stage();
    stage.about.borrow_mut().channel = Some(domain::signal::Channel::Phone);
    stage.case("called", Severity::High, &[(0, CaseStatus::Opened)]);
    stage.about.borrow_mut().channel = None;
    stage.case("wrote", Severity::High, &[(0, CaseStatus::Opened)]);
    let person = stage.active("t", &[("channel", "phone")])[0].told[0].person.clone();
    let found = |query: &[(&str, &str)]| -> Vec<String> {
        stage.active("t", query).into_iter().map(|item| item.cause_id).collect()
    };
    assert_eq!(found(&[("channel", "phone")]), ["called"]);
    assert_eq!(found(&[("person", &person)]), ["called"], "the other one goes to somebody who has less to do");
    assert_eq!((found(&[("tier", "1")]).len(), found(&[("tier", "2")]).len()), (2, 0));
}

fn first_response(item: &EscalationItem) -> &ClockBody {
    item.clocks.iter().find(|clock| clock.clock.name() == "first_response").unwrap()
}

#[test]
fn a129_a_breach_is_as_probable_as_the_record_says_and_the_calibration_stands_beside_it() {
    let stage = stage();
    stage.case("now", Severity::Critical, &[(0, CaseStatus::Opened)]);
    stage.doubles.set_now(stage.at(15 * MINUTE));
    let short = stage.page(&[]).unwrap();
    let clock = first_response(&short.escalations[0]);
    let breach = clock.breach.as_ref().unwrap();
    assert_eq!((clock.elapsed_seconds, breach.basis.as_str(), breach.probability_percent), (900, "used_time", 25.0));
    assert_eq!(short.calibration[0].text, "no record to hold predictions against");
    assert_eq!(short.escalations[0].breach_probability_percent, Some(25.0), "that of the most probable one");
    // Thirty cases that were answered: every third one too late.
    for number in 1..=30_i64 {
        let (start, answer) = (-number * 5 * HOUR, if number % 3 == 0 { 2 * HOUR } else { 50 * MINUTE });
        let news = [
            (start, CaseStatus::Opened),
            (start + answer, CaseStatus::Responded),
            (start + 3 * HOUR, CaseStatus::Resolved),
        ];
        stage.case(&format!("past-{number}"), Severity::Critical, &news);
    }
    let page = stage.page(&[]).unwrap();
    let breach = first_response(&page.escalations[0]).breach.clone().unwrap();
    assert_eq!((breach.basis.as_str(), breach.clocks), ("history", Some(30)));
    assert!((breach.probability_percent - 33.33).abs() < 0.02, "{}", breach.probability_percent);
    let of_first = page.calibration.iter().find(|known| known.clock.name() == "first_response").unwrap();
    assert!(of_first.predictions > 60 && of_first.brier.is_some(), "{}", of_first.text);
    assert!(of_first.text.contains("breached, Brier 0."), "{}", of_first.text);
    stage.doubles.set_now(stage.at(HOUR));
    let page = stage.page(&[]).unwrap();
    let clock = first_response(&page.escalations[0]);
    assert_eq!(
        (clock.breach.as_ref().unwrap().basis.as_str(), clock.state),
        ("breached", domain::sla::ClockState::Breached)
    );
}

#[test]
fn a63_a_clock_in_office_hours_is_read_in_office_hours_whenever_it_is_asked() {
    let mut file: contract::escalation::EscalationFile = serde_json::from_value(default_file()).unwrap();
    let hours: contract::calendar::CalendarFile = serde_json::from_value(json!({
        "time_zone": "UTC", "days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "09:00", "until": "17:00",
    }))
    .unwrap();
    file.sla.calendar = contract::escalation::HoursFile::Work(hours);
    let policies = file.try_into().unwrap();
    let stage = stage();
    let roster = contract::roster::built_in().unwrap();
    let stage = Stage { escalate: Escalate::with(stage.doubles.ports(), policies, roster), ..stage };
    // Monday at midnight; at eleven, two hours of four have passed.
    stage.case("c", Severity::Medium, &[(0, CaseStatus::Opened)]);
    for (hour, elapsed) in [(5, 0), (9, 0), (11, 2), (13, 4), (14, 5)] {
        stage.doubles.set_now(stage.at(hour * HOUR));
        let page = stage.page(&[]).unwrap();
        let clock = first_response(&page.escalations[0]);
        assert_eq!(clock.elapsed_seconds, elapsed * HOUR, "at {hour}");
        assert_eq!(clock.breach_at, Some(stage.at(13 * HOUR)));
    }
}

fn default_file() -> Value {
    json!({
        "name": "office",
        "sla": {
            "calendar": "all_hours",
            "warn_percent": [50, 75],
            "critical": { "first_response": "1h", "resolution": "4h" },
            "high": { "first_response": "2h", "resolution": "8h" },
            "medium": { "first_response": "4h", "resolution": "24h" },
            "low": { "first_response": "8h", "resolution": "48h" },
        },
        "policies": {
            "critical": [{ "role": "support_engineer", "acknowledge_within": "10m", "repeats": 0 }],
            "high": [{ "role": "support_engineer", "acknowledge_within": "10m", "repeats": 0 }],
            "medium": [{ "role": "support_engineer", "acknowledge_within": "100h", "repeats": 0 }],
            "low": [{ "role": "support_engineer", "acknowledge_within": "10m", "repeats": 0 }],
            "break_glass": [{ "role": "executive", "acknowledge_within": "10m", "repeats": 0 }],
        },
    })
}
