//! Change points: where a series begins to go another way. Pieces of straight lines, by exact search with pruning (PELT;
//! Killick, Fearnhead and Eckley 2012), on robustly scaled values.
//!
//! The scale is the geometric mean of the noise between neighbours and the spread of the whole: the noise alone would cut
//! a series that wanders into pieces, the spread alone would miss small steps in a quiet one. The penalty of a piece is
//! four times the logarithm of the length: its level, its slope, its place and its noise.

use super::numeric::{TO_DEVIATION, mean, median, number, robust_deviation, rounded};

/// The shortest piece, in values: less is an outlier, not a change.
pub const SHORTEST_PIECE: usize = 5;
/// The most values looked at, the newest ones.
pub const MOST_VALUES: usize = 8_000;
/// What a piece costs, in logarithms of the length.
const PENALTY: f64 = 4.0;

/// One change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The place of the first value of the new piece.
    pub place: usize,
    /// The mean of the piece before.
    pub before: f64,
    /// The mean of the piece that begins here.
    pub after: f64,
    /// How large the step from the end of the one line to the beginning of the other is, in robust deviations of the
    /// noise between neighbours; up is positive. Small where the slope changed and not the level.
    pub step: f64,
}

/// The changes of a series, in order. Missing values hold the last known one; a series of fewer than two shortest pieces
/// has none.
pub fn change_points(values: &[Option<f64>]) -> Vec<ChangePoint> {
    let skipped = values.len().saturating_sub(MOST_VALUES);
    let held = held(values.get(skipped..).unwrap_or_default());
    let Some(Scaled { values: scaled, noise }) = scaled(&held) else { return Vec::new() };
    let pieces = pieces(&scaled, PENALTY * number(scaled.len()).ln());
    let line = |from: usize, to: usize| Line::through(scaled.get(from..to).unwrap_or_default());
    let mut found = Vec::new();
    for ((start, place), end) in pieces.iter().zip(pieces.iter().skip(1)).zip(pieces.iter().skip(2)) {
        let (before, after) = (line(*start, *place), line(*place, *end));
        found.push(ChangePoint {
            place: skipped + place,
            before: rounded(mean(held.get(*start..*place).unwrap_or_default())),
            after: rounded(mean(held.get(*place..*end).unwrap_or_default())),
            step: rounded((after.value(0) - before.value(place - start)) / noise),
        });
    }
    found
}

fn held(values: &[Option<f64>]) -> Vec<f64> {
    let mut last = values.iter().flatten().copied().find(|value| value.is_finite());
    values
        .iter()
        .filter_map(|value| {
            last = value.filter(|value| value.is_finite()).or(last);
            last
        })
        .collect()
}

struct Scaled {
    values: Vec<f64>,
    /// The deviation of the noise between neighbours, in the same unit.
    noise: f64,
}

/// The values in their robust scale; nothing where they are too few or all alike.
fn scaled(values: &[f64]) -> Option<Scaled> {
    if values.len() < 2 * SHORTEST_PIECE {
        return None;
    }
    let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let unit: Vec<f64> = values.iter().map(|value| if largest > 0.0 { value / largest } else { 0.0 }).collect();
    let middle = median(&mut unit.clone());
    let centre = mean(&unit);
    let plain = mean(&unit.iter().map(|value| (value - centre).powi(2)).collect::<Vec<_>>()).sqrt();
    let or_plain = |deviation: f64| if deviation > 1e-9 * plain { deviation } else { plain };
    let whole = or_plain(robust_deviation(&unit, middle));
    let mut steps: Vec<f64> = unit.iter().zip(unit.iter().skip(1)).map(|(one, next)| (next - one).abs()).collect();
    let noise = TO_DEVIATION * median(&mut steps) / 2.0_f64.sqrt();
    // Where most neighbours are the same, what the others differ by is the noise.
    let square = mean(&steps.iter().map(|step| step * step).collect::<Vec<_>>());
    let noise = if noise > 1e-9 * whole { noise } else { (square / 2.0).sqrt() };
    let scale = (noise * whole).sqrt();
    (scale > 1e-12)
        .then(|| Scaled { values: unit.iter().map(|value| (value - middle) / scale).collect(), noise: noise / scale })
}

/// Running sums of 1, value, value², place and place · value: the cost of any piece in a few steps.
struct Sums(Vec<(f64, f64, f64)>);

