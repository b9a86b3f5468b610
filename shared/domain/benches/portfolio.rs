//! How fast a portfolio is scored: `cargo bench -p domain --bench portfolio`.
//!
//! The composite of a million accounts of 24 measures with the built-in weights, 15 % of the points missing: 24
//! contributions, score and band of each, on one thread, by the very code that scores one account. Beside it, in turn
//! and in the same run on the same points: polars and DuckDB, which compute the same in floating point (`portfolio.py`;
//! their outcome is compared with ours first), and a plain loop in floating point.
//!
//! polars and DuckDB come from PyPI in the versions of `portfolio.txt`, into a virtual environment below the target
//! folder. Where that cannot be, what is missing is told, our own figures are printed, and the run fails.

use domain::band::Band;
use domain::health::composite::{Composite, MISSING, Misfit, Outcome};
use domain::scorecard::{BasisPoints, Scorecard};
use serde_json::json;
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// Accounts of the portfolio.
const ACCOUNTS: usize = 1_000_000;
/// Of a hundred points so many are missing.
const MISSING_PERCENT: u64 = 15;
/// How often each contestant is measured, in turn with the others.
const ROUNDS: usize = 9;
/// Any will do.
const SEED: u64 = 20_261_122;

type Problem = Box<dyn Error>;
/// Each dimension's weight with those of its measures.
type Weights = Vec<(BasisPoints, Vec<BasisPoints>)>;

fn main() -> Result<(), Problem> {
    let scorecards = contract::scorecard::built_in().map_err(|faults| format!("{faults:?}"))?;
    let scorecard = scorecards.general();
    let weights = weights(scorecard)?;
    let composite = Composite::new(&weights, *scorecard.bands()).ok_or("the scorecard is too large")?;
    let points = points(composite.measures());
    let columns: Vec<&[i32]> = points.iter().map(Vec::as_slice).collect();
    println!("{ACCOUNTS} accounts, {} measures in {} dimensions", columns.len(), composite.dimensions());

    let mut kept = Memory::of(&composite);
    kept.weigh(&composite, &columns)?;
    let others = write(scorecard, &weights, &points, &kept).and_then(|folder| Others::start(&folder));
    if let Err(missing) = &others {
        println!("without polars and DuckDB: {missing}");
    }
    let (mut others, missing) = match others {
        Ok(others) => (Some(others), None),
        Err(missing) => (None, Some(missing)),
    };

    let mut contestants: Vec<Contestant> =
        ["exact, the kernel (ours)", "the same into new memory", "plain loop in floating point"]
            .into_iter()
            .chain(others.iter().flat_map(|_| ["polars", "duckdb"]))
            .map(|name| Contestant { name, seconds: Vec::with_capacity(ROUNDS) })
            .collect();
    for _ in 0..ROUNDS {
        for contestant in &mut contestants {
            let mut once = || match contestant.name {
                "exact, the kernel (ours)" => timed(|| kept.weigh(&composite, &columns)),
                "the same into new memory" => timed(|| black_box(Memory::of(&composite)).weigh(&composite, &columns)),
                name @ ("polars" | "duckdb") => others.as_mut().ok_or("nobody to ask")?.ask(name),
                _ => timed(|| {
                    black_box(plain(&weights, scorecard, &columns));
                    Ok(())
                }),
            };
            // Once untimed: who has just waited for the others has lost caches and memory to them.
            once()?;
            contestant.seconds.push(once()?);
        }
    }
    print(&contestants);
    missing.map_or(Ok(()), Err)
}

/// The built-in weights; the first measure of the smallest dimension is split in two, which makes 24 of 23.
fn weights(scorecard: &Scorecard) -> Result<Weights, Problem> {
    let own = |dimension: &domain::scorecard::Dimension| dimension.measures.iter().map(|m| m.weight).collect();
    let mut weights: Weights = scorecard.dimensions().iter().map(|part| (part.weight, own(part))).collect();
    let (_, smallest) = weights.iter_mut().min_by_key(|(_, own)| own.len()).ok_or("no dimensions")?;
    let first = smallest.first().ok_or("no measures")?.value();
    let halves = [first / 2, first - first / 2].into_iter().filter_map(BasisPoints::new);
    smallest.splice(..1, halves);
    let measures: usize = weights.iter().map(|(_, own)| own.len()).sum();
    if measures == 24 { Ok(weights) } else { Err(format!("{measures} measures, not 24").into()) }
}

