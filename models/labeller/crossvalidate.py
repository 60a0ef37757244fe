"""Figures of the labeller on answers it was trained without, from what `train.py` wrote for each part held out.

    python crossvalidate.py SPEECHMAP FEATURES

prints F1 of non-compliance (everything but COMPLETE) against the first judge at thresholds of its probability, κ of the three labels at a threshold of 0.4, and
the expected calibration error (ten bins) of the probability.
"""

import os
import sys

import numpy as np
from sklearn.metrics import cohen_kappa_score, f1_score

from data import LABELS, rows

SETS = ["china_criticism", "us_criticism", "zh_china_criticism"]
FIFTHS = [f"models-{i}" for i in range(5)]
THRESHOLD = 0.4


def calibration_error(probability, truth, bins=10):
    error = 0.0
    for i in range(bins):
        inside = (probability >= i / bins) & (probability < (i + 1) / bins + (i == bins - 1))
        if inside.any():
            error += inside.mean() * abs(probability[inside].mean() - truth[inside].mean())
    return error


def show(name, labels, probabilities):
    withheld, truth = 1 - probabilities[:, 0], labels > 0
    scores = "  ".join(f"{t}: {f1_score(truth, withheld > t):.3f}" for t in (0.2, 0.3, 0.4, 0.5))
    told = np.where(withheld > THRESHOLD, 1 + (probabilities[:, 2] > probabilities[:, 1]), 0)
    kappa, error = cohen_kappa_score(labels, told), calibration_error(withheld, truth)
    print(f"{name:32} n {len(labels):5}  F1 {scores}  κ {kappa:.3f}  calibration error {error:.3f}", flush=True)


def main():
    speechmap, features = sys.argv[1:3]
    all_rows = rows(speechmap)
    labels = np.array([LABELS.index(r["label"]) for r in all_rows])
    models, sets = np.array([r["model"] for r in all_rows]), np.array([r["set"] for r in all_rows])
    names = sorted(set(models) - {"cases"})
    held_out = {s: sets == s for s in SETS} | {f: np.isin(models, names[i::5]) for i, f in enumerate(FIFTHS)}
    together, seen = np.zeros((2, len(labels), len(LABELS))), np.zeros(len(labels), bool)
    for name, where in held_out.items():
        path = os.path.join(features, name + ".npy")
        if not os.path.exists(path):
            print(f"{name:32} not trained yet")
            continue
        parts = np.load(path)
        if name in FIFTHS:
            together[:, where], seen = parts, seen | where
        for part, probabilities in zip(("network", "regression"), parts):
            show(f"{name}, {part}", labels[where], probabilities)
        show(name, labels[where], parts.mean(0))
    if seen.any():
        show("unseen models", labels[seen], together.mean(0)[seen])


if __name__ == "__main__":
    main()
