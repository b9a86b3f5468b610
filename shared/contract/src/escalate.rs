//! The bodies of escalate's routes, and escalations as events tell them.

mod clocks;

pub use clocks::{CalibrationBody, ClockBody, PredictionBody};

use crate::event::EscalationBody;
use domain::account::Segment;
use domain::escalation::{By, Cause, Escalation, EscalationPolicies, Status};
use domain::priority;
use domain::routing::Route;
use domain::signal::Severity;
use domain::sla::breach::Prediction;
use domain::sla::{ClockKind, ClockState};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An escalation as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationItem {
    /// Which one.
    pub escalation: String,
    /// The account.
    pub account: String,
    /// `case`, `rule` or `person`.
    pub cause: String,
    /// The case's or the rule's id; the key of who broke the glass.
    pub cause_id: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// Why, in plain words.
    pub reason: String,
    /// `open`, `acknowledged`, `snoozed` or `resolved`.
    pub status: String,
    /// Who acknowledged, snoozed or resolved it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The step of its policy, from 0.
    pub step: u32,
    /// The role that is told at this step.
    pub role: String,
    /// Who was told when, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ToldBody>,
    /// The support tier that it is in, from 1 to 4.
    #[serde(default = "first_tier")]
    pub tier: u8,
    /// `enterprise`, `mid_market` or `small_business`: whose contract its clocks run under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub segment: Option<Segment>,
    /// By which way its case is spoken of now, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How often its case came back after it was resolved.
    #[serde(default)]
    pub reopened: u32,
    /// How often it went from one to another, in its ticketing system and here.
    #[serde(default)]
    pub handoffs: u32,
    /// To whom its case goes, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteBody>,
    /// The clocks of its case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockBody>,
    /// How probable it is that one of its clocks that run breaches: that of the most probable one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach_probability_percent: Option<f64>,
    /// Until when nobody is told, where it is put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub snoozed_until: Option<Timestamp>,
    /// Who is asked to take it over, if somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_to: Option<String>,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When the next clock runs out, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub breach_at: Option<Timestamp>,
    /// Seconds until then; negative once it has run out. As of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_to_breach: Option<i64>,
}

impl EscalationItem {
    /// An escalation as of a moment.
    pub fn of(escalation: &Escalation, policies: &EscalationPolicies, now: Timestamp) -> Self {
        let (cause, cause_id) = match &escalation.cause {
            Cause::Case { case } => ("case", case.id.to_string()),
            Cause::Rule { rule, .. } => ("rule", rule.to_string()),
            Cause::Person { key, .. } => ("person", key.to_string()),
        };
        let by = match &escalation.status {
            Status::Open => None,
            Status::Acknowledged { by, .. } | Status::Resolved { by, .. } => Some(by_name(by)),
            Status::Snoozed { by, .. } => Some(by.to_string()),
        };
        let item = Self {
            escalation: escalation.id.to_string(),
            account: escalation.account.to_string(),
            cause: cause.to_owned(),
            cause_id,
            severity: escalation.severity,
            reason: escalation.reason.clone(),
            status: escalation.status.name().to_owned(),
            by,
            step: escalation.step,
            role: escalation.role(policies).name().to_owned(),
            told: Vec::new(),
            tier: escalation.standing.tier.number(),
            segment: Some(escalation.standing.segment),
            channel: None,
            reopened: 0,
            handoffs: escalation.handoffs,
            route: escalation.route.as_ref().map(RouteBody::from),
            clocks: clocks::clocks(escalation, policies, now),
            breach_probability_percent: None,
            snoozed_until: match &escalation.status {
                Status::Snoozed { until, .. } => Some(*until),
                _ => None,
            },
            handed_to: escalation.handover.as_ref().map(|handover| handover.to.to_string()),
            opened_at: escalation.opened_at,
            breach_at: escalation.breach_at(policies, now),
            seconds_to_breach: None,
        };
        item.with_case(escalation).seen_at(now)
    }

    fn with_case(mut self, escalation: &Escalation) -> Self {
        if let Cause::Case { case } = &escalation.cause {
            self.channel = case.channel().map(|channel| channel.name().to_owned());
            self.reopened = priority::reopened(case);
            self.handoffs = self.handoffs.saturating_add(case.handoffs());
        }
        self
    }

