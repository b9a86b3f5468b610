//! The contract that every adapter keeps (A17), against a destination that is played: it answers in its own words, does
//! not answer in time, asks for less, fails, talks nonsense, and hears things twice.

use super::*;
use crate::doubles::{Doubles, block_on};
use async_trait::async_trait;
use domain::escalation::Role;
use domain::id::{AccountId, CaseId, EscalationId, ExecutionId, SourceId, StepId, TenantId};
use domain::rate::RateLimit;
use domain::signal::Severity;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::collections::VecDeque;

/// What a destination does instead of answering well.
#[derive(Debug, Clone)]
enum Mood {
    Well,
    TimesOut,
    /// It does what it is asked, but its answer is lost.
    AnswerIsLost,
    Status(u16, Option<&'static str>),
    Says(&'static str),
}

/// A destination of any of the six kinds, which keeps records by the ids that it is given.
#[derive(Default)]
struct Destinies {
    moods: Mutex<VecDeque<Mood>>,
    heard: Mutex<Vec<OutboundRequest>>,
    records: Mutex<BTreeMap<String, u32>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

#[async_trait]
impl Transport for Destinies {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        if request.url.ends_with("/services/oauth2/token") {
            return Ok(rehearsal::played(&request).1);
        }
        locked(&self.heard).push(request.clone());
        let well = || {
            let (key, answer) = rehearsal::played(&request);
            *locked(&self.records).entry(key).or_default() += 1;
            answer
        };
        match locked(&self.moods).pop_front().unwrap_or(Mood::Well) {
            Mood::Well => Ok(well()),
            Mood::AnswerIsLost => {
                well();
                Err(TransportError::TimedOut)
            }
            Mood::TimesOut => Err(TransportError::TimedOut),
            Mood::Status(status, retry_after) => Ok(OutboundResponse {
                status,
                retry_after: retry_after.map(str::to_owned),
                body: "<html>no</html>".into(),
            }),
            Mood::Says(text) => Ok(OutboundResponse { status: 200, retry_after: None, body: text.into() }),
        }
    }
}

struct Vault;

#[async_trait]
impl Secrets for Vault {
    async fn secret(&self, name: &str) -> Result<Secret, SecretError> {
        Ok(Secret::new(match name {
            "hook" => "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo",
            "crm" => r#"{"client_id":"cs-ops","client_secret":"hush!"}"#,
            "desk" => "cs-ops:hush",
            "missing" => return Err(SecretError::Missing(name.into())),
            _ => "hush-hush",
        }))
    }
}

struct Stage {
    connector: Connector,
    there: Arc<Destinies>,
}

fn stage(moods: &[Mood]) -> Stage {
    let there = Arc::new(Destinies { moods: Mutex::new(moods.to_vec().into()), ..Default::default() });
    let connector = Connector::new(there.clone(), Arc::new(Vault), Doubles::new().ports().clock);
    Stage { connector, there }
}

impl Stage {
    fn tell(&self, destination: &Destination, notice: &Notice) -> Answer {
        block_on(self.connector.deliver(destination, notice))
    }
}

fn every_kind() -> Vec<Destination> {
    let instance = || "https://it.example".to_owned();
    let kinds = [
        ("hook", Kind::Webhook { url: "https://hooks.example/x".into() }),
        ("room", Kind::Slack { channel: "C1".into() }),
        ("pager", Kind::PagerDuty),
        ("desk", Kind::ServiceNow { instance: instance(), table: "u_cs_ops".into() }),
        (
            "crm",
            Kind::Salesforce { instance: instance(), object: "Escalation__c".into(), external_id: "Key__c".into() },
        ),
        (
            "mail",
            Kind::Email { region: "eu-central-1".into(), from: "a@b.example".into(), to: vec!["c@d.example".into()] },
        ),
    ];
    let destination = |(id, kind): (&str, Kind)| Destination {
        id: DestinationId::new(id).unwrap(),
        secret: (!matches!(kind, Kind::Email { .. })).then(|| id.to_owned()),
        kind,
        limit: RateLimit { per_minute: 60, burst: 60 },
        source: None,
        sla_owner: SlaOwner::Us,
    };
    kinds.map(destination).into()
}

fn notice(destination: &Destination, told: Told) -> Notice {
    Notice {
        tenant: TenantId::new("t").unwrap(),
        account: AccountId::new("acme").unwrap(),
        about: About::Escalation(EscalationId::new("esc-1").unwrap()),
        destination: destination.id.clone(),
        told,
        at: "2026-01-05T00:00:00Z".parse().unwrap(),
        severity: Some(Severity::Critical),
        reason: "case <c> needs people & soon".into(),
        case: Some(CaseId::new("c").unwrap()),
        breach_at: Some("2026-01-05T01:00:00Z".parse().unwrap()),
        said_by: None,
    }
}

fn page(destination: &Destination) -> Notice {
    notice(destination, Told::Page { role: Role::SupportEngineer, person: None, step: 0, repeats: 0 })
}

fn later(destination: &Destination) -> [Notice; 2] {
    [Told::Acknowledged { by: "kim".into() }, Told::Resolved { outcome: "repaired".into() }]
        .map(|told| notice(destination, told))
}

#[track_caller]
fn cause(answer: &Answer) -> Cause {
    match answer {
        Answer::Failed { cause, reason } => {
            assert!(!reason.is_empty() && !reason.contains("hush"), "{reason}");
            *cause
        }
        Answer::Delivered { .. } => panic!("it was delivered"),
    }
}

fn effect(destination: &Destination, key: &str) -> Notice {
    let told = Told::Effect {
        key: key.into(),
        step: StepId::new("welcome").unwrap(),
        effect: "notify".into(),
        role: Some("vice_president".into()),
    };
    let about = About::Execution(ExecutionId::new("exec-1").unwrap());
    let reason = "Call them.".into();
    Notice { about, severity: None, case: None, breach_at: None, reason, ..notice(destination, told) }
}

const DOWN: Cause = Cause::Down { retry_after: None };

#[test]
fn a17_each_kind_delivers_and_knows_what_it_is_called_there() {
    for destination in every_kind() {
        let stage = stage(&[]);
        let expected = match destination.id.as_str() {
            "hook" => None,
            "room" => Some("C1/1.2".to_owned()),
            "pager" => Some(page(&destination).record()),
            "desk" => Some("s1".to_owned()),
            "crm" => Some("a00".to_owned()),
            _ => Some("ses-1".to_owned()),
        };
        let answer = stage.tell(&destination, &page(&destination));
        assert_eq!(answer, Answer::Delivered { external_id: expected }, "{}", destination.id);
    }
}

#[test]
fn a17_no_answer_and_an_answer_that_was_lost_are_tried_again() {
    for destination in every_kind() {
        for mood in [Mood::TimesOut, Mood::AnswerIsLost] {
            let stage = stage(&[mood]);
            assert_eq!(cause(&stage.tell(&destination, &page(&destination))), DOWN, "{}", destination.id);
        }
    }
}

#[test]
fn a17_each_kind_obeys_a_retry_after_and_takes_failures_for_what_they_are() {
    let seconds = |seconds| Some(SignedDuration::from_secs(seconds));
    let cases = [
        (Mood::Status(429, Some("120")), Cause::Throttled { retry_after: seconds(120) }),
        (Mood::Status(429, Some("Mon, 05 Jan 2026 00:02:00 GMT")), Cause::Throttled { retry_after: seconds(120) }),
        (Mood::Status(429, None), Cause::Throttled { retry_after: None }),
        (Mood::Status(500, None), DOWN),
        (Mood::Status(503, Some("30")), Cause::Down { retry_after: seconds(30) }),
        (Mood::Status(301, None), Cause::Closed),
        (Mood::Status(401, None), Cause::Closed),
        (Mood::Status(404, None), Cause::Closed),
        (Mood::Status(400, None), Cause::Refused),
    ];
    for destination in every_kind() {
        for (mood, expected) in &cases {
            let answer = stage(std::slice::from_ref(mood)).tell(&destination, &page(&destination));
            assert_eq!(cause(&answer), *expected, "{} {mood:?}", destination.id);
        }
    }
}

#[test]
fn a17_nonsense_with_a_success_is_no_success() {
    // A webhook has no words of its own: any success is one.
    for destination in every_kind().into_iter().filter(|destination| destination.id.as_str() != "hook") {
        for text in ["", "<html>welcome</html>", "[]", "{}", "7", r#"{"ok":1,"status":7,"result":[],"success":"no"}"#] {
            let answer = stage(&[Mood::Says(text)]).tell(&destination, &page(&destination));
            assert_eq!(cause(&answer), DOWN, "{} {text}", destination.id);
        }
    }
}

#[test]
fn a17_told_twice_it_is_the_same_request_and_one_record_there() {
    for destination in every_kind() {
        let stage = stage(&[Mood::AnswerIsLost]);
        stage.tell(&destination, &page(&destination));
        stage.tell(&destination, &page(&destination));
        let (heard, records) = (locked(&stage.there.heard), locked(&stage.there.records));
        assert_eq!(heard[0], heard[1], "{}", destination.id);
        assert_eq!(records.values().collect::<Vec<_>>(), [&2], "{}", destination.id);
    }
}

#[test]
fn a83_a_page_its_acknowledgement_and_its_end_are_one_record_where_records_are_kept() {
    for destination in every_kind().into_iter().filter(|one| ["pager", "desk", "crm"].contains(&one.id.as_str())) {
        let stage = stage(&[Mood::Well, Mood::Status(500, None), Mood::AnswerIsLost]);
        for notice in
            [page(&destination), page(&destination)].into_iter().chain(later(&destination)).chain(later(&destination))
        {
            stage.tell(&destination, &notice);
        }
        let records = locked(&stage.there.records);
        assert_eq!(records.keys().collect::<Vec<_>>(), [&page(&destination).record()], "{}", destination.id);
    }
}

#[test]
fn a16_what_a_playbook_says_is_a_record_of_its_own_told_twice_or_not() {
    for destination in every_kind() {
        let stage = stage(&[Mood::AnswerIsLost]);
        for key in ["a", "a", "b"] {
            stage.tell(&destination, &effect(&destination, key));
        }
        let (heard, records) = (locked(&stage.there.heard), locked(&stage.there.records));
        assert_eq!(records.values().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]), "{}", destination.id);
        let body = &heard[0].body;
        assert!(body.contains("acme, welcome, for vice president") && body.contains("exec-1"), "{body}");
        assert!(body.contains("Call them.") && !body.contains("esc-1"), "{body}");
    }
}

