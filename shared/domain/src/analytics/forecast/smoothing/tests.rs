//! Beside statsforecast's exponential smoothing, on the same series.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::analytics::forecast) struct Oracle {
    pub(in crate::analytics::forecast) series: Vec<Subject>,
}

#[derive(Deserialize)]
pub(in crate::analytics::forecast) struct Subject {
    pub(in crate::analytics::forecast) name: String,
    pub(in crate::analytics::forecast) values: Vec<f64>,
    smoothing: Vec<Form>,
    pub(in crate::analytics::forecast) theta: ThetaFound,
}

#[derive(Deserialize)]
pub(in crate::analytics::forecast) struct ThetaFound {
    pub(in crate::analytics::forecast) parameters: ThetaParameters,
    pub(in crate::analytics::forecast) squares: f64,
    pub(in crate::analytics::forecast) residuals: Vec<f64>,
    pub(in crate::analytics::forecast) ahead: Vec<f64>,
}

#[derive(Deserialize)]
pub(in crate::analytics::forecast) struct ThetaParameters {
    pub(in crate::analytics::forecast) initial_smoothed: f64,
    pub(in crate::analytics::forecast) alpha: f64,
    pub(in crate::analytics::forecast) theta: f64,
}

#[derive(Deserialize)]
struct Form {
    form: String,
    parameters: Vec<f64>,
    log_likelihood: f64,
    fitted: Vec<f64>,
    ahead: Vec<f64>,
}

pub(in crate::analytics::forecast) fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../../../oracles/forecast.json")).unwrap()
}

/// The form with the parameters that were found for it.
fn theirs(form: &Form) -> (Smoothing, Trend) {
    let trend = if form.form.ends_with('d') { Trend::Damped } else { Trend::None };
    let [alpha, beta, phi, level, slope] = match (trend, form.parameters.as_slice()) {
        (Trend::None, [alpha, level]) => [*alpha, 0.0, 1.0, *level, 0.0],
        (Trend::Damped, [alpha, beta, phi, level, slope]) => [*alpha, *beta, *phi, *level, *slope],
        other => panic!("{other:?}"),
    };
    let relative = form.form.starts_with('M');
    let (season, indices) = (Season::None, Vec::new());
    (Smoothing { season, alpha, beta, gamma: 0.0, phi, level, slope, indices, relative, criterion: 0.0 }, trend)
}

#[track_caller]
fn alike(one: &[f64], other: &[f64], what: &str) {
    assert_eq!(one.len(), other.len(), "{what}");
    for (one, other) in one.iter().zip(other) {
        assert!((one - other).abs() <= 1e-9 * other.abs().max(1.0), "{what}: {one} {other}");
    }
}

#[test]
fn a43_exponential_smoothing_says_what_that_of_statsforecast_says() {
    for Subject { name, values, smoothing, .. } in oracle().series {
        for form in smoothing {
            let what = format!("{name} {}", form.form);
            let (mut model, _) = theirs(&form);
            let mut paths: Vec<Vec<f64>> = Vec::new();
            model.roll(&values, 0, form.ahead.len(), &mut |path| paths.push(path.to_vec()));
            let next: Vec<f64> = paths.iter().take(values.len()).map(|path| path[0]).collect();
            alike(&next, &form.fitted, &what);
            // Theirs lets a damped trend go on undamped for one step more than its definition has it.
            let steps = if form.form.ends_with('d') { 1 } else { form.ahead.len() };
            alike(&paths.last().unwrap()[..steps], &form.ahead[..steps], &what);
            alike(&[model.unlikeliness(&values)], &[-2.0 * form.log_likelihood], &what);
        }
    }
}

#[test]
fn a43_the_parameters_found_are_as_likely_as_those_of_statsforecast() {
    for Subject { name, values, smoothing, .. } in oracle().series {
        for form in smoothing {
            let (model, trend) = theirs(&form);
            let mut ours = Smoothing::fit(&values, 1, trend, Season::None, model.relative).unwrap();
            let (ours, theirs) = (ours.unlikeliness(&values), -2.0 * form.log_likelihood);
            assert!(ours <= theirs + 0.5, "{name} {}: {ours} {theirs}", form.form);
        }
    }
}
