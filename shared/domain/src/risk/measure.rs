//! How good predictions were, once the outcomes are known.

use super::real;

/// A prediction's chance and what happened.
pub type Known = (f64, bool);

/// The share of pairs, one that happened and one that did not, in which the first had the higher chance; ties count half.
/// None where there is no such pair.
pub fn auc(known: &[Known]) -> Option<f64> {
    let mut sorted = known.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won, mut happened) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let some = tied.iter().filter(|(_, outcome)| *outcome).count() as f64;
        let others = tied.len() as f64 - some;
        won += some * (below + others / 2.0);
        below += others;
        happened += some;
    }
    (happened > 0.0 && below > 0.0).then(|| won / (happened * below))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

/// The mean cost of the predictions, in natural units.
pub fn log_loss(known: &[Known]) -> Option<f64> {
    mean(known.iter().map(|(chance, outcome)| real::cost(real::log_odds(*chance), *outcome)))
}

/// The mean square of the difference between chance and outcome.
pub fn brier(known: &[Known]) -> Option<f64> {
    mean(known.iter().map(|(chance, outcome)| (chance - f64::from(u8::from(*outcome))).powi(2)))
}

/// The share of predictions on the right side of one half.
pub fn accuracy(known: &[Known]) -> Option<f64> {
    mean(known.iter().map(|(chance, outcome)| f64::from(u8::from((*chance >= 0.5) == *outcome))))
}

/// The mean distance between chance and frequency in bins of equal width, weighted by how many fall into each.
pub fn calibration_error(known: &[Known], bins: u8) -> Option<f64> {
    let mut sums = vec![0.0; usize::from(bins.max(1))];
    for (chance, outcome) in known {
        let bin = (0..bins.max(1)).rev().find(|bin| *chance >= f64::from(*bin) / f64::from(bins.max(1))).unwrap_or(0);
        if let Some(sum) = sums.get_mut(usize::from(bin)) {
            *sum += chance - f64::from(u8::from(*outcome));
        }
    }
    (!known.is_empty()).then(|| sums.iter().map(|sum| sum.abs()).sum::<f64>() / known.len() as f64)
}

/// How many times more often it happened to the tenth with the highest chances than to all. Among equal chances the order
/// is theirs.
pub fn lift_in_top_tenth(known: &[Known]) -> Option<f64> {
    let mut sorted = known.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let share = |of: &[Known]| mean(of.iter().map(|(_, outcome)| f64::from(u8::from(*outcome))));
    let tenth = share(sorted.get(..sorted.len() / 10)?)?;
    share(&sorted).filter(|all| *all > 0.0).map(|all| tenth / all)
}

/// How sure a prediction is: the chance of the side it takes.
pub fn sureness(chance: f64) -> f64 {
    chance.max(1.0 - chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(figure: Option<f64>, expected: f64) -> bool {
        figure.is_some_and(|figure| (figure - expected).abs() < 1e-12)
    }

    #[test]
    fn figures_of_known_predictions_are_what_they_are_by_hand() {
        let known = [(0.9, true), (0.6, false), (0.6, true), (0.1, false)];
        assert!(close(auc(&known), 3.5 / 4.0));
        assert!(close(brier(&known), (0.01 + 0.36 + 0.16 + 0.01) / 4.0));
        assert!(close(accuracy(&known), 0.75));
        let costs = -(0.9_f64.ln() + 0.4_f64.ln() + 0.6_f64.ln() + 0.9_f64.ln());
        assert!(close(log_loss(&known), costs / 4.0));
        assert!(close(calibration_error(&known, 10), (0.1 + 0.2 + 0.1) / 4.0));
    }

    #[test]
    fn where_nothing_happened_there_is_no_ranking_to_judge() {
        assert_eq!(auc(&[(0.5, false)]), None);
        assert_eq!(lift_in_top_tenth(&[(0.5, false); 20]), None);
        assert_eq!(log_loss(&[]), None);
        let known: Vec<Known> = (0..20_u8).map(|at| (f64::from(at) / 20.0, at >= 18)).collect();
        assert!(close(lift_in_top_tenth(&known), 10.0));
    }
}
