//! The composite: the points of many measures make one score, and the score is split among them again.
//!
//! A [`Composite`] holds a scorecard's weights ready for use. It weighs one account or a million with the same code:
//!
//! - a dimension's points are the weighted mean of its measures that count, the score is that of its dimensions, each
//!   rounded half to even once, to millionths; more points of a measure never lower the score;
//! - the score is split among the dimensions, and a dimension's contribution among its measures, by cumulative rounding:
//!   a part is the rounded share of all up to it less the rounded share of all before it. The parts add up to the last
//!   millionth, each is within a millionth of its exact share, none is negative, and a share of zero gets nothing;
//! - the outcome depends on nothing but the points and the order of the measures.
//!
//! Whole numbers travel in floating point here, because a processor works on several of them at once only there. Sums
//! stay below 2^53, where floating point is exact. A quotient is taken where its error cannot change how it rounds, and
//! is settled in whole numbers where it could.

use crate::band::{Band, Bands};
use crate::fixed::{Points, divide_half_even};
use crate::scorecard::{BasisPoints, MAX_MEMBERS, Scorecard};
use std::hint::black_box;

/// Instead of points: the measure does not count for this account, or nothing of the account does.
pub const MISSING: i32 = i32::MIN;

/// How many accounts are weighed at once: enough to fill the processor's lanes, few enough for its nearest cache.
const LANES: usize = 32;
/// For how many times as many accounts memory is read ahead.
const AHEAD: usize = 8;

/// Weights of measures in dimensions, and the bands of the score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// The weights of the dimensions.
    weights: Vec<u16>,
    /// The weights of each dimension's measures.
    measures: Vec<Vec<u16>>,
    bands: Bands,
}

/// One account weighed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// The score; none where no measure counts.
    pub score: Option<Points>,
    /// The band in which the score lies.
    pub band: Option<Band>,
    /// The points of each dimension; none where none of its measures counts.
    pub dimension_points: Vec<Option<Points>>,
    /// What each dimension brings to the score.
    pub dimensions: Vec<Points>,
    /// What each measure brings to the score.
    pub measures: Vec<Points>,
}

/// Where the outcome of many accounts goes: a row for each account, a column for each part, all in millionths.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The scores, or [`MISSING`].
    pub scores: &'a mut [i32],
    /// The bands in which the scores lie.
    pub bands: &'a mut [Option<Band>],
    /// Per dimension its points, or [`MISSING`]. No columns where nobody wants to know.
    pub dimension_points: Vec<&'a mut [i32]>,
    /// Per dimension what it brings to the score. No columns where nobody wants to know.
    pub dimensions: Vec<&'a mut [i32]>,
    /// Per measure what it brings to the score.
    pub measures: Vec<&'a mut [i32]>,
}

/// Columns that do not fit the composite or each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// As many columns as these are needed.
    #[error("there are {found} columns of {what}, not {expected}")]
    Columns {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The columns are not of one length.
    #[error("a column of {what} has {found} rows, not {expected}")]
    Rows {
        /// Of what.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// How many scores are asked for.
        expected: usize,
    },
}

impl Composite {
    /// The weights of a scorecard.
    pub fn of(scorecard: &Scorecard) -> Self {
        let dimensions = scorecard.dimensions();
        Self {
            weights: dimensions.iter().map(|dimension| dimension.weight.value()).collect(),
            measures: dimensions
                .iter()
                .map(|dimension| dimension.measures.iter().map(|measure| measure.weight.value()).collect())
                .collect(),
            bands: *scorecard.bands(),
        }
    }

    /// Each dimension's weight with those of its measures. None where a group has more than [`MAX_MEMBERS`] members.
    pub fn new(dimensions: &[(BasisPoints, Vec<BasisPoints>)], bands: Bands) -> Option<Self> {
        let fits = dimensions.len() <= MAX_MEMBERS && dimensions.iter().all(|(_, own)| own.len() <= MAX_MEMBERS);
        let values = |weights: &[BasisPoints]| weights.iter().map(|weight| weight.value()).collect();
        fits.then(|| Self {
            weights: dimensions.iter().map(|(weight, _)| weight.value()).collect(),
            measures: dimensions.iter().map(|(_, own)| values(own)).collect(),
            bands,
        })
    }

    /// How many dimensions there are.
    pub const fn dimensions(&self) -> usize {
        self.weights.len()
    }