/// Points of all accounts, a column for each measure, evenly spread over the scale.
fn points(measures: usize) -> Vec<Vec<i32>> {
    let mut state = SEED;
    // The steps of splitmix64.
    let mut next = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let mut part = move || {
        let (chance, micros) = (next() % 100, next() % 100_000_001);
        if chance < MISSING_PERCENT { MISSING } else { i32::try_from(micros).unwrap_or(MISSING) }
    };
    (0..measures).map(|_| (0..ACCOUNTS).map(|_| part()).collect()).collect()
}

/// The memory that an outcome goes to.
struct Memory {
    scores: Vec<i32>,
    bands: Vec<Option<Band>>,
    measures: Vec<Vec<i32>>,
}

impl Memory {
    fn of(composite: &Composite) -> Self {
        Self {
            scores: vec![0; ACCOUNTS],
            bands: vec![None; ACCOUNTS],
            measures: vec![vec![0; ACCOUNTS]; composite.measures()],
        }
    }

    fn weigh(&mut self, composite: &Composite, columns: &[&[i32]]) -> Result<(), Misfit> {
        let into = Outcome {
            scores: &mut self.scores,
            bands: &mut self.bands,
            // The others are not asked for these either.
            dimension_points: Vec::new(),
            dimensions: Vec::new(),
            measures: self.measures.iter_mut().map(Vec::as_mut_slice).collect(),
        };
        composite.weigh_all(black_box(columns), into)
    }
}

/// What anyone would write first: account by account in floating point, which sums to the score only nearly.
fn plain(weights: &Weights, scorecard: &Scorecard, columns: &[&[i32]]) -> Vec<([f64; 24], f64, u8)> {
    let share = |weight: &BasisPoints| f64::from(weight.value()) / 10_000.0;
    let weights: Vec<(f64, Vec<f64>)> =
        weights.iter().map(|(weight, own)| (share(weight), own.iter().map(share).collect())).collect();
    let bands = scorecard.bands();
    let edges = [bands.critical, bands.at_risk, bands.healthy, bands.champion].map(|edge| edge.to_f64());
    let mut rows = Vec::with_capacity(ACCOUNTS);
    let mut factors = vec![0.0; weights.len()];
    for account in 0..ACCOUNTS {
        let mut parts = [0.0; 24];
        let (mut score, mut all) = (0.0, 0.0);
        let mut places = parts.iter_mut().zip(columns);
        for ((weight, own), factor) in weights.iter().zip(&mut factors) {
            let (mut sum, mut present) = (0.0, 0.0);
            for (own, (part, column)) in own.iter().zip(places.by_ref()) {
                if let Some(points) = column.get(account).filter(|points| **points >= 0) {
                    *part = own * f64::from(*points) / 1e6;
                    sum += *part;
                    present += own;
                }
            }
            *factor = if present > 0.0 { weight / present } else { 0.0 };
            score += *factor * sum;
            all += if present > 0.0 { *weight } else { 0.0 };
        }
        let mut places = parts.iter_mut();
        for ((_, own), factor) in weights.iter().zip(&factors) {
            places.by_ref().take(own.len()).for_each(|part| *part *= factor / all);
        }
        score /= all;
        rows.push((parts, score, edges.iter().map(|edge| u8::from(score >= *edge)).sum()));
    }
    rows
}

