//! The rules and accounts of the benchmark, from a seed, and the rules as other engines write them.

use crate::Problem;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::band::Band;
use domain::day::Day;
use domain::digest::Digest;
use domain::fixed::{Points, Quantity};
use domain::health::{Contribution, DimensionScore, Health, Overrides, State};
use domain::id::{AccountId, RuleId};
use domain::rule::condition::AtLeast;
use domain::rule::leaf::{Bounds, Measure, MeasurePart, Score};
use domain::rule::{Condition, CtaKind, CtaTemplate, Facts, Rule, RuleSet, Standing};
use domain::scorecard::BasisPoints;
use domain::series::Series;
use domain::signal::Severity;
use jiff::Timestamp;
use serde_json::{Value, json};

const MEASURES: usize = 23;
const DIMENSIONS: usize = 4;
/// Any will do.
const SEED: u64 = 20_261_122;
const TODAY: Day = Day::from_number(20_780);

/// The steps of splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: i32) -> i32 {
        i32::try_from(self.next() % u64::from(end.unsigned_abs().max(1))).unwrap_or_default()
    }
}

/// An account with all that its rules ask for.
pub struct Sample {
    account: Account,
    series: Series,
    health: Health,
    standing: Standing,
    now: Timestamp,
    /// The same for others: numbers and one text by name.
    pub facts: Value,
}

impl Sample {
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            account: &self.account,
            series: &self.series,
            health: Some(&self.health),
            standing: Some(self.standing),
            now: self.now,
        }
    }
}

/// So many accounts.
pub fn samples(count: usize) -> Vec<Sample> {
    let mut chance = Chance(SEED);
    (0..count).filter_map(|number| sample(number, &mut chance)).collect()
}

fn sample(number: usize, chance: &mut Chance) -> Option<Sample> {
    let measures: Vec<i32> = (0..MEASURES).map(|_| chance.below(101)).collect();
    let dimensions: Vec<i32> = (0..DIMENSIONS).map(|_| chance.below(101)).collect();
    let (score, arr, days) = (chance.below(101), chance.below(1_000), chance.below(365));
    let band = *Band::ALL.get(usize::try_from(chance.below(5)).ok()?)?;
    let segment = [Segment::Enterprise, Segment::MidMarket, Segment::SmallBusiness];
    let segment = *segment.get(usize::try_from(chance.below(3)).ok()?)?;
    let mut facts = json!({
        "score": score, "arr": arr, "days_to_renewal": days, "segment": segment.name(),
        "band": Band::ALL.iter().position(|one| *one == band),
    });
    let named = (0..).zip(&measures).map(|(place, points)| (measure_name(place), *points));
    let all = facts.as_object_mut()?;
    let dimensions_named = (0..).zip(&dimensions).map(|(place, points)| (dimension_name(place), *points));
    all.extend(named.chain(dimensions_named).map(|(name, points)| (name, points.into())));
    let account = Account {
        id: AccountId::new(format!("account-{number}")).ok()?,
        name: format!("Account {number}"),
        arr: Money::from_cents(i64::from(arr) * 100),
        segment,
        stage: LifecycleStage::Steady,
        renewal_on: Some(TODAY.plus(days)),
        owner: None,
        contact: Default::default(),
    };
    let standing = Standing { band, from: None, since: TODAY.plus(-9).start(), provisional: false };
    let health = health(score, &measures, &dimensions);
    Some(Sample { account, series: Series::default(), health, standing, now: TODAY.start(), facts })
}

fn measure_name(place: usize) -> String {
    format!("measure_{place}")
}

fn dimension_name(place: usize) -> String {
    format!("dimension_{place}")
}

fn health(score: i32, measures: &[i32], dimensions: &[i32]) -> Health {
    let score = Points::whole(score);
    let part = |(place, points): (usize, &i32)| Contribution {
        dimension: dimension_name(place % DIMENSIONS),
        measure: measure_name(place),
        state: State::Present,
        value: Some(Quantity::whole(*points)),
        unit: "%".into(),
        on_target: None,
        points: Some(Points::whole(*points)),
        computed: None,
        weight: BasisPoints::WHOLE,
        contribution: Points::ZERO,
        as_of: Some(TODAY),
    };
    let dimension = |(place, points): (usize, &i32)| DimensionScore {
        dimension: dimension_name(place),
        weight: BasisPoints::WHOLE,
        points: Some(Points::whole(*points)),
        contribution: Points::ZERO,
    };
    Health {
        score,
        computed: score,
        uncapped: score,
        caps: Vec::new(),
        coverage: BasisPoints::WHOLE,
        provisional: false,
        stale_since: None,
        overrides: Overrides::default(),
        dimensions: dimensions.iter().enumerate().map(dimension).collect(),
        measures: measures.iter().enumerate().map(part).collect(),
        scorecard: "benchmark".into(),
        scorecard_hash: Digest::of("benchmark", ["scorecard"]),
    }
}

/// A rule's condition as others write it: in one line for zen-expression and for cel, as JSON for json-rules-engine.
pub struct Text {
    pub zen: String,
    pub cel: String,
    pub json: Value,
}

