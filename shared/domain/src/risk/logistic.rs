//! Logistic regression with a quadratic penalty, by Newton's steps: the curved bowl has one lowest point, and it is found.

#![expect(clippy::indexing_slicing, reason = "columns stay below the number of columns of the design")]

use super::cholesky::Triangle;
use super::real::{chance, cost};

/// What is known of each example: a few columns and their values, the columns rising.
#[derive(Debug, Clone, Default)]
pub struct Design {
    /// How many columns.
    pub columns: usize,
    /// Per example.
    pub rows: Vec<Vec<(usize, f64)>>,
}

/// A quadratic penalty: cells of a symmetric matrix, each or its mirror; cells named twice add up.
pub type Penalty = [(usize, usize, f64)];

/// The lowest point.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Per column.
    pub coefficients: Vec<f64>,
    /// The triangle of the curvature there.
    pub factor: Triangle,
}

impl Design {
    /// The log-odds of an example.
    pub fn log_odds(&self, row: usize, coefficients: &[f64]) -> f64 {
        self.rows[row].iter().map(|(column, value)| coefficients[*column] * value).sum()
    }

    /// Half the penalty and the cost of the outcomes of some examples.
    fn price(&self, outcomes: &[bool], rows: &[usize], penalty: &Penalty, coefficients: &[f64]) -> f64 {
        let costs: f64 = rows.iter().map(|row| cost(self.log_odds(*row, coefficients), outcomes[*row])).sum();
        costs + 0.5 * quadratic(penalty, coefficients)
    }

    /// Fits some examples, from a start; at most `steps` steps.
    pub fn fit(&self, outcomes: &[bool], rows: &[usize], penalty: &Penalty, start: Vec<f64>, steps: usize) -> Fit {
        let mut coefficients = start;
        let mut price = self.price(outcomes, rows, penalty, &coefficients);
        let (mut curvature, mut slope) = self.look(outcomes, rows, penalty, &coefficients);
        for _ in 0..steps {
            let step = curvature.clone().factor().solve(&slope);
            let mut length = 1.0;
            // Newton's step may overshoot far from the bottom; half of it, or half of that, does not.
            let taken = loop {
                let next: Vec<f64> = coefficients.iter().zip(&step).map(|(at, step)| at + length * step).collect();
                let next_price = self.price(outcomes, rows, penalty, &next);
                if next_price <= price + 1e-9 || length < 1e-3 {
                    break (next, next_price);
                }
                length *= 0.5;
            };
            let gained = price - taken.1;
            (coefficients, price) = taken;
            (curvature, slope) = self.look(outcomes, rows, penalty, &coefficients);
            if gained.abs() < 1e-10 * (1.0 + price.abs()) {
                break;
            }
        }
        Fit { coefficients, factor: curvature.factor() }
    }

    /// Curvature and downward slope.
    fn look(&self, outcomes: &[bool], rows: &[usize], penalty: &Penalty, coefficients: &[f64]) -> (Triangle, Vec<f64>) {
        let mut curvature = Triangle::zero(self.columns);
        let mut slope = vec![0.0; self.columns];
        for row in rows {
            let chance = chance(self.log_odds(*row, coefficients));
            let residual = f64::from(u8::from(outcomes[*row])) - chance;
            let weight = (chance * (1.0 - chance)).max(1e-7);
            let known = &self.rows[*row];
            for (at, (column, value)) in known.iter().enumerate() {
                slope[*column] += residual * value;
                for (other, other_value) in &known[..=at] {
                    curvature.add(*column, *other, weight * value * other_value);
                }
            }
        }
        for (a, b, value) in penalty {
            curvature.add(*a, *b, *value);
            slope[*a] -= value * coefficients[*b];
            if a != b {
                slope[*b] -= value * coefficients[*a];
            }
        }
        (curvature, slope)
    }
}

/// The value of a penalty.
pub fn quadratic(penalty: &Penalty, at: &[f64]) -> f64 {
    penalty
        .iter()
        .map(|(a, b, value)| if a == b { value * at[*a] * at[*a] } else { 2.0 * value * at[*a] * at[*b] })
        .sum()
}
