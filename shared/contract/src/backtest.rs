//! The bodies of a rule set's dry run, of its activation, and of what holds: what another set of rules would open on the
//! portfolio, how it would have done, and which rules a kill switch holds.

use crate::problem::Fault;
use crate::rules::RulesFile;
use domain::backtest::{Backtest, Change, Tally, Terms};
use domain::comparison::Judgement;
use domain::day::Day;
use domain::fixed::{Quantity, divide_half_even};
use domain::id::RuleId;
use domain::rule::RuleSet;
use domain::rulebook::{Hold, Limits, Rulebook};
use domain::signal::Severity;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many people are named.
const PEOPLE: usize = 20;

/// `POST /rules/dry-run`: what a candidate would open on the portfolio beside the rules that hold. Nothing is changed by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesDryRunRequest {
    /// The candidate.
    pub rules: RulesFile,
    /// How many days of the past are replayed, 0 to 365; where nothing is given none: then only what both would open now
    /// is compared.
    #[serde(default)]
    pub days: u16,
    /// The last day that is replayed, as 2026-11-22; today where nothing is given. All of it lies within the last 365 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Day>,
    /// Every so many days both sets look, 1 to 28; 1 where nothing is given.
    #[serde(default = "daily")]
    pub step_days: u16,
    /// Calls to action about a risk are judged by who left within so many days; where nothing is given 90, or all days that
    /// are replayed where they are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u16>,
}

const fn daily() -> u16 {
    1
}

impl RulesDryRunRequest {
    /// A request with nothing but a candidate.
    pub const fn of(rules: RulesFile) -> Self {
        Self { rules, days: 0, until: None, step_days: daily(), horizon_days: None }
    }

    /// What is looked at, or everything that is wrong with it.
    pub fn terms(&self, today: Day) -> Result<Terms, Vec<Fault>> {
        let terms = Terms {
            until: self.until.unwrap_or(today),
            days: self.days,
            step_days: self.step_days,
            horizon_days: self.horizon_days.unwrap_or_else(|| self.days.clamp(1, 90)),
        };
        let faults: Vec<Fault> =
            terms.faults(today).into_iter().map(|(name, reason)| Fault::new(name, reason)).collect();
        if faults.is_empty() { Ok(terms) } else { Err(faults) }
    }
}

/// `GET /rules/dry-runs/{id}`: how far a dry run has come, and what it has found so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulesDryRunAnswer {
    /// Which dry run: an activation names it.
    pub dry_run: String,
    /// `running`, `complete`, or `stalled`: nothing has moved for six hours, because its messages are dead letters; it goes
    /// on when they are put back.
    pub status: String,
    /// How many accounts were looked at so far.
    pub visited: u64,
    /// The moment that now stands for.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Who asked.
    pub asked_by: String,
    /// What people call the candidate.
    pub name: String,
    /// The candidate's version: it follows from its content.
    pub version: String,
    /// The version of the rules that held when it was asked.
    pub against: String,
    /// The last day that was replayed.
    pub until: String,
    /// How many days were replayed; none where only now was looked at.
    pub days: u16,
    /// Every so many days both looked.
    pub step_days: u16,
    /// Calls to action about a risk were judged by who left within so many days.
    pub horizon_days: u16,
    /// What came of it.
    #[serde(flatten)]
    pub found: BacktestBody,
}

/// Two rule sets side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestBody {
    /// Customers that were looked at.
    pub accounts: u64,
    /// Accounts that have left.
    pub left: u64,
    /// Those of them of which nobody recorded when; nothing is judged by them.
    pub left_undated: u64,
    /// What each rule comes to, by its name.
    pub rules: Vec<RuleTallyBody>,
    /// What would be another call to action now, the most urgent first, 100 at most.
    pub changes: Vec<ChangeBody>,
    /// Rules of the candidate that would be held if it were activated.
    pub held: Vec<HeldBody>,
    /// How much people would have been asked.
    pub people: PeopleBody,
    /// How well the rules that hold told who would leave; absent where nothing was replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<RulesJudgementBody>,
    /// The same of the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<RulesJudgementBody>,
}

/// What a rule comes to by the set that holds and by the candidate; absent where a set does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTallyBody {
    /// The rule.
    pub rule: String,
    /// By the rules that hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<TallyBody>,
    /// By the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<TallyBody>,
}