/// So many rules, each with 4 to 8 leaves, no two of a rule on the same fact.
pub fn rule_set(count: usize) -> Result<(RuleSet, Vec<Text>), Problem> {
    let mut chance = Chance(SEED + 1);
    let cta = CtaTemplate {
        kind: CtaKind::Risk,
        reason: "look".into(),
        severity: Severity::High,
        due_in_days: 5,
        experiment: None,
    };
    let (mut rules, mut texts) = (Vec::new(), Vec::new());
    for number in 0..count {
        let mut facts: Vec<i32> = (0..29).collect();
        let (when, text) = condition(&mut chance, &mut facts).ok_or("a rule has no leaves")?;
        let (clear_days, lapse_days, cool_off_days) = (7, 30, 30);
        let id = RuleId::new(format!("rule-{number:03}"))?;
        let rest = (None, cta.clone(), None);
        rules.push(Rule {
            id,
            when,
            stays_while: rest.0,
            cta: rest.1,
            clear_days,
            lapse_days,
            cool_off_days,
            escalation: rest.2,
        });
        texts.push(text);
    }
    let rules = RuleSet::new("benchmark", rules).map_err(|faults| format!("{faults:?}"))?;
    Ok((rules, texts))
}

/// All or any of some leaves and of a group, some of them turned into their opposite.
fn condition(chance: &mut Chance, facts: &mut Vec<i32>) -> Option<(Condition, Text)> {
    let own = 2 + chance.below(3);
    let group = 2 + chance.below(3);
    let mut members: Vec<(Condition, Text)> = (0..own).filter_map(|_| leaf(chance, facts)).collect();
    let grouped: Vec<(Condition, Text)> = (0..group).filter_map(|_| leaf(chance, facts)).collect();
    members.push(match chance.below(3) {
        0 => joined(grouped, true),
        1 => joined(grouped, false),
        _ => two_of(grouped),
    });
    Some(joined(members, chance.below(2) == 0))
}

/// One fact against one limit.
fn leaf(chance: &mut Chance, facts: &mut Vec<i32>) -> Option<(Condition, Text)> {
    let fact = facts.swap_remove(usize::try_from(chance.below(i32::try_from(facts.len()).ok()?)).ok()?);
    let (limit, low) = (10 + chance.below(80), chance.below(2) == 0);
    let bounds = |limit: i32| match low {
        true => Bounds { below: Some(Quantity::whole(limit)), ..Bounds::default() },
        false => Bounds { at_least: Some(Quantity::whole(limit)), ..Bounds::default() },
    };
    let place = usize::try_from(fact).ok()?;
    let (condition, name, limit) = match place {
        0..23 => {
            let measure = measure_name(place);
            let leaf = Measure { measure: measure.clone(), of: MeasurePart::Points, bounds: bounds(limit) };
            (Condition::Measure(leaf), measure, limit)
        }
        23..27 => {
            let dimension = (place < 26).then(|| dimension_name(place - 23));
            let name = dimension.clone().unwrap_or_else(|| "score".into());
            (Condition::Score(Score { dimension, bounds: bounds(limit) }), name, limit)
        }
        27 => (Condition::Arr(bounds(limit * 10)), "arr".into(), limit * 10),
        _ => (Condition::DaysToRenewal(bounds(limit * 3)), "days_to_renewal".into(), limit * 3),
    };
    let (operator, json) = if low { ("<", "lessThan") } else { (">=", "greaterThanInclusive") };
    let line = format!("{name} {operator} {limit}");
    let text = Text { zen: line.clone(), cel: line, json: json!({"fact": name, "operator": json, "value": limit}) };
    Some(if chance.below(5) == 0 { opposite((condition, text)) } else { (condition, text) })
}

fn opposite((condition, text): (Condition, Text)) -> (Condition, Text) {
    let text =
        Text { zen: format!("not ({})", text.zen), cel: format!("!({})", text.cel), json: json!({"not": text.json}) };
    (Condition::Not(Box::new(condition)), text)
}

fn joined(members: Vec<(Condition, Text)>, all: bool) -> (Condition, Text) {
    let (conditions, texts): (Vec<Condition>, Vec<Text>) = members.into_iter().unzip();
    let line = |of: fn(&Text) -> &String, joint: &str| {
        let each: Vec<String> = texts.iter().map(|text| format!("({})", of(text))).collect();
        each.join(joint)
    };
    let (zen, cel) = if all { (" and ", " && ") } else { (" or ", " || ") };
    let text = Text {
        zen: line(|text| &text.zen, zen),
        cel: line(|text| &text.cel, cel),
        json: json!({(if all { "all" } else { "any" }): texts.iter().map(|text| &text.json).collect::<Vec<_>>()}),
    };
    (if all { Condition::All(conditions) } else { Condition::Any(conditions) }, text)
}

/// At least two of them; json-rules-engine has no word for that and gets every pair.
fn two_of(members: Vec<(Condition, Text)>) -> (Condition, Text) {
    let (conditions, texts): (Vec<Condition>, Vec<Text>) = members.into_iter().unzip();
    let count = |of: fn(&Text) -> &String| {
        let each: Vec<String> = texts.iter().map(|text| format!("(({}) ? 1 : 0)", of(text))).collect();
        format!("({}) >= 2", each.join(" + "))
    };
    let pairs = (0..)
        .zip(&texts)
        .flat_map(|(place, one)| texts.iter().skip(place + 1).map(move |other| json!({"all": [one.json, other.json]})));
    let json = json!({"any": pairs.collect::<Vec<_>>()});
    let text = Text { zen: count(|text| &text.zen), cel: count(|text| &text.cel), json };
    (Condition::AtLeast(AtLeast { count: 2, within_days: None, of: conditions }), text)
}

/// How many leaves a condition has.
pub fn leaves(condition: &Condition) -> usize {
    match condition {
        Condition::All(of) | Condition::Any(of) => of.iter().map(leaves).sum(),
        Condition::AtLeast(of) => of.of.iter().map(leaves).sum(),
        Condition::Not(of) => leaves(of),
        _ => 1,
    }
}
