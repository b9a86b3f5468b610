//! Reads conditions, one operator at a time, and goes on after a fault: what can be read is checked all the same.

use super::condition::{
    AboveUsualFile, AverageBelowFile, ChangedFile, ConditionFile, CountedFile, DatesFile, DeclinedFile,
    MeasureLimitsFile, Percent, ScoreFile, SeasonFile, SegmentNames, SustainedFile, TrendFile, UnusualFile, ValueFile,
};
use super::names::{self, POINTS, SEGMENTS, STAGES, Vocabulary, all_units, hinted, unit_name, unknown};
use crate::document;
use crate::problem::Fault;
use domain::band::Band;
use domain::day::Day;
use domain::id::{AccountId, ExperimentId, IdError, PersonId};
use domain::rule::condition::{AtLeast, MAX_DEPTH};
use domain::rule::leaf::{self, Change, Direction, MeasurePart, MonthDay, Side, Statistic, Weekday};
use domain::rule::{Condition, faults_of};
use domain::signal::{Metric, name_of};
use serde_json::Value;
use std::collections::BTreeSet;

/// How many fields of one operator that do not exist are named.
const MAX_UNKNOWN_FIELDS: usize = 16;

/// Reads conditions and keeps their faults.
pub(crate) struct Reader<'a> {
    vocabulary: &'a Vocabulary,
    faults: Vec<Fault>,
    /// Where segments are asked for by name, and by which.
    named: Vec<(String, String)>,
    /// The leaves of the condition that is being read.
    leaves: Vec<(String, Condition)>,
}