    /// How many measures all dimensions have.
    pub fn measures(&self) -> usize {
        self.measures.iter().map(Vec::len).sum()
    }

    /// Weighs one account: the points of all measures in the order of the scorecard, none for one that does not count.
    pub fn weigh(&self, points: impl IntoIterator<Item = Option<Points>>) -> Weighed {
        let mut points: Vec<i32> = points.into_iter().map(millionths).collect();
        points.resize(self.measures(), MISSING);
        let (mut score, mut band) = ([MISSING], [None]);
        let mut dimension_points = vec![MISSING; self.dimensions()];
        let mut dimensions = vec![0; self.dimensions()];
        let mut measures = vec![0; self.measures()];
        let columns: Vec<&[i32]> = points.chunks(1).collect();
        self.weigh_rows(
            &columns,
            Outcome {
                scores: &mut score,
                bands: &mut band,
                dimension_points: dimension_points.chunks_mut(1).collect(),
                dimensions: dimensions.chunks_mut(1).collect(),
                measures: measures.chunks_mut(1).collect(),
            },
        );
        let known = |part: &i32| (*part != MISSING).then(|| whole(part));
        Weighed {
            score: score.iter().find_map(known),
            band: band.into_iter().flatten().next(),
            dimension_points: dimension_points.iter().map(known).collect(),
            dimensions: dimensions.iter().map(whole).collect(),
            measures: measures.iter().map(whole).collect(),
        }
    }

    /// Weighs many accounts: a column of points in millionths for each measure, in the order of the scorecard, where
    /// what is negative, such as [`MISSING`], does not count.
    pub fn weigh_all(&self, points: &[&[i32]], into: Outcome<'_>) -> Result<(), Misfit> {
        let rows = into.scores.len();
        check("bands", 1, 1, [into.bands.len()], rows)?;
        let lengths = |columns: &[&mut [i32]]| columns.iter().map(|column| column.len()).collect::<Vec<_>>();
        let (measures, dimensions) = (self.measures(), self.dimensions());
        check("points", points.len(), measures, points.iter().map(|column| column.len()), rows)?;
        check("contributions", into.measures.len(), measures, lengths(&into.measures), rows)?;
        for (what, columns) in [("dimensions", &into.dimensions), ("points of dimensions", &into.dimension_points)] {
            if !columns.is_empty() {
                check(what, columns.len(), dimensions, lengths(columns), rows)?;
            }
        }
        self.weigh_rows(points, into);
        Ok(())
    }

    /// Many rows at once, then those that are left over one by one.
    fn weigh_rows(&self, points: &[&[i32]], into: Outcome<'_>) {
        let (most, rest): (Vec<_>, Vec<_>) = points.iter().map(|column| column.as_chunks::<LANES>()).unzip();
        let (blocks, into) = Blocks::<LANES>::split(into);
        self.weigh_blocks(&most, blocks);
        let rest: Vec<_> = rest.into_iter().map(|column| column.as_chunks::<1>().0).collect();
        self.weigh_blocks(&rest, Blocks::<1>::split(into).0);
    }

    fn weigh_blocks<const L: usize>(&self, points: &[&[[i32; L]]], into: Blocks<'_, L>) {
        let Blocks { scores, bands, mut dimension_points, mut dimensions, mut measures } = into;
        let mut all = Level::<L>::new(&self.weights);
        let mut levels: Vec<Level<L>> = self.measures.iter().map(|weights| Level::new(weights)).collect();
        let mut parts = vec![[0; L]; levels.len()];
        for (row, (score, band)) in scores.iter_mut().zip(bands).enumerate() {
            if row.is_multiple_of(AHEAD) {
                let written = measures.iter().chain(&dimensions).chain(&dimension_points).map(|column| &**column);
                read_ahead(points.iter().copied().chain(written), row);
            }
            let mut columns = points.iter().filter_map(|column| column.get(row));
            for (level, points) in levels.iter_mut().zip(&mut parts) {
                *points = level.mean(columns.by_ref());
            }
            *score = all.mean(&mut parts.iter());
            self.bands_of(score, band);
            for (column, points) in dimension_points.iter_mut().filter_map(|column| column.get_mut(row)).zip(&parts) {
                *column = *points;
            }
            all.split(score, &mut parts.iter_mut());
            let mut columns = measures.iter_mut().filter_map(|column| column.get_mut(row));
            for (level, part) in levels.iter_mut().zip(&parts) {
                level.split(part, columns.by_ref());
            }
            for (column, part) in dimensions.iter_mut().filter_map(|column| column.get_mut(row)).zip(&parts) {
                *column = *part;
            }
        }
    }

