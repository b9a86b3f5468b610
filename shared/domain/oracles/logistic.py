"""Writes logistic.json: examples made by a fixed rule, and what scikit-learn's logistic regression makes of them.

    pip install scikit-learn==1.9.1 && python logistic.py > logistic.json
"""

import json
import math

import sklearn
from sklearn.linear_model import LogisticRegression

rows, outcomes = [], []
for at in range(120):
    x = [math.sin(at * 0.7), math.cos(at * 1.3) * 2.0, ((at * 37) % 11) / 5.0 - 1.0]
    rows.append([round(value, 6) for value in x])
    outcomes.append(int(1.2 * x[0] - 0.8 * x[1] + 0.5 * x[2] + 1.5 * math.sin(at * 5.1) > 0.3))

fits = []
for c in (0.1, 1.0, 100.0):
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(rows, outcomes)
    fits.append({"c": c, "intercept": model.intercept_[0], "coefficients": list(model.coef_[0])})

print(json.dumps({"by": f"scikit-learn {sklearn.__version__}", "rows": rows, "outcomes": outcomes, "fits": fits}))
