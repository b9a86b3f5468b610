//! How long the domain's decisions take: `cargo bench -p domain`.
//!
//! One account with the longest past that is kept (400 days, every metric known on each of them), scored and ruled as
//! the built-in configuration says. Beside it, in turn and in the same run, the yardstick: reading the account's series
//! from its JSON, which every evaluation has to do first. The times tell of this machine; the ratios travel.

use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::band::Band;
use domain::day::{Day, SECONDS};
use domain::fixed::Quantity;
use domain::health::{self, Inputs, Overrides};
use domain::id::{AccountId, CaseId, MeetingId, SignalId, SourceId};
use domain::page::Page;
use domain::rule::{Facts, Standing};
use domain::series::{Series, WINDOW_DAYS};
use domain::signal::{CaseStatus, Detail, MeetingResult, Metric, Severity, Signal};
use jiff::Timestamp;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often each subject is measured, in turn with the others.
const ROUNDS: usize = 40;
/// For how long at once, about.
const SLICE: Duration = Duration::from_millis(10);
/// The first day of the past; any will do.
const FIRST: Day = Day::from_number(20_000);
/// The last one: "today".
const LAST: Day = FIRST.plus(WINDOW_DAYS - 1);

fn main() -> Result<(), Box<dyn Error>> {
    let (account, series) = (account()?, series()?);
    let json = serde_json::to_string(&series)?;
    let scorecards = contract::scorecard::built_in().map_err(|faults| format!("{faults:?}"))?;
    let scorecard = scorecards.general();
    let rules = contract::rules::built_in().map_err(|faults| format!("{faults:?}"))?;
    let overrides = &Overrides::default();
    let inputs = Inputs { series: &series, account: &account, scorecard, open_critical_case: true, overrides };
    let now = LAST.plus(1).start();
    let score = |now: Timestamp| health::compute(&inputs, now).ok_or("nothing is known");
    let (before, after) = (score(FIRST.plus(WINDOW_DAYS - 28).start())?, score(now)?);
    let standing = Standing { band: Band::AtRisk, from: Some(Band::Healthy), since: LAST.start(), provisional: false };
    let facts = Facts { account: &account, series: &series, health: Some(&after), standing: Some(standing), now };
    let (small, large) = (page(40)?, page(domain::page::MAX_SIGNALS)?);

    let known = format!("{WINDOW_DAYS} days x {} metrics", series.metrics().count());
    let measures = after.measures.len();
    let mut subjects = [
        Subject::new("read the series (yardstick)", format!("{} kB of JSON, {known}", json.len() / 1000), || {
            drop(black_box(serde_json::from_str::<Series>(black_box(&json))));
        }),
        Subject::new("score an account", format!("{known}, {measures} measures"), || {
            drop(black_box(health::compute(black_box(&inputs), now)));
        }),
        Subject::new("difference of two scores", format!("{measures} measures, in words"), || {
            drop(black_box(health::reasons(black_box(&before), black_box(&after))));
        }),
        Subject::new("fold a day", format!("{} signals", small.len()), || drop(black_box(black_box(&small).fold()))),
        Subject::new("fold the fullest day", format!("{} signals", large.len()), || {
            drop(black_box(black_box(&large).fold()));
        }),
        Subject::new("evaluate the rules", format!("{known}, {} rules", rules.rules().count()), || {
            drop(black_box(rules.evaluate(black_box(&facts))));
        }),
    ];
    measure(&mut subjects);
    print(&subjects);
    Ok(())
}

/// Something that is measured.
struct Subject<'a> {
    name: &'static str,
    input: String,
    work: Box<dyn Fn() + 'a>,
    /// Nanoseconds for one time, round by round.
    times: Vec<f64>,
}

impl<'a> Subject<'a> {
    fn new(name: &'static str, input: String, work: impl Fn() + 'a) -> Self {
        Self { name, input, work: Box::new(work), times: Vec::with_capacity(ROUNDS) }
    }

    fn run(&self, times: u32) -> Duration {
        let began = now();
        for _ in 0..times {
            (self.work)();
        }
        now().duration_since(began)
    }

    /// How many times fill a slice.
    fn repeats(&self) -> u32 {
        let mut times = 1_u32;
        loop {
            let took = self.run(times);
            if took >= SLICE || times > u32::MAX / 2 {
                return times;
            }
            times *= 2;
        }
    }
}

