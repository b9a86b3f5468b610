//! The portfolio as the report shows it: one row an account, folded from facts, and the summary over all rows.
//!
//! A row is a function of the set of its facts: any order, batching or repetition gives the same row, byte for byte.
//! Each field is what its latest fact (by time, then by event id) says. What ended stays known for a while, so that an
//! older fact that comes late does not bring it back.

use crate::account::{LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::fixed::Points;
use crate::id::{AccountId, CauseId, CtaId, EscalationId, RuleId};
use crate::signal::Severity;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most ended calls to action, and the most ended escalations, that a row remembers.
pub const MAX_ENDED: usize = 300;
/// How many falls the summary names.
pub const FALLS: usize = 5;
/// How far back the summary looks for falls, in days.
pub const FALL_DAYS: i64 = 30;

/// Which of two facts is the later one: by time, then by the event's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// When it happened.
    pub at: Timestamp,
    /// The event that says it.
    pub event: CauseId,
}

/// What a fact says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// What the account is.
    Profile(Profile),
    /// How healthy it is.
    Health(Health),
    /// It has no health any more: it is no customer any more.
    Left,
    /// It came down into a lower band, or its score fell.
    Fell(Fall),
    /// A call to action is to be done.
    CtaLive(CtaId, CtaView),
    /// A call to action ended.
    CtaEnded(CtaId),
    /// An escalation is open.
    EscalationLive(EscalationId, EscalationView),
    /// An escalation ended.
    EscalationEnded(EscalationId),
}

/// What an account is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Profile {
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue.
    pub arr: Money,
    /// Which kind of customer.
    pub segment: Segment,
    /// Where it is on its way.
    pub stage: LifecycleStage,
}

/// How healthy an account is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Health {
    /// The score.
    pub score: Points,
    /// The band; none until a score was not provisional.
    pub band: Option<Band>,
    /// Too little data.
    pub provisional: bool,
}

/// A fall of the score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fall {
    /// The score before.
    pub from: Points,
    /// The score after.
    pub to: Points,
    /// Why, the largest part first.
    pub reasons: Vec<String>,
}

impl Fall {
    /// How many points it fell.
    pub const fn depth(&self) -> Points {
        self.from.minus(self.to)
    }
}

/// A call to action that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CtaView {
    /// The rule that opened it.
    pub rule: RuleId,
    /// Why, in plain words.
    pub reason: String,
    /// The larger, the more urgent.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
    /// When the episode began.
    pub opened_at: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
}

/// An escalation that is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EscalationView {
    /// How bad it is.
    pub severity: Severity,
    /// Why, in plain words.
    pub reason: String,
    /// The role that was told last.
    pub role: String,
    /// Whether somebody took it on.
    pub acknowledged: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When the next clock runs out, if one runs.
    pub breach_at: Option<Timestamp>,
}

/// What its latest fact says; nothing where that fact is that it ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Latest<T> {
    stamp: Stamp,
    value: T,
}

/// One account of the portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which account.
    pub account: AccountId,
    profile: Option<Latest<Profile>>,
    health: Option<Latest<Option<Health>>>,
    fall: Option<Latest<Fall>>,
    ctas: BTreeMap<CtaId, Latest<Option<CtaView>>>,
    escalations: BTreeMap<EscalationId, Latest<Option<EscalationView>>>,
}

impl Row {
    /// A row that nothing is known of.
    pub const fn new(account: AccountId) -> Self {
        Self { account, profile: None, health: None, fall: None, ctas: BTreeMap::new(), escalations: BTreeMap::new() }
    }

    /// Takes a fact in. Says whether the row is another one now.
    pub fn apply(&mut self, stamp: Stamp, fact: Fact) -> bool {
        match fact {
            Fact::Profile(value) => put(&mut self.profile, stamp, value),
            Fact::Health(value) => put(&mut self.health, stamp, Some(value)),
            Fact::Left => put(&mut self.health, stamp, None),
            Fact::Fell(value) => put(&mut self.fall, stamp, value),
            Fact::CtaLive(id, view) => put_among(&mut self.ctas, id, stamp, Some(view)),
            Fact::CtaEnded(id) => put_among(&mut self.ctas, id, stamp, None),
            Fact::EscalationLive(id, view) => put_among(&mut self.escalations, id, stamp, Some(view)),
            Fact::EscalationEnded(id) => put_among(&mut self.escalations, id, stamp, None),
        }
    }