#[test]
fn a105_who_is_asked_to_take_over_and_until_when_it_is_put_off_is_told_in_words() {
    let by = PersonId::new("kim").unwrap();
    let asked = Told::HandedOver { by: by.clone(), to: PersonId::new("bo").unwrap() };
    let later = Told::Snoozed { by, until: "2026-01-06T00:00:00Z".parse().unwrap() };
    let heard = |destination: &Destination, told: &Told| {
        let stage = stage(&[]);
        stage.tell(destination, &notice(destination, told.clone()));
        locked(&stage.there.heard)[0].body.clone()
    };
    let (mut who_hears, mut states) = (Vec::new(), Vec::new());
    for destination in every_kind() {
        if destination.wants(&notice(&destination, asked.clone())) {
            assert!(heard(&destination, &asked).contains("kim asks bo to take over acme"));
            who_hears.push(destination.id.to_string());
        }
        if destination.wants(&notice(&destination, later.clone())) {
            let body = heard(&destination, &later);
            let says = ["escalation.snoozed", "\"acknowledge\"", "\"snoozed\""].map(|word| body.contains(word));
            states.push((destination.id.to_string(), says.contains(&true)));
        }
    }
    assert_eq!(who_hears, ["hook", "room", "mail"]);
    assert_eq!(states, ["hook", "pager", "desk", "crm"].map(|id| (id.to_owned(), true)));
}