impl Sums {
    fn of(values: &[f64]) -> Self {
        let mut sums = vec![(0.0, 0.0, 0.0)];
        let (mut y, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for (place, value) in values.iter().enumerate() {
            y += value;
            yy += value * value;
            xy += number(place) * value;
            sums.push((y, yy, xy));
        }
        Self(sums)
    }

    /// The squares that are left beside the best line through the values from `from` to before `to`.
    fn cost(&self, from: usize, to: usize) -> f64 {
        let (Some(start), Some(end)) = (self.0.get(from), self.0.get(to)) else { return f64::INFINITY };
        let n = number(to - from);
        let (y, yy, xy) = (end.0 - start.0, end.1 - start.1, end.2 - start.2);
        let around = n * (n * n - 1.0) / 12.0;
        let together = xy - number(from + to - 1) / 2.0 * y;
        let slope = if around > 0.0 { together * together / around } else { 0.0 };
        (yy - y * y / n - slope).max(0.0)
    }
}

/// The borders of the cheapest pieces, first and last included.
fn pieces(values: &[f64], penalty: f64) -> Vec<usize> {
    let n = values.len();
    let sums = Sums::of(values);
    let mut cheapest = vec![(f64::INFINITY, 0); n + 1];
    if let Some(first) = cheapest.first_mut() {
        *first = (-penalty, 0);
    }
    // Places where the last piece may begin, and until when: a place that is beaten by more than a penalty stays beaten
    // from the moment on at which a piece can begin where it was.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for end in SHORTEST_PIECE..=n {
        let newest = end - SHORTEST_PIECE;
        if newest == 0 || newest >= SHORTEST_PIECE {
            open.push((newest, usize::MAX));
        }
        open.retain(|(_, until)| end < *until);
        let mut best = (f64::INFINITY, 0);
        let costs: Vec<f64> = open
            .iter()
            .map(|(start, _)| cheapest.get(*start).map_or(f64::INFINITY, |(cost, _)| cost + sums.cost(*start, end)))
            .collect();
        for ((start, _), cost) in open.iter().zip(&costs) {
            if cost + penalty < best.0 {
                best = (cost + penalty, *start);
            }
        }
        for ((_, until), cost) in open.iter_mut().zip(&costs) {
            if *cost > best.0 && *until == usize::MAX {
                *until = end + SHORTEST_PIECE;
            }
        }
        if let Some(place) = cheapest.get_mut(end) {
            *place = best;
        }
    }
    let mut borders = vec![n];
    let mut end = n;
    while end > 0 {
        let Some((_, start)) = cheapest.get(end) else { break };
        if *start >= end {
            break;
        }
        end = *start;
        borders.push(end);
    }
    borders.reverse();
    borders
}

/// A least-squares line.
struct Line {
    middle: f64,
    centre: f64,
    slope: f64,
}

impl Line {
    fn through(values: &[f64]) -> Self {
        let (middle, centre) = (mean(values), (number(values.len()) - 1.0) / 2.0);
        let (mut over, mut under) = (0.0, 0.0);
        for (place, value) in values.iter().enumerate() {
            over += (number(place) - centre) * (value - middle);
            under += (number(place) - centre).powi(2);
        }
        Self { middle, centre, slope: if under > 0.0 { over / under } else { 0.0 } }
    }

    fn value(&self, place: usize) -> f64 {
        self.middle + self.slope * (number(place) - self.centre)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "the numbers of these tests are small"
    )]

    use super::*;

    fn wobble(place: usize) -> f64 {
        [0.3, -0.5, 0.1, 0.6, -0.4, -0.1, 0.2][place * 5 % 7]
    }

    fn series(length: usize, value: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
        (0..length).map(|place| Some(value(place) + wobble(place))).collect()
    }

    #[test]
    fn a_step_is_found_where_it_is_and_its_size_said() {
        let found = change_points(&series(80, |place| if place < 50 { 10.0 } else { 4.0 }));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, 50);
        assert!((found[0].before - 10.0).abs() < 0.2 && (found[0].after - 4.0).abs() < 0.2, "{found:?}");
        assert!(found[0].step < -5.0, "{found:?}");
    }

    #[test]
    fn a_bend_is_found_and_a_line_has_none() {
        let bend = change_points(&series(80, |place| if place < 40 { 0.0 } else { (place - 40) as f64 }));
        assert!(bend.len() == 1 && bend[0].place.abs_diff(40) <= 3, "{bend:?}");
        assert_eq!(change_points(&series(80, |place| place as f64)), []);
        assert_eq!(change_points(&series(80, |_| 5.0)), []);
    }

    #[test]
    fn what_is_pruned_would_not_have_been_chosen() {
        for seed in 1_u64..40 {
            let mut state = seed;
            let values: Vec<f64> = (0..60)
                .map(|place| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) as f64 / f64::from(1_u32 << 31) * 3.0
                        + [0.0, 4.0, 1.0][(place / 20 + seed as usize) % 3]
                })
                .collect();
            let penalty = 2.0 + seed as f64 / 3.0;
            let (sums, found) = (Sums::of(&values), pieces(&values, penalty));
            let of =
                |borders: &[usize]| borders.windows(2).map(|pair| sums.cost(pair[0], pair[1]) + penalty).sum::<f64>();
            let mut least = vec![f64::INFINITY; 61];
            least[0] = 0.0;
            for end in SHORTEST_PIECE..=60 {
                for start in 0..=end - SHORTEST_PIECE {
                    least[end] = least[end].min(least[start] + sums.cost(start, end) + penalty);
                }
            }
            assert!((of(&found) - least[60]).abs() < 1e-9, "{seed}: {found:?}");
        }
    }

    #[test]
    fn nothing_constant_huge_or_missing_breaks_it() {
        assert_eq!(change_points(&[]), []);
        assert_eq!(change_points(&[None; 50]), []);
        assert_eq!(change_points(&[Some(7.0); 50]), []);
        assert_eq!(change_points(&[Some(f64::NAN); 50]), []);
        let huge: Vec<_> = (0..40).map(|place| Some(if place < 20 { 1e308 } else { -1e308 })).collect();
        assert_eq!(change_points(&huge).len(), 1);
        let gaps: Vec<_> = (0..60).map(|place| (place % 3 > 0).then_some(if place < 30 { 1.0 } else { 9.0 })).collect();
        assert!(change_points(&gaps).len() == 1);
    }
}