    /// What the account is.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref().map(|latest| &latest.value)
    }

    /// How healthy it is.
    pub fn health(&self) -> Option<&Health> {
        self.health.as_ref()?.value.as_ref()
    }

    /// Whether it is no customer any more.
    pub fn has_left(&self) -> bool {
        self.health.as_ref().is_some_and(|latest| latest.value.is_none())
    }

    /// Its last fall, and when that was.
    pub fn fall(&self) -> Option<(Timestamp, &Fall)> {
        self.fall.as_ref().map(|latest| (latest.stamp.at, &latest.value))
    }

    /// Its last fall, where that was lately and the score has not come back since.
    fn fall_to_name(&self, now: Timestamp) -> Option<(Timestamp, &Fall)> {
        let (at, fall) = self.fall()?;
        let is_recent = now.duration_since(at) <= SignedDuration::from_hours(24 * FALL_DAYS);
        let is_made_good = self.health().is_some_and(|health| health.score >= fall.from);
        (fall.depth() > Points::ZERO && is_recent && !is_made_good && !self.has_left()).then_some((at, fall))
    }

    /// Its calls to action that are to be done.
    pub fn ctas(&self) -> impl Iterator<Item = (&CtaId, &CtaView)> {
        self.ctas.iter().filter_map(|(id, latest)| Some((id, latest.value.as_ref()?)))
    }

    /// Its escalations that are open.
    pub fn escalations(&self) -> impl Iterator<Item = (&EscalationId, &EscalationView)> {
        self.escalations.iter().filter_map(|(id, latest)| Some((id, latest.value.as_ref()?)))
    }

    /// What people call it; its id where nobody has said.
    pub fn name(&self) -> &str {
        self.profile().map_or(self.account.as_str(), |profile| &profile.name)
    }
}

fn put<T: Ord>(field: &mut Option<Latest<T>>, stamp: Stamp, value: T) -> bool {
    let news = Latest { stamp, value };
    let later = field.as_ref().is_none_or(|known| *known < news);
    if later {
        *field = Some(news);
    }
    later
}

fn put_among<K: Ord + Clone, T: Ord>(
    field: &mut BTreeMap<K, Latest<Option<T>>>,
    id: K,
    stamp: Stamp,
    value: Option<T>,
) -> bool {
    // Of several facts of one moment (a case that comes in opened, answered and resolved) the end is the latest, and the
    // one that says more is later than the one that says less; the ids of events say nothing about their order.
    fn order<T>(latest: &Latest<Option<T>>) -> (Timestamp, bool, &Option<T>, &CauseId) {
        (latest.stamp.at, latest.value.is_none(), &latest.value, &latest.stamp.event)
    }
    let news = Latest { stamp, value };
    let changed = field.get(&id).is_none_or(|known| order(known) < order(&news));
    if changed {
        field.insert(id, news);
    }
    let ended = field.iter().filter(|(_, latest)| latest.value.is_none());
    if ended.clone().count() > MAX_ENDED
        && let Some(oldest) = ended.min_by_key(|(_, latest)| &latest.stamp).map(|(id, _)| id.clone())
    {
        field.remove(&oldest);
    }
    changed
}

/// The portfolio at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many accounts there are, without those that have left.
    pub accounts: usize,
    /// How many accounts are in each band; provisional scores are counted apart.
    pub by_band: BTreeMap<Band, usize>,
    /// How many accounts have a score from too little data.
    pub provisional: usize,
    /// How many accounts were not scored yet.
    pub unscored: usize,
    /// The deepest falls of the last [`FALL_DAYS`] days that were not made good, the deepest first.
    pub biggest_falls: Vec<AccountFall>,
    /// Calls to action that are to be done, the most urgent first.
    pub open_ctas: Vec<OpenCta>,
    /// Escalations that are open, the one that breaches first in front.
    pub open_escalations: Vec<OpenEscalation>,
}

/// The last fall of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountFall {
    /// Which account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// The fall.
    pub fall: Fall,
}

/// A call to action that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenCta {
    /// Which call to action.
    pub id: CtaId,
    /// About which account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// What is to be done.
    pub cta: CtaView,
}

/// An escalation that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenEscalation {
    /// Which escalation.
    pub id: EscalationId,
    /// About which account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// What it is about.
    pub escalation: EscalationView,
    /// Seconds until the next clock runs out; negative when it has, nothing when none runs.
    pub seconds_to_breach: Option<i64>,
}