    fn bands_of<const L: usize>(&self, scores: &[i32; L], bands: &mut [Option<Band>; L]) {
        for (score, band) in scores.iter().zip(bands) {
            *band = (*score != MISSING).then(|| self.bands.of(whole(score)));
        }
    }
}

/// The weighted mean of one group's members that count. None of nothing.
pub(super) fn mean(members: impl Iterator<Item = (BasisPoints, Points)>) -> Option<Points> {
    let (weights, points): (Vec<u16>, Vec<[i32; 1]>) =
        members.map(|(weight, points)| (weight.value(), [millionths(Some(points))])).unzip();
    let [mean] = Level::new(&weights).mean(&mut points.iter());
    (mean != MISSING).then(|| whole(&mean))
}

fn millionths(points: Option<Points>) -> i32 {
    let within = points.map(|points| points.clamp(Points::MIN, Points::MAX).micros());
    within.and_then(|micros| i32::try_from(micros).ok()).unwrap_or(MISSING)
}

fn whole(micros: &i32) -> Points {
    Points::from_micros(i64::from(*micros))
}

fn check(
    what: &'static str,
    found: usize,
    expected: usize,
    lengths: impl IntoIterator<Item = usize>,
    rows: usize,
) -> Result<(), Misfit> {
    if found != expected {
        return Err(Misfit::Columns { what, found, expected });
    }
    let other = lengths.into_iter().find(|length| *length != rows);
    other.map_or(Ok(()), |found| Err(Misfit::Rows { what, found, expected: rows }))
}

/// An [`Outcome`] in blocks of as many rows.
struct Blocks<'a, const L: usize> {
    scores: &'a mut [[i32; L]],
    bands: &'a mut [[Option<Band>; L]],
    dimension_points: Vec<&'a mut [[i32; L]]>,
    dimensions: Vec<&'a mut [[i32; L]]>,
    measures: Vec<&'a mut [[i32; L]]>,
}

impl<'a, const L: usize> Blocks<'a, L> {
    /// The whole blocks, and the rows that are left over.
    fn split(outcome: Outcome<'a>) -> (Self, Outcome<'a>) {
        let columns = |columns: Vec<&'a mut [i32]>| columns.into_iter().map(<[i32]>::as_chunks_mut::<L>).unzip();
        let (scores, scores_left) = outcome.scores.as_chunks_mut();
        let (bands, bands_left) = outcome.bands.as_chunks_mut();
        let (dimension_points, points_left) = columns(outcome.dimension_points);
        let (dimensions, dimensions_left) = columns(outcome.dimensions);
        let (measures, measures_left) = columns(outcome.measures);
        let left = Outcome {
            scores: scores_left,
            bands: bands_left,
            dimension_points: points_left,
            dimensions: dimensions_left,
            measures: measures_left,
        };
        (Self { scores, bands, dimension_points, dimensions, measures }, left)
    }
}

/// Added to a number below 2^51, it leaves the number rounded half to even in the lowest bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// A quotient of numbers below 2^31 that comes out this near to a whole number rounds as the exact one does: after one
/// division and one product it is off by less than 2^-21.
const CERTAIN: f64 = 0.5 - 1.0 / 1_048_576.0;

/// The members of one group, for so many accounts at once.
struct Level<const L: usize> {
    weights: Vec<(i32, f64)>,
    /// Per member the weighted points of all up to it, as whole numbers below 2^53: 50 weights of at most 10,000 times
    /// 2^31 are less.
    cumulative: Vec<[f64; L]>,
}

impl<const L: usize> Level<L> {
    fn new(weights: &[u16]) -> Self {
        let weights: Vec<(i32, f64)> = weights.iter().map(|weight| (i32::from(*weight), f64::from(*weight))).collect();
        Self { cumulative: vec![[0.0; L]; weights.len()], weights }
    }

