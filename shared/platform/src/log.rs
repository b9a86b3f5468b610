//! Logs: one JSON object a line on AWS, readable lines on one machine, and the spans that say whose work a line tells of.
//!
//! Every line has `timestamp`, `level`, `function`, `target` and `message`; inside a request, message or tick it also
//! has what the spans around it hold (`correlation_id`, `request_id`, `tenant`, `account` …), at the top level, so that
//! one search for a correlation id finds every line of every function. A span has the level of an error: a filter that
//! hides information does not take the context away from what it lets through.

use crate::clock::{Clock, WallClock};
use crate::environment::Environment;
use crate::function::Tick;
use contract::event::FunctionName;
use contract::message::{Incoming, Task};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record, Span};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Names what is logged: a level, or levels by target (`info,platform=debug`).
pub const FILTER_VARIABLE: &str = "CS_OPS_LOG";
const DEFAULT_FILTER: &str = "info";

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("`{FILTER_VARIABLE}` is not a filter such as `info` or `info,platform=debug`: {0}")]
    Filter(String),
    /// Logging began before.
    #[error("logging has begun already")]
    Begun,
}

/// Begins logging as a function on AWS does: JSON lines on standard output, and what else wants to see the spans.
pub fn init<L: Layer<Registry> + Send + Sync>(
    function: FunctionName,
    environment: &Environment,
    besides: L,
) -> Result<(), LogError> {
    let lines = JsonLines::new(function, Arc::new(WallClock), std::io::stdout());
    begin(Registry::default().with(besides).with(lines.with_filter(filter(environment)?)))
}

/// Begins logging as the local host does: readable lines on standard error.
pub fn init_local(environment: &Environment) -> Result<(), LogError> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    begin(Registry::default().with(lines.with_filter(filter(environment)?)))
}

fn begin(subscriber: impl Subscriber + Send + Sync) -> Result<(), LogError> {
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Begun)
}

fn filter(environment: &Environment) -> Result<Targets, LogError> {
    let text = environment.get(FILTER_VARIABLE).unwrap_or(DEFAULT_FILTER);
    text.parse().map_err(|error: tracing_subscriber::filter::ParseError| LogError::Filter(error.to_string()))
}

/// The span of a message's handling. Hosts enter it around [`crate::function::Function::message`].
pub fn message_span(function: FunctionName, message: &Incoming) -> Span {
    let cause = message.as_cause();
    let account = match message {
        Incoming::Fact(event) => event.meta.account.as_ref(),
        Incoming::Work(work) => match &work.task {
            Task::RecordSignals(data) => Some(&data.account),
            _ => None,
        },
    };
    tracing::error_span!(
        "message",
        function = function.as_str(),
        correlation_id = cause.correlation_id,
        message_id = cause.causation_id,
        tenant = %cause.tenant,
        account = account.map(tracing::field::display),
    )
}

/// The span of a schedule's call. Hosts enter it around [`crate::function::Function::tick`].
pub fn tick_span(function: FunctionName, tick: &Tick) -> Span {
    tracing::error_span!("tick", function = function.as_str(), tick = tick.tick, slot = %tick.time)
}

/// Writes every event as one JSON object, with the fields of the spans around it.
pub struct JsonLines<W> {
    function: FunctionName,
    clock: Arc<dyn Clock>,
    writer: Mutex<W>,
}

impl<W: Write> JsonLines<W> {
    /// Writes to the given place. The function is the one of lines outside every span.
    pub fn new(function: FunctionName, clock: Arc<dyn Clock>, writer: W) -> Self {
        Self { function, clock, writer: Mutex::new(writer) }
    }
}

#[derive(Serialize)]
struct Line {
    timestamp: Timestamp,
    level: &'static str,
    function: Value,
    message: Value,
    target: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + Send + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.clone());
            }
        }
        event.record(&mut fields);
        let line = Line {
            timestamp: self.clock.now(),
            level: event.metadata().level().as_str(),
            function: fields.0.remove("function").unwrap_or_else(|| self.function.as_str().into()),
            message: fields.0.remove("message").unwrap_or_default(),
            target: event.metadata().target().to_owned(),
            fields: fields.without_fixed(),
        };
        self.write(&line);
    }
}

