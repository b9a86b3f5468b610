//! The words of a leaf: what it looked at, what it found and why, said only when somebody asks.

use super::condition::Condition;
use super::decline;
use super::facts::{Facts, Standing};
use super::leaf::{
    AboveUsual, AverageBelow, Change, Changed, Counted, Declined, Direction, Measure, MeasurePart, Score, Side,
    Sustained, Trend, Unusual, Value,
};
use super::reading::{Missing, Note, Reading};
use super::verdict::{Evidence, Finding, Truth, Verdict};
use crate::day::Day;
use crate::fixed::{ONE, Quantity};

/// What a reading does not hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub today: Day,
    pub standing: Option<Standing>,
}

impl Moment {
    pub fn of(facts: &Facts<'_>) -> Self {
        Self { today: facts.today(), standing: facts.standing }
    }
}

/// A leaf's verdict in words.
pub(super) fn say(leaf: &Condition, truth: Truth, reading: &Reading, moment: &Moment) -> Verdict {
    let said = match leaf {
        Condition::Declined(leaf) => declined(leaf, reading),
        Condition::Counted(leaf) => counted(leaf, reading),
        Condition::AverageBelow(leaf) => average(leaf, reading),
        Condition::TrendsDown(leaf) => trend(leaf, reading, Direction::Fall),
        Condition::TrendsUp(leaf) => trend(leaf, reading, Direction::Rise),
        Condition::AboveUsual(leaf) => above_usual(leaf, reading),
        Condition::Unusual(leaf) => unusual(leaf, reading),
        Condition::CompetitorSeen(leaf) => {
            return competitor(leaf.confidence_at_least, truth, reading, moment);
        }
        Condition::Absent(leaf) => {
            let why =
                reading.data.map_or("was never reported".into(), |latest| format!("was last reported on {latest}"));
            Said { rests_on: Rests::State, ..Said::new(format!("absence of {}", leaf.metric), why) }
        }
        Condition::Value(leaf) => value(leaf, reading),
        Condition::Changed(leaf) => changed(leaf, reading),
        Condition::Sustained(leaf) => sustained(leaf, reading),
        Condition::Score(leaf) => score(leaf, reading),
        Condition::Measure(leaf) => measure(leaf, reading),
        Condition::BandEntered(_) | Condition::BandLeft(_) | Condition::BandAtMost(_) | Condition::BandAtLeast(_) => {
            band(leaf, truth, moment)
        }
        _ => account(leaf, truth, reading, moment),
    };
    said.verdict(truth, reading, moment)
}

/// What a leaf has to say.
struct Said {
    leaf: String,
    why: String,
    value: Option<Quantity>,
    confidence_percent: u32,
    rests_on: Rests,
    /// Whether the age of the data is told.
    aged: bool,
}

/// What kind of evidence it is.
enum Rests {
    Nothing,
    State,
    Events(u64),
}

impl Said {
    fn new(leaf: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            leaf: leaf.into(),
            why: why.into(),
            value: None,
            confidence_percent: 100,
            rests_on: Rests::Nothing,
            aged: true,
        }
    }

    fn state(leaf: String, why: String, value: Option<Quantity>) -> Self {
        Self { value, rests_on: Rests::State, ..Self::new(leaf, why) }
    }

    fn verdict(self, truth: Truth, reading: &Reading, moment: &Moment) -> Verdict {
        let age_days = reading.data.filter(|_| self.aged).map(|day| moment.today.since(day));
        let finding = Finding { leaf: self.leaf, truth, value: self.value, age_days, why: self.why };
        let evidence = reading.seen.and_then(|seen| match self.rests_on {
            Rests::Nothing => None,
            Rests::State => Some(Evidence::state(seen)),
            Rests::Events(events) => Some(Evidence::events(seen, events)),
        });
        Verdict { truth, evidence, confidence_percent: self.confidence_percent.min(100), trace: vec![finding] }
    }
}

