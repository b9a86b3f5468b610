//! How fast rules are evaluated: `cargo bench -p domain --bench rules`.
//!
//! 200 rules of 4-8 leaves against 10,000 accounts, all facts known: ours for one account's news (readings taken from the
//! account, every rule answered, the trace kept) and in columns, and beside them in the same run, in turn, the same rules and
//! facts in zen-expression, cel (`engines`, a package of its own that is built below the target folder) and
//! json-rules-engine (npm, `engine.mjs`). Their facts lie ready in the form that each likes best; that is not timed. Verdicts
//! are compared before anything is measured.
//!
//! Where an engine cannot be had, what is missing is told, our own figures are printed, and the run fails.

mod engines;
mod portfolio;

use domain::rule::{Look, Portfolio, RuleSet, Truth};
use engines::engines;
use portfolio::{Sample, rule_set, samples};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

/// Accounts of the portfolio.
const ACCOUNTS: usize = 10_000;
/// Rules of the set.
const RULES: usize = 200;
/// How often each contestant is measured, in turn with the others.
const ROUNDS: usize = 7;

type Problem = Box<dyn Error>;

fn main() -> Result<(), Problem> {
    let (rules, texts) = rule_set(RULES)?;
    let samples = samples(ACCOUNTS);
    let leaves: usize = rules.rules().map(|rule| portfolio::leaves(&rule.when)).sum();
    println!("{RULES} rules of {:.1} leaves, {ACCOUNTS} accounts", per(leaves, RULES));
    let mut columns = rules.portfolio();
    samples.iter().for_each(|sample| columns.push(&sample.facts()));

    let verdicts: Vec<u8> = samples.iter().flat_map(|sample| said(&rules.look(&sample.facts()))).collect();
    same("our columns", &verdicts, &of_columns(&columns))?;
    let fired = verdicts.iter().map(|verdict| usize::from(*verdict)).sum();
    println!("{:.1} % of the verdicts are true", 100.0 * per(fired, verdicts.len()));

    let mut ours = [
        Contestant::new("one account's news, trace kept (ours)", ACCOUNTS),
        Contestant::new("columns (ours)", ACCOUNTS),
        Contestant::new("columns, read from the accounts first", ACCOUNTS),
    ];
    let (mut others, missing) = match engines(&samples, &texts, &verdicts) {
        Ok(others) => (others, None),
        Err(missing) => {
            println!("without the others: {missing}");
            (Vec::new(), Some(missing))
        }
    };
    let mut theirs: Vec<Contestant> = others
        .iter()
        .flat_map(|engine| engine.names())
        .map(|(name, accounts)| Contestant::new(name, accounts))
        .collect();
    for _ in 0..ROUNDS {
        for (place, contestant) in ours.iter_mut().enumerate() {
            let once = || {
                timed(|| match place {
                    0 => samples.iter().for_each(|sample| drop(black_box(rules.look(&black_box(sample).facts())))),
                    1 => drop(black_box(black_box(&columns).answers())),
                    _ => drop(black_box(read_and_answer(&rules, &samples))),
                })
            };
            once()?;
            contestant.seconds.push(once()?);
        }
        let mut places = theirs.iter_mut();
        for engine in &mut others {
            for (name, _) in engine.names() {
                let seconds = engine.ask(name)?;
                if let Some(contestant) = places.next() {
                    contestant.seconds.push(seconds);
                }
            }
        }
    }
    print(ours.iter().chain(&theirs));
    missing.map_or(Ok(()), Err)
}

/// 1 where a rule is true.
fn said<'a>(look: &Look<'a>) -> impl Iterator<Item = u8> + use<'a> {
    let said: Vec<u8> = look.said().map(|said| u8::from(said.when == Truth::True)).collect();
    said.into_iter()
}

/// The verdicts of columns, account by account.
fn of_columns(columns: &Portfolio<'_>) -> Vec<u8> {
    let answers = columns.answers();
    let of = |row: usize| answers.iter().map(move |answer| u8::from(answer.when.get(row).is_true()));
    (0..columns.accounts()).flat_map(of).collect()
}

fn read_and_answer(rules: &RuleSet, samples: &[Sample]) -> usize {
    let mut columns = rules.portfolio();
    let mut fired = 0;
    for part in samples.chunks(1_000) {
        columns.clear();
        part.iter().for_each(|sample| columns.push(&sample.facts()));
        fired += columns.answers().iter().map(|answer| answer.when.count()).sum::<usize>();
    }
    fired
}

/// Refuses verdicts that differ.
fn same(name: &str, ours: &[u8], theirs: &[u8]) -> Result<(), Problem> {
    let at = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs);
    match at {
        None if theirs.is_empty() || ours.len() < theirs.len() => {
            Err(format!("{name}: {} verdicts of {}", theirs.len(), ours.len()).into())
        }
        None => Ok(()),
        Some(at) => Err(format!("{name}: another verdict for rule {} of account {}", at % RULES, at / RULES).into()),
    }
}

struct Contestant {
    name: String,
    accounts: usize,
    /// CPU seconds, round by round.
    seconds: Vec<f64>,
}

impl Contestant {
    fn new(name: impl Into<String>, accounts: usize) -> Self {
        Self { name: name.into(), accounts, seconds: Vec::with_capacity(ROUNDS) }
    }

    /// Nanoseconds for one rule on one account, round by round.
    fn nanoseconds(&self) -> Vec<f64> {
        self.seconds.iter().map(|seconds| seconds * 1e9 / (size(self.accounts) * size(RULES))).collect()
    }
}

/// Medians; the ratio is the median of the ratios round by round.
fn print<'a>(contestants: impl Iterator<Item = &'a Contestant>) {
    println!("{:<40} {:>12} {:>12} {:>12}", "what", "ns a rule", "least", "x ours");
    let mut ours: Option<Vec<f64>> = None;
    for contestant in contestants {
        let times = contestant.nanoseconds();
        let ours = ours.get_or_insert_with(|| times.clone());
        let ratios = times.iter().zip(ours).map(|(theirs, ours)| theirs / *ours).collect();
        let least = times.iter().copied().fold(f64::MAX, f64::min);
        println!("{:<40} {:>12.1} {least:>12.1} {:>12.2}", contestant.name, median(times), median(ratios));
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a number of rules or accounts")]
fn size(of: usize) -> f64 {
    of as f64
}

fn per(part: usize, of: usize) -> f64 {
    size(part) / size(of)
}

/// The CPU seconds that something takes.
fn timed(work: impl FnOnce()) -> Result<f64, Problem> {
    let began = (cpu_seconds(), now());
    work();
    let ended = (cpu_seconds(), now());
    Ok(match (began.0, ended.0) {
        (Some(began), Some(ended)) => ended - began,
        // Where the system does not tell, the wall's time has to do: it is no less.
        _ => ended.1.duration_since(began.1).as_secs_f64(),
    })
}

/// What this thread has had of the processor, where the system tells.
fn cpu_seconds() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(told.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is told by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}
