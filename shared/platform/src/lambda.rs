//! The Lambda host: it makes a function's ports from the environment and drives its three doors.
//!
//! What calls is told by the shape of the payload: `httpMethod` is API Gateway, `Records` is a batch of the function's
//! queue, `tick` is a schedule. A function that is set up wrongly ends before it asks for its first call, and names
//! everything that is missing at once. A handler that panics fails its call, not the process.

pub mod aws;
mod batch;
mod connection;
pub(crate) mod delivery;
pub(crate) mod failure;
mod jwks;
mod outbound;
mod proxy;
mod xray;

use crate::clock::{Clock, WallClock};
use crate::connector::secret::CachedSecrets;
use crate::connector::secrets_manager::SecretsManager;
use crate::connector::{Connector, Transport};
use crate::environment::{Environment, EnvironmentError};
use crate::function::{Failure, Function, Ports, Tick};
use crate::http::auth::Verifier;
use crate::http::{self, Request};
use crate::log;
use crate::metrics::EmbeddedMetricFormat;
use crate::queue::{Lanes, Queue};
use crate::shelf::{Bucket, Shelf};
use aws::Aws;
use batch::{AllFailed, Batch, BatchAnswer};
use contract::event::FunctionName;
use contract::message::Lane;
use contract::problem::Fault;
use jiff::Timestamp;
use jwks::KeysAt;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use proxy::{NotBase64, ProxyRequest, ProxyResponse};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tracing::Instrument;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer as _;
use xray::Subsegments;

const TABLE_VARIABLE: &str = "CS_OPS_TABLE";
const BUS_VARIABLE: &str = "CS_OPS_BUS";
/// What Lambda itself gives and its runtime needs.
const RUNTIME_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// The variables that name the queues on which a function puts work for itself, by lane.
pub const fn queue_variables(name: FunctionName) -> &'static [(Lane, &'static str)] {
    match name {
        FunctionName::Ingest => {
            const LANES: &[(Lane, &str)] = &[
                (Lane::Urgent, "CS_OPS_SIGNALS_URGENT_QUEUE_URL"),
                (Lane::Standard, "CS_OPS_SIGNALS_QUEUE_URL"),
                (Lane::Bulk, "CS_OPS_SIGNALS_BULK_QUEUE_URL"),
            ];
            LANES
        }
        FunctionName::Score => &[(Lane::Bulk, "CS_OPS_SCORES_BULK_QUEUE_URL")],
        FunctionName::Trigger => &[(Lane::Bulk, "CS_OPS_TRIGGERS_BULK_QUEUE_URL")],
        FunctionName::Escalate => {
            const LANES: &[(Lane, &str)] = &[
                (Lane::Urgent, "CS_OPS_ESCALATIONS_URGENT_QUEUE_URL"),
                (Lane::Standard, "CS_OPS_ESCALATIONS_QUEUE_URL"),
            ];
            LANES
        }
        FunctionName::Report => &[],
    }
}

