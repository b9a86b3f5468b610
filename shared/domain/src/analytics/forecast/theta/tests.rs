//! Beside statsforecast's dynamic optimised Theta model, on the same series.

use super::super::smoothing::tests::{Subject, oracle};
use super::*;

#[test]
fn a43_theta_says_what_that_of_statsforecast_says() {
    for Subject { name, values, theta: theirs, .. } in oracle().series {
        let found = &theirs.parameters;
        let model = Theta { level: found.initial_smoothed, alpha: found.alpha, theta: found.theta };
        let mut paths: Vec<Vec<f64>> = Vec::new();
        model.roll(&values, 0, theirs.ahead.len(), &mut |path| paths.push(path.to_vec()));
        for (place, residual) in theirs.residuals.iter().enumerate().skip(3) {
            let ours = values[place] - paths[place][0];
            assert!((ours - residual).abs() < 1e-6, "{name} at {place}: {ours} {residual}");
        }
        for (ours, theirs) in paths.last().unwrap().iter().zip(&theirs.ahead) {
            assert!((ours - theirs).abs() < 1e-6, "{name}: {ours} {theirs}");
        }
        assert!((model.squares(&values) - theirs.squares).abs() < 1e-6, "{name}");
    }
}

/// Ours begins no further from the first value than any value lies. Theirs may begin anywhere, for the first three errors
/// do not count: it begins the rising series at -3493, and then fits what it was fitted on more closely.
#[test]
fn a43_theta_fits_as_well_where_both_begin_alike_and_expects_about_the_same_everywhere() {
    for Subject { name, values, theta, .. } in oracle().series {
        let ours = Theta::fit(&values);
        let squares = ours.squares(&values);
        let spread = values.iter().fold(0.0_f64, |most, value| most.max((value - values[0]).abs()));
        let alike = (theta.parameters.initial_smoothed - values[0]).abs() <= spread;
        assert!(!alike || squares <= 1.001 * theta.squares, "{name}: {squares} {}", theta.squares);
        let mut last = Vec::new();
        ours.roll(&values, values.len(), theta.ahead.len(), &mut |path| last = path.to_vec());
        for (ours, theirs) in last.iter().zip(&theta.ahead) {
            assert!((ours / theirs - 1.0).abs() < 0.05, "{name}: {ours} {theirs}");
        }
    }
}
