"""Oracles of src/statistics: writes statistics.json beside this script.

pip install numpy scipy statsmodels mpmath PyMARE   (made with numpy 2.4, scipy 1.17, statsmodels 0.15, PyMARE 0.0.13)
"""
import json, math, pathlib
import numpy as np
import mpmath as mp
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.multitest import multipletests

out = {}

# Laws, by mpmath with 40 digits where scipy itself rounds.
mp.mp.dps = 40
def t_tail(t, df):
    t, df = mp.mpf(t), mp.mpf(df)
    return mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
out["student_tail"] = [[t, df, float(t_tail(t, df))] for df in [0.5, 1, 2, 2.5, 9, 17.776473516178, 120, 5000.5, 1e6]
                       for t in [0.01, 0.5, 1.0, 1.3, 2.5, 6.0]]
out["student_upper"] = []
for df in [1, 2, 3.7, 9, 29, 17.776473516178, 1000, 1e6]:
    for tail in [0.4, 0.1, 0.025, 0.005, 1e-6]:
        guess = stats.t.isf(tail, df)
        root = mp.findroot(lambda t: mp.log(t_tail(t, df) / mp.mpf(tail)), mp.mpf(guess))
        out["student_upper"].append([tail, df, float(root)])
out["chi_squared_upper"] = []
for df in [1, 2, 4, 12, 29, 200]:
    for tail in [0.999, 0.975, 0.5, 0.05, 0.025, 1e-6]:
        f = lambda x: mp.gammainc(mp.mpf(df) / 2, x / 2, mp.inf, regularized=True) - mp.mpf(tail)
        out["chi_squared_upper"].append([tail, df, float(mp.findroot(f, mp.mpf(stats.chi2.isf(tail, df))))])
out["chi_squared_tail"] = [[x, df, float(mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True))]
                           for df in [1, 2, 4, 12, 29] for x in [0.01, 1.0, 5.5, 40.0, 152.233]]
out["normal_upper"] = [[p, float(mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(p)))] for p in [0.975, 0.3, 0.1, 0.025, 0.005, 1e-9]]

# Intervals of one group.
out["wilson"] = [[x, n, *map(float, proportion_confint(x, n, 0.05, "wilson"))]
                 for x, n in [(0, 10), (10, 10), (1, 29), (81, 263), (15, 148)]]
out["garwood"] = [[x, 0.0 if x == 0 else float(stats.chi2.ppf(0.025, 2 * x) / 2), float(stats.chi2.ppf(0.975, 2 * x + 2) / 2)]
                  for x in [0, 1, 7, 250]]

# Clusters: rows of some clusters are in both arms.
rng = np.random.default_rng(20260301)
rows = []
for cluster in range(12):
    shift = rng.normal(0, 1.5)
    for _ in range(int(rng.integers(3, 9))):
        arm = int(rng.random() < 0.5) if cluster % 3 == 0 else cluster % 2
        y = round(10 + shift + 2 * arm + rng.normal(0, 2), 3)
        rows.append([f"c{cluster:02}", arm, y, int(y > 11), round(float(rng.uniform(1, 5)), 3)])
name = np.array([r[0] for r in rows]); arm = np.array([r[1] for r in rows]); y = np.array([r[2] for r in rows])
event = np.array([r[3] for r in rows], float); per = np.array([r[4] for r in rows])
_, code = np.unique(name, return_inverse=True)
def ols(y, x, groups):
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    ci = fit.conf_int()
    return [float(fit.params[-1]), float(fit.bse[-1]), float(len(set(groups)) - 1), *map(float, ci[-1]), float(fit.pvalues[-1])]
X = sm.add_constant(arm.astype(float))
one = arm == 1
clusters = {"rows": rows, "mean_treated": ols(y[one], np.ones((one.sum(), 1)), code[one]), "difference": ols(y, X, code),
            "risk_difference": ols(event, X, code)}
# The other scales, by a delta method over the stacked means (an independent route to the same variance).
def stacked(columns, f, groups, p):
    columns = np.asarray(columns, float); n = len(groups); total = columns.sum(1)
    # complex step: the derivative to the last digit
    grad = np.array([f(total + 1e-30j * (np.arange(len(total)) == i)).imag / 1e-30 for i in range(len(total))])
    # a cluster's contribution is the gradient at the totals times its own sums
    g = [(columns[:, groups == c].sum(1) @ grad) for c in sorted(set(groups))]
    G = len(g)
    return [float(np.real(f(total))), float(math.sqrt(G / (G - 1) * (n - 1) / (n - p) * sum(np.square(g))))]
t, c = arm.astype(float), 1.0 - arm
clusters["log_ratio_of_means"] = stacked([t * y, t, c * y, c], lambda s: np.log(s[0] / s[1] / (s[2] / s[3])), code, 2)
clusters["log_risk_ratio"] = stacked([t * event, t, c * event, c], lambda s: np.log(s[0] / s[1] / (s[2] / s[3])), code, 2)
lo = lambda p: np.log(p / (1 - p))
clusters["log_odds_ratio"] = stacked([t * event, t, c * event, c], lambda s: lo(s[0] / s[1]) - lo(s[2] / s[3]), code, 2)
clusters["log_ratio_of_ratios"] = stacked([t * y, t * per, c * y, c * per], lambda s: np.log(s[0] / s[1] / (s[2] / s[3])), code, 2)
# p = 1 and treated rows only, so that one group's ratio is met too.
clusters["ratio_treated"] = stacked([y[one], per[one]], lambda s: s[0] / s[1], code[one], 1)
def g_of(s):
    n1, n0 = s[1], s[4]; m1, m0 = s[0] / n1, s[3] / n0
    m = len(y) - 2
    s2 = (s[2] - n1 * m1 ** 2 + s[5] - n0 * m0 ** 2) / (n1 + n0) * len(y) / m
    j = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2)
    return j * (m1 - m0) / np.sqrt(s2)
