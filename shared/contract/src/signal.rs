//! Signals and accounts as they come in.

use crate::contact::WishesBody;
use crate::problem::Fault;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::contact::Wishes;
use domain::fixed::Quantity;
use domain::id::{AccountId, CaseId, CategoryId, MeetingId, PersonId, SignalId, SourceId};
use domain::priority::{Impact, Importance, Priority, Urgency};
use domain::signal::{About, CaseStatus, Channel, Detail, MeetingResult, Metric, Severity, Signal, Unit};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One record of `POST /signals`: a fact about an account at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalBody {
    /// The system that says it.
    #[schemars(with = "String")]
    pub source: SourceId,
    /// What that system calls it. The same id from the same source on the same UTC day of `at` is the same signal; with
    /// another content the greater of the two stands, first by `at`, then by `metric`, then by `value`, whichever came
    /// first. On another day it is another signal. A correction needs a new id.
    #[schemars(with = "String")]
    pub id: SignalId,
    /// Which account.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// When it was so (RFC 3339).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What was measured: a name of the catalogue, such as `active_users`.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// How much, in the metric's unit; a number, or text where more than 15 digits matter.
    #[schemars(with = "f64")]
    pub value: Quantity,
    /// The unit, which must be the metric's.
    #[schemars(with = "String")]
    pub unit: Unit,
    /// For `case_event`: the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseBody>,
    /// For `meeting_event`: the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<MeetingBody>,
    /// For `competitor_seen`: who was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub competitor: Option<CompetitorBody>,
    /// For `milestone_reached`: which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
}

/// A support case, in a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseBody {
    /// What the ticketing system calls it.
    #[schemars(with = "String")]
    pub id: CaseId,
    /// `critical`, `high`, `medium` or `low`. Left out where impact and urgency say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub severity: Option<Severity>,
    /// How much of the customer's work it stops: `high`, `medium` or `low`; with `urgency`, instead of a severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub impact: Option<Impact>,
    /// How soon it has to end: `high`, `medium` or `low`; with `impact`, instead of a severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub urgency: Option<Urgency>,
    /// By which way this came: `email`, `chat`, `phone`, `portal` or `emergency`. It is one case whichever ways it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub channel: Option<Channel>,
    /// What it is about, as the ticketing system sorts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub category: Option<CategoryId>,
    /// Who works on it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub assignee: Option<PersonId>,
    /// `opened`, `responded`, `waiting_on_customer`, `in_progress` or `resolved`.
    #[schemars(with = "String")]
    pub status: CaseStatus,
}

impl CaseBody {
    /// A case of a severity that is somewhere, of which no more is said.
    pub const fn new(id: CaseId, severity: Severity, status: CaseStatus) -> Self {
        let severity = Some(severity);
        Self { id, severity, impact: None, urgency: None, channel: None, category: None, assignee: None, status }
    }

    /// How bad it is: as it says, or as follows from impact and urgency alone. How much the customer counts comes later.
    pub fn severity(&self) -> Result<(Severity, Option<Priority>), Fault> {
        match (self.severity, self.impact, self.urgency) {
            (Some(severity), None, None) => Ok((severity, None)),
            (None, Some(impact), Some(urgency)) => {
                let priority = Priority { impact, urgency };
                Ok((priority.severity(Importance::Ordinary), Some(priority)))
            }
            _ => Err(Fault::new("case.severity", "give a severity, or both `impact` and `urgency` instead of it")),
        }
    }

    fn of(case: &CaseId, severity: Severity, status: CaseStatus, about: &About) -> Self {
        let About { channel, priority, category, assignee } = about.clone();
        Self {
            id: case.clone(),
            severity: Some(severity).filter(|_| priority.is_none()),
            impact: priority.map(|priority| priority.impact),
            urgency: priority.map(|priority| priority.urgency),
            channel,
            category,
            assignee,
            status,
        }
    }

