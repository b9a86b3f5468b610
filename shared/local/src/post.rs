//! What people would be told at their destinations: on one machine nothing leaves. Each request is a line of JSON in a file,
//! without its secrets, and is answered as its destination would answer.

use jiff::Timestamp;
use platform::clock::Clock;
use platform::connector::Connector;
use platform::connector::rehearsal::{Rehearsal, Sink};
use platform::connector::secret::EnvironmentSecrets;
use platform::environment::Environment;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A connector that writes down what it would send; in the log, where there is no file.
pub fn rehearsing(path: Option<&Path>, clock: Arc<dyn Clock>) -> Connector {
    let (path, now) = (path.map(Path::to_owned), clock.clone());
    let one_at_a_time = Mutex::new(());
    let sink: Sink = Box::new(move |request: &Value| {
        let _writing = one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        match &path {
            Some(path) => append(path, now.now(), request),
            None => {
                tracing::info!(%request, "would be sent");
                Ok(())
            }
        }
    });
    Connector::new(Arc::new(Rehearsal(sink)), Arc::new(EnvironmentSecrets(Environment::process())), clock)
}

fn append(path: &Path, at: Timestamp, request: &Value) -> Result<(), std::io::Error> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, "{}", json!({ "at": at, "request": request }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::StandingClock;
    use domain::delivery::{About, Answer, Notice, Told};
    use domain::destination::{Destination, Kind, SlaOwner};
    use domain::escalation::Role;
    use domain::id::{AccountId, DestinationId, EscalationId, TenantId};
    use domain::rate::RateLimit;
    use domain::signal::Severity;

    #[test]
    fn what_would_be_sent_is_a_line_of_a_file_and_nothing_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent.jsonl");
        let at: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
        let connector = rehearsing(Some(&path), Arc::new(StandingClock::new(at)));
        let id = DestinationId::new("mail").unwrap();
        let destination = Destination {
            id: id.clone(),
            kind: Kind::Email {
                region: "eu-central-1".into(),
                from: "a@b.example".into(),
                to: vec!["c@d.example".into()],
            },
            secret: None,
            limit: RateLimit { per_minute: 60, burst: 60 },
            source: None,
            sla_owner: SlaOwner::Us,
        };
        let notice = Notice {
            tenant: TenantId::new("t").unwrap(),
            account: AccountId::new("acme").unwrap(),
            about: About::Escalation(EscalationId::new("esc-1").unwrap()),
            destination: id,
            told: Told::Page { role: Role::Executive, person: None, step: 0, repeats: 0 },
            at,
            severity: Some(Severity::High),
            reason: "somebody has to talk".into(),
            case: None,
            breach_at: None,
            said_by: None,
        };
        for _ in 0..2 {
            let answer = crate::host::at_once(connector.deliver(&destination, &notice)).unwrap();
            assert_eq!(answer, Answer::Delivered { external_id: Some("ses-1".into()) });
        }
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]), (2, &lines[1]));
        assert_eq!(lines[0]["request"]["body"]["Destination"]["ToAddresses"][0], "c@d.example");
    }
}