    /// The weighted mean of the members that count.
    #[inline(always)]
    fn mean<'p>(&mut self, points: &mut impl Iterator<Item = &'p [i32; L]>) -> [i32; L] {
        let (mut sums, mut counted) = ([0.0; L], [0_i32; L]);
        for (((weight, factor), cumulative), points) in self.weights.iter().zip(&mut self.cumulative).zip(points) {
            let points = *points;
            for (counted, points) in counted.iter_mut().zip(&points) {
                *counted = counted.wrapping_add(*weight & known(*points));
            }
            for (sum, points) in sums.iter_mut().zip(&points) {
                *sum += factor * f64::from(*points & known(*points));
            }
            *cumulative = sums;
        }
        let mut mean = [MISSING; L];
        for ((mean, sum), counted) in mean.iter_mut().zip(&sums).zip(&counted) {
            // The weights are below 2^19: a quotient that is not half-way is further from it than division errs.
            let (rounded, _) = round(sum / f64::from((*counted).max(1)));
            *mean = if *counted > 0 { rounded } else { MISSING };
        }
        mean
    }

    /// Splits totals among the members in proportion to their weighted points.
    #[inline(always)]
    fn split<'p>(&self, totals: &[i32; L], parts: &mut impl Iterator<Item = &'p mut [i32; L]>) {
        let Some(all) = self.cumulative.last() else { return };
        let mut factors = [0.0; L];
        for ((factor, total), all) in factors.iter_mut().zip(totals).zip(all) {
            *factor = f64::from((*total).max(0)) / all.max(1.0);
        }
        let mut before = [0; L];
        for (cumulative, part) in self.cumulative.iter().zip(parts) {
            let (mut upto, mut doubt) = ([0; L], 0);
            for ((upto, cumulative), factor) in upto.iter_mut().zip(cumulative).zip(&factors) {
                let (rounded, error) = round(cumulative * factor);
                *upto = rounded;
                doubt |= (CERTAIN - error).to_bits();
            }
            if doubt >> 63 == 1 {
                settle(&mut upto, totals, cumulative, all, &factors);
            }
            for ((part, upto), before) in part.iter_mut().zip(&upto).zip(&mut before) {
                *part = upto.wrapping_sub(*before);
                *before = *upto;
            }
        }
    }
}

/// Brings the next rows of all columns near, one column after the other: dozens of columns in turn, a little of each,
/// are more than a processor foresees, and weighing would wait for memory.
fn read_ahead<'p, const L: usize>(columns: impl Iterator<Item = &'p [[i32; L]]>, row: usize) {
    const LINE: usize = 64 / size_of::<i32>();
    let mut all = 0;
    for column in columns {
        for rows in column.iter().skip(row).take(AHEAD) {
            for line in rows.chunks(LINE) {
                all ^= line.first().copied().unwrap_or_default();
            }
        }
    }
    black_box(all);
}

/// All bits where there are points, none where they are missing.
#[inline(always)]
const fn known(points: i32) -> i32 {
    !(points >> 31)
}

/// Rounds half to even, and says how far that was.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a number below 2^31 lies in the lowest bits of the sum")]
fn round(number: f64) -> (i32, f64) {
    let sum = number + ROUND;
    ((sum.to_bits() as u32).cast_signed(), (number - (sum - ROUND)).abs())
}