    fn detail(&self) -> Result<Detail, Fault> {
        let (severity, priority) = self.severity()?;
        let (channel, category, assignee) = (self.channel, self.category.clone(), self.assignee.clone());
        let about = About { channel, priority, category, assignee };
        Ok(Detail::Case { case: self.id.clone(), severity, status: self.status, about })
    }
}

/// A meeting, in a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeetingBody {
    /// What the calendar calls it; the same meeting from two calendars has one id.
    #[schemars(with = "String")]
    pub id: MeetingId,
    /// `held`, `missed` or `declined`.
    #[schemars(with = "String")]
    pub result: MeetingResult,
    /// Whether an executive was invited.
    pub executive: bool,
}

/// A competitor, in a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompetitorBody {
    /// Who was seen.
    pub name: String,
    /// From when on the sighting no longer counts.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// The longest free text in a signal, in characters.
pub const MAX_TEXT: usize = 200;

impl SignalBody {
    /// A signal of an account, as it would come in.
    pub fn of(account: &AccountId, signal: &Signal) -> Self {
        let mut body = Self {
            source: signal.source.clone(),
            id: signal.id.clone(),
            account: account.clone(),
            at: signal.at,
            metric: signal.metric,
            value: signal.value,
            unit: signal.metric.unit(),
            case: None,
            meeting: None,
            competitor: None,
            milestone: None,
        };
        match &signal.detail {
            Detail::None => {}
            Detail::Case { case, severity, status, about } => {
                body.case = Some(CaseBody::of(case, *severity, *status, about));
            }
            Detail::Meeting { meeting, result, executive } => {
                body.meeting = Some(MeetingBody { id: meeting.clone(), result: *result, executive: *executive });
            }
            Detail::Competitor { competitor, expires_at } => {
                body.competitor = Some(CompetitorBody { name: competitor.clone(), expires_at: *expires_at });
            }
            Detail::Milestone { milestone } => body.milestone = Some(milestone.clone()),
        }
        body
    }

    /// Whether people are to be called for it at once: it is about a critical case.
    pub fn is_urgent(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.severity().is_ok_and(|(severity, _)| severity == Severity::Critical))
    }

    /// Checks the record against the catalogue and the clock and makes it a domain signal.
    pub fn check(&self, now: Timestamp) -> Result<Signal, Fault> {
        let signal = self.to_signal()?;
        signal.check(self.unit, now).map_err(|error| Fault::new(error.field, error.reason))?;
        Ok(signal)
    }

    /// The domain signal, where the record was checked before.
    pub fn to_signal(&self) -> Result<Signal, Fault> {
        Ok(Signal {
            at: self.at,
            source: self.source.clone(),
            id: self.id.clone(),
            metric: self.metric,
            value: self.value,
            detail: self.detail()?,
        })
    }

    fn detail(&self) -> Result<Detail, Fault> {
        let given = [
            ("case", self.case.is_some(), self.metric == Metric::CaseEvent),
            ("meeting", self.meeting.is_some(), self.metric == Metric::MeetingEvent),
            ("competitor", self.competitor.is_some(), self.metric == Metric::CompetitorSeen),
            ("milestone", self.milestone.is_some(), self.metric == Metric::MilestoneReached),
        ];
        for (field, present, wanted) in given {
            if present && !wanted {
                return Err(Fault::new(field, format!("does not belong to `{}`; leave it out", self.metric)));
            }
            if wanted && !present {
                return Err(Fault::new(field, format!("is needed for `{}`", self.metric)));
            }
        }
        if let Some(case) = &self.case {
            return case.detail();
        }
        if let Some(meeting) = &self.meeting {
            return Ok(Detail::Meeting {
                meeting: meeting.id.clone(),
                result: meeting.result,
                executive: meeting.executive,
            });
        }
        if let Some(competitor) = &self.competitor {
            let name = text("competitor.name", &competitor.name)?;
            return Ok(Detail::Competitor { competitor: name, expires_at: competitor.expires_at });
        }
        if let Some(milestone) = &self.milestone {
            return Ok(Detail::Milestone { milestone: text("milestone", milestone)? });
        }
        Ok(Detail::None)
    }
}

