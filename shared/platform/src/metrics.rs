//! Metrics: the one list of what is counted and measured, and the port through which it goes out.
//!
//! On AWS a metric is a line of the log in CloudWatch's embedded metric format (EMF); CloudWatch makes the metric from
//! it, so nothing is called and nothing waits. Every record is a line of its own, written at once: a function that is
//! frozen or ended between two invocations loses none.
//!
//! The writer is our own and small. `metrique` was looked at: it is made for one wide record per unit of work, declared
//! as a struct, with its own clock and a background queue that must be flushed before the process is frozen. Here a
//! metric is recorded where it happens, time comes from the clock port, and what remains of the format is one JSON object.

use crate::clock::Clock;
use crate::environment::Environment;
use contract::event::{Event, FunctionName};
use contract::message::Incoming;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// The CloudWatch namespace.
pub const NAMESPACE: &str = "cs-ops";
/// Names the stage, which becomes a dimension beside the function. May be absent: then there is no such dimension.
pub const STAGE_VARIABLE: &str = "CS_OPS_STAGE";

/// What is counted or measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Signals that the door let in.
    SignalsAccepted,
    /// Signals that the door put aside.
    SignalsRefused,
    /// Messages that had been handled when their turn ended well.
    MessagesHandled,
    /// Messages that go back to their queue, or on to the dead letters.
    MessagesFailed,
    /// Messages that had been handled before and changed nothing.
    MessagesRepeated,
    /// Events that the bus took.
    EventsPublished,
    /// From the moment at which a function told a fact to the end of handling it in another.
    EventToEffectMilliseconds,
    /// Accounts that were scored, whether or not the score changed.
    AccountsScored,
    /// Scheduled runs that did not start because the one before had not ended.
    RunsSkipped,
    /// Calls to action that were opened.
    CtasOpened,
    /// Rules that a kill switch held.
    RulesHeld,
    /// Escalations that were opened.
    EscalationsOpened,
    /// What destinations were told.
    NoticesDelivered,
    /// Tries to tell a destination that failed.
    NoticesFailed,
    /// What a destination will not be told any more.
    NoticesGivenUp,
    /// Times that something waited for a destination that is left alone.
    DestinationsDown,
}

impl Metric {
    /// The metric's name in CloudWatch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignalsAccepted => "signals_accepted",
            Self::SignalsRefused => "signals_refused",
            Self::MessagesHandled => "messages_handled",
            Self::MessagesFailed => "messages_failed",
            Self::MessagesRepeated => "messages_repeated",
            Self::EventsPublished => "events_published",
            Self::EventToEffectMilliseconds => "event_to_effect_milliseconds",
            Self::AccountsScored => "accounts_scored",
            Self::RunsSkipped => "runs_skipped",
            Self::CtasOpened => "ctas_opened",
            Self::RulesHeld => "rules_held",
            Self::EscalationsOpened => "escalations_opened",
            Self::NoticesDelivered => "notices_delivered",
            Self::NoticesFailed => "notices_failed",
            Self::NoticesGivenUp => "notices_given_up",
            Self::DestinationsDown => "destinations_down",
        }
    }

    /// The unit, as CloudWatch names it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::EventToEffectMilliseconds => "Milliseconds",
            _ => "Count",
        }
    }
}

/// Where metrics go. Recording never fails: a metric that is lost is no reason to fail the work it counts.
pub trait Metrics: Send + Sync {
    /// Records one value, or several that belong together. No metric is named twice.
    fn record(&self, values: &[(Metric, u64)]);
}

/// Drops everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Metrics for Nowhere {
    fn record(&self, _: &[(Metric, u64)]) {}
}

/// Keeps everything in memory, so that it can be read again.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Vec<(Metric, u64)>>);

impl Kept {
    /// What was recorded, in order.
    pub fn values(&self) -> Vec<(Metric, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sum of what was recorded under this name.
    pub fn total(&self, metric: Metric) -> u64 {
        self.values().iter().filter(|(recorded, _)| *recorded == metric).map(|(_, value)| value).sum()
    }
}

impl Metrics for Kept {
    fn record(&self, values: &[(Metric, u64)]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(values);
    }
}

/// Writes lines in CloudWatch's embedded metric format.
pub struct EmbeddedMetricFormat<W> {
    dimensions: Vec<(&'static str, String)>,
    clock: Arc<dyn Clock>,
    writer: Mutex<W>,
}

impl EmbeddedMetricFormat<std::io::Stdout> {
    /// Writes to the function's log, with the stage that the environment names.
    pub fn to_log(function: FunctionName, environment: &Environment, clock: Arc<dyn Clock>) -> Self {
        Self::new(function, environment.get(STAGE_VARIABLE), clock, std::io::stdout())
    }
}

impl<W: Write + Send> EmbeddedMetricFormat<W> {
    /// Writes to the given place.
    pub fn new(function: FunctionName, stage: Option<&str>, clock: Arc<dyn Clock>, writer: W) -> Self {
        let mut dimensions = vec![("function", function.as_str().to_owned())];
        dimensions.extend(stage.map(|stage| ("stage", stage.to_owned())));
        Self { dimensions, clock, writer: Mutex::new(writer) }
    }

