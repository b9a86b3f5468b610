//! What is connected with what, read from the template that is deployed: routes, queues, rules of the bus, schedules.
//!
//! The local host runs on this wiring, so what is simulated is what is deployed. Guarantees: parameters have their
//! defaults or the values that were given; whatever the wiring needs and the template does not say plainly is an error
//! that names the path in the template; resources that are no wiring (roles, alarms, logs) are not looked at.

pub mod template;

mod node;

use contract::message::Lane;
use node::Node;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
pub use template::TemplateError;

/// Everything that is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wiring {
    /// Which function answers which route.
    pub routes: Vec<RouteWiring>,
    /// The queues that a function consumes.
    pub queues: Vec<QueueWiring>,
    /// Which facts of the bus go to which queue.
    pub rules: Vec<RuleWiring>,
    /// What is called by the clock.
    pub schedules: Vec<ScheduleWiring>,
}

/// A route of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteWiring {
    /// The function's name, as its binary is called: `ingest`.
    pub function: String,
    /// In capitals: `POST`.
    pub method: String,
    /// From the root, with `{name}` where a segment varies.
    pub path: String,
}

/// A queue with the function that consumes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueWiring {
    /// The logical id.
    pub name: String,
    /// The name of the function that consumes it.
    pub consumer: String,
    /// How urgent its messages are.
    pub lane: Lane,
    /// The most messages in one call of the function.
    pub batch_size: u32,
    /// After how many receives a message goes to the dead letters.
    pub max_receive_count: u32,
    /// For how long a received message stays unseen.
    pub visibility_seconds: u32,
    /// The logical id of the queue of dead letters.
    pub dead_letters: String,
}

/// A rule of the bus that feeds a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleWiring {
    /// The logical id.
    pub name: String,
    /// Which facts it takes.
    pub pattern: Pattern,
    /// The logical id of the queue they go to.
    pub queue: String,
}

/// Which facts a rule takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pattern {
    /// One of these must fit the source.
    pub sources: Vec<SourcePattern>,
    /// The detail-type must be one of these; empty: any.
    pub detail_types: Vec<String>,
    /// For each of these fields of the fact's data, one of these must fit.
    pub data: BTreeMap<String, Vec<ValuePattern>>,
}

/// Which values of a field a rule takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValuePattern {
    /// This one.
    Exactly(String),
    /// The field is there, and is none of these.
    AnythingBut(Vec<String>),
    /// The field is not there.
    Absent,
}

/// Which sources a rule takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourcePattern {
    /// This source.
    Exactly(String),
    /// Every source that begins like this.
    Prefix(String),
}

/// A call of a function by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleWiring {
    /// The logical id.
    pub name: String,
    /// The name of the function that is called.
    pub function: String,
    /// The name of the tick.
    pub tick: String,
    /// From one call to the next.
    pub every_seconds: u64,
}

/// Why there is no wiring.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The text is no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Something in the template is missing or cannot be followed.
    #[error("template at `{path}`: {problem}")]
    At {
        /// Where, from the root of the template.
        path: String,
        /// What is wrong there.
        problem: String,
    },
    /// A value was given for a parameter that the template does not have.
    #[error("the template has no parameter `{0}`")]
    UnknownParameter(String),
}

impl Pattern {
    /// Whether the rule takes a fact. Its data are asked for where they matter alone.
    pub fn matches<'a>(&self, source: &str, detail_type: &str, data: impl FnOnce() -> &'a Value) -> bool {
        self.sources.iter().any(|pattern| pattern.matches(source))
            && (self.detail_types.is_empty() || self.detail_types.iter().any(|known| known == detail_type))
            && (self.data.is_empty() || self.takes(data()))
    }

    fn takes(&self, data: &Value) -> bool {
        self.data.iter().all(|(field, patterns)| patterns.iter().any(|pattern| pattern.matches(data.get(field))))
    }
}

impl ValuePattern {
    fn matches(&self, value: Option<&Value>) -> bool {
        let text = value.and_then(Value::as_str);
        match self {
            Self::Exactly(known) => text == Some(known),
            Self::AnythingBut(known) => value.is_some() && !known.iter().any(|known| text == Some(known)),
            Self::Absent => value.is_none(),
        }
    }
}

impl SourcePattern {
    fn matches(&self, source: &str) -> bool {
        match self {
            Self::Exactly(known) => source == known,
            Self::Prefix(prefix) => source.starts_with(prefix.as_str()),
        }
    }
}