/// The doubtful quotients once more, in whole numbers.
#[cold]
#[inline(never)]
fn settle<const L: usize>(
    upto: &mut [i32; L],
    totals: &[i32; L],
    cumulative: &[f64; L],
    all: &[f64; L],
    factors: &[f64; L],
) {
    for ((((upto, total), cumulative), all), factor) in
        upto.iter_mut().zip(totals).zip(cumulative).zip(all).zip(factors)
    {
        if round(cumulative * factor).1 > CERTAIN {
            let quotient = divide_half_even(i128::from((*total).max(0)) * integer(*cumulative), integer(*all));
            *upto = i32::try_from(quotient).unwrap_or_default();
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is a whole number below 2^53")]
fn integer(number: f64) -> i128 {
    i128::from(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::band::tests::BANDS;
    use crate::scorecard::tests::{basis, draft};
    use proptest::prelude::*;

    type Weights = Vec<(u16, Vec<u16>)>;
    /// One account's outcome: score, points and contributions of dimensions, contributions of measures.
    type Row = (i32, Vec<i32>, Vec<i32>, Vec<i32>);

    fn composite(weights: &Weights) -> Composite {
        let own = |weights: &Vec<u16>| weights.iter().map(|weight| basis(*weight)).collect();
        let weights: Vec<_> = weights.iter().map(|(weight, measures)| (basis(*weight), own(measures))).collect();
        Composite::new(&weights, BANDS).unwrap()
    }

    fn points(of: &[i32]) -> Vec<Option<Points>> {
        of.iter().map(|part| (*part >= 0).then(|| whole(part))).collect()
    }

    /// One dimension of these weights and points, in millionths: the score and the contributions.
    #[track_caller]
    fn check_split(weights: &[u16], of: &[i32], score: i64, contributions: &[i64]) {
        let weighed = composite(&vec![(10_000, weights.to_vec())]).weigh(points(of));
        assert_eq!(weighed.score.map(Points::micros), Some(score));
        let found: Vec<i64> = weighed.measures.iter().map(|part| part.micros()).collect();
        assert_eq!(found, contributions);
    }

    #[test]
    fn a67_splits_worked_by_hand() {
        // A third of a millionth each: up to the first 1/3, up to the second 2/3, which rounds to the one there is.
        check_split(&[1, 1, 1], &[1, 1, 1], 1, &[0, 1, 0]);
        // The mean is 10/3, 3 rounded; up to the first 3/10 × 3, up to the second 6/10 × 3, then 3.
        check_split(&[1, 1, 1], &[3, 3, 4], 3, &[1, 1, 1]);
        // Halves go to the even side: 1/2 to 0, 3/2 to 2.
        check_split(&[1, 1], &[1, 1], 1, &[0, 1]);
        check_split(&[1, 1], &[3, 3], 3, &[2, 1]);
        // The mean is 132/14, 9 rounded; up to the first 110/132 × 9 = 7.5, which floating point takes for less: 8.
        check_split(&[10, 1, 3], &[11, 1, 7], 9, &[8, 0, 1]);
        // 80 × 0.25 + 90 × 0.75 = 87.5
        check_split(&[2_500, 7_500], &[80_000_000, 90_000_000], 87_500_000, &[20_000_000, 67_500_000]);
        // (100 + 33.333333) / 2 = 66.6666665, to even; up to the first 66.666666 × 100 / 133.333333 = 49.9999996.
        check_split(
            &[3_333, 3_333, 3_334],
            &[100_000_000, 33_333_333, MISSING],
            66_666_666,
            &[50_000_000, 16_666_666, 0],
        );
    }

    #[test]
    fn the_weights_of_a_scorecard_are_those_of_its_measures() {
        let scorecard = Scorecard::new(draft()).unwrap();
        let weights = vec![(3_000, vec![10_000]), (3_000, vec![10_000]), (2_000, vec![10_000]), (2_000, vec![10_000])];
        assert_eq!(Composite::of(&scorecard), composite(&weights));
        let weighed = Composite::of(&scorecard).weigh([80, 90, 70, 60].map(|part| Some(Points::whole(part))));
        assert_eq!((weighed.score, weighed.band), (Some(Points::whole(77)), Some(Band::AtRisk)));
        assert_eq!(weighed.dimensions, [24, 27, 14, 12].map(Points::whole));
        assert_eq!((weighed.measures, weighed.dimension_points.len()), (weighed.dimensions, 4));
    }

    #[test]
    fn a71_where_no_measure_counts_there_is_no_score() {
        let composite = composite(&vec![(4_000, vec![5_000, 5_000]), (6_000, vec![10_000])]);
        let nothing = composite.weigh([]);
        assert_eq!((nothing.score, nothing.band), (None, None));
        assert_eq!((nothing.dimension_points, nothing.measures), (vec![None; 2], vec![Points::ZERO; 3]));
        let zero = composite.weigh([None, Some(Points::ZERO), None]);
        assert_eq!((zero.score, zero.band), (Some(Points::ZERO), Some(Band::Emergency)));
        assert_eq!(zero.dimension_points, [Some(Points::ZERO), None]);
    }

    #[test]
    fn a_group_that_is_too_large_is_refused() {
        assert_eq!(Composite::new(&[(basis(1), vec![basis(1); MAX_MEMBERS + 1])], BANDS), None);
        assert_eq!(Composite::new(&vec![(basis(1), vec![basis(1)]); MAX_MEMBERS + 1], BANDS), None);
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let composite = composite(&vec![(10_000, vec![5_000, 5_000])]);
        let weigh = |columns: &[&[i32]], rows: usize, measures: usize| {
            let (mut scores, mut bands) = (vec![0; rows], vec![None; rows]);
            let mut parts = vec![vec![0; rows]; 2 + measures];
            let mut parts = parts.iter_mut().map(|column| &mut column[..]);
            let (points, own) = (parts.by_ref().take(1).collect(), parts.by_ref().take(1).collect());
            let into = Outcome {
                scores: &mut scores,
                bands: &mut bands,
                dimension_points: points,
                dimensions: own,
                measures: parts.collect(),
            };
            composite.weigh_all(columns, into).map_err(|misfit| misfit.to_string())
        };
        assert_eq!(weigh(&[&[1, 2], &[3, 4]], 2, 2), Ok(()));
        assert_eq!(weigh(&[&[1, 2]], 2, 2), Err("there are 1 columns of points, not 2".into()));
        assert_eq!(weigh(&[&[1, 2], &[3]], 2, 2), Err("a column of points has 1 rows, not 2".into()));
        assert_eq!(weigh(&[&[1, 2], &[3, 4]], 2, 3), Err("there are 3 columns of contributions, not 2".into()));
    }

    /// The rule as it is written, one account at a time, in 128 bits.
    fn plain(weights: &Weights, points: &[i32]) -> Row {
        let mut rest = points.iter().copied();
        let groups: Vec<Vec<(u16, i32)>> =
            weights.iter().map(|(_, own)| own.iter().map(|weight| (*weight, rest.next().unwrap())).collect()).collect();
        let means: Vec<i32> = groups.iter().map(|group| plain_mean(group)).collect();
        let top: Vec<(u16, i32)> = weights.iter().map(|(weight, _)| *weight).zip(means.iter().copied()).collect();
        let score = plain_mean(&top);
        let dimensions = plain_split(score, &top);
        let parts = groups.iter().zip(&dimensions).flat_map(|(group, part)| plain_split(*part, group)).collect();
        (score, means, dimensions, parts)
    }

    fn shares(group: &[(u16, i32)]) -> Vec<i128> {
        group.iter().map(|(weight, points)| i128::from(*weight) * i128::from((*points).max(0))).collect()
    }

    fn plain_mean(group: &[(u16, i32)]) -> i32 {
        let weights: i128 = group.iter().filter(|part| part.1 >= 0).map(|part| i128::from(part.0)).sum();
        let mean = divide_half_even(shares(group).iter().sum(), weights);
        if weights == 0 { MISSING } else { i32::try_from(mean).unwrap() }
    }

    fn plain_split(total: i32, group: &[(u16, i32)]) -> Vec<i32> {
        let shares = shares(group);
        let all: i128 = shares.iter().sum();
        let rounded = |upto: i128| i32::try_from(divide_half_even(i128::from(total.max(0)) * upto, all)).unwrap();
        let mut upto = 0;
        let part = |share: &i128| {
            let before = upto;
            upto += share;
            rounded(upto) - rounded(before)
        };
        shares.iter().map(part).collect()
    }

    fn weigh_all(composite: &Composite, rows: &[Vec<i32>]) -> Vec<Row> {
        let count = |columns: usize| vec![vec![0; rows.len()]; columns];
        let points: Vec<Vec<i32>> =
            (0..composite.measures()).map(|place| rows.iter().map(|row| row[place]).collect()).collect();
        let (mut scores, mut bands) = (vec![0; rows.len()], vec![None; rows.len()]);
        let (mut means, mut dimensions) = (count(composite.dimensions()), count(composite.dimensions()));
        let mut measures = count(composite.measures());
        let into = Outcome {
            scores: &mut scores,
            bands: &mut bands,
            dimension_points: means.iter_mut().map(|column| &mut column[..]).collect(),
            dimensions: dimensions.iter_mut().map(|column| &mut column[..]).collect(),
            measures: measures.iter_mut().map(|column| &mut column[..]).collect(),
        };
        composite.weigh_all(&points.iter().map(|column| &column[..]).collect::<Vec<_>>(), into).unwrap();
        for (score, band) in scores.iter().zip(&bands) {
            assert_eq!(*band, (*score >= 0).then(|| BANDS.of(whole(score))));
        }
        let row = |columns: &[Vec<i32>], row: usize| columns.iter().map(|column| column[row]).collect();
        (0..rows.len()).map(|at| (scores[at], row(&means, at), row(&dimensions, at), row(&measures, at))).collect()
    }

    /// Points of all kinds: of a few millionths, where halves abound, whole ones, any, and beyond the scale.
    fn any_points(most: i32) -> impl Strategy<Value = i32> {
        prop_oneof![
            1 => Just(MISSING),
            1 => Just(0),
            2 => 0..20_i32,
            2 => (0..=100_i32).prop_map(|whole| whole * 1_000_000),
            2 => 0..=100_000_000_i32,
            1 => most - 1_000..=most,
        ]
    }

    /// Weights, and so many accounts that they are weighed both together and one by one.
    fn any_portfolio(most: i32) -> impl Strategy<Value = (Weights, Vec<Vec<i32>>)> {
        let weight = || prop_oneof![0..4_u16, (0..=100_u16).prop_map(|weight| weight * 100), 0..=10_000_u16];
        let weights = prop::collection::vec((weight(), prop::collection::vec(weight(), 1..6)), 1..6);
        weights.prop_flat_map(move |weights| {
            let measures = weights.iter().map(|(_, own)| own.len()).sum::<usize>();
            let row = prop::collection::vec(any_points(most), measures);
            (Just(weights), prop::collection::vec(row, 1..2 * LANES + 5))
        })
    }

    #[test]
    fn the_largest_groups_with_the_most_points_are_weighed_exactly() {
        let weights: Weights = vec![(10_000, vec![10_000; MAX_MEMBERS]); MAX_MEMBERS];
        let row = |less: i32| (0..2_500).map(|place| i32::MAX - place * less % 7).collect();
        let rows: Vec<Vec<i32>> = (0..35).map(row).collect();
        let expected: Vec<Row> = rows.iter().map(|row| plain(&weights, row)).collect();
        assert_eq!(weigh_all(&composite(&weights), &rows), expected);
    }

    proptest! {
        #[test]
        fn many_are_weighed_as_the_plain_rule_says((weights, rows) in any_portfolio(i32::MAX)) {
            let expected: Vec<Row> = rows.iter().map(|row| plain(&weights, row)).collect();
            prop_assert_eq!(weigh_all(&composite(&weights), &rows), expected);
        }

        #[test]
        fn one_is_weighed_as_among_many((weights, rows) in any_portfolio(100_000_000)) {
            let composite = composite(&weights);
            for (row, many) in rows.iter().zip(weigh_all(&composite, &rows)) {
                let one = composite.weigh(points(row));
                prop_assert_eq!(one.score, points(&[many.0])[0]);
                prop_assert_eq!(one.band, one.score.map(|score| BANDS.of(score)));
                prop_assert_eq!(one.dimension_points, points(&many.1));
                prop_assert_eq!(one.dimensions, many.2.iter().map(whole).collect::<Vec<_>>());
                prop_assert_eq!(one.measures, many.3.iter().map(whole).collect::<Vec<_>>());
            }
        }

        #[test]
        fn a67_parts_sum_exactly_and_each_is_within_a_millionth_of_its_share((weights, rows) in any_portfolio(100_000_000)) {
            for (points, (score, _, dimensions, measures)) in rows.iter().zip(weigh_all(&composite(&weights), &rows)) {
                prop_assert_eq!(dimensions.iter().sum::<i32>(), score.max(0));
                let (mut parts, mut points) = (measures.iter(), points.iter());
                for ((_, own), dimension) in weights.iter().zip(&dimensions) {
                    let group: Vec<(u16, i32)> = own.iter().copied().zip(points.by_ref().copied()).collect();
                    let parts: Vec<i32> = parts.by_ref().take(own.len()).copied().collect();
                    prop_assert_eq!(parts.iter().sum::<i32>(), *dimension);
                    let shares = shares(&group);
                    let all: i128 = shares.iter().sum();
                    for (part, share) in parts.iter().zip(&shares) {
                        prop_assert!(*part >= 0 && (*share > 0 || *part == 0));
                        let off = i128::from(*part) * all - i128::from(*dimension) * share;
                        prop_assert!(off.abs() <= all);
                    }
                }
            }
        }

        #[test]
        fn a67_more_points_of_any_measure_never_lower_the_score(
            (weights, rows) in any_portfolio(100_000_000),
            which in any::<prop::sample::Index>(),
            more in any_points(100_000_000),
        ) {
            let composite = composite(&weights);
            let richer: Vec<Vec<i32>> = rows.iter().map(|row| {
                let mut row = row.clone();
                let part = which.get_mut(&mut row);
                *part = if *part == MISSING { MISSING } else { part.saturating_add(more.max(0)) };
                row
            }).collect();
            for (before, after) in weigh_all(&composite, &rows).iter().zip(weigh_all(&composite, &richer)) {
                prop_assert!(after.0 >= before.0);
            }
        }
    }
}