fn declined(leaf: &Declined, reading: &Reading) -> Said {
    let name = format!("decline of {}", leaf.metric);
    let Note::Decline(note) = &reading.note else { return Said::new(name, "has no data") };
    match note {
        decline::Note::NoData => Said::new(name, "has no data"),
        decline::Note::Silent(latest) => Said::new(name, format!("the source is silent since {latest}")),
        decline::Note::TooFew { days, last } => Said::new(
            name,
            format!("has data on {days} of the {} days to {last}, {} are needed", leaf.days, leaf.least_days),
        ),
        decline::Note::Nothing => Said::new(name, "has nothing to compare with"),
        decline::Note::TooLarge => Said::new(name, "the numbers are too large to compare"),
        decline::Note::BelowTheFloor => {
            Said::new(name, format!("is below the floor of {} a day before the fall", leaf.floor))
        }
        decline::Note::Found { change, holiday, covered_percent } => {
            let mut why =
                format!("mean of {} days changed by {} % against the {0} days before", leaf.days, change.rounded(1));
            if let Some(lost) = holiday {
                why.push_str(&format!("; the same days one cycle ago lost {} %, taken as a holiday", lost.rounded(1)));
            }
            Said { confidence_percent: *covered_percent, ..Said::state(name, why, Some(*change)) }
        }
    }
}

fn counted(leaf: &Counted, reading: &Reading) -> Said {
    let events = reading.value / ONE;
    let mut why = format!("{events} in {} days, {} are needed", leaf.days, leaf.at_least);
    if let (Note::Since(day), Some(metric)) = (&reading.note, leaf.since_last) {
        why.push_str(&format!("; only those after {metric} on {day} count"));
    }
    Said {
        value: Some(Quantity::whole(i32::try_from(events).unwrap_or(i32::MAX))),
        rests_on: Rests::Events(u64::try_from(events).unwrap_or_default()),
        ..Said::new(format!("count of {}", leaf.metric), why)
    }
}

fn average(leaf: &AverageBelow, reading: &Reading) -> Said {
    let name = format!("average of {}", leaf.metric);
    let Note::Average { count, mean } = reading.note else {
        return Said::new(name, format!("has no values in {} days", leaf.days));
    };
    let why = if count < u64::from(leaf.least_values) {
        format!("low n: {count} values, {} are needed; their mean is {}", leaf.least_values, mean.rounded(1))
    } else {
        format!("the mean of {count} values is {}, the limit {}", mean.rounded(1), leaf.below)
    };
    Said::state(name, why, Some(mean))
}

fn trend(leaf: &Trend, reading: &Reading, direction: Direction) -> Said {
    let name = format!("trend of {}", leaf.metric);
    let Note::Line { count, days, fall } = reading.note else {
        return Said::new(name, format!("has no values in {} days", leaf.days));
    };
    if count < u64::from(leaf.least_values) {
        return Said::new(name, format!("low n: {count} values, {} are needed", leaf.least_values));
    }
    let (verb, far) = match direction {
        Direction::Fall => ("falls", fall),
        Direction::Rise => ("rises", Quantity::ZERO.minus(fall)),
    };
    let why = format!("{verb} by {} over {days} days with values, {} is the limit", far.rounded(1), leaf.by);
    Said::state(name, why, Some(far))
}

fn above_usual(leaf: &AboveUsual, reading: &Reading) -> Said {
    let name = format!("usual {}", leaf.metric);
    let Note::Usual { recent, history, of } = reading.note else { return Said::new(name, "has no data") };
    let Some((now, usual)) = of else {
        return Said::new(name, too_little(recent, history, leaf.least_recent, leaf.least_history));
    };
    let why = format!(
        "the median of {recent} recent days is {}, percentile {} of {history} earlier days is {}",
        now.rounded(1),
        leaf.percentile,
        usual.rounded(1)
    );
    Said::state(name, why, Some(now))
}

fn too_little(recent: usize, history: usize, least_recent: u32, least_history: u32) -> String {
    format!("has {recent} recent days and {history} days of history; {least_recent} and {least_history} are needed")
}