/// What a rule comes to by one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TallyBody {
    /// Customers with its call to action open or snoozed, were the set to decide now.
    pub live: u64,
    /// Those of them on which it would be opened or reopened now.
    pub opens: u64,
    /// Customers of which it cannot say anything now.
    pub unknown: u64,
    /// Those of them of which it could, were their data fresh.
    pub stale: u64,
    /// How often it would have opened or reopened in the days that were replayed.
    pub opened: u64,
}

impl From<Tally> for TallyBody {
    fn from(Tally { live, opens, unknown, stale, opened }: Tally) -> Self {
        Self { live, opens, unknown, stale, opened }
    }
}

/// A call to action that one set would have now and the other not (`enters`, `leaves`), or not with the same `priority`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeBody {
    /// The account.
    pub account: String,
    /// The rule.
    pub rule: String,
    /// `enters`: by the candidate alone; `leaves`: by the rules that hold alone; `priority`: by both.
    pub change: String,
    /// Its priority by the rules that hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Its priority by the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
}

impl From<&Change> for ChangeBody {
    fn from(change: &Change) -> Self {
        let name = match (change.before, change.after) {
            (None, _) => "enters",
            (_, None) => "leaves",
            _ => "priority",
        };
        Self {
            account: change.account.to_string(),
            rule: change.rule.to_string(),
            change: name.to_owned(),
            before: change.before,
            after: change.after,
        }
    }
}

/// How many calls to action people would have been asked to do, in a week of those that were replayed, or at once where
/// only now was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeopleBody {
    /// Of how many people.
    pub people: u64,
    /// Whether these are all. Otherwise they were chosen by their names' fingerprints and stand for all.
    pub everybody: bool,
    /// For how many days it is.
    pub days: u16,
    /// The mean of a person's, by the rules that hold; absent where nobody has an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_today: Option<String>,
    /// The same by the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_candidate: Option<String>,
    /// Those who would be asked most by the candidate, 20 at most.
    pub most: Vec<PersonBody>,
    /// Calls to action on accounts that nobody has, by the rules that hold.
    pub nobody_today: u64,
    /// The same by the candidate.
    pub nobody_candidate: u64,
}

/// How many calls to action a person would have been asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonBody {
    /// Who.
    pub person: String,
    /// By the rules that hold, in a week or at once.
    pub today: String,
    /// By the candidate.
    pub candidate: String,
}

/// How well calls to action about a risk told who would leave. Shares are of 1; they are absent where there is nothing to
/// divide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulesJudgementBody {
    /// How many accounts are judged: customers at the last look of which it is known who left within the horizon.
    pub judged: u64,
    /// How many of them left within the horizon.
    pub judged_left: u64,
    /// Their share: what asking for everybody would have as precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<String>,
    /// The share of the accounts with a call to action about a risk then that left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// The share of those that left that had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<String>,
    /// How many accounts left within the days.
    pub leavers: u64,
    /// How many of them had one when they left.
    pub warned: u64,
    /// The median of the days for which they had had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_lead_days: Option<i32>,
}

impl BacktestBody {
    /// What was found, in words and numbers, by the names of the rules that hold and of the others.
    pub fn of(found: &Backtest, names: &[Vec<RuleId>; 2], terms: &Terms, limits: &Limits) -> Self {
        let [today, candidate] = &found.judgements;
        let judged = |judgement| (terms.days > 0).then(|| RulesJudgementBody::of(judgement));
        let held = found.held(limits).into_iter();
        let held =
            held.map(|(rule, cause)| HeldBody { rule: rule.to_string(), reason: cause.to_string(), since: None });
        Self {
            accounts: found.accounts,
            left: found.left,
            left_undated: found.left_undated,
            rules: tallies(found, names),
            changes: found.changes.iter().map(ChangeBody::from).collect(),
            held: held.collect(),
            people: PeopleBody::of(found, terms),
            today: judged(today),
            candidate: judged(candidate),
        }
    }
}

/// Every rule of either set, those that came to nothing too.
fn tallies(found: &Backtest, names: &[Vec<RuleId>; 2]) -> Vec<RuleTallyBody> {
    let mut rules: BTreeMap<&RuleId, [Option<Tally>; 2]> = BTreeMap::new();
    for (side, names) in names.iter().enumerate() {
        for rule in names {
            let tally = found.rules.get(rule).and_then(|sides| sides.get(side)).copied().unwrap_or_default();
            if let Some(place) = rules.entry(rule).or_default().get_mut(side) {
                *place = Some(tally);
            }
        }
    }
    let body = |(rule, [today, candidate]): (&RuleId, [Option<Tally>; 2])| RuleTallyBody {
        rule: rule.to_string(),
        today: today.map(TallyBody::from),
        candidate: candidate.map(TallyBody::from),
    };
    rules.into_iter().map(body).collect()
}

