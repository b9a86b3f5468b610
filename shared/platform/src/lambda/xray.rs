//! X-Ray: each request, message and tick is a subsegment of its invocation, annotated with what its span holds, so that
//! a trace is found by its correlation id, tenant or account.
//!
//! A subsegment goes to the daemon that Lambda runs beside the function, as one UDP packet; where there is no daemon,
//! or the trace is not sampled, none is sent. The format is the one of "Sending segment documents to AWS X-Ray" in the
//! X-Ray developer guide.

use crate::clock::Clock;
use crate::environment::Environment;
use crate::log::Fields;
use crate::random;
use contract::event::FunctionName;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

const DAEMON_VARIABLE: &str = "AWS_XRAY_DAEMON_ADDRESS";
const INVOCATION: &str = "invocation";
/// The spans that become subsegments.
const TRACED: [&str; 3] = ["request", "message", "tick"];

/// The span around an invocation: every line of its log names the trace.
pub fn invocation_span(trace: Option<&str>) -> Span {
    tracing::error_span!("invocation", trace)
}

/// Sends subsegments to the daemon.
pub struct Subsegments {
    function: FunctionName,
    clock: Arc<dyn Clock>,
    daemon: SocketAddr,
    socket: UdpSocket,
}

/// A span that is open.
struct Open {
    began: Timestamp,
    fields: Fields,
    failed: bool,
}

impl Subsegments {
    /// Sends to the daemon that the environment names; nothing where it names none that can be reached.
    pub fn new(function: FunctionName, environment: &Environment, clock: Arc<dyn Clock>) -> Option<Self> {
        let daemon: SocketAddr = environment.get(DAEMON_VARIABLE)?.parse().ok()?;
        let socket = UdpSocket::bind((if daemon.is_ipv4() { "0.0.0.0" } else { "::" }, 0)).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { function, clock, daemon, socket })
    }

    /// What the layer has to see: its spans, and errors within them.
    pub fn wants(metadata: &Metadata<'_>) -> bool {
        let name = metadata.name();
        if metadata.is_span() {
            name == INVOCATION || TRACED.contains(&name)
        } else {
            *metadata.level() == Level::ERROR
        }
    }

    fn document(&self, name: &str, header: &Header<'_>, open: &Open) -> Value {
        // The names of annotations have letters, digits and underscores, as those of our fields have.
        let mut annotations = open.fields.0.clone();
        annotations.insert("function".to_owned(), self.function.as_str().into());
        json!({
            "name": name,
            "id": random::hex_id(),
            "trace_id": header.root,
            "parent_id": header.parent,
            "type": "subsegment",
            "start_time": seconds(open.began),
            "end_time": seconds(self.clock.now()),
            "fault": open.failed,
            "annotations": annotations,
        })
    }

    /// A packet that is lost is lost: the log tells the same.
    fn send(&self, document: &Value) {
        let packet = format!("{{\"format\":\"json\",\"version\":1}}\n{document}");
        self.socket.send_to(packet.as_bytes(), self.daemon).unwrap_or_default();
    }
}

/// Seconds since 1970, as X-Ray takes times.
fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

/// The parts of a trace header that a subsegment needs.
#[derive(Debug, PartialEq, Eq)]
struct Header<'a> {
    root: &'a str,
    parent: &'a str,
}

impl<'a> Header<'a> {
    /// Reads `Root=…;Parent=…;Sampled=1`. Nothing where the trace is not sampled.
    fn sampled(text: &'a str) -> Option<Self> {
        let part = |name: &str| text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        (part("Sampled") == Some("1")).then_some(())?;
        Some(Self { root: part("Root")?, parent: part("Parent")? })
    }
}