impl<W: Write> JsonLines<W> {
    /// A line that cannot be written is lost: there is no better place to say so.
    fn write(&self, line: &Line) {
        if let Ok(mut text) = serde_json::to_vec(line) {
            text.push(b'\n');
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.write_all(&text).and_then(|()| writer.flush()).unwrap_or_default();
        }
    }
}

/// The fields of a span or an event.
#[derive(Default)]
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    /// What is left when nothing may stand twice in the line.
    fn without_fixed(mut self) -> Map<String, Value> {
        for name in ["timestamp", "level", "target"] {
            self.0.remove(name);
        }
        self.0
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::event::{Cause, Event as Fact, RecordsQuarantined};
    use domain::id::TenantId;
    use serde_json::json;

    struct Midnight;

    impl Clock for Midnight {
        fn now(&self) -> Timestamp {
            "2026-01-01T00:00:00Z".parse().unwrap()
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines_of(filter: &str, work: impl FnOnce()) -> Vec<Value> {
        let written = Shared::default();
        let layer = JsonLines::new(FunctionName::Score, Arc::new(Midnight), written.clone());
        let filter = super::filter(&Environment::of([(FILTER_VARIABLE, filter)])).unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer.with_filter(filter)), work);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn message() -> Incoming {
        let cause = Cause {
            tenant: TenantId::new("t1").unwrap(),
            correlation_id: "from-the-first-request".into(),
            causation_id: "r1".into(),
        };
        let fact = RecordsQuarantined { count: 1, quarantine_ids: Vec::new() };
        Incoming::Fact(Box::new(Fact::new(&cause, None, "", "2026-01-01T00:00:00Z".parse().unwrap(), fact)))
    }

    #[test]
    fn a14_a_line_holds_the_correlation_id_of_the_message_it_tells_of() {
        let message = message();
        let lines = lines_of("warn", || {
            message_span(FunctionName::Trigger, &message).in_scope(|| tracing::warn!(rule = "r", hits = 3, "held"));
        });
        let expected = json!({
            "timestamp": "2026-01-01T00:00:00Z",
            "level": "WARN",
            "function": "trigger",
            "message": "held",
            "target": "platform::log::tests",
            "correlation_id": "from-the-first-request",
            "message_id": message.id().as_str(),
            "tenant": "t1",
            "rule": "r",
            "hits": 3,
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_line_outside_every_span_names_the_process_and_its_own_fields_cannot_forge_the_fixed_ones() {
        let lines = lines_of("info", || tracing::info!(level = "none", timestamp = "never", "started"));
        let expected = json!({
            "timestamp": "2026-01-01T00:00:00Z",
            "level": "INFO",
            "function": "score",
            "message": "started",
            "target": "platform::log::tests",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_field_that_becomes_known_later_is_in_the_lines_from_then_on() {
        let lines = lines_of("info", || {
            let span = tracing::error_span!("request", tenant = tracing::field::Empty);
            let _entered = span.enter();
            tracing::info!("before");
            span.record("tenant", "t9");
            tracing::info!("after");
        });
        assert_eq!(lines.iter().map(|line| line.get("tenant")).collect::<Vec<_>>(), [None, Some(&json!("t9"))]);
    }

    #[test]
    fn the_filter_hides_what_is_below_it() {
        assert_eq!(lines_of("warn", || tracing::info!("hidden")), Vec::<Value>::new());
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named_by_its_variable() {
        let error = super::filter(&Environment::of([(FILTER_VARIABLE, "info=loud=very")])).unwrap_err();
        assert!(error.to_string().starts_with("`CS_OPS_LOG` is not a filter"), "{error}");
    }
}