impl<'a> Reader<'a> {
    pub const fn new(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, faults: Vec::new(), named: Vec::new(), leaves: Vec::new() }
    }

    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// A fault of what was read, at a place that is written in the file: what a segment stands for is not.
    pub fn place(&self, path: String, reason: String) -> Fault {
        let within = |(at, name): &(String, String)| {
            let rest = path.strip_prefix(at.as_str()).filter(|rest| rest.starts_with('.'))?;
            Some(Fault::new(
                format!("{at}.segment"),
                format!("in `{name}` `{}` {reason}", rest.trim_start_matches('.')),
            ))
        };
        let found = self.named.iter().find_map(within);
        found.unwrap_or_else(|| Fault::new(path, reason))
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn add(&mut self, path: &str, field: &str, reason: impl Into<String>) {
        self.faults.push(Fault::new(format!("{path}.{field}"), reason));
    }

    /// A whole condition. Where some of it cannot be read, the rest is checked leaf by leaf.
    pub fn root(&mut self, path: &str, value: Value) -> Option<Condition> {
        self.leaves.clear();
        let read = self.condition(path, value, 1);
        if read.is_none() {
            for (path, leaf) in std::mem::take(&mut self.leaves) {
                let faults = faults_of(&leaf, &path).into_iter();
                self.faults.extend(faults.map(|fault| Fault::new(fault.path, fault.reason)));
            }
        }
        read
    }

    fn condition(&mut self, path: &str, value: Value, depth: usize) -> Option<Condition> {
        if depth > MAX_DEPTH {
            self.fault(Fault::new(path, format!("is nested deeper than {MAX_DEPTH}")));
            return None;
        }
        match self.shape(path, value)? {
            ConditionFile::All(of) => self.members(&format!("{path}.all"), of, depth).map(Condition::All),
            ConditionFile::Any(of) => self.members(&format!("{path}.any"), of, depth).map(Condition::Any),
            ConditionFile::Not(of) => {
                let of = self.condition(&format!("{path}.not"), of, depth + 1)?;
                Some(Condition::Not(Box::new(of)))
            }
            ConditionFile::AtLeast(file) => {
                let of = self.members(&format!("{path}.at_least.of"), file.of, depth)?;
                Some(Condition::AtLeast(AtLeast { count: file.count, within_days: file.within_days, of }))
            }
            leaf => {
                let leaf = self.leaf(path, leaf)?;
                self.leaves.push((path.to_owned(), leaf.clone()));
                Some(leaf)
            }
        }
    }

    /// One operator. Fields that do not exist are named one after the other.
    fn shape(&mut self, path: &str, mut value: Value) -> Option<ConditionFile> {
        for _ in 0..MAX_UNKNOWN_FIELDS {
            let fault = match document::shape(path, value.clone()) {
                Ok(file) => return Some(file),
                Err(fault) => fault,
            };
            let field = fault.reason.strip_prefix("unknown field ").and_then(|rest| names::quoted(rest).next());
            let removed = field.and_then(|field| {
                let operator = value.as_object_mut()?.values_mut().next()?.as_object_mut()?;
                operator.remove(field)
            });
            self.fault(hinted(fault));
            removed?;
            // The rest is read for its faults alone; the condition does not count.
            if let Ok(file) = document::shape::<ConditionFile>(path, value.clone()) {
                self.leaf(path, file);
                return None;
            }
        }
        None
    }

    fn members(&mut self, path: &str, of: Vec<Value>, depth: usize) -> Option<Vec<Condition>> {
        let all = of.len();
        let mut read = Vec::with_capacity(all);
        for (index, value) in of.into_iter().enumerate() {
            read.extend(self.condition(&format!("{path}[{index}]"), value, depth + 1));
        }
        (read.len() == all).then_some(read)
    }

    fn leaf(&mut self, path: &str, file: ConditionFile) -> Option<Condition> {
        let at = |name: &str| format!("{path}.{name}");
        Some(match file {
            ConditionFile::All(_) | ConditionFile::Any(_) | ConditionFile::Not(_) | ConditionFile::AtLeast(_) => {
                return None;
            }
            ConditionFile::Declined(file) => self.declined(&at("declined"), file)?,
            ConditionFile::Counted(file) => self.counted(&at("counted"), file)?,
            ConditionFile::AverageBelow(file) => self.average_below(&at("average_below"), file)?,
            ConditionFile::TrendsDown(file) => Condition::TrendsDown(self.trend(&at("trends_down"), file)?),
            ConditionFile::TrendsUp(file) => Condition::TrendsUp(self.trend(&at("trends_up"), file)?),
            ConditionFile::AboveUsual(file) => self.above_usual(&at("above_usual"), file)?,
            ConditionFile::Unusual(file) => self.unusual(&at("unusual"), file)?,
            ConditionFile::CompetitorSeen(file) => {
                Condition::CompetitorSeen(leaf::CompetitorSeen { confidence_at_least: file.confidence_at_least })
            }
            ConditionFile::Absent(file) => {
                let metric = self.metric(&at("absent"), "metric", &file.metric)?;
                Condition::Absent(leaf::Absent { metric, days: file.days })
            }
            ConditionFile::Value(file) => self.value(&at("value"), file)?,
            ConditionFile::Changed(file) => self.changed(&at("changed"), file)?,
            ConditionFile::Sustained(file) => self.sustained(&at("sustained"), file)?,
            ConditionFile::Score(file) => self.score(&at("score"), file)?,
            ConditionFile::Measure(file) => self.measure(&at("measure"), file)?,
            ConditionFile::BandEntered(band) => Condition::BandEntered(self.band(path, "band_entered", &band)?),
            ConditionFile::BandLeft(band) => Condition::BandLeft(self.band(path, "band_left", &band)?),
            ConditionFile::BandAtMost(band) => Condition::BandAtMost(self.band(path, "band_at_most", &band)?),
            ConditionFile::BandAtLeast(band) => Condition::BandAtLeast(self.band(path, "band_at_least", &band)?),
            ConditionFile::Segment(SegmentNames::Named(name)) => self.segment(path, &name)?,
            ConditionFile::Segment(SegmentNames::Kinds(of)) => {
                Condition::Segment(self.listed(&at("segment"), &of, &SEGMENTS)?)
            }
            ConditionFile::Stage(of) => Condition::Stage(self.listed(&at("stage"), &of, &STAGES)?),
            ConditionFile::Arr(file) => {
                self.unit(&at("arr"), file.unit.as_deref(), ["currency"])?;
                Condition::Arr(file.bounds())
            }
            ConditionFile::DaysToRenewal(file) => {
                self.unit(&at("days_to_renewal"), file.unit.as_deref(), ["days"])?;
                Condition::DaysToRenewal(file.bounds())
            }
            ConditionFile::HasRenewalDate(wanted) => Condition::HasRenewalDate(wanted),
            ConditionFile::HasOwner(wanted) => Condition::HasOwner(wanted),
            ConditionFile::Owner(of) => Condition::Owner(self.ids(&at("owner"), &of, |text| PersonId::new(text))?),
            ConditionFile::Account(of) => {
                Condition::Account(self.ids(&at("account"), &of, |text| AccountId::new(text))?)
            }
            ConditionFile::Named(of) => Condition::Named(of.into_iter().collect()),
            ConditionFile::Weekday(of) => {
                let days = Weekday::ALL.map(|day| (day.name(), day));
                Condition::Weekday(self.listed(&at("weekday"), &of, &days)?)
            }
            ConditionFile::Season(file) => self.season(&at("season"), &file)?,
            ConditionFile::Dates(file) => self.dates(&at("dates"), &file)?,
        })
    }

    /// What a segment stands for takes the place of its name: what asks for it is another version when the segment is, fires
    /// on nothing that is not known, and tells every leaf.
    fn segment(&mut self, path: &str, name: &str) -> Option<Condition> {
        let vocabulary = self.vocabulary;
        if let Some(of) = vocabulary.segments.get(name) {
            self.named.push((path.to_owned(), name.to_owned()));
            return Some(of.clone());
        }
        let reason = if SEGMENTS.iter().any(|(kind, _)| *kind == name) {
            format!("`{name}` is a kind of customer; write [{name}]")
        } else if vocabulary.segments.is_empty() {
            format!("`{name}` is not known; no segment can be asked for by name here")
        } else {
            unknown(name, vocabulary.segments.keys().map(String::as_str))
        };
        self.add(path, "segment", reason);
        None
    }

    /// An experiment must be one of those that there are.
    pub fn experiment(&mut self, path: &str, id: &ExperimentId) {
        let known = &self.vocabulary.experiments;
        if known.is_empty() {
            self.fault(Fault::new(path, format!("`{id}` is not known; no experiments are given")));
        } else if !known.contains(id.as_str()) {
            self.fault(Fault::new(path, unknown(id.as_str(), known.iter().map(String::as_str))));
        }
    }

    fn declined(&mut self, path: &str, file: DeclinedFile) -> Option<Condition> {
        let metric = self.metric(path, "metric", &file.metric)?;
        Some(Condition::Declined(leaf::Declined {
            metric,
            days: file.days,
            by_basis_points: file.by_percent.0,
            floor: file.floor,
            least_days: file.least_days,
            fresh_days: file.fresh_days,
            profile_weeks: file.profile_weeks,
            cycle_weeks: file.cycle_weeks,
            holiday_basis_points: file.holiday_percent.0,
        }))
    }

    fn counted(&mut self, path: &str, file: CountedFile) -> Option<Condition> {
        let metric = self.metric(path, "metric", &file.metric);
        let since_last = match &file.since_last {
            Some(name) => Some(self.metric(path, "since_last", name)?),
            None => None,
        };
        let CountedFile { days, at_least, .. } = file;
        Some(Condition::Counted(leaf::Counted { metric: metric?, days, at_least, since_last }))
    }

    fn average_below(&mut self, path: &str, file: AverageBelowFile) -> Option<Condition> {
        let metric = self.metric(path, "metric", &file.metric)?;
        self.unit(path, file.unit.as_deref(), [name_of(metric.unit())])?;
        let AverageBelowFile { days, below, least_values, .. } = file;
        Some(Condition::AverageBelow(leaf::AverageBelow { metric, days, below, least_values }))
    }

    fn trend(&mut self, path: &str, file: TrendFile) -> Option<leaf::Trend> {
        let metric = self.metric(path, "metric", &file.metric)?;
        self.unit(path, file.unit.as_deref(), [name_of(metric.unit())])?;
        Some(leaf::Trend { metric, days: file.days, by: file.by, least_values: file.least_values })
    }

    fn above_usual(&mut self, path: &str, file: AboveUsualFile) -> Option<Condition> {
        let metric = self.metric(path, "metric", &file.metric)?;
        Some(Condition::AboveUsual(leaf::AboveUsual {
            metric,
            recent_days: file.recent_days,
            history_days: file.history_days,
            percentile: file.percentile,
            least_recent: file.least_recent,
            least_history: file.least_history,
        }))
    }

    fn unusual(&mut self, path: &str, file: UnusualFile) -> Option<Condition> {
        let sides = [("high", Side::High), ("low", Side::Low), ("either", Side::Either)];
        let (metric, side) = (self.metric(path, "metric", &file.metric), self.known(path, "side", &file.side, &sides));
        Some(Condition::Unusual(leaf::Unusual {
            metric: metric?,
            side: side?,
            by_deviations: file.by_deviations,
            recent_days: file.recent_days,
            history_days: file.history_days,
            least_recent: file.least_recent,
            least_history: file.least_history,
            least_change: file.least_change,
        }))
    }

    fn value(&mut self, path: &str, file: ValueFile) -> Option<Condition> {
        let statistics = Statistic::ALL.map(|statistic| (statistic.name(), statistic));
        let statistic = self.known(path, "statistic", &file.statistic, &statistics);
        let metric = self.metric(path, "metric", &file.metric)?;
        self.unit(path, file.unit.as_deref(), [name_of(metric.unit())])?;
        let (bounds, ValueFile { days, least_values, .. }) = (file.bounds(), file);
        Some(Condition::Value(leaf::Value { metric, statistic: statistic?, days, least_values, bounds }))
    }

    fn changed(&mut self, path: &str, file: ChangedFile) -> Option<Condition> {
        let directions = [("rise", Direction::Rise), ("fall", Direction::Fall)];
        let direction = self.known(path, "direction", &file.direction, &directions);
        let metric = self.metric(path, "metric", &file.metric);
        let by = match (file.by_percent, file.by) {
            (Some(percent), None) => match basis_points(percent) {
                Some(points) => Some(Change::BasisPoints(points)),
                None => {
                    self.add(
                        path,
                        "by_percent",
                        format!("is {percent}; give more than 0, with two decimal places at most"),
                    );
                    None
                }
            },
            (None, Some(by)) => Some(Change::Amount(by)),
            _ => {
                self.fault(Fault::new(path, "give either `by_percent` or `by`"));
                None
            }
        };
        let (metric, by) = (metric?, by?);
        let unit = match by {
            Change::Amount(_) => name_of(metric.unit()),
            Change::BasisPoints(_) => "percent",
        };
        self.unit(path, file.unit.as_deref(), [unit])?;
        let ChangedFile { days, least_days, .. } = file;
        Some(Condition::Changed(leaf::Changed { metric, days, direction: direction?, by, least_days }))
    }

    fn sustained(&mut self, path: &str, file: SustainedFile) -> Option<Condition> {
        let metric = self.metric(path, "metric", &file.metric)?;
        self.unit(path, file.unit.as_deref(), [name_of(metric.unit())])?;
        Some(Condition::Sustained(leaf::Sustained { metric, days: file.days, bounds: file.bounds() }))
    }

    fn score(&mut self, path: &str, file: ScoreFile) -> Option<Condition> {
        self.unit(path, file.unit.as_deref(), [POINTS])?;
        if let Some(name) = &file.dimension
            && !self.vocabulary.is_empty()
            && !self.vocabulary.dimensions.contains(name)
        {
            let known = self.vocabulary.dimensions.iter().map(String::as_str);
            self.add(path, "dimension", unknown(name, known));
            return None;
        }
        let bounds = file.bounds();
        Some(Condition::Score(leaf::Score { dimension: file.dimension, bounds }))
    }

    fn measure(&mut self, path: &str, file: MeasureLimitsFile) -> Option<Condition> {
        let parts = [("points", MeasurePart::Points), ("value", MeasurePart::Value)];
        let of = self.known(path, "of", &file.of, &parts);
        let vocabulary = self.vocabulary;
        let units = vocabulary.measures.get(&file.measure);
        if units.is_none() && !vocabulary.is_empty() {
            self.add(path, "measure", unknown(&file.measure, vocabulary.measures.keys().map(String::as_str)));
            return None;
        }
        let of = of?;
        match (of, units) {
            (MeasurePart::Points, _) => self.unit(path, file.unit.as_deref(), [POINTS])?,
            (MeasurePart::Value, Some(units)) => {
                self.unit(path, file.unit.as_deref(), units.iter().map(String::as_str))?;
            }
            (MeasurePart::Value, None) => {}
        }
        let bounds = file.bounds();
        Some(Condition::Measure(leaf::Measure { measure: file.measure, of, bounds }))
    }

    fn season(&mut self, path: &str, file: &SeasonFile) -> Option<Condition> {
        let mut day = |field: &str, text: &str| {
            text.parse::<MonthDay>().map_err(|error| self.add(path, field, error.to_string())).ok()
        };
        let (from, to) = (day("from", &file.from), day("to", &file.to));
        Some(Condition::Season(leaf::Season { from: from?, to: to? }))
    }

    fn dates(&mut self, path: &str, file: &DatesFile) -> Option<Condition> {
        let mut sound = true;
        let mut day = |field: &str, text: &Option<String>| {
            let read = text.as_deref().map(str::parse::<Day>)?;
            read.map_err(|error| {
                sound = false;
                self.add(path, field, error.to_string());
            })
            .ok()
        };
        let (from, to) = (day("from", &file.from), day("to", &file.to));
        sound.then_some(Condition::Dates(leaf::Dates { from, to }))
    }

    fn metric(&mut self, path: &str, field: &str, name: &str) -> Option<Metric> {
        let metric = Metric::named(name);
        if metric.is_none() {
            self.add(path, field, unknown(name, Metric::ALL.iter().map(|metric| metric.name())));
        }
        metric
    }

    fn band(&mut self, path: &str, field: &str, name: &str) -> Option<Band> {
        self.known(path, field, name, &Band::ALL.map(|band| (band.name(), band)))
    }

    fn known<T: Copy>(&mut self, path: &str, field: &str, name: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(known, _)| *known == name).map(|(_, found)| *found);
        if found.is_none() {
            self.add(path, field, unknown(name, known.iter().map(|(name, _)| *name)));
        }
        found
    }

    fn listed<T: Copy + Ord>(&mut self, path: &str, of: &[String], known: &[(&str, T)]) -> Option<BTreeSet<T>> {
        let mut found = BTreeSet::new();
        let mut sound = true;
        for (index, name) in of.iter().enumerate() {
            match known.iter().find(|(known, _)| known == name) {
                Some((_, one)) => {
                    found.insert(*one);
                }
                None => {
                    sound = false;
                    let reason = unknown(name, known.iter().map(|(name, _)| *name));
                    self.fault(Fault::new(format!("{path}[{index}]"), reason));
                }
            }
        }
        sound.then_some(found)
    }

    fn ids<T: Ord>(&mut self, path: &str, of: &[String], id: fn(&str) -> Result<T, IdError>) -> Option<BTreeSet<T>> {
        let mut found = BTreeSet::new();
        let mut sound = true;
        for (index, text) in of.iter().enumerate() {
            match id(text) {
                Ok(one) => {
                    found.insert(one);
                }
                Err(error) => {
                    sound = false;
                    self.fault(Fault::new(format!("{path}[{index}]"), error.to_string()));
                }
            }
        }
        sound.then_some(found)
    }

    /// A unit that is given must be that of what is compared.
    fn unit<'u>(&mut self, path: &str, given: Option<&str>, is: impl IntoIterator<Item = &'u str>) -> Option<()> {
        let Some(given) = given else { return Some(()) };
        let units: Vec<&str> = is.into_iter().collect();
        let is = unit_name(given);
        if units.contains(&is) {
            return Some(());
        }
        let reason = if all_units().any(|unit| unit == is) {
            format!("is `{given}`; what is compared is in `{}`", units.join("` or `"))
        } else {
            unknown(given, all_units())
        };
        self.add(path, "unit", reason);
        None
    }
}

/// Hundredths of a percent; none of a percentage with more decimal places, or without any fall or rise.
fn basis_points(percent: domain::fixed::Quantity) -> Option<u32> {
    match Percent::try_from(percent) {
        Ok(Percent(points)) => Some(points),
        // A rise may be more than the whole.
        Err(_) => u32::try_from(percent.micros() / 10_000).ok().filter(|_| percent.micros() % 10_000 == 0),
    }
}