    /// The same with its clocks as of another moment and how probable it is that they breach. `predict` says that of a clock
    /// of a kind and a severity that has used so many of so many seconds.
    #[must_use]
    pub fn foreseen(
        mut self,
        policies: &EscalationPolicies,
        now: Timestamp,
        predict: impl Fn(ClockKind, Severity, i64, u32) -> Prediction,
    ) -> Self {
        let hours = self.segment.map_or(&policies.sla, |segment| policies.contract(segment)).hours.clone();
        for clock in &mut self.clocks {
            if let (ClockState::Running, Some(at)) = (clock.state, clock.breach_at) {
                let left = hours.millis_between(now, at).saturating_sub(hours.millis_between(at, now)) / 1_000;
                clock.elapsed_seconds = i64::from(clock.target_seconds).saturating_sub(left);
                clock.state = if at <= now { ClockState::Breached } else { ClockState::Running };
            }
            if clock.stopped_at.is_none() {
                let prediction = predict(clock.clock, self.severity, clock.elapsed_seconds, clock.target_seconds);
                clock.breach = Some(prediction.into());
            }
        }
        let open =
            self.clocks.iter().filter_map(|clock| clock.breach.as_ref().map(|breach| breach.probability_percent));
        self.breach_probability_percent = open.reduce(f64::max);
        self
    }

    /// The same with the time to breach as of another moment.
    #[must_use]
    pub fn seen_at(mut self, now: Timestamp) -> Self {
        self.seconds_to_breach = self.breach_at.map(|at| at.duration_since(now).as_secs());
        self
    }
}

const fn first_tier() -> u8 {
    1
}

/// To whom a case goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteBody {
    /// Who, if anybody who is on duty knows what it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Who could take it as well, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// When the tier opens that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub waits_until: Option<Timestamp>,
    /// Why, in plain words.
    pub reasons: Vec<String>,
}

impl From<&Route> for RouteBody {
    fn from(route: &Route) -> Self {
        match route {
            Route::To { person, others, reasons, .. } => Self {
                person: Some(person.person.to_string()),
                others: others.iter().map(ToString::to_string).collect(),
                waits_until: None,
                reasons: reasons.clone(),
            },
            Route::Waits { until, reasons, .. } => {
                Self { person: None, others: Vec::new(), waits_until: *until, reasons: reasons.clone() }
            }
            Route::Unskilled { told, reasons } => {
                let told = format!("`{}` is told that nobody on duty knows what it needs", told.person);
                let reasons = reasons.iter().cloned().chain([told]).collect();
                Self { person: None, others: Vec::new(), waits_until: None, reasons }
            }
        }
    }
}

/// That somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldBody {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who.
    pub person: String,
    /// For whom they stand in, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// As what.
    pub role: String,
}

/// An escalation as events tell it, as of a moment.
pub fn event_body(escalation: &Escalation, policies: &EscalationPolicies, now: Timestamp) -> EscalationBody {
    EscalationBody {
        escalation: escalation.id.clone(),
        severity: escalation.severity,
        step: escalation.step,
        role: escalation.role(policies).name().to_owned(),
        reason: escalation.reason.clone(),
        opened_at: escalation.opened_at,
        breach_at: escalation.breach_at(policies, now),
    }
}

/// Who did it, as it is written.
pub fn by_name(by: &By) -> String {
    match by {
        By::Person(person) => person.to_string(),
        By::Case => "the case".to_owned(),
    }
}

/// `GET /escalations/active`: the next to breach first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActiveEscalations {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The escalations of this page.
    pub escalations: Vec<EscalationItem>,
    /// How well the probabilities on this page have held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<CalibrationBody>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Something that happened to an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationLine {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What, in plain words.
    pub text: String,
    /// Who was told by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ToldBody>,
    /// Why it went this way, where that was decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// `GET /escalations/{id}/timeline`: what happened to an escalation, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationTimeline {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The escalation as it is now.
    pub escalation: EscalationItem,
    /// What happened.
    pub lines: Vec<EscalationLine>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /escalations/{id}/acknowledge`, `unacknowledge`, `accept` and `reopen` want an empty object; `resolve` wants the
/// outcome, `snooze` and `set-clocks` the moment and `hand-over` the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationActionRequest {
    /// For `resolve`: how it ended, in 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// For `snooze`: until when nobody is told, at most 7 days ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// For `set-clocks`: from when on the clocks of its case count, at most 30 days ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// For `hand-over`: who is asked to take it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub to: Option<domain::id::PersonId>,
}

/// `POST /accounts/{id}/break-glass`: executives are told at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassRequest {
    /// Why, in 1 to 500 characters.
    pub reason: String,
    /// Tells this emergency from others of the account: who breaks the glass again with the same key joins the same
    /// escalation.
    pub key: String,
}