/// Why a function did not start, or stopped.
#[derive(thiserror::Error)]
pub enum ServeError {
    /// The environment.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The logs.
    #[error(transparent)]
    Log(#[from] log::LogError),
    /// The function's own configuration.
    #[error("the function's configuration does not hold: {0}")]
    Configuration(String),
    /// The system gives no event loop.
    #[error("the system gives no event loop: {0}")]
    System(#[from] std::io::Error),
    /// The runtime's end of the line.
    #[error("lambda's runtime interface failed: {0}")]
    Runtime(#[from] lambda_runtime::Error),
}

/// `main` prints an error this way: as its text.
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Serves a function until Lambda ends the process.
pub fn serve<F, E>(name: FunctionName, make: impl FnOnce(Ports) -> Result<F, E>) -> Result<(), ServeError>
where
    F: Function + 'static,
    E: fmt::Display,
{
    serve_reaching(name, |ports, _, _| make(ports))
}

/// What a function reaches outside of its deployment.
pub struct Outside {
    /// Tells destinations.
    pub connector: Arc<Connector>,
    transport: Arc<dyn Transport>,
    region: String,
}

impl Outside {
    /// The bucket of this name.
    pub fn bucket(&self, name: &str) -> Arc<dyn Shelf> {
        Arc::new(Bucket::new(self.transport.clone(), &*self.region, name))
    }
}

/// The same for a function that reaches something outside.
pub fn serve_reaching<F, E>(
    name: FunctionName,
    make: impl FnOnce(Ports, Outside, &Environment) -> Result<F, E>,
) -> Result<(), ServeError>
where
    F: Function + 'static,
    E: fmt::Display,
{
    let environment = Environment::process();
    let subsegments = Subsegments::new(name, &environment, Arc::new(WallClock));
    log::init(name, &environment, subsegments.map(|layer| layer.with_filter(filter_fn(Subsegments::wants))))?;
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
    let (ports, verifier, outside) = connect(name, &environment)?;
    let function = make(ports, outside, &environment).map_err(|error| ServeError::Configuration(error.to_string()))?;
    let host = Host { function, verifier };
    // One thread: a function has one call at a time and waits for its table, not for its processor.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_runtime::run(service_fn(|event| host.handle(event))))?;
    Ok(())
}

/// The ports and the verifier that the environment describes.
fn connect(name: FunctionName, environment: &Environment) -> Result<(Ports, Verifier, Outside), EnvironmentError> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let runtime = environment.require(RUNTIME_VARIABLES);
    let aws = Aws::new(environment);
    let names = environment.require([TABLE_VARIABLE, BUS_VARIABLE]);
    let variables: Vec<&str> = queue_variables(name).iter().map(|(_, variable)| *variable).collect();
    let queue_urls = environment.require_all(&variables);
    let connection = aws.as_ref().map(|aws| aws.connection().clone()).unwrap_or_default();
    let verifier = Verifier::for_deployment(environment, clock.clone(), |url| Arc::new(KeysAt::new(connection, url)));
    match (runtime, aws, names, queue_urls, verifier) {
        (Ok(_), Ok(aws), Ok([table, bus]), Ok(queue_urls), Ok(verifier)) => {
            let lanes = queue_variables(name).iter().zip(queue_urls);
            let lanes = lanes.map(|((lane, _), url)| (*lane, Arc::new(aws.queue(url)) as Arc<dyn Queue>));
            let queue = Arc::new(Lanes(lanes.collect()));
            let metrics = Arc::new(EmbeddedMetricFormat::to_log(name, environment, clock.clone()));
            let table = Arc::new(aws.table(table, clock.clone()));
            let transport = Arc::new(aws.outbound(clock.clone()));
            let secrets = SecretsManager::new(transport.clone(), aws.region());
            let secrets = Arc::new(CachedSecrets::new(secrets, clock.clone()));
            let connector = Arc::new(Connector::new(transport.clone(), secrets, clock.clone()));
            let outside = Outside { connector, transport, region: aws.region().to_owned() };
            let ports = Ports { table, bus: Arc::new(aws.bus(bus)), queue, clock, metrics, answers: Arc::default() };
            Ok((ports, verifier, outside))
        }
        (runtime, aws, names, queue_urls, verifier) => {
            let problems = [runtime.err(), aws.err(), names.err(), queue_urls.err(), verifier.err()];
            Err(EnvironmentError(problems.into_iter().flatten().flat_map(|error| error.0).collect()))
        }
    }
}

/// A function with what its doors need.
struct Host<F> {
    function: F,
    verifier: Verifier,
}

/// What calls.
#[derive(Debug)]
enum Call {
    Http(Box<ProxyRequest>),
    Batch(Batch),
    Tick(Tick),
}

/// What goes back.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Answer {
    Http(ProxyResponse),
    Batch(BatchAnswer),
    Done {},
}

/// Why a call failed. Lambda counts it as an error of the function.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the payload is neither a request of API Gateway, nor a batch of a queue, nor a tick")]
    UnknownPayload,
    #[error("the payload cannot be read at `{path}`: {reason}")]
    Payload { path: String, reason: String },
    #[error(transparent)]
    Body(#[from] NotBase64),
    #[error(transparent)]
    Batch(#[from] AllFailed),
    #[error("tick `{tick}` of {time} failed: {reason}")]
    Tick { tick: String, time: Timestamp, reason: String },
}

impl From<CallError> for Diagnostic {
    fn from(error: CallError) -> Self {
        let error_type = match &error {
            CallError::UnknownPayload | CallError::Payload { .. } | CallError::Body(_) => "PayloadError",
            CallError::Batch(_) => "BatchFailed",
            CallError::Tick { .. } => "TickFailed",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl Call {
    fn read(payload: Value) -> Result<Self, CallError> {
        if payload.get("httpMethod").is_some() {
            read(payload).map(Self::Http)
        } else if payload.get("Records").is_some() {
            read(payload).map(Self::Batch)
        } else if payload.get("tick").is_some() {
            read(payload).map(Self::Tick)
        } else {
            Err(CallError::UnknownPayload)
        }
    }
}

fn read<T: DeserializeOwned>(payload: Value) -> Result<T, CallError> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let Fault { path, reason } = Fault::of_shape(".", &error);
        CallError::Payload { path, reason }
    })
}

impl<F: Function> Host<F> {
    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Answer, CallError> {
        let span = xray::invocation_span(event.context.xray_trace_id.as_deref());
        self.answer(event).instrument(span).await
    }

    async fn answer(&self, event: LambdaEvent<Value>) -> Result<Answer, CallError> {
        match Call::read(event.payload)? {
            Call::Http(request) => {
                let request = Request::try_from(*request)?;
                Ok(Answer::Http(http::serve(&self.function, &self.verifier, request).await.into()))
            }
            Call::Batch(batch) => {
                let deadline =
                    i64::try_from(event.context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
                Ok(Answer::Batch(batch::handle(&self.function, batch, deadline.unwrap_or(Timestamp::MAX)).await?))
            }
            Call::Tick(tick) => self.tick(&tick).await.map(|()| Answer::Done {}),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), CallError> {
        let failed = |failure: Failure| {
            let reason = batch::with_causes(&failure);
            tracing::error!(error = reason, "tick failed");
            CallError::Tick { tick: tick.tick.clone(), time: tick.time, reason }
        };
        let span = log::tick_span(self.function.name(), tick);
        async { self.function.tick(tick).await.map_err(failed) }.instrument(span).await
    }
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests;