    fn line(&self, values: &[(Metric, u64)], now: Timestamp) -> String {
        let names: Vec<&str> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let definitions: Vec<Value> =
            values.iter().map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit() })).collect();
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions });
        let mut line = Map::new();
        line.insert("_aws".into(), json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive] }));
        line.extend(self.dimensions.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))));
        line.extend(values.iter().map(|(metric, value)| (metric.name().to_owned(), Value::from(*value))));
        format!("{}\n", Value::Object(line))
    }
}

impl<W: Write + Send> Metrics for EmbeddedMetricFormat<W> {
    fn record(&self, values: &[(Metric, u64)]) {
        if values.is_empty() {
            return;
        }
        let line = self.line(values, self.clock.now());
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // One write for the whole line, so that no other output comes between its parts.
        if let Err(error) = writer.write_all(line.as_bytes()).and_then(|()| writer.flush()) {
            tracing::warn!(%error, "metric was not written");
        }
    }
}

/// Records how a message ended; hosts call this once for every message. How long a fact took to have its effect is
/// measured from its `occurred_at`, which is when the function that tells it decided it. What came before, such as a
/// signal's wait for being recorded, is not in it: work has no such measure, and the age of its queue is watched instead.
pub fn record_message(metrics: &dyn Metrics, message: &Incoming, succeeded: bool, now: Timestamp) {
    if !succeeded {
        metrics.record(&[(Metric::MessagesFailed, 1)]);
        return;
    }
    let handled = (Metric::MessagesHandled, 1);
    match message {
        Incoming::Fact(event) => {
            let elapsed = now.duration_since(event.meta.occurred_at).as_millis();
            let elapsed = u64::try_from(elapsed.max(0)).unwrap_or(u64::MAX);
            metrics.record(&[handled, (Metric::EventToEffectMilliseconds, elapsed)]);
        }
        Incoming::Work(_) => metrics.record(&[handled]),
    }
}

/// Records what the bus took.
pub fn record_events(metrics: &dyn Metrics, events: &[Event]) {
    let count = |name: &str| events.iter().filter(|event| event.fact.name() == name).count() as u64;
    let values = [
        (Metric::EventsPublished, events.len() as u64),
        (Metric::CtasOpened, count("CtaOpened")),
        (Metric::EscalationsOpened, count("EscalationOpened")),
        (Metric::RulesHeld, count("RuleHeld")),
        (Metric::NoticesGivenUp, count("DeliveryGivenUp")),
    ];
    let values: Vec<_> = values.into_iter().filter(|(_, value)| *value > 0).collect();
    metrics.record(&values);
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::event::{Cause, Event, RecordsQuarantined};
    use domain::id::TenantId;

    struct At(&'static str);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0.parse().unwrap()
        }
    }

    fn fact(occurred_at: &str) -> Incoming {
        let cause =
            Cause { tenant: TenantId::new("t1").unwrap(), correlation_id: "c1".into(), causation_id: "r1".into() };
        let fact = RecordsQuarantined { count: 1, quarantine_ids: vec!["q1".into()] };
        Incoming::Fact(Box::new(Event::new(&cause, None, "", occurred_at.parse().unwrap(), fact)))
    }

    #[test]
    fn a14_a_metric_is_one_line_that_cloudwatch_reads() {
        let mut written = Vec::new();
        let clock = Arc::new(At("2026-01-01T00:00:00.250Z"));
        let emf = EmbeddedMetricFormat::new(FunctionName::Ingest, Some("prod"), clock, &mut written);
        emf.record(&[(Metric::SignalsAccepted, 499), (Metric::SignalsRefused, 1)]);
        drop(emf);
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "_aws": {
                "Timestamp": 1_767_225_600_250_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "cs-ops",
                    "Dimensions": [["function", "stage"]],
                    "Metrics": [
                        { "Name": "signals_accepted", "Unit": "Count" },
                        { "Name": "signals_refused", "Unit": "Count" },
                    ],
                }],
            },
            "function": "ingest",
            "stage": "prod",
            "signals_accepted": 499,
            "signals_refused": 1,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn without_a_stage_there_is_no_such_dimension() {
        let mut written = Vec::new();
        let emf =
            EmbeddedMetricFormat::new(FunctionName::Score, None, Arc::new(At("2026-01-01T00:00:00Z")), &mut written);
        emf.record(&[]);
        emf.record(&[(Metric::AccountsScored, 1)]);
        drop(emf);
        let line: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(line.pointer("/_aws/CloudWatchMetrics/0/Dimensions"), Some(&json!([["function"]])));
        assert_eq!(line.get("stage"), None);
    }

    #[test]
    fn a_fact_is_measured_from_when_it_happened_to_its_effect() {
        let kept = Kept::default();
        let now = "2026-01-01T00:00:02.500Z".parse().unwrap();
        record_message(&kept, &fact("2026-01-01T00:00:00Z"), true, now);
        record_message(&kept, &fact("2026-01-01T00:00:09Z"), true, now);
        record_message(&kept, &fact("2026-01-01T00:00:00Z"), false, now);
        assert_eq!(
            kept.values(),
            [
                (Metric::MessagesHandled, 1),
                (Metric::EventToEffectMilliseconds, 2500),
                (Metric::MessagesHandled, 1),
                (Metric::EventToEffectMilliseconds, 0),
                (Metric::MessagesFailed, 1),
            ]
        );
        assert_eq!(kept.total(Metric::MessagesHandled), 2);
    }
}
