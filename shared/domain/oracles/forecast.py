"""Writes forecast.json: fixed series, and what statsforecast's exponential smoothing and dynamic optimised Theta make of
them: the parameters that it finds, what it then expects of each value and of the ones after.

    pip install statsforecast==2.1.1 && python forecast.py > forecast.json
"""

import json
import math

import numpy as np
import statsforecast
from statsforecast.models import AutoETS, DynamicOptimizedTheta


def noise(seed, count):
    """Numbers between -0.5 and 0.5, the same everywhere."""
    state, out = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 33) / 2**31 - 0.5)
    return out


def walk(seed, count, drift):
    level, out = 100.0, []
    for step in noise(seed, count):
        level += drift + 4.0 * step
        out.append(round(level + 2.0 * math.sin(7.0 * step), 6))
    return out


series = {
    "wanders": walk(1, 60, 0.0),
    "rises": walk(2, 48, 1.5),
    "falls": walk(3, 40, -1.0),
    "still": [round(50.0 + 6.0 * step, 6) for step in noise(4, 36)],
}
AHEAD = 8
found = []
for name, values in series.items():
    y = np.array(values)
    forms = []
    for form, damped in (("ANN", False), ("MNN", False), ("AAN", True), ("MAN", True)):
        model = AutoETS(season_length=1, model=form, damped=damped).fit(y)
        fit = model.model_
        forms.append({
            "form": form + ("d" if damped else ""),
            "parameters": [float(value) for value in fit["par"] if not math.isnan(value)],
            "start": [float(value) for value in np.asarray(fit["states"])[0]],
            "log_likelihood": float(fit["loglik"]),
            "fitted": [float(value) for value in fit["fitted"]],
            "ahead": [float(value) for value in model.predict(AHEAD)["mean"]],
        })
    model = DynamicOptimizedTheta(season_length=1, decomposition_type="additive").fit(y)
    fit = model.model_
    par = fit["par"]
    theta = {
        "parameters": {key: float(np.asarray(par[key]).ravel()[0]) for key in ("initial_smoothed", "alpha", "theta")},
        "squares": float(sum(value * value for value in fit["residuals"][3:]) / len(y)),
        "residuals": [float(value) for value in fit["residuals"]],
        "ahead": [float(value) for value in model.predict(AHEAD)["mean"]],
    }
    found.append({"name": name, "values": values, "smoothing": forms, "theta": theta})
print(json.dumps({"by": f"statsforecast {statsforecast.__version__}", "series": found}))