fn unusual(leaf: &Unusual, reading: &Reading) -> Said {
    let name = format!("unusual {}", leaf.metric);
    let Note::Usual { recent, history, of } = reading.note else { return Said::new(name, "has no data") };
    let Some((now, usual)) = of else {
        return Said::new(name, too_little(recent, history, leaf.least_recent, leaf.least_history));
    };
    let far = if reading.value.saturating_abs() == i64::MAX {
        "further than ever seen".to_owned()
    } else {
        format!("{} deviations away", Quantity::from_micros(reading.value).rounded(1))
    };
    let side = match leaf.side {
        Side::High => " above",
        Side::Low => " below",
        Side::Either => "",
    };
    let why = format!(
        "the median of {recent} recent days is {}, that of {history} earlier days {}: {far}, {}{side} is the limit",
        now.rounded(1),
        usual.rounded(1),
        leaf.by_deviations
    );
    Said::state(name, why, Some(now))
}

fn competitor(least: Quantity, truth: Truth, reading: &Reading, moment: &Moment) -> Verdict {
    let name = "competitor";
    let (Note::Sighting { competitor, confidence, until }, Some(day), Truth::True) =
        (&reading.note, reading.data, truth)
    else {
        let why = format!("no sighting with at least {least} % counts now");
        return Verdict::leaf(Finding::new(name, truth, why));
    };
    let why = format!("`{competitor}` was seen on {day}, which counts until {until}");
    let said = Said {
        confidence_percent: u32::try_from(confidence.micros() / ONE).unwrap_or(0),
        rests_on: Rests::Events(1),
        value: Some(*confidence),
        ..Said::new(name, why)
    };
    said.verdict(truth, reading, moment)
}

fn value(leaf: &Value, reading: &Reading) -> Said {
    let name = format!("{} of {}", leaf.statistic.name(), leaf.metric);
    let Note::Statistic { count, amount: Some(amount) } = reading.note else {
        return Said::new(name, format!("has no values in {} days", leaf.days));
    };
    let is = amount.rounded(1);
    let why = if reading.is_known() {
        format!("of {count} values in {} days is {is}; asked for: {}", leaf.days, leaf.bounds)
    } else {
        format!("low n: {count} values, {} are needed; it is {is}", leaf.least_values)
    };
    Said::state(name, why, Some(amount))
}

fn changed(leaf: &Changed, reading: &Reading) -> Said {
    let name = format!("change of {}", leaf.metric);
    let Note::Windows { days: (before, after), means } = reading.note else { return Said::new(name, "has no data") };
    let Some((was, is)) = means else {
        let why =
            format!("has data on {before} and {after} of {} days each, {} are needed", leaf.days, leaf.least_days);
        return Said::new(name, why);
    };
    let verb = match leaf.direction {
        Direction::Fall => "a fall",
        Direction::Rise => "a rise",
    };
    let by = match leaf.by {
        Change::Amount(by) => by.to_string(),
        Change::BasisPoints(by) => format!("{} %", Quantity::from_micros(super::feature::percent(by))),
    };
    let (was_text, is_text) = (was.rounded(1), is.rounded(1));
    let why = format!("mean of {} days is {is_text}, {was_text} before; {verb} by {by} is the limit", leaf.days);
    if !reading.is_known() {
        return Said::new(name, format!("{why}; nothing is no base for a percentage"));
    }
    Said::state(name, why, Some(is.minus(was)))
}

fn sustained(leaf: &Sustained, reading: &Reading) -> Said {
    let name = format!("{} day after day", leaf.metric);
    let Note::Row { known, broken } = reading.note else { return Said::new(name, "has no data") };
    let asked = leaf.bounds;
    match broken {
        Some((day, value)) => {
            Said::state(name, format!("was {} on {day}; asked for: {asked}", value.rounded(1)), Some(value))
        }
        None if reading.is_known() => Said::state(name, format!("{asked} on each of {known} days"), None),
        None => Said::new(name, format!("{asked} on the {known} days that are known, of {}", leaf.days)),
    }
}

fn missing(reading: &Reading) -> &'static str {
    match reading.note {
        Note::Health(Missing::NotScored) => "was not scored yet",
        Note::Health(Missing::Provisional) => "the score is provisional",
        Note::Health(Missing::NoSuchPart) => "is not part of the scorecard",
        _ => "has no value now",
    }
}

