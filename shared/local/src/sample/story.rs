//! The sixty accounts and what happens to each: one plot per account, and what the system should make of it.
//!
//! The plots and their numbers are fixed; the seed decides which account gets which plot, and when it begins.

use super::dice::Dice;
use super::{DAYS, Planted, SLA_BREACH, What, unusual};
use contract::signal::AccountBody;
use domain::account::{LifecycleStage, Segment};
use domain::day::Day;
use domain::id::{AccountId, PersonId};

/// What happens to an account. Where a plot begins at a day, that is [`Actor::on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plot {
    /// Nothing but weeks and holidays.
    Steady,
    /// Usage grows by 0.15 % of its start a day.
    Growth,
    /// Usage falls by 0.15 % of its start a day: too slow for a fall over two weeks.
    GentleDecline,
    /// Usage falls by 2 % a day for thirty days.
    Decline,
    /// Usage halves overnight.
    Drop,
    /// Usage is low for two days and comes back.
    Dip,
    /// Telemetry is silent for three weeks.
    Outage,
    /// Four survey answers in all, two of them bad.
    FewAnswers,
    /// Nine answers in nine days, most of them bad.
    Complaints,
    /// A missed and a declined executive meeting within two weeks.
    MissedMeetings,
    /// One missed executive meeting.
    OneMissed,
    /// A missed meeting, a new sponsor, another missed meeting.
    NewSponsor,
    /// Two severe incidents within a week, a third one in the next.
    Incidents,
    /// Two severe incidents three weeks apart.
    RareIncidents,
    /// A critical case that nobody answers for thirty hours.
    Unanswered,
    /// A severe case that waits two days for the customer: its clock pauses.
    LongWait,
    /// A severe case that is open when the sample ends.
    OpenAtTheEnd,
    /// A competitor, for sure.
    Competitor,
    /// A competitor, perhaps.
    Rumour,
    /// Everything gets worse until the account is at risk.
    Slide,
    /// Everything gets much worse.
    DeepSlide,
    /// Everything breaks, and the customer leaves at the renewal.
    Collapse,
}

/// Who plays what how often: sixty accounts.
const CAST: [(Plot, usize); 22] = [
    (Plot::Steady, 12),
    (Plot::Growth, 5),
    (Plot::GentleDecline, 3),
    (Plot::Decline, 3),
    (Plot::Drop, 4),
    (Plot::Dip, 2),
    (Plot::Outage, 3),
    (Plot::FewAnswers, 3),
    (Plot::Complaints, 3),
    (Plot::MissedMeetings, 3),
    (Plot::OneMissed, 2),
    (Plot::NewSponsor, 1),
    (Plot::Incidents, 3),
    (Plot::RareIncidents, 1),
    (Plot::Unanswered, 2),
    (Plot::LongWait, 1),
    (Plot::OpenAtTheEnd, 1),
    (Plot::Competitor, 2),
    (Plot::Rumour, 1),
    (Plot::Slide, 2),
    (Plot::DeepSlide, 2),
    (Plot::Collapse, 1),
];

/// An account of the sample and its part.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    /// Its number, from 0: decides its name, and at which weekday or hour its regular records come.
    pub(super) index: i64,
    pub(super) id: AccountId,
    pub(super) body: AccountBody,
    pub(super) plot: Plot,
    /// The day on which the plot begins, from the start of the sample.
    pub(super) on: i32,
    /// The day of the sample on which the contract ends; beyond its end for most.
    pub(super) renewal: i32,
    /// How many days the account had been a customer when the sample starts.
    pub(super) age: i32,
    /// People who may use the product.
    pub(super) licensed: i64,
    /// What is not as it could be even when all is well, in thousandths.
    pub(super) wear: i64,
}

/// The whole cast under this seed.
pub(super) fn cast(seed: u64, start: Day) -> Vec<Actor> {
    let mut plots: Vec<Plot> = CAST.iter().flat_map(|(plot, count)| std::iter::repeat_n(*plot, *count)).collect();
    Dice::of(seed, &[0]).shuffle(&mut plots);
    (0..).zip(plots).filter_map(|(index, plot)| actor(seed, start, index, plot)).collect()
}