/// In turn, so that a busy moment of the machine meets all of them.
fn measure(subjects: &mut [Subject<'_>]) {
    let repeats: Vec<u32> = subjects.iter().map(Subject::repeats).collect();
    for _ in 0..ROUNDS {
        for (subject, repeats) in subjects.iter_mut().zip(&repeats) {
            let each = subject.run(*repeats).as_secs_f64() * 1e9 / f64::from(*repeats);
            subject.times.push(each);
        }
    }
}

/// Medians; the ratio is the median of the ratios round by round.
fn print(subjects: &[Subject<'_>]) {
    println!("{:<28} {:>12} {:>12} {:>11}  input", "what", "median", "least", "x yardstick");
    let Some(yardstick) = subjects.first() else { return };
    for subject in subjects {
        let ratios = subject.times.iter().zip(&yardstick.times).map(|(time, unit)| time / unit).collect();
        let least = subject.times.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{:<28} {:>9.2} us {:>9.2} us {:>11.3}  {}",
            subject.name,
            median(subject.times.clone()) / 1e3,
            least / 1e3,
            median(ratios),
            subject.input
        );
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is told by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

fn account() -> Result<Account, Box<dyn Error>> {
    Ok(Account {
        id: AccountId::new("acme")?,
        name: "Acme".to_owned(),
        arr: Money::from_cents(10_000_000),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: Some(LAST.plus(30)),
        owner: None,
        contact: Default::default(),
    })
}

/// 400 days on each of which every metric has a value.
fn series() -> Result<Series, Box<dyn Error>> {
    let mut series = Series::default();
    for day in (0..WINDOW_DAYS).map(|day| FIRST.plus(day)) {
        let mut page = Page::new(day);
        for (place, metric) in reported().enumerate() {
            page.merge([signal(metric, day, place)?]);
        }
        series.set(day, page.fold());
    }
    Ok(series)
}

/// A day with so many signals of all metrics.
fn page(signals: usize) -> Result<Page, Box<dyn Error>> {
    let mut page = Page::new(LAST);
    for (place, metric) in reported().cycle().take(signals).enumerate() {
        page.merge([signal(metric, LAST, place)?]);
    }
    if page.len() == signals { Ok(page) } else { Err(format!("the page took {} of {signals}", page.len()).into()) }
}

/// The metrics that sources report.
fn reported() -> impl Iterator<Item = Metric> + Clone {
    Metric::ALL.iter().copied().filter(|metric| !Metric::DERIVED.contains(metric))
}

/// A signal like many: its value lies within the metric's range and goes up and down with the days.
fn signal(metric: Metric, day: Day, place: usize) -> Result<Signal, Box<dyn Error>> {
    let place = i64::try_from(place)?;
    let (least, most) = metric.range();
    let wave = (i64::from(day.number()) * 7 + place * 13).rem_euclid(20);
    let step = Quantity::from_micros(most.minus(least).micros().min(100_000_000) / 20 * wave);
    let at = Timestamp::from_second(day.start().as_second() + place * 41 % SECONDS)?;
    Ok(Signal {
        at,
        source: SourceId::new(format!("source-{}", place % 4))?,
        id: SignalId::new(format!("{metric}-{day}-{place}"))?,
        metric,
        value: least.plus(step),
        detail: detail(metric, at, place)?,
    })
}

fn detail(metric: Metric, at: Timestamp, place: i64) -> Result<Detail, Box<dyn Error>> {
    Ok(match metric {
        Metric::CaseEvent => Detail::Case {
            case: CaseId::new(format!("case-{}", place % 5))?,
            severity: Severity::High,
            status: CaseStatus::Opened,
            about: Default::default(),
        },
        Metric::MeetingEvent => Detail::Meeting {
            meeting: MeetingId::new(format!("meeting-{}", place % 5))?,
            result: MeetingResult::Held,
            executive: true,
        },
        Metric::CompetitorSeen => Detail::Competitor {
            competitor: "Rival".to_owned(),
            expires_at: Timestamp::from_second(at.as_second() + 30 * SECONDS)?,
        },
        Metric::MilestoneReached => Detail::Milestone { milestone: "go-live".to_owned() },
        _ => Detail::None,
    })
}