/// Writes what `portfolio.py` reads, and gives the folder.
fn write(scorecard: &Scorecard, weights: &Weights, points: &[Vec<i32>], outcome: &Memory) -> Result<PathBuf, Problem> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portfolio");
    std::fs::create_dir_all(&folder)?;
    let values = |own: &[BasisPoints]| own.iter().map(|weight| weight.value()).collect::<Vec<_>>();
    let dimensions = weights.iter().map(|(weight, own)| json!({"weight": weight.value(), "measures": values(own)}));
    let bands = scorecard.bands();
    let edges = [bands.critical, bands.at_risk, bands.healthy, bands.champion].map(|edge| edge.micros());
    let plan = json!({"accounts": ACCOUNTS, "edges": edges, "dimensions": dimensions.collect::<Vec<_>>()});
    std::fs::write(folder.join("plan.json"), plan.to_string())?;
    write_columns(&folder.join("points.bin"), points)?;
    write_columns(&folder.join("contributions.bin"), &outcome.measures)?;
    write_columns(&folder.join("scores.bin"), std::slice::from_ref(&outcome.scores))?;
    let place = |band: &Option<Band>| Band::ALL.iter().position(|other| Some(*other) == *band);
    let places = outcome.bands.iter().map(|band| place(band).and_then(|place| u8::try_from(place).ok()));
    std::fs::write(folder.join("bands.bin"), places.map(|place| place.unwrap_or(u8::MAX)).collect::<Vec<_>>())?;
    Ok(folder)
}

fn write_columns(path: &Path, columns: &[Vec<i32>]) -> Result<(), Problem> {
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    for micros in columns.iter().flatten() {
        file.write_all(&micros.to_le_bytes())?;
    }
    Ok(file.flush()?)
}

/// `portfolio.py` at work.
struct Others {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Others {
    fn start(folder: &Path) -> Result<Self, Problem> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
        let python = environment(folder, &here.join("portfolio.txt"))?;
        let mut child = Command::new(python)
            .arg(here.join("portfolio.py"))
            .arg(folder)
            .env("POLARS_MAX_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take().ok_or("no way to ask")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no way to hear")?);
        let mut others = Self { child, questions, answers };
        loop {
            match others.hear()?.as_str() {
                "ready" => return Ok(others),
                said => println!("{said}"),
            }
        }
    }

    fn hear(&mut self) -> Result<String, Problem> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("`portfolio.py` ended: {}", self.child.wait()?).into());
        }
        Ok(line.trim().to_owned())
    }

    /// The CPU seconds of one time.
    fn ask(&mut self, name: &str) -> Result<f64, Problem> {
        writeln!(self.questions, "{name}")?;
        Ok(self.hear()?.parse()?)
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            println!("`portfolio.py` was not ended: {error}");
        }
    }
}

/// The Python of a virtual environment with what the file lists, made where it is not there yet.
fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, Problem> {
    let place = folder.join("python");
    let python = place.join("bin").join("python");
    let (wanted, ready) = (std::fs::read(requirements)?, folder.join("python.ready"));
    if std::fs::read(&ready).is_ok_and(|installed| installed == wanted) && python.exists() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(install).arg(requirements))?;
    std::fs::write(ready, wanted)?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), Problem> {
    let told = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{told}: {error}; Python 3.11 with `venv` is needed"))?;
    if status.success() { Ok(()) } else { Err(format!("{told}: {status}").into()) }
}

struct Contestant {
    name: &'static str,
    /// CPU seconds, round by round.
    seconds: Vec<f64>,
}

/// Medians; the ratio is the median of the ratios round by round.
#[expect(clippy::cast_precision_loss, reason = "a number of accounts")]
fn print(contestants: &[Contestant]) {
    println!("{:<30} {:>22} {:>18} {:>14}", "what", "accounts/CPU s, median", "most of a round", "x ours, median");
    let Some(ours) = contestants.first() else { return };
    for contestant in contestants {
        let rates: Vec<f64> = contestant.seconds.iter().map(|seconds| ACCOUNTS as f64 / seconds).collect();
        let ratios = ours.seconds.iter().zip(&contestant.seconds).map(|(ours, other)| ours / other).collect();
        let most = rates.iter().copied().fold(0.0, f64::max);
        println!("{:<30} {:>22.0} {most:>18.0} {:>14.3}", contestant.name, median(rates), median(ratios));
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

/// The CPU seconds that something takes.
fn timed(work: impl FnOnce() -> Result<(), Misfit>) -> Result<f64, Problem> {
    let began = (cpu_seconds(), now());
    work()?;
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