fn text(path: &str, text: &str) -> Result<String, Fault> {
    match text.chars().count() {
        0 => Err(Fault::new(path, "is empty")),
        1..=MAX_TEXT => Ok(text.to_owned()),
        length => Err(Fault::new(path, format!("has {length} characters; give at most {MAX_TEXT}"))),
    }
}

/// The body of `PUT /accounts/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountBody {
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue, in hundredths of the tenant's currency.
    pub arr_cents: i64,
    /// `enterprise`, `mid_market` or `small_business`.
    #[schemars(with = "String")]
    pub segment: Segment,
    /// `onboarding`, `expansion`, `optimization`, `steady` or `churned`.
    #[schemars(with = "String")]
    pub stage: LifecycleStage,
    /// When the contract ends (2027-03-31), if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub renewal_on: Option<domain::day::Day>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub owner: Option<PersonId>,
    /// What the customer wishes of those who want to reach them. Left out, it stays as it is: somebody who opted out stays so
    /// until it is said that they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<WishesBody>,
}

impl AccountBody {
    /// Checks the body and makes it the account with this id.
    pub fn check(&self, id: &AccountId) -> Result<Account, Fault> {
        if self.arr_cents < 0 {
            return Err(Fault::new("arr_cents", format!("is {}; revenue is not negative", self.arr_cents)));
        }
        Ok(Account {
            id: id.clone(),
            name: text("name", &self.name)?,
            arr: Money::from_cents(self.arr_cents),
            segment: self.segment,
            stage: self.stage,
            renewal_on: self.renewal_on,
            owner: self.owner.clone(),
            contact: self.contact.clone().map(Wishes::from).unwrap_or_default(),
        })
    }
}

impl From<&Account> for AccountBody {
    fn from(account: &Account) -> Self {
        Self {
            name: account.name.clone(),
            arr_cents: account.arr.cents(),
            segment: account.segment,
            stage: account.stage,
            renewal_on: account.renewal_on,
            owner: account.owner.clone(),
            contact: Some(account.contact.clone()).filter(|wishes| !wishes.is_none()).map(WishesBody::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn competitor_seen(text: &str) -> Result<Signal, String> {
        let body: SignalBody = serde_json::from_str(text).map_err(|error| error.to_string())?;
        body.check("2026-11-23T00:00:00Z".parse().unwrap()).map_err(|fault| format!("{}: {}", fault.path, fault.reason))
    }

    const SEEN: &str = r#"{"source":"crm","id":"s1","account":"acme","at":"2026-11-20T10:00:00Z","metric":"competitor_seen",
        "value":70,"unit":"percent","competitor":{"name":"Rival","expires_at":"2027-02-20T00:00:00Z"}}"#;

    #[test]
    fn a45_a_competitor_is_taken_in_with_source_confidence_and_end() {
        let signal = competitor_seen(SEEN).unwrap();
        assert_eq!((signal.source.to_string().as_str(), signal.value.to_string().as_str()), ("crm", "70"));
        assert!(matches!(&signal.detail, Detail::Competitor { competitor, .. } if competitor == "Rival"));
    }

    #[test]
    fn a45_a_sighting_without_competitor_or_beyond_certainty_is_refused() {
        let nobody = SEEN.replace(r#","competitor":{"name":"Rival","expires_at":"2027-02-20T00:00:00Z"}"#, "");
        assert!(nobody.len() < SEEN.len() && competitor_seen(&nobody).unwrap_err().contains("competitor"));
        assert!(competitor_seen(&SEEN.replace(":70", ":170")).unwrap_err().starts_with("value: "));
    }
}