fn score(leaf: &Score, reading: &Reading) -> Said {
    let name = leaf.dimension.as_ref().map_or("score".to_owned(), |dimension| format!("score of {dimension}"));
    compared(name, &leaf.bounds.to_string(), reading)
}

fn measure(leaf: &Measure, reading: &Reading) -> Said {
    let part = match leaf.of {
        MeasurePart::Points => "points",
        MeasurePart::Value => "value",
    };
    compared(format!("{part} of {}", leaf.measure), &leaf.bounds.to_string(), reading)
}

fn compared(name: String, asked: &str, reading: &Reading) -> Said {
    if !reading.is_known() {
        return Said::new(name, missing(reading));
    }
    let value = Quantity::from_micros(reading.value);
    Said::state(name, format!("is {}; asked for: {asked}", value.rounded(1)), Some(value))
}

fn band(leaf: &Condition, truth: Truth, moment: &Moment) -> Said {
    let (name, moves) = match leaf {
        Condition::BandEntered(band) => (format!("band {band}"), true),
        Condition::BandLeft(band) => (format!("band {band} left"), true),
        Condition::BandAtMost(band) => (format!("band at most {band}"), false),
        Condition::BandAtLeast(band) => (format!("band at least {band}"), false),
        _ => ("band".to_owned(), false),
    };
    let Some(standing) = moment.standing else { return Said::new(name, "was not scored yet") };
    let day = Day::of(standing.since);
    let rests_on = match (moves, standing.provisional) {
        (true, _) => Rests::Events(1),
        (false, true) => Rests::Nothing,
        (false, false) => Rests::State,
    };
    let why = match leaf {
        _ if standing.provisional => "the score is provisional".to_owned(),
        Condition::BandEntered(band) if standing.band != *band => format!("is {} since {day}", standing.band),
        Condition::BandEntered(_) if truth.is_true() => format!("came down into it on {day}"),
        Condition::BandEntered(_) => format!("came up into it on {day}"),
        Condition::BandLeft(_) if truth.is_true() => format!("went to {} on {day}", standing.band),
        Condition::BandLeft(_) => match standing.from {
            Some(from) => format!("is {} since {day}, {from} before", standing.band),
            None => format!("is {} since {day}, its first", standing.band),
        },
        _ => format!("is {}", standing.band),
    };
    Said { rests_on, aged: moves, ..Said::new(name, why) }
}

/// Leaves that ask the account's description or the calendar.
fn account(leaf: &Condition, truth: Truth, reading: &Reading, moment: &Moment) -> Said {
    let number = || Quantity::from_micros(reading.value);
    let told = |name: &str, yes: &str, no: &str| Said::new(name, if truth.is_true() { yes } else { no });
    let listed = |name: &str| told(name, "is one of those named", "is none of those named");
    match leaf {
        Condition::Segment(_) => listed("segment"),
        Condition::Stage(_) => listed("lifecycle stage"),
        Condition::Owner(_) => listed("owner"),
        Condition::Account(_) => listed("account"),
        Condition::Named(_) => listed("name"),
        Condition::Arr(bounds) => {
            let why = format!("is {}; asked for: {bounds}", number().rounded(2));
            Said { value: Some(number()), ..Said::new("annual recurring revenue", why) }
        }
        Condition::DaysToRenewal(_) if !reading.is_known() => {
            Said::new("days to renewal", "it is not known when the contract ends")
        }
        Condition::DaysToRenewal(bounds) => {
            let why = format!("is {}; asked for: {bounds}", number());
            Said { value: Some(number()), ..Said::new("days to renewal", why) }
        }
        Condition::HasRenewalDate(_) => told_flag("renewal date", reading, "is known", "is not known"),
        Condition::HasOwner(_) => told_flag("owner", reading, "is named", "is not named"),
        _ => {
            let weekday = super::leaf::Weekday::ALL.get(usize::from(moment.today.weekday()));
            let weekday = weekday.map_or("", |weekday| weekday.name());
            Said::new("calendar", format!("today is {weekday}, {}", moment.today))
        }
    }
}

fn told_flag(name: &str, reading: &Reading, yes: &str, no: &str) -> Said {
    Said::new(name, if reading.value == 1 { yes } else { no })
}