impl Wiring {
    /// The same with every schedule slowed down to at most one tick in so many seconds.
    #[must_use]
    pub fn no_faster_than(mut self, seconds: u64) -> Self {
        for schedule in &mut self.schedules {
            schedule.every_seconds = schedule.every_seconds.max(seconds);
        }
        self
    }

    /// The same with one tick slowed down to at most one in so many seconds.
    #[must_use]
    pub fn slowed(mut self, tick: &str, seconds: u64) -> Self {
        for schedule in self.schedules.iter_mut().filter(|schedule| schedule.tick == tick) {
            schedule.every_seconds = schedule.every_seconds.max(seconds);
        }
        self
    }

    /// Reads the wiring from a template's text, with these values for its parameters in place of their defaults.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self, WiringError> {
        let document = template::read(text)?;
        let root = Node::root(&document, parameters);
        if let Some(unknown) =
            parameters.keys().find(|name| root.find("Parameters").and_then(|all| all.find(name)).is_none())
        {
            return Err(WiringError::UnknownParameter(unknown.clone()));
        }
        let resources = root.get("Resources")?;
        let functions = resources.of_type("AWS::Serverless::Function")?;
        let mut wiring = Self { routes: Vec::new(), queues: Vec::new(), rules: Vec::new(), schedules: Vec::new() };
        for function in &functions {
            wiring.take_function(&resources, function)?;
        }
        for rule in resources.of_type("AWS::Events::Rule")? {
            wiring.take_rule(&resources, &rule)?;
        }
        Ok(wiring)
    }

    fn take_function(&mut self, resources: &Node<'_>, function: &Node<'_>) -> Result<(), WiringError> {
        let name = function_name(function)?;
        let Some(events) = function.get("Properties")?.find("Events") else { return Ok(()) };
        for event in events.entries()? {
            let properties = event.get("Properties")?;
            match event.get("Type")?.text()?.as_str() {
                "Api" => self.routes.push(RouteWiring {
                    function: name.clone(),
                    method: properties.get("Method")?.text()?.to_uppercase(),
                    path: properties.get("Path")?.text()?,
                }),
                "SQS" => self.queues.push(queue(resources, &name, &properties)?),
                other => return Err(event.error(format!("events of type `{other}` are not known here"))),
            }
        }
        Ok(())
    }

    fn take_rule(&mut self, resources: &Node<'_>, rule: &Node<'_>) -> Result<(), WiringError> {
        let properties = rule.get("Properties")?;
        for target in properties.get("Targets")?.items()? {
            if let Some(expression) = properties.find("ScheduleExpression") {
                self.schedules.push(schedule(resources, rule, &expression, &target)?);
            } else {
                self.rules.push(RuleWiring {
                    name: rule.name().to_owned(),
                    pattern: pattern(&properties.get("EventPattern")?)?,
                    queue: target.get("Arn")?.resource(resources, "AWS::SQS::Queue")?.name().to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// A function is called like its binary, which is the last folder of its code.
fn function_name(function: &Node<'_>) -> Result<String, WiringError> {
    let code = function.get("Properties")?.get("CodeUri")?;
    let folder = code.text()?;
    let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if name.is_empty() { Err(code.error("names no folder".into())) } else { Ok(name.to_owned()) }
}

fn queue(resources: &Node<'_>, consumer: &str, event: &Node<'_>) -> Result<QueueWiring, WiringError> {
    let queue = event.get("Queue")?.resource(resources, "AWS::SQS::Queue")?;
    let properties = queue.get("Properties")?;
    let redrive = properties.get("RedrivePolicy")?;
    Ok(QueueWiring {
        name: queue.name().to_owned(),
        consumer: consumer.to_owned(),
        lane: lane(&properties)?,
        batch_size: event.get("BatchSize")?.at_least_one()?,
        max_receive_count: redrive.get("maxReceiveCount")?.at_least_one()?,
        visibility_seconds: properties.get("VisibilityTimeout")?.at_least_one()?,
        dead_letters: redrive.get("deadLetterTargetArn")?.resource(resources, "AWS::SQS::Queue")?.name().to_owned(),
    })
}

/// The lane that a queue's tag names.
fn lane(queue: &Node<'_>) -> Result<Lane, WiringError> {
    let tags = queue.get("Tags")?;
    for tag in tags.items()? {
        if tag.get("Key")?.text()? == "lane" {
            let value = tag.get("Value")?;
            let name = value.text()?;
            let lane = Lane::ALL.into_iter().find(|lane| lane.as_str() == name);
            return lane.ok_or_else(|| value.error(format!("`{name}` is none of `urgent`, `standard`, `bulk`")));
        }
    }
    Err(tags.error("no tag is called `lane`".into()))
}

fn pattern(event_pattern: &Node<'_>) -> Result<Pattern, WiringError> {
    let known = ["source", "detail-type", "detail"];
    if let Some(other) = event_pattern.entries()?.iter().find(|entry| !known.contains(&entry.name())) {
        return Err(other.error("only `source`, `detail-type` and `detail.data` are known here".into()));
    }
    let sources = event_pattern.get("source")?.items()?;
    let detail_types = event_pattern.find("detail-type").map_or_else(|| Ok(Vec::new()), |types| types.items())?;
    Ok(Pattern {
        sources: sources.iter().map(source_pattern).collect::<Result<_, _>>()?,
        detail_types: detail_types.iter().map(Node::text).collect::<Result<_, _>>()?,
        data: event_pattern.find("detail").map_or_else(|| Ok(BTreeMap::new()), |detail| data(&detail))?,
    })
}

fn data(detail: &Node<'_>) -> Result<BTreeMap<String, Vec<ValuePattern>>, WiringError> {
    if let Some(other) = detail.entries()?.iter().find(|entry| entry.name() != "data") {
        return Err(other.error("only `data` is known here".into()));
    }
    let fields = detail.get("data")?.entries()?;
    let field = |field: &Node<'_>| {
        let patterns = field.items()?.iter().map(value_pattern).collect::<Result<_, _>>()?;
        Ok((field.name().to_owned(), patterns))
    };
    fields.iter().map(field).collect()
}

fn value_pattern(value: &Node<'_>) -> Result<ValuePattern, WiringError> {
    if let Some(others) = value.find("anything-but") {
        let others = others.items()?;
        return Ok(ValuePattern::AnythingBut(others.iter().map(Node::text).collect::<Result<_, _>>()?));
    }
    match value.find("exists").map(|exists| exists.text()).transpose()?.as_deref() {
        None => value.text().map(ValuePattern::Exactly),
        Some("false") => Ok(ValuePattern::Absent),
        Some(_) => Err(value.error("only `{exists: false}` is known here".into())),
    }
}

fn source_pattern(source: &Node<'_>) -> Result<SourcePattern, WiringError> {
    match source.find("prefix") {
        Some(prefix) => prefix.text().map(SourcePattern::Prefix),
        None => source.text().map(SourcePattern::Exactly),
    }
}

fn schedule(
    resources: &Node<'_>,
    rule: &Node<'_>,
    expression: &Node<'_>,
    target: &Node<'_>,
) -> Result<ScheduleWiring, WiringError> {
    let function = target.get("Arn")?.resource(resources, "AWS::Serverless::Function")?;
    Ok(ScheduleWiring {
        name: rule.name().to_owned(),
        function: function_name(&function)?,
        tick: tick(&target.get("InputTransformer")?.get("InputTemplate")?)?,
        every_seconds: seconds(expression)?,
    })
}

/// The constant in `{"tick":"score_run","time":<time>}`. JSON with a bare `<time>` in it is YAML.
fn tick(input: &Node<'_>) -> Result<String, WiringError> {
    let message = template::read(&input.text()?)?;
    match message.get("tick") {
        Some(Value::String(tick)) => Ok(tick.clone()),
        _ => Err(input.error("names no `tick`".into())),
    }
}

/// `rate(5 minutes)` in seconds.
fn seconds(expression: &Node<'_>) -> Result<u64, WiringError> {
    let text = expression.text()?;
    let problem = || expression.error(format!("`{text}` is not of the form `rate(5 minutes)`"));
    let inside = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(problem)?;
    let (count, unit) = inside.trim().split_once(' ').ok_or_else(problem)?;
    let unit_seconds = match unit.trim().trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return Err(problem()),
    };
    let count: u64 = count.parse().map_err(|_| problem())?;
    count.checked_mul(unit_seconds).filter(|seconds| *seconds > 0).ok_or_else(problem)
}

#[cfg(test)]
mod tests;