#[test]
fn a_page_names_who_has_the_duty() {
    let room = &every_kind()[1];
    let told = Told::Page { role: Role::SupportEngineer, person: PersonId::new("sup-01").ok(), step: 1, repeats: 1 };
    let stage = stage(&[]);
    stage.tell(room, &notice(room, told));
    let body = locked(&stage.there.heard)[0].body.clone();
    assert!(body.contains("critical: acme still needs support engineer sup-01"), "{body}");
}

#[test]
fn a83_salesforce_is_asked_to_update_by_the_external_id_and_may_answer_without_words() {
    let destination = &every_kind()[4];
    let stage = stage(&[Mood::Status(204, None), Mood::Status(401, None)]);
    assert_eq!(stage.tell(destination, &page(destination)), Answer::Delivered { external_id: None });
    let request = locked(&stage.there.heard)[0].clone();
    assert_eq!(request.method, "PATCH");
    let path =
        format!("https://it.example/services/data/v61.0/sobjects/Escalation__c/Key__c/{}", page(destination).record());
    assert_eq!(request.url, path);
    assert_eq!(stage.connector.sessions().len(), 1);
    assert_eq!(cause(&stage.tell(destination, &page(destination))), Cause::Closed);
    assert_eq!(stage.connector.sessions().len(), 0, "a session that is refused is opened anew");
}

#[test]
fn a84_who_owns_the_clocks_is_not_told_of_ours_and_nobody_is_told_what_they_said() {
    let mut desk = every_kind().remove(3);
    desk.source = Some(SourceId::new("servicenow").unwrap());
    let said = Notice { said_by: desk.source.clone(), ..later(&desk)[0].clone() };
    assert!(!desk.wants(&said) && desk.wants(&later(&desk)[0]) && desk.wants(&page(&desk)));
    let due = |destination: &Destination| {
        let stage = stage(&[]);
        stage.tell(destination, &page(destination));
        let body: Value = serde_json::from_str(&locked(&stage.there.heard)[0].body).unwrap();
        body.get("u_sla_due").cloned()
    };
    assert_eq!(due(&desk), Some(json!("2026-01-05 01:00:00")));
    desk.sla_owner = SlaOwner::Them;
    assert_eq!(due(&desk), None);
}

