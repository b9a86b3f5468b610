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
/// do not count: it begins the rising series at -3493, fits what it was fitted on more closely, and goes further.
#[test]
fn a43_theta_fits_and_expects_as_theirs_where_both_begin_alike_and_goes_the_same_way_elsewhere() {
    let mut compared = 0;
    for Subject { name, values, theta, .. } in oracle().series {
        let ours = Theta::fit(&values);
        let squares = ours.squares(&values);
        let mut ahead = Vec::new();
        ours.roll(&values, values.len(), theta.ahead.len(), &mut |path| ahead = path.to_vec());
        let spread = values.iter().fold(0.0_f64, |most, value| most.max((value - values[0]).abs()));
        if (theta.parameters.initial_smoothed - values[0]).abs() <= spread {
            compared += 1;
            assert!(squares <= 1.001 * theta.squares, "{name}: {squares} {}", theta.squares);
            for (ours, theirs) in ahead.iter().zip(&theta.ahead) {
                assert!((ours / theirs - 1.0).abs() < 0.01, "{name}: {ours} {theirs}");
            }
        } else {
            let rises = |path: &[f64]| path[path.len() - 1] > path[0];
            assert_eq!(rises(&ahead), rises(&theta.ahead), "{name}");
        }
    }
    assert!(compared >= 2);
}
