//! Change points on series of the Turing Change Point Dataset, held against the people who marked them: F1 with a margin
//! of five values and the covering of the pieces, as in its paper (van den Burg and Williams 2020).

use super::{Better, Problem, Row, text};
use domain::analytics::change_point::change_points;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const MARGIN: usize = 5;

type Marks = BTreeMap<String, Vec<usize>>;

/// Measures all series that are there.
pub(super) fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let path = "tcpd/annotations.json";
    let marked: BTreeMap<String, Marks> = parsed(folder, path)?;
    let (mut f1, mut covering, mut count) = (0.0, 0.0, 0.0);
    for (name, marks) in &marked {
        let path = format!("tcpd/{name}.json");
        if !folder.join(&path).exists() {
            continue;
        }
        let file: serde_json::Value = parsed(folder, &path)?;
        let raw = file.pointer("/series/0/raw").and_then(serde_json::Value::as_array);
        let raw = raw.ok_or_else(|| Problem::Malformed { path: folder.join(&path), reason: "no `raw`".to_owned() })?;
        let values: Vec<Option<f64>> = raw.iter().map(serde_json::Value::as_f64).collect();
        let found: Vec<usize> = change_points(&values).iter().map(|change| change.place).collect();
        f1 += agreement(marks, &found);
        covering += mean(marks.values().map(|mark| cover(mark, &found, values.len())));
        count += 1.0;
    }
    if count == 0.0 {
        return Err(Problem::Missing(folder.join("tcpd")));
    }
    let row = |figure: &str, ours: f64, theirs: f64, theirs_by: &'static str| Row {
        task: "change point",
        set: format!("TCPD, {count} series"),
        figure: figure.to_owned(),
        ours,
        theirs,
        theirs_by,
        better: Better::Higher,
    };
    Ok(vec![
        row("F1, margin 5", f1 / count, 0.760, "PELT with rbf cost"),
        row("covering", covering / count, 0.699, "Bayesian online change point"),
    ])
}

fn parsed<T: serde::de::DeserializeOwned>(folder: &Path, path: &str) -> Result<T, Problem> {
    let wrong = |error: serde_json::Error| Problem::Malformed { path: folder.join(path), reason: error.to_string() };
    serde_json::from_str(&text(folder, path)?).map_err(wrong)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Precision against what anybody marked, recall as the mean over the people; the beginning counts as a mark.
fn agreement(marks: &Marks, found: &[usize]) -> f64 {
    let with_start = |places: &[usize]| -> BTreeSet<usize> { places.iter().copied().chain([0]).collect() };
    let found = with_start(found);
    let people: Vec<BTreeSet<usize>> = marks.values().map(|places| with_start(places)).collect();
    let anybody: BTreeSet<usize> = people.iter().flatten().copied().collect();
    let precision = hits(&anybody, &found) / found.len() as f64;
    let recall = mean(people.iter().map(|marked| hits(marked, &found) / marked.len() as f64));
    2.0 * precision * recall / (precision + recall)
}

/// How many marks have a find of their own within the margin.
fn hits(marked: &BTreeSet<usize>, found: &BTreeSet<usize>) -> f64 {
    let mut left = found.clone();
    let mut hits = 0.0;
    for mark in marked {
        let near =
            left.range(mark.saturating_sub(MARGIN)..=mark + MARGIN).min_by_key(|place| place.abs_diff(*mark)).copied();
        if let Some(place) = near {
            left.remove(&place);
            hits += 1.0;
        }
    }
    hits
}

/// How well the pieces of a person are covered by ours: the best overlap of each, weighed by its length.
fn cover(marked: &[usize], found: &[usize], length: usize) -> f64 {
    let ours = pieces(found, length);
    let covered = pieces(marked, length).into_iter().map(|(from, to)| {
        let overlap = |(start, end): &(usize, usize)| {
            let both = to.min(*end).saturating_sub(from.max(*start));
            both as f64 / (to.max(*end) - from.min(*start)) as f64
        };
        (to - from) as f64 * ours.iter().map(overlap).fold(0.0, f64::max)
    });
    covered.sum::<f64>() / length as f64
}

fn pieces(places: &[usize], length: usize) -> Vec<(usize, usize)> {
    let inner: BTreeSet<usize> = places.iter().copied().filter(|place| (1..length).contains(place)).collect();
    let borders: Vec<usize> = [0].into_iter().chain(inner).chain([length]).collect();
    borders.iter().copied().zip(borders.iter().copied().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_marks_agree_fully_and_none_cover_half() {
        let marks: Marks = [("6".to_owned(), vec![50])].into();
        assert_eq!(agreement(&marks, &[50]), 1.0);
        assert_eq!(agreement(&marks, &[55]), 1.0);
        assert!((agreement(&marks, &[56]) - 0.5).abs() < 1e-12);
        assert_eq!(cover(&[50], &[50], 100), 1.0);
        assert_eq!(cover(&[50], &[], 100), 0.5);
    }
}