#[test]
fn what_slack_says_in_its_body_is_what_counts() {
    let room = &every_kind()[1];
    let says = |text: &'static str| cause(&stage(&[Mood::Says(text)]).tell(room, &page(room)));
    assert_eq!(says(r#"{"ok":false,"error":"ratelimited"}"#), Cause::Throttled { retry_after: None });
    assert_eq!(says(r#"{"ok":false,"error":"internal_error"}"#), DOWN);
    assert_eq!(says(r#"{"ok":false,"error":"msg_too_long"}"#), Cause::Refused);
    assert_eq!(says(r#"{"ok":false,"error":"invalid_auth"}"#), Cause::Closed);
    let stage = stage(&[]);
    stage.tell(room, &page(room));
    let body = locked(&stage.there.heard)[0].body.clone();
    assert!(body.contains("case &lt;c&gt; needs people &amp; soon"), "{body}");
}

#[test]
fn pagerduty_hears_of_one_incident_from_its_trigger_to_its_end() {
    let pager = &every_kind()[2];
    let stage = stage(&[]);
    for notice in [page(pager)].into_iter().chain(later(pager)) {
        stage.tell(pager, &notice);
    }
    let heard: Vec<Value> =
        locked(&stage.there.heard).iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
    let actions: Vec<&str> = heard.iter().map(|body| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    let summary = heard[0]["payload"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("critical: acme needs support engineer: case <c> needs people & soon"), "{summary}");
    assert_eq!(heard[0]["payload"]["severity"], "critical");
}

#[test]
fn a_webhook_says_the_same_under_the_same_id_and_signs_it_at_its_moment() {
    let hook = &every_kind()[0];
    let stage = stage(&[]);
    stage.tell(hook, &page(hook));
    let request = locked(&stage.there.heard)[0].clone();
    let header = |wanted: &str| request.headers.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
    assert_eq!(header("webhook-id"), page(hook).id());
    assert_eq!(header("webhook-timestamp"), "1767571200");
    let secret = block_on(Vault.secret("hook")).unwrap();
    let signature = webhook::sign(&secret, &header("webhook-id"), "1767571200", &request.body).unwrap();
    assert_eq!(header("webhook-signature"), signature);
    assert!(request.body.contains(r#""type":"escalation.page""#), "{}", request.body);
}

#[test]
fn a_secret_that_is_missing_or_none_holds_messages_back_and_is_not_shown() {
    let [mut hook, mut crm] = [0, 4].map(|index| every_kind().remove(index));
    hook.secret = Some("pager".into());
    crm.secret = Some("pager".into());
    let missing = Destination { secret: Some("missing".into()), ..hook.clone() };
    for destination in [hook, crm, missing] {
        assert_eq!(cause(&stage(&[]).tell(&destination, &page(&destination))), Cause::Closed);
    }
}

/// Everything that is logged at any level, with what comes out of it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        locked(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_log_holds_a_secret_whatever_goes_wrong() {
    let log = Log::default();
    let to = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || to.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for destination in every_kind() {
            // What a destination answers may repeat what it was sent.
            let echo = Mood::Says(r#"{"ok":false,"error":"hush-hush"}"#);
            for mood in [Mood::Well, Mood::TimesOut, Mood::Status(401, None), Mood::Status(500, Some("hush")), echo] {
                let stage = stage(&[mood]);
                let answer = stage.tell(&destination, &page(&destination));
                tracing::warn!(?destination, ?answer, heard = ?locked(&stage.there.heard), "told");
            }
        }
    });
    let text = String::from_utf8(locked(&log.0).clone()).unwrap();
    assert!(text.contains("told") && text.contains("hooks.example"), "something was logged");
    for secret in ["hush", "aHVza", "Y3Mtb3BzOmh1c2g"] {
        assert!(!text.contains(secret), "`{secret}` is in the log");
    }
}

#[test]
fn no_request_shows_a_secret() {
    let mut seen = BTreeSet::new();
    for destination in every_kind() {
        let stage = stage(&[]);
        stage.tell(&destination, &page(&destination));
        let shown = format!("{:?}", locked(&stage.there.heard)[0]);
        // `cs-ops:hush` in Base64.
        assert!(!shown.contains("hush") && !shown.contains("Y3Mtb3BzOmh1c2g"), "{shown}");
        seen.insert(shown);
    }
    assert_eq!(seen.len(), 6);
}