impl<S> Layer<S> for Subsegments
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(Open { began: self.clock.now(), fields, failed: false });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(&mut open.fields);
        }
    }

    /// What logs an error has failed.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(open) = span.extensions_mut().get_mut::<Open>() {
                open.failed = true;
            }
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id).filter(|span| TRACED.contains(&span.name())) else {
            return;
        };
        let trace = span
            .scope()
            .skip(1)
            .find_map(|above| above.extensions().get::<Open>()?.fields.0.get("trace")?.as_str().map(str::to_owned));
        let extensions = span.extensions();
        if let (Some(open), Some(header)) = (extensions.get::<Open>(), trace.as_deref().and_then(Header::sampled)) {
            self.send(&self.document(span.name(), &header, open));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::SubscriberExt;

    struct Midnight;

    impl Clock for Midnight {
        fn now(&self) -> Timestamp {
            "2026-01-01T00:00:00.25Z".parse().unwrap()
        }
    }

    /// What arrives at the daemon while `work` runs in an invocation with this trace.
    fn packets(trace: &str, work: impl FnOnce()) -> Vec<Value> {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_nonblocking(true).unwrap();
        let address = daemon.local_addr().unwrap().to_string();
        let environment = Environment::of([(DAEMON_VARIABLE, address.as_str())]);
        let layer = Subsegments::new(FunctionName::Score, &environment, Arc::new(Midnight)).unwrap();
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter_fn(Subsegments::wants)));
        tracing::subscriber::with_default(subscriber, || invocation_span(Some(trace)).in_scope(work));
        let mut packets = Vec::new();
        let mut buffer = [0; 65_536];
        loop {
            match daemon.recv(&mut buffer) {
                Ok(length) => {
                    let text = std::str::from_utf8(&buffer[..length]).unwrap();
                    let (head, document) = text.split_once('\n').unwrap();
                    assert_eq!(head, r#"{"format":"json","version":1}"#);
                    packets.push(serde_json::from_str(document).unwrap());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return packets,
                Err(error) => panic!("{error}"),
            }
        }
    }

    const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";

    #[test]
    fn a14_a_message_is_a_subsegment_that_is_found_by_its_correlation_id() {
        let packets = packets(TRACE, || {
            let span = tracing::error_span!("message", correlation_id = "deal-42", tenant = tracing::field::Empty);
            span.in_scope(|| tracing::info!("handled"));
            span.record("tenant", "acme");
        });
        let [document] = packets.as_slice() else { panic!("{packets:?}") };
        assert_eq!(document["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(document["parent_id"], "53995c3f42cd8ad8");
        assert_eq!((&document["name"], &document["type"]), (&json!("message"), &json!("subsegment")));
        let annotations = json!({ "correlation_id": "deal-42", "tenant": "acme", "function": "score" });
        assert_eq!((&document["annotations"], &document["fault"]), (&annotations, &json!(false)));
        assert_eq!(
            (&document["start_time"], &document["end_time"]),
            (&json!(1_767_225_600.25), &json!(1_767_225_600.25))
        );
        let id = document["id"].as_str().unwrap();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }

    #[test]
    fn an_error_within_makes_it_a_fault_and_other_spans_are_not_sent() {
        let packets = packets(TRACE, || {
            tracing::error_span!("tick").in_scope(|| {
                tracing::error_span!("other").in_scope(|| tracing::error!("failed"));
            });
        });
        assert_eq!(
            packets.iter().map(|packet| (&packet["name"], &packet["fault"])).collect::<Vec<_>>(),
            [(&json!("tick"), &json!(true))]
        );
    }

    #[test]
    fn what_is_not_sampled_is_not_sent() {
        let work = || drop(tracing::error_span!("tick").entered());
        assert_eq!(packets("Root=1-a-b;Parent=c;Sampled=0", work), Vec::<Value>::new());
        assert_eq!(packets("nonsense", || drop(tracing::error_span!("tick").entered())), Vec::<Value>::new());
    }

    #[test]
    fn without_a_daemon_there_is_no_layer() {
        for address in ["", "not an address"] {
            let environment = Environment::of([(DAEMON_VARIABLE, address)]);
            assert!(Subsegments::new(FunctionName::Score, &environment, Arc::new(Midnight)).is_none());
        }
    }
}
