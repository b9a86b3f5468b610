//! Champion against challenger: whether another model predicts better what has happened since.

use super::measure::{Known, auc, log_loss};
use super::model::rounded;
use super::real::{cost, log_odds};
use super::train::LEAST_OUTCOMES;
use crate::fixed::Quantity;

/// How a contest ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winner {
    /// Too few outcomes of one side to say.
    Nobody,
    /// The champion stays: the challenger is not better by more than chance.
    Champion,
    /// The challenger is better by more than two standard errors.
    Challenger,
}

/// What two models predicted of the same accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// How many accounts.
    pub accounts: u64,
    /// To how many of them it happened.
    pub happened: u64,
    /// Area under the curve of champion and challenger.
    pub auc: [Quantity; 2],
    /// Log loss of champion and challenger.
    pub log_loss: [Quantity; 2],
    /// By how much the challenger's log loss is lower, on average per account.
    pub gain: Quantity,
    /// The standard error of that.
    pub error: Quantity,
    /// Who wins.
    pub winner: Winner,
}

/// Judges two models by the chances they gave the same accounts and what happened: champion, challenger, outcome.
pub fn contest(predicted: &[(f64, f64, bool)]) -> Contest {
    let of = |chance: fn(&(f64, f64, bool)) -> f64| {
        predicted.iter().map(|known| (chance(known), known.2)).collect::<Vec<Known>>()
    };
    let (champion, challenger) = (of(|known| known.0), of(|known| known.1));
    let happened = predicted.iter().filter(|known| known.2).count();
    let count = predicted.len().max(1) as f64;
    let price = |known: &Known| cost(log_odds(known.0), known.1);
    let gains: Vec<f64> = champion.iter().zip(&challenger).map(|(one, other)| price(one) - price(other)).collect();
    let gain = gains.iter().sum::<f64>() / count;
    let spread = gains.iter().map(|other| (other - gain).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let error = (spread / count).sqrt();
    let winner = match happened.min(predicted.len() - happened) {
        least if least < LEAST_OUTCOMES => Winner::Nobody,
        _ if gain > 2.0 * error => Winner::Challenger,
        _ => Winner::Champion,
    };
    let figure = |figure: Option<f64>| figure.map_or(Quantity::ZERO, rounded);
    Contest {
        accounts: predicted.len() as u64,
        happened: happened as u64,
        auc: [figure(auc(&champion)), figure(auc(&challenger))],
        log_loss: [figure(log_loss(&champion)), figure(log_loss(&challenger))],
        gain: rounded(gain),
        error: rounded(error),
        winner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(count: usize, champion: [f64; 2], challenger: [f64; 2]) -> Vec<(f64, f64, bool)> {
        let of = |chances: [f64; 2], happened: bool| if happened { chances[1] } else { chances[0] };
        (0..count)
            .map(|at| at % 2 == 0)
            .map(|happened| (of(champion, happened), of(challenger, happened), happened))
            .collect()
    }

    #[test]
    fn a38_a_challenger_wins_only_by_more_than_chance() {
        let better = contest(&predicted(200, [0.4, 0.6], [0.2, 0.8]));
        assert_eq!((better.winner, better.accounts, better.happened), (Winner::Challenger, 200, 100));
        assert!(better.log_loss[1] < better.log_loss[0] && better.gain > Quantity::ZERO);
        assert_eq!(contest(&predicted(200, [0.4, 0.6], [0.4, 0.6])).winner, Winner::Champion);
        assert_eq!(contest(&predicted(200, [0.2, 0.8], [0.4, 0.6])).winner, Winner::Champion);
    }

    #[test]
    fn a46_few_outcomes_crown_nobody() {
        assert_eq!(contest(&predicted(58, [0.4, 0.6], [0.1, 0.9])).winner, Winner::Nobody);
        assert_eq!(contest(&[]).winner, Winner::Nobody);
    }
}
