//! The past of one account, gone through by one rule set from a clean slate.

use super::{Known, Terms};
use crate::account::{Account, LifecycleStage};
use crate::band::Band;
use crate::comparison::was_known;
use crate::cta::{Episodes, decide};
use crate::day::Day;
use crate::health::Health;
use crate::id::RuleId;
use crate::rule::{CtaKind, Facts, RuleSet, Standing};
use jiff::Timestamp;

/// A score as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// When.
    pub at: Timestamp,
    /// The health; none of an account that had left.
    pub health: Option<Health>,
    /// The band that held.
    pub band: Option<Band>,
}

/// What one rule set made of an account's past.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Whose calls to action were opened or reopened, in the order of time.
    pub opened: Vec<RuleId>,
    /// Since when one about a risk had been live when the looks ended, if one was.
    pub at_risk_since: Option<Day>,
    /// The look that is judged, and whether one about a risk was live then.
    pub judged: Option<(Day, bool)>,
}

pub(super) fn course(known: &Known<'_>, set: &RuleSet, terms: &Terms, left_on: Option<Day>) -> Course {
    let mut course = Course::default();
    let account = as_customer(known.account);
    let looks = looks(known, &account, terms, left_on);
    let speaks = speaks(set, &looks);
    let mut episodes = Episodes::default();
    for ((back, facts), speaks) in looks.iter().zip(speaks) {
        // Where nothing was ever opened and no rule speaks nothing can change.
        if speaks || episodes.iter().next().is_some() {
            let outcomes = set.evaluate(facts);
            let decision = decide(known.tenant, &account, set, &episodes, &outcomes, facts.now);
            course.opened.extend(decision.opened().cloned());
            episodes = decision.episodes;
        }
        let at_risk = episodes.live().iter().any(|cta| cta.kind == CtaKind::Risk);
        course.at_risk_since = if at_risk { course.at_risk_since.or(Some(facts.today())) } else { None };
        if *back == terms.judged_look() && was_known(&known.record.series, facts.today()) {
            course.judged = Some((facts.today(), at_risk));
        }
    }
    course
}

/// What is known at each look, the earliest first, until the account left.
fn looks<'a>(known: &Known<'a>, account: &'a Account, terms: &Terms, left_on: Option<Day>) -> Vec<(u16, Facts<'a>)> {
    let mut scores = Scores { rest: known.scores, last: None, standing: None };
    let mut looks = Vec::new();
    for back in terms.looks() {
        let day = terms.until.plus(-i32::from(back));
        if left_on.is_some_and(|left| day >= left) {
            break;
        }
        // At the end of the day: what came in on it is known.
        let now = day.plus(1).start();
        let now = now.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(now);
        let (health, standing) = scores.at(now);
        looks.push((back, Facts { account, series: &known.record.series, health, standing, now }));
    }
    looks
}

/// At which looks some rule would open something. All rules at once, for most accounts are quiet at most looks.
fn speaks(set: &RuleSet, looks: &[(u16, Facts<'_>)]) -> Vec<bool> {
    let mut portfolio = set.portfolio();
    looks.iter().for_each(|(_, facts)| portfolio.push(facts));
    let answers = portfolio.answers();
    (0..looks.len()).map(|row| answers.iter().any(|answer| answer.when.get(row).is_true())).collect()
}

/// One that has left was a customer before.
fn as_customer(account: &Account) -> Account {
    let mut account = account.clone();
    if account.stage == LifecycleStage::Churned {
        account.stage = LifecycleStage::Steady;
    }
    account
}

/// The scores of an account, gone through in the order of time.
struct Scores<'a> {
    rest: &'a [Scored],
    last: Option<&'a Scored>,
    standing: Option<Standing>,
}

impl<'a> Scores<'a> {
    fn at(&mut self, now: Timestamp) -> (Option<&'a Health>, Option<Standing>) {
        while let Some((next, rest)) = self.rest.split_first().filter(|(next, _)| next.at <= now) {
            let before = self.standing.map(|standing| standing.band);
            self.standing = next.health.as_ref().zip(next.band).map(|(health, band)| {
                let stays = self.standing.filter(|standing| standing.band == band);
                let entered = Standing { band, from: before, since: next.at, provisional: false };
                Standing { provisional: health.provisional, ..stays.unwrap_or(entered) }
            });
            (self.rest, self.last) = (rest, Some(next));
        }
        (self.last.and_then(|scored| scored.health.as_ref()), self.standing)
    }
}
