//! Forecasts on the M3 competition: each series' known values in, its end held against what was expected.

use super::m3;
use super::{Better, Problem, Row};
use domain::analytics::forecast::{Skill, forecast};
use std::path::Path;

/// Groups of series by their values a year, with the least MASE that others reach, and who.
const GROUPS: [(usize, &str, f64, &str); 4] = [
    (12, "monthly", 0.829, "mean of ETS, DOT and CES"),
    (4, "quarterly", 1.097, "mean of ETS, DOT and CES"),
    (1, "yearly", 2.576, "DOT"),
    (0, "other", f64::NAN, ""),
];

#[derive(Default, Clone, Copy)]
struct Sums {
    series: f64,
    scaled: f64,
    percent: f64,
    eighty: f64,
    ninety_five: f64,
    better: f64,
}

/// Measures every group, and all.
pub(super) fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let mut sums = [Sums::default(); GROUPS.len()];
    for series in m3::series(folder)? {
        let Some(sum) = GROUPS.iter().position(|group| group.0 == series.frequency).and_then(|at| sums.get_mut(at))
        else {
            continue;
        };
        add(sum, &series)?;
    }
    let mut rows = Vec::new();
    let mut all = Sums::default();
    for ((_, name, least, by), sum) in GROUPS.into_iter().zip(sums) {
        let set = format!("M3 {name}");
        rows.push(row(&set, "MASE", sum.scaled / sum.series, (least, by), Better::Lower));
        rows.extend(intervals(&set, &sum));
        all.series += sum.series;
        all.percent += sum.percent;
        all.eighty += sum.eighty;
        all.ninety_five += sum.ninety_five;
        all.better += sum.better;
    }
    let percent = row("M3 all", "sMAPE", all.percent / all.series, (12.79, "mean of ETS, DOT and CES"), Better::Lower);
    rows.push(percent);
    rows.extend(intervals("M3 all", &all));
    let better = all.better / all.series;
    rows.push(row("M3 all", "said to beat the seasonal naive", better, (f64::NAN, ""), Better::Higher));
    Ok(rows)
}

fn add(sum: &mut Sums, series: &m3::Series) -> Result<(), Problem> {
    let (known, period) = (&series.known, series.period());
    let steps: Vec<f64> = known.iter().zip(known.iter().skip(period)).map(|(one, next)| (next - one).abs()).collect();
    let scale = steps.iter().sum::<f64>() / steps.len() as f64;
    if scale.is_nan() || scale <= 0.0 {
        return Ok(());
    }
    let expected =
        forecast(&series.values(), period, series.end.len()).map_err(|error| Problem::Failed(error.to_string()))?;
    let share = 1.0 / series.end.len() as f64;
    for (step, actual) in expected.steps.iter().zip(&series.end) {
        let error = (step.expected - actual).abs();
        let inside = |(low, high): (f64, f64)| f64::from(u8::from(low <= *actual && *actual <= high));
        sum.scaled += share * error / scale;
        sum.percent += share * 200.0 * error / (step.expected.abs() + actual.abs()).max(f64::MIN_POSITIVE);
        sum.eighty += share * inside(step.eighty);
        sum.ninety_five += share * inside(step.ninety_five);
    }
    sum.series += 1.0;
    sum.better += f64::from(u8::from(matches!(expected.skill, Skill::Better { .. })));
    Ok(())
}

fn intervals(set: &str, sum: &Sums) -> [Row; 2] {
    let none = (f64::NAN, "");
    [
        row(set, "in the 80 % interval", sum.eighty / sum.series, none, Better::Within(0.77, 0.83)),
        row(set, "in the 95 % interval", sum.ninety_five / sum.series, none, Better::Within(0.93, 0.97)),
    ]
}

fn row(set: &str, figure: &str, ours: f64, (theirs, theirs_by): (f64, &'static str), better: Better) -> Row {
    Row { task: "forecast", set: set.to_owned(), figure: figure.to_owned(), ours, theirs, theirs_by, better }
}
