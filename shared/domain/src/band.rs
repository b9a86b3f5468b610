//! Bands: which part of the scale an account is in, and when it is taken to have left one.
//!
//! Bands are half-open: a score on an edge belongs to the band above it. An account leaves its band when its score is
//! past the edge by more than the margin, or when it has been past the edge for as many scheduled runs as the dwell
//! says; a fall of two bands or more takes effect at once. A score that swings about an edge makes one transition.

use crate::fixed::Points;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of the scale, the worst first: `Emergency < Champion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// By default [0,60).
    Emergency,
    /// By default [60,70).
    Critical,
    /// By default [70,80).
    AtRisk,
    /// By default [80,90).
    Healthy,
    /// By default [90,100].
    Champion,
}

impl Band {
    /// Every band, the worst first.
    pub const ALL: [Self; 5] = [Self::Emergency, Self::Critical, Self::AtRisk, Self::Healthy, Self::Champion];

    /// The band's name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Critical => "critical",
            Self::AtRisk => "at_risk",
            Self::Healthy => "healthy",
            Self::Champion => "champion",
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the bands begin and how hard they are to leave. A [`crate::scorecard::Scorecard`] holds checked ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bands {
    /// The lowest score of a champion.
    pub champion: Points,
    /// The lowest score of a healthy account.
    pub healthy: Points,
    /// The lowest score of an account at risk.
    pub at_risk: Points,
    /// The lowest score of a critical account; below it is an emergency.
    pub critical: Points,
    /// How far past an edge a score leaves its band at once: more than this.
    pub margin: Points,
    /// For how many scheduled runs on end a score is past an edge before its band is left.
    pub dwell_runs: u8,
}

impl Bands {
    /// The band in which a score lies.
    pub fn of(&self, score: Points) -> Band {
        let edges = [
            (self.champion, Band::Champion),
            (self.healthy, Band::Healthy),
            (self.at_risk, Band::AtRisk),
            (self.critical, Band::Critical),
        ];
        edges.into_iter().find(|(edge, _)| score >= *edge).map_or(Band::Emergency, |(_, band)| band)
    }

    /// The lowest score of a band.
    pub const fn floor(&self, band: Band) -> Points {
        match band {
            Band::Emergency => Points::MIN,
            Band::Critical => self.critical,
            Band::AtRisk => self.at_risk,
            Band::Healthy => self.healthy,
            Band::Champion => self.champion,
        }
    }

    /// The lowest score above a band.
    const fn ceiling(&self, band: Band) -> Points {
        match band {
            Band::Emergency => self.critical,
            Band::Critical => self.at_risk,
            Band::AtRisk => self.healthy,
            Band::Healthy => self.champion,
            Band::Champion => Points::MAX,
        }
    }

    fn is_past_the_margin(&self, band: Band, score: Points) -> bool {
        score < self.floor(band).minus(self.margin) || score > self.ceiling(band).plus(self.margin)
    }
}

/// The band an account is in, and the one it may be on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandState {
    /// The band it is in.
    pub band: Band,
    /// Set while its score lies in another band without having left this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// A band that is not entered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Where the score lies.
    pub to: Band,
    /// For how many scheduled runs on end.
    pub runs: u8,
}

impl BandState {
    /// In this band, on the way to no other.
    pub const fn at_rest(band: Band) -> Self {
        Self { band, pending: None }
    }
}

/// The state after one more score. Only scheduled runs count towards the dwell: news may come at any rate.
pub fn advance(state: BandState, score: Points, scheduled_run: bool, bands: &Bands) -> BandState {
    let to = bands.of(score);
    if to == state.band {
        return BandState::at_rest(to);
    }
    // Edges are crossed one way while pending: on the other side of the band the count begins anew.
    let same_side = |pending: &Pending| (pending.to < state.band) == (to < state.band);
    let runs_before = state.pending.filter(same_side).map_or(0, |pending| pending.runs);
    let runs = runs_before.saturating_add(u8::from(scheduled_run));
    // A fall of two bands is always past the margin: a scorecard's margin is narrower than any of its bands.
    if bands.is_past_the_margin(state.band, score) || runs >= bands.dwell_runs {
        return BandState::at_rest(to);
    }
    BandState { band: state.band, pending: Some(Pending { to, runs }) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const BANDS: Bands = Bands {
        champion: Points::whole(90),
        healthy: Points::whole(80),
        at_risk: Points::whole(70),
        critical: Points::whole(60),
        margin: Points::whole(1),
        dwell_runs: 2,
    };

    fn points(text: &str) -> Points {
        text.parse().unwrap()
    }

    /// The bands after each of these scores, all of scheduled runs.
    fn run(start: Band, scores: &[&str]) -> Vec<Band> {
        let mut state = BandState::at_rest(start);
        let step = |score: &&str| {
            state = advance(state, points(score), true, &BANDS);
            state.band
        };
        scores.iter().map(step).collect()
    }

    fn transitions(start: Band, scores: &[&str]) -> usize {
        let mut bands = vec![start];
        bands.extend(run(start, scores));
        bands.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn a68_bands_are_half_open() {
        for (score, band) in [
            ("100", Band::Champion),
            ("90", Band::Champion),
            ("89.999999", Band::Healthy),
            ("89.5", Band::Healthy),
            ("80", Band::Healthy),
            ("79.999999", Band::AtRisk),
            ("70", Band::AtRisk),
            ("60", Band::Critical),
            ("59.999999", Band::Emergency),
            ("0", Band::Emergency),
        ] {
            assert_eq!(BANDS.of(points(score)), band, "{score}");
        }
    }

    #[test]
    fn a68_a_swing_about_an_edge_makes_one_transition() {
        assert_eq!(transitions(Band::Healthy, &["91.1", "89.5", "90.5", "89.5", "90.5", "89.5", "90.5"]), 1);
        assert_eq!(transitions(Band::AtRisk, &["81.1", "79", "81", "79", "81", "79", "81"]), 1);
        assert_eq!(transitions(Band::Healthy, &["89.5", "90.5", "89.5", "90.5"]), 0);
    }

    #[test]
    fn a68_past_the_margin_the_band_is_left_at_once_and_at_the_margin_it_is_not() {
        assert_eq!(run(Band::Healthy, &["78.999999"]), [Band::AtRisk]);
        assert_eq!(run(Band::Healthy, &["79"]), [Band::Healthy]);
        assert_eq!(run(Band::Healthy, &["91.000001"]), [Band::Champion]);
        assert_eq!(run(Band::Healthy, &["91"]), [Band::Healthy]);
    }

    #[test]
    fn a68_past_the_edge_for_the_dwell_the_band_is_left() {
        assert_eq!(run(Band::Healthy, &["79.5", "79.9"]), [Band::Healthy, Band::AtRisk]);
        assert_eq!(run(Band::Healthy, &["79.5", "80", "79.5"]), [Band::Healthy; 3]);
        assert_eq!(run(Band::Healthy, &["79.5", "90.5", "79.5"]), [Band::Healthy; 3]);
    }

    #[test]
    fn news_does_not_count_towards_the_dwell() {
        let mut state = BandState::at_rest(Band::Healthy);
        for _ in 0..9 {
            state = advance(state, points("79.5"), false, &BANDS);
        }
        assert_eq!(state, BandState { band: Band::Healthy, pending: Some(Pending { to: Band::AtRisk, runs: 0 }) });
    }

    #[test]
    fn a_fall_of_two_bands_takes_effect_at_once() {
        let wide = Bands { margin: points("9.5"), ..BANDS };
        let fall = |score| advance(BandState::at_rest(Band::Champion), points(score), false, &wide).band;
        assert_eq!(fall("80.5"), Band::Champion);
        assert_eq!(fall("79.999999"), Band::AtRisk);
        assert_eq!(fall("12"), Band::Emergency);
    }

    proptest! {
        #[test]
        fn a_score_that_stays_is_in_its_own_band_after_the_dwell(score in 0_i64..=100_000_000, start in 0_usize..5) {
            let score = Points::from_micros(score);
            let mut state = BandState::at_rest(Band::ALL[start]);
            for _ in 0..BANDS.dwell_runs {
                state = advance(state, score, true, &BANDS);
            }
            prop_assert_eq!(state, BandState::at_rest(BANDS.of(score)));
        }

        #[test]
        fn a_band_never_moves_away_from_the_score(score in 0_i64..=100_000_000, start in 0_usize..5, run in any::<bool>()) {
            let score = Points::from_micros(score);
            let (before, own) = (Band::ALL[start], BANDS.of(score));
            let after = advance(BandState::at_rest(before), score, run, &BANDS).band;
            prop_assert!(after == before || after == own);
        }
    }
}
