"""Makes vectors.json: what scipy and statsmodels say of fixed series. Run by hand, once:
python make.py > vectors.json    (scipy 1.17, statsmodels 0.15)
"""
import json, math
import numpy as np
from scipy import stats
from statsmodels.tsa.seasonal import STL

def noise(seed, n):
    """The numbers of the tests, the same in every language."""
    out, state = [], seed
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 33) / 2**31)
    return out

series = {
    'noise': noise(1, 40),
    'line': [3 + 0.25 * t + v for t, v in enumerate(noise(2, 30))],
    'ties': [math.floor(5 * v) * 1.0 for v in noise(3, 60)],
    'short': [2.0, 1.0, 4.0, 3.5, 6.0],
}
trends = {}
for name, values in series.items():
    time = np.arange(len(values))
    slope, _, low, high = stats.theilslopes(values, time, alpha=0.95)
    tau = stats.kendalltau(time, values, method='asymptotic')
    trends[name] = dict(values=values, slope=slope, low=low, high=high, tau=tau.statistic, p=tau.pvalue)
one, other = series['ties'], [math.floor(4 * v) + 0.5 * w for v, w in zip(noise(5, 60), series['ties'])]
correlations = []
for lag in range(6):
    found = stats.spearmanr(one[:len(one) - lag], other[lag:])
    correlations.append(dict(lag=lag, rho=found.statistic, p=found.pvalue))
chances = noise(9, 12)
corrected = stats.false_discovery_control(chances)
week = [4, 6, 8, 6, 2, -12, -14]
values = [50 + 0.2 * t + week[t % 7] + 4 * v for t, v in enumerate(noise(7, 70))]
values[33] += 60
fit = STL(values, period=7, seasonal=13, robust=True).fit(inner_iter=2, outer_iter=15)
stl = dict(values=values, seasonal=list(fit.seasonal), trend=list(fit.trend))
print(json.dumps(dict(stl=stl, trends=trends, first=one, second=other, correlations=correlations, chances=chances, corrected=list(corrected)), indent=1))
