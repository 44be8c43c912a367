"""Refait les effets d'ensemble avec numpy et scipy, et les compare à ceux de Retex.

    python3 comparaison.py [comparaison-international.csv]

Demande numpy et scipy. Chaque effet d'une structure et son erreur type sont lus tels que Retex les donne ; le reste est calculé ici :
τ² par maximum de vraisemblance restreinte (REML), DerSimonian et Laird ou Paule et Mandel, moyenne pondérée, erreur type de Hartung, Knapp,
Sidik et Jonkman avec max(1, q). Le script finit avec le code 1 si un écart relatif dépasse 1e-6.
"""
import csv
import sys

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t as student


def weighted(y, v, tau2):
    w = 1 / (v + tau2)
    return w, np.sum(w * y) / np.sum(w)


def root(f, start):
    """Où f, qui décroît, passe par zéro ; 0 si elle est déjà négative en 0."""
    if f(0.0) <= 0:
        return 0.0
    high = start
    while f(high) > 0:
        high *= 2
    return brentq(f, 0.0, high, xtol=1e-15, rtol=1e-14, maxiter=1000)


def between(y, v, method):
    """La variance entre structures."""
    k = len(y)
    w, mean = weighted(y, v, 0.0)
    q = np.sum(w * (y - mean) ** 2)
    if method == "dl":
        return max(0.0, (q - k + 1) / (np.sum(w) - np.sum(w**2) / np.sum(w)))

    def excess(tau2):  # Paule et Mandel
        w, mean = weighted(y, v, tau2)
        return np.sum(w * (y - mean) ** 2) - (k - 1)

    def score(tau2):  # dérivée de la vraisemblance restreinte, deux fois
        w, mean = weighted(y, v, tau2)
        return np.sum(w**2 * (y - mean) ** 2) - np.sum(w) + np.sum(w**2) / np.sum(w)

    if method == "pm":
        return root(excess, float(np.var(y) + np.mean(v)))
    # Notation de Fisher à partir de l'estimateur de Hedges ; la dérivée peut passer plusieurs fois par zéro.
    tau2 = max(0.0, float(np.var(y, ddof=1) - np.mean(v)))
    for _ in range(1000):
        w, _mean = weighted(y, v, tau2)
        information = np.sum(w**2) - 2 * np.sum(w**3) / np.sum(w) + (np.sum(w**2) / np.sum(w)) ** 2
        following = max(0.0, tau2 + score(tau2) / information)
        if abs(following - tau2) <= 1e-14 * (tau2 + float(np.mean(v))):
            return following
        tau2 = following
    return root(score, float(np.var(y) + np.mean(v)))


def pool(y, v, method, confidence):
    k = len(y)
    fixed, mean_fixed = weighted(y, v, 0.0)
    q = np.sum(fixed * (y - mean_fixed) ** 2)
    s2 = (k - 1) * np.sum(fixed) / (np.sum(fixed) ** 2 - np.sum(fixed**2))
    tau2 = between(y, v, method)
    w, mean = weighted(y, v, tau2)
    scale = max(1.0, np.sum(w * (y - mean) ** 2) / (k - 1))
    adhoc = np.sqrt(scale / np.sum(w))
    half = student.ppf((1 + confidence) / 2, k - 1) * adhoc
    return {
        "estimate": mean,
        "se": np.sqrt(1 / np.sum(w)),
        "tau2": tau2,
        "i2": 100 * tau2 / (tau2 + s2),
        "q": q,
        "se_adhoc": adhoc,
        "low_adhoc": mean - half,
        "high_adhoc": mean + half,
    }


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "comparaison-international.csv"
    with open(path, encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    compared = apart = 0
    for name in dict.fromkeys(row["indicator"] for row in table):
        ours = next(row for row in table if row["indicator"] == name and row["row"] == "pooled")
        sites = [row for row in table if row["indicator"] == name and row["row"] == "site" and row["estimate"] and row["se"]]
        if not ours["method"] or ours["pooled_of"] != "effect":
            print(f"{name} : pas d'effet d'ensemble à refaire")
            continue
        if not ours["tau2"] or len(sites) != int(float(ours["k"])):
            print(f"{name} : des valeurs sont masquées, le calcul ne peut pas être refait")
            continue
        y = np.array([float(row["estimate"]) for row in sites])
        v = np.array([float(row["se"]) for row in sites]) ** 2
        here = pool(y, v, ours["method"], float(ours["confidence"]))
        print(f"{name} ({len(sites)} structures)")
        for column, value in here.items():
            theirs = float(ours[column])
            # Près de zéro, un écart se juge à l'échelle de l'erreur type.
            wrong = not abs(value - theirs) <= 1e-6 * max(abs(theirs), here["se"], 1e-12)
            apart += wrong
            compared += 1
            print(f"  {column:10} Retex {theirs:<22.15g} scipy {value:<22.15g} {'ÉCART' if wrong else 'identique'}")
    print(f"{compared} valeurs comparées, {apart} écarts")
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