impl Summary {
    /// The summary of the rows at a moment. The order of the rows does not matter.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, now: Timestamp) -> Self {
        let mut summary = Self {
            accounts: 0,
            by_band: Band::ALL.into_iter().map(|band| (band, 0)).collect(),
            provisional: 0,
            unscored: 0,
            biggest_falls: Vec::new(),
            open_ctas: Vec::new(),
            open_escalations: Vec::new(),
        };
        for row in rows {
            summary.add(row, now);
        }
        summary
            .biggest_falls
            .sort_by(|a, b| b.fall.depth().cmp(&a.fall.depth()).then_with(|| a.account.cmp(&b.account)));
        summary.biggest_falls.truncate(FALLS);
        summary.open_ctas.sort_by(|a, b| b.cta.priority.cmp(&a.cta.priority).then_with(|| a.id.cmp(&b.id)));
        summary.open_escalations.sort_by(|a, b| {
            let key = |open: &OpenEscalation| {
                (open.seconds_to_breach.is_none(), open.seconds_to_breach, open.escalation.severity)
            };
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        summary
    }

    fn count(&mut self, row: &Row) {
        match row.health().map(|health| (health.provisional, health.band)) {
            Some((true, _)) => self.provisional += 1,
            Some((false, Some(band))) => *self.by_band.entry(band).or_default() += 1,
            Some((false, None)) | None => self.unscored += 1,
        }
    }

    fn add(&mut self, row: &Row, now: Timestamp) {
        if !row.has_left() {
            self.accounts += 1;
            self.count(row);
        }
        let (account, name) = (&row.account, row.name());
        self.biggest_falls.extend(row.fall_to_name(now).map(|(at, fall)| AccountFall {
            account: account.clone(),
            name: name.to_owned(),
            at,
            fall: fall.clone(),
        }));
        self.open_ctas.extend(row.ctas().map(|(id, cta)| OpenCta {
            id: id.clone(),
            account: account.clone(),
            name: name.to_owned(),
            cta: cta.clone(),
        }));
        self.open_escalations.extend(row.escalations().map(|(id, escalation)| OpenEscalation {
            id: id.clone(),
            account: account.clone(),
            name: name.to_owned(),
            escalation: escalation.clone(),
            seconds_to_breach: escalation.breach_at.map(|at| seconds(at.duration_since(now))),
        }));
    }
}

const fn seconds(duration: SignedDuration) -> i64 {
    duration.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn stamp(seconds: i64, event: u32) -> Stamp {
        Stamp { at: at(seconds), event: CauseId::new(format!("e{event}")).unwrap() }
    }

    fn health(score: i32, band: Band) -> Fact {
        Fact::Health(Health { score: Points::whole(score), band: Some(band), provisional: false })
    }

    fn fell(from: i32, to: i32) -> Fact {
        Fact::Fell(Fall { from: Points::whole(from), to: Points::whole(to), reasons: vec!["usage".into()] })
    }

    fn cta_id(number: u32) -> CtaId {
        CtaId::new(format!("cta-{number}")).unwrap()
    }

    fn cta(number: u32, priority: i64) -> Fact {
        Fact::CtaLive(
            cta_id(number),
            CtaView {
                rule: RuleId::new("r").unwrap(),
                reason: "look".into(),
                priority,
                owner: None,
                opened_at: at(0),
                due_at: at(0),
            },
        )
    }

    fn escalation(number: u32, breach_at: Option<i64>) -> Fact {
        let breach_at = breach_at.map(at);
        let view = EscalationView {
            severity: Severity::High,
            reason: "why".into(),
            role: "executive".into(),
            acknowledged: false,
            opened_at: at(0),
            breach_at,
        };
        Fact::EscalationLive(EscalationId::new(format!("esc-{number}")).unwrap(), view)
    }

    fn row(account: &str, facts: impl IntoIterator<Item = Fact>) -> Row {
        let mut row = Row::new(AccountId::new(account).unwrap());
        for (number, fact) in (0..).zip(facts) {
            row.apply(stamp(i64::from(number), number), fact);
        }
        row
    }

    #[test]
    fn of_one_moment_the_end_is_the_latest_whatever_the_ids_of_the_events() {
        for ids in [[1, 2], [2, 1]] {
            for end_first in [false, true] {
                let mut row = Row::new(AccountId::new("a").unwrap());
                let facts = [(ids[0], cta(1, 5)), (ids[1], Fact::CtaEnded(cta_id(1)))];
                let order = if end_first { [1, 0] } else { [0, 1] };
                for index in order {
                    let (event, fact) = facts[index].clone();
                    row.apply(stamp(7, event), fact);
                }
                assert_eq!(row.ctas().count(), 0, "{ids:?} {end_first}");
            }
        }
    }

    #[test]
    fn an_older_fact_that_comes_late_changes_nothing() {
        let mut row = row("a", []);
        assert!(row.apply(stamp(9, 1), health(60, Band::Critical)));
        assert!(!row.apply(stamp(8, 2), health(90, Band::Champion)));
        assert!(!row.apply(stamp(9, 1), health(60, Band::Critical)), "the same fact again");
        assert_eq!(row.health().unwrap().band, Some(Band::Critical));
        assert!(row.apply(stamp(20, 3), Fact::CtaEnded(cta_id(1))));
        assert!(!row.apply(stamp(10, 4), cta(1, 5)));
        assert_eq!(row.ctas().count(), 0);
    }

    #[test]
    fn what_ended_is_forgotten_at_last() {
        let mut row = row("a", [cta(0, 1)]);
        for number in 1..=400 {
            row.apply(stamp(i64::from(number), number), Fact::CtaEnded(cta_id(number)));
        }
        assert_eq!((row.ctas.len(), row.ctas().count()), (MAX_ENDED + 1, 1));
        assert!(!row.ctas.contains_key(&cta_id(100)) && row.ctas.contains_key(&cta_id(101)));
    }

    #[test]
    fn the_summary_counts_ranks_and_orders() {
        let rows = [
            row("a", [health(95, Band::Champion), fell(97, 95), cta(1, 5)]),
            row(
                "b",
                [health(50, Band::Emergency), fell(90, 50), cta(2, 9), escalation(1, None), escalation(2, Some(500))],
            ),
            row("c", [health(75, Band::AtRisk), fell(80, 75), escalation(3, Some(-60))]),
            row("d", [Fact::Health(Health { score: Points::whole(10), band: None, provisional: true })]),
            row("e", [fell(80, 75)]),
            row("f", [fell(60, 59)]),
            row("g", [fell(60, 57)]),
            row("h", [fell(60, 61)]),
        ];
        let summary = Summary::of(&rows, at(0));
        assert_eq!(summary.accounts, 8);
        assert_eq!(
            (summary.by_band[&Band::Champion], summary.by_band[&Band::Emergency], summary.by_band[&Band::Healthy]),
            (1, 1, 0)
        );
        assert_eq!((summary.provisional, summary.unscored), (1, 4));
        let falls: Vec<&str> = summary.biggest_falls.iter().map(|fall| fall.account.as_str()).collect();
        assert_eq!(falls, ["b", "c", "e", "g", "a"], "the deepest first, of equal ones the first by name");
        let ctas: Vec<i64> = summary.open_ctas.iter().map(|open| open.cta.priority).collect();
        assert_eq!(ctas, [9, 5]);
        let breaches: Vec<Option<i64>> = summary.open_escalations.iter().map(|open| open.seconds_to_breach).collect();
        assert_eq!(breaches, [Some(-60), Some(500), None]);
    }

    #[test]
    fn an_account_that_left_is_in_no_band_and_no_fall() {
        let left = row("a", [health(50, Band::Emergency), fell(80, 50), Fact::Left]);
        let back = row("b", [Fact::Left, health(90, Band::Champion)]);
        let summary = Summary::of([&left, &back], at(0));
        assert_eq!((summary.accounts, summary.by_band[&Band::Emergency], summary.by_band[&Band::Champion]), (1, 0, 1));
        assert_eq!((summary.unscored, summary.biggest_falls.len()), (0, 0));
    }

    #[test]
    fn a_fall_that_was_made_good_or_is_long_past_is_not_named() {
        let made_good = row("a", [fell(80, 60), health(81, Band::Healthy)]);
        let still_down = row("b", [fell(80, 60), health(79, Band::AtRisk)]);
        let named = |rows: [&Row; 2], now| Summary::of(rows, now).biggest_falls.len();
        assert_eq!(named([&made_good, &still_down], at(0)), 1);
        assert_eq!(named([&made_good, &still_down], at(31 * 86_400)), 0);
    }

    fn any_fact() -> impl Strategy<Value = (Stamp, Fact)> {
        let bands = prop::sample::select(Band::ALL.to_vec());
        let fact = prop_oneof![
            (0..100, bands).prop_map(|(score, band)| health(score, band)),
            (0..100, 0..100).prop_map(|(from, to)| fell(from, to)),
            (0..4_u32, 0..9_i64).prop_map(|(number, priority)| cta(number, priority)),
            (0..4_u32).prop_map(|number| Fact::CtaEnded(cta_id(number))),
            (0..4_u32, prop::option::of(0..99_i64)).prop_map(|(number, breach)| escalation(number, breach)),
            (0..4_u32).prop_map(|number| Fact::EscalationEnded(EscalationId::new(format!("esc-{number}")).unwrap())),
        ];
        ((0..6_i64, 0..4_u32).prop_map(|(seconds, event)| stamp(seconds, event)), fact)
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_of_the_same_facts_gives_the_same_row(
            (all, shuffled) in prop::collection::vec(any_fact(), 1..40).prop_flat_map(|all| {
                let twice: Vec<_> = all.iter().chain(&all).cloned().collect();
                (Just(all), Just(twice).prop_shuffle())
            })
        ) {
            let fold = |facts: Vec<(Stamp, Fact)>| {
                let mut row = row("a", []);
                for (stamp, fact) in facts {
                    row.apply(stamp, fact);
                }
                serde_json::to_string(&row).unwrap()
            };
            prop_assert_eq!(fold(all), fold(shuffled));
        }
    }
}