fn actor(seed: u64, start: Day, index: i64, plot: Plot) -> Option<Actor> {
    let mut dice = Dice::of(seed, &[1, index.unsigned_abs()]);
    let (name, id) = name(index)?;
    let segment = match dice.between(0, 11) {
        0..3 => Segment::Enterprise,
        3..8 => Segment::MidMarket,
        _ => Segment::SmallBusiness,
    };
    let (licensed, cents_each) = match segment {
        Segment::Enterprise => (dice.between(2_000, 8_000), 30_000),
        Segment::MidMarket => (dice.between(400, 1_600), 36_000),
        Segment::SmallBusiness => (dice.between(150, 300), 42_000),
    };
    let on = match plot {
        Plot::OpenAtTheEnd => DAYS - 1,
        // What is slow begins early enough to be seen before the sample ends, and the slides late enough to be news then.
        Plot::Slide => i32::try_from(dice.between(126, 136)).unwrap_or(126),
        Plot::DeepSlide | Plot::Collapse => i32::try_from(dice.between(60, 90)).unwrap_or(60),
        _ => i32::try_from(dice.between(45, 125)).unwrap_or(45),
    };
    let renewal = i32::try_from(dice.between(60, 400)).unwrap_or(400);
    let renewal = if plot == Plot::Collapse { DAYS - 8 } else { renewal };
    // A few are new: they pass through the stages while the sample runs.
    let age =
        i32::try_from(if dice.per_mille(150) { dice.between(1, 60) } else { dice.between(200, 900) }).unwrap_or(200);
    let body = AccountBody {
        name,
        arr_cents: licensed * cents_each,
        segment,
        stage: stage_at(age),
        renewal_on: Some(start.plus(renewal)),
        owner: PersonId::new(format!("csm-{:02}", index % 20 + 1)).ok(),
        contact: None,
    };
    Some(Actor { index, id, body, plot, on, renewal, age, licensed, wear: dice.between(0, 100) })
}

/// The stage of an account that has been a customer for so many days.
fn stage_at(age: i32) -> LifecycleStage {
    match age {
        ..=30 => LifecycleStage::Onboarding,
        31..=90 => LifecycleStage::Expansion,
        91..=180 => LifecycleStage::Optimization,
        _ => LifecycleStage::Steady,
    }
}

const FIRST: [&str; 15] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Larch", "Maple", "Oak",
    "Poplar", "Rowan",
];
const SECOND: [&str; 4] = ["Foods", "Freight", "Insurance", "Clinics"];

fn name(index: i64) -> Option<(String, AccountId)> {
    let index = usize::try_from(index).ok()?;
    let (first, second) = (FIRST.get(index / SECOND.len())?, SECOND.get(index % SECOND.len())?);
    let id = AccountId::new(format!("{first}-{second}").to_ascii_lowercase()).ok()?;
    Some((format!("{first} {second}"), id))
}

impl Actor {
    /// Days since the plot began; nothing before.
    pub(super) fn plot_day(&self, day: i32) -> Option<i32> {
        (day >= self.on).then_some(day - self.on)
    }

    /// Whether the customer has left by this day of the sample.
    pub(super) fn gone(&self, day: i32) -> bool {
        self.plot == Plot::Collapse && day > self.renewal
    }

    /// How bad everything is, in thousandths: 0 is well, 1000 is broken.
    pub(super) fn strain(&self, day: i32) -> i64 {
        let (end, days) = match self.plot {
            Plot::Slide => (300, 40),
            Plot::DeepSlide => (450, 50),
            Plot::Collapse => (1_000, 45),
            _ => return self.wear,
        };
        let days_in = self.plot_day(day).map_or(0, |into| (into + 1).min(days));
        self.wear + (end - self.wear) * i64::from(days_in) / i64::from(days)
    }

    /// The yearly revenue after the renewal: a little more, or nothing when the customer leaves.
    pub(super) fn renewed_cents(&self) -> i64 {
        match self.plot {
            Plot::Collapse => 0,
            Plot::Growth => self.body.arr_cents / 100 * 115,
            _ => self.body.arr_cents / 100 * (100 + self.index % 6),
        }
    }