clusters["hedges_g"] = stacked([t * y, t, t * y * y, c * y, c, c * y * y], g_of, code, 2)
phase = np.array([i % 2 for i in range(len(rows))], float)
XX = np.column_stack([np.ones(len(y)), arm, phase, arm * phase])
clusters["difference_in_differences"] = ols(y, XX, code)
out["clusters"] = clusters

# Welch, unequal sizes; rows of the same data, clusters ignored.
w = stats.ttest_ind(y[one], y[~one], equal_var=False); ci = w.confidence_interval()
out["welch"] = [float(y[one].mean() - y[~one].mean()), float(w.df), float(ci.low), float(ci.high), float(w.pvalue)]

# Pooling: an independent writing (likelihood maximised with 40 digits, not Fisher scoring).
def pooled(y, v):
    y, v = [mp.mpf(str(x)) for x in y], [mp.mpf(str(x)) for x in v]; k = len(y)
    def fit(t2):
        w = [1 / (x + t2) for x in v]; mu = sum(a * b for a, b in zip(w, y)) / sum(w)
        return w, mu, sum(a * (b - mu) ** 2 for a, b in zip(w, y))
    def score(t2):
        w, mu, _ = fit(t2); S = sum(w)
        return sum((a * (b - mu)) ** 2 for a, b in zip(w, y)) - (S - sum(a * a for a in w) / S)
    def solve(f):
        if f(mp.mpf(0)) <= 0: return mp.mpf(0)
        hi = mp.mpf(1)
        while f(hi) > 0: hi *= 2
        return mp.findroot(f, (mp.mpf(0), hi), solver="anderson", tol=1e-60, maxsteps=500, verify=False)
    w, mu, q = fit(mp.mpf(0)); S, S2 = sum(w), sum(a * a for a in w)
    chi = lambda p: mp.mpf(float(stats.chi2.ppf(p, k - 1)))
    s2 = (k - 1) * S / (S * S - S2)
    res = {"y": [float(a) for a in y], "v": [float(a) for a in v], "fixed": [float(mu), float(mp.sqrt(1 / S))], "q": float(q),
           "tau2": {"reml": solve(score), "dl": max(mp.mpf(0), (q - (k - 1)) / (S - S2 / S)), "pm": solve(lambda t2: fit(t2)[2] - (k - 1))}}
    res["tau2_ci"] = None if q < chi(0.025) else [float(solve(lambda t2: fit(t2)[2] - chi(0.975))), float(solve(lambda t2: fit(t2)[2] - chi(0.025)))]
    t2 = res["tau2"]["reml"]; w, mu, qr = fit(t2); S = sum(w); h = qr / (k - 1); tc = mp.mpf(float(stats.t.ppf(0.975, k - 1)))
    adhoc = mp.sqrt(max(mp.mpf(1), h) / S); half = tc * mp.sqrt(t2 + adhoc ** 2)
    res["random"] = [float(mu), float(mp.sqrt(1 / S))]; res["hksj"] = float(mp.sqrt(h / S)); res["adhoc"] = float(adhoc)
    res["i2"] = float(100 * t2 / (t2 + s2)); res["h2"] = float(1 + t2 / s2); res["prediction"] = [float(mu - half), float(mu + half)]
    res["tau2"] = {a: float(b) for a, b in res["tau2"].items()}
    return res

def sets():
    yield "positive", [0.1, 0.42, -0.3, 0.9, 0.55], [0.01, 0.04, 0.02, 0.09, 0.03]
    yield "homogeneous", [0.5, 0.52, 0.47, 0.55], [0.1, 0.2, 0.15, 0.12]
    yield "empty", [0.5, 0.501, 0.4995, 0.5002, 0.5], [0.1, 0.2, 0.15, 0.12, 0.3]
    yield "three", [12.0, -5.0, 40.0], [30.0, 16.0, 90.0]
    yield "unequal", [1.2, 0.3, 0.8, 2.4, -0.7, 1.1, 0.2, 0.9], [0.001, 0.5, 0.08, 1.4, 0.3, 0.02, 0.9, 0.05]
    # dat.bcg (Colditz et al. 1994), log risk ratio
    bcg = [(4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761), (180, 1361, 372, 1079),
           (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197),
           (5, 2493, 3, 2338), (27, 16886, 29, 17825)]
    yield ("bcg", [math.log(a / (a + b) / (c / (c + d))) for a, b, c, d in bcg],
           [1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) for a, b, c, d in bcg])
out["pools"] = {name: pooled(y, v) for name, y, v in sets()}

# PyMARE as a second opinion on τ² (it stops at its optimiser's tolerance).
import pymare
for name, y, v in sets():
    ds = pymare.Dataset(np.array(y)[:, None], np.array(v)[:, None])
    reml = pymare.estimators.VarianceBasedLikelihoodEstimator(method="REML").fit_dataset(ds).summary().tau2
    dl = pymare.estimators.DerSimonianLaird().fit_dataset(ds).summary().tau2
    out["pools"][name]["pymare"] = {"reml": float(np.ravel(reml)[0]), "dl": float(np.ravel(dl)[0])}

p = [0.01, 0.04, 0.03, 0.005, 0.2, 0.04]
out["multiplicity"] = {"p": p, "holm": multipletests(p, method="holm")[1].tolist(), "bh": multipletests(p, method="fdr_bh")[1].tolist()}

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")

for name in out["pools"]:
    print(name, out["pools"][name]["tau2"], out["pools"][name]["pymare"])
print(len(path.read_text()))