impl PeopleBody {
    fn of(found: &Backtest, terms: &Terms) -> Self {
        let asked = found.people.asked();
        let people = asked.len() as u64;
        // In a week of those that were replayed; without a past it is what would be opened at once.
        let days = if terms.days == 0 { 7 } else { terms.days };
        let rate = |count: u64, people: u64| {
            let micros = divide_half_even(i128::from(count) * 7_000_000, i128::from(days) * i128::from(people.max(1)));
            Quantity::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).rounded(2)
        };
        let total = |side: fn(&[u64; 2]) -> u64| asked.iter().map(|(_, counts)| side(counts)).sum::<u64>();
        let mean = |side| (people > 0).then(|| rate(total(side), people));
        let person = |(person, [today, candidate]): &(&domain::id::PersonId, [u64; 2])| PersonBody {
            person: person.to_string(),
            today: rate(*today, 1),
            candidate: rate(*candidate, 1),
        };
        let [nobody_today, nobody_candidate] = found.people.nobody;
        Self {
            people,
            everybody: found.people.is_everybody(),
            days: if terms.days == 0 { 0 } else { 7 },
            mean_today: mean(|[today, _]| *today),
            mean_candidate: mean(|[_, candidate]| *candidate),
            most: asked.iter().take(PEOPLE).map(person).collect(),
            nobody_today,
            nobody_candidate,
        }
    }
}

impl RulesJudgementBody {
    fn of(judgement: &Judgement) -> Self {
        let text = |share: Option<Quantity>| share.map(|share| share.to_string());
        Self {
            judged: judgement.judged(),
            judged_left: judgement.left(),
            base_rate: text(judgement.base_rate()),
            precision: text(judgement.precision()),
            recall: text(judgement.recall()),
            leavers: judgement.leavers(),
            warned: judgement.warned(),
            median_lead_days: judgement.median_lead_days(),
        }
    }
}

/// A rule that is held, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldBody {
    /// The rule.
    pub rule: String,
    /// Why, in plain words.
    pub reason: String,
    /// Since when; absent where it would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
}

impl HeldBody {
    fn of((rule, hold): (&RuleId, &Hold)) -> Self {
        Self { rule: rule.to_string(), reason: hold.cause.to_string(), since: Some(hold.since) }
    }
}

/// `POST /rules/activate`: makes the candidate of a dry run the rules that hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateRequest {
    /// The dry run that it is based on: complete, not older than seven days, and against the rules that still hold.
    pub dry_run: String,
    /// Why, in plain words.
    pub reason: String,
}

/// `GET /rules`: the rules that hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulesAnswer {
    /// What people call the set.
    pub name: String,
    /// Its version: it follows from its content.
    pub version: String,
    /// Who made it the one that holds; absent where it is the one that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationBody>,
    /// The rules that are held: they open nothing until a person releases them.
    pub held: Vec<HeldBody>,
    /// All rules, by their names.
    pub rules: Vec<RuleBody>,
}

/// Who made a set of rules the one that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivationBody {
    /// The dry run that it is based on.
    pub dry_run: String,
    /// Who.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A rule in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleBody {
    /// Its name.
    pub id: String,
    /// What its call to action is about: `risk`, `lifecycle`, `expansion` or `objective`.
    pub kind: String,
    /// How bad it is.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Why it is opened, and what to do.
    pub reason: String,
}

impl RulesAnswer {
    /// What holds.
    pub fn of(rules: &RuleSet, book: &Rulebook) -> Self {
        Self {
            name: rules.name().to_owned(),
            version: rules.version().to_string(),
            activation: book.active.as_ref().map(|active| ActivationBody {
                dry_run: active.dry_run.to_string(),
                by: active.by.to_string(),
                at: active.at,
                reason: active.reason.clone(),
            }),
            held: book.held.iter().map(HeldBody::of).collect(),
            rules: rules
                .rules()
                .map(|rule| RuleBody {
                    id: rule.id.to_string(),
                    kind: rule.cta.kind.name().to_owned(),
                    severity: rule.cta.severity,
                    reason: rule.cta.reason.clone(),
                })
                .collect(),
        }
    }
}