    /// The account's description, where it changes on this day of the sample.
    pub(super) fn change(&self, day: i32, start: Day) -> Option<AccountBody> {
        let renewed = day == self.renewal;
        if !renewed && stage_at(self.age + day) == stage_at(self.age + day - 1) {
            return None;
        }
        let mut body = self.body.clone();
        body.stage = stage_at(self.age + day);
        if day >= self.renewal {
            body.arr_cents = self.renewed_cents();
            body.renewal_on = Some(start.plus(self.renewal + 365));
            if self.plot == Plot::Collapse {
                body.stage = LifecycleStage::Churned;
                body.renewal_on = None;
            }
        }
        Some(body)
    }

    /// What the system should make of the plot.
    pub(super) fn planted(&self, start: Day) -> Vec<Planted> {
        let plant = |what: What, after: i32, within: i32| Planted {
            account: self.id.clone(),
            what,
            from: start.plus(self.on + after),
            by: start.plus((self.on + within).min(DAYS - 1)),
        };
        let rule = |rule: &str, after, within| plant(What::Rule(rule.to_owned()), after, within);
        match self.plot {
            Plot::Decline => vec![rule("usage-decline", 5, 35)],
            Plot::Drop => {
                let all = ["active_users", "logins"].map(|metric| rule(&unusual(metric), 1, 9));
                all.into_iter().chain([rule("usage-decline", 2, 18)]).collect()
            }
            // Two low days are no decline, but unusual.
            Plot::Dip => {
                let all = ["active_users", "logins"].map(|metric| rule(&unusual(metric), 1, 5));
                all.into_iter().chain([plant(What::Nothing, 0, 45)]).collect()
            }
            Plot::Complaints => vec![rule("user-complaints", 0, 14)],
            Plot::MissedMeetings => vec![rule("executive-disengagement", 14, 20)],
            Plot::Incidents => vec![rule("performance-issues", 5, 9)],
            Plot::Unanswered => vec![rule("band-critical", 0, 3), rule(SLA_BREACH, 0, 2)],
            Plot::Competitor => vec![rule("competitive-activity", 0, 4)],
            Plot::Slide => vec![rule("band-at-risk", 5, 60), rule(&unusual("uptime"), 1, 40)],
            Plot::DeepSlide => {
                let bands = [rule("band-at-risk", 5, 50), rule("band-critical", 10, 75)];
                bands.into_iter().chain([rule(&unusual("uptime"), 1, 40)]).collect()
            }
            // It falls through the band "at risk" faster than that band is looked at.
            Plot::Collapse => {
                let all =
                    ["band-critical", "band-emergency", "usage-decline", "user-complaints", "executive-disengagement"];
                let slides = rule(&unusual("uptime"), 1, 40);
                all.iter().map(|one| rule(one, 2, 72)).chain([slides]).collect()
            }
            Plot::Steady | Plot::Growth | Plot::GentleDecline => {
                vec![Planted { account: self.id.clone(), what: What::Nothing, from: start, by: start.plus(DAYS - 1) }]
            }
            Plot::Outage | Plot::FewAnswers | Plot::OneMissed | Plot::NewSponsor => {
                vec![plant(What::Nothing, 0, 45)]
            }
            Plot::RareIncidents | Plot::LongWait | Plot::OpenAtTheEnd | Plot::Rumour => {
                vec![plant(What::Nothing, 0, 45)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_fills_the_portfolio_and_every_account_has_its_own_name() {
        assert_eq!(CAST.iter().map(|(_, count)| count).sum::<usize>(), super::super::ACCOUNTS);
        let cast = cast(7, Day::from_number(20_000));
        assert_eq!(cast.len(), super::super::ACCOUNTS);
        assert_eq!(cast.iter().map(|actor| &actor.id).collect::<std::collections::BTreeSet<_>>().len(), cast.len());
    }

    #[test]
    fn no_person_looks_after_more_than_three_accounts() {
        let mut load = std::collections::BTreeMap::new();
        for actor in cast(7, Day::from_number(20_000)) {
            *load.entry(actor.body.owner.unwrap()).or_insert(0) += 1;
        }
        assert!(load.values().all(|accounts| *accounts == 3), "{load:?}");
    }
}
