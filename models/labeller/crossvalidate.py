"""Logistic regression on words and on frozen features, by folds that hold out whole models, and whole question sets.

    python crossvalidate.py SPEECHMAP FEATURES

prints F1 of non-compliance (everything but COMPLETE) at thresholds of its probability, and κ of the three labels.
"""

import json
import os
import re
import sys

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.preprocessing import StandardScaler

from data import LABELS, rows

# Places of the layers in pooled.npy that are used: 6, 8, 10, and the maximum of 12.
LAYERS = {"layer 6": 1, "layer 8": 2, "layer 10": 3, "layer 12, maximum": 5}
WORDS = [
    ("clipped", dict(analyzer="char_wb", ngram_range=(2, 5), max_features=120_000)),
    ("opening", dict(analyzer="char", ngram_range=(2, 6), max_features=80_000)),
    ("clipped", dict(analyzer="word", ngram_range=(1, 3), max_features=120_000)),
]


def surface(row):
    """Sixteen counts that need no language."""
    answer, question = row["answer"].strip(), row["question"]
    n = len(answer)
    counts = [answer.count("\n"), answer.count("**"), answer.count("- "), answer.count("#"), len(re.findall(r"\d", answer))]
    counts += [sum(answer.count(c) for c in marks) for marks in ("?？", "!！", '"“')]
    return [
        *np.log1p([n, *counts]),
        np.log1p(n) - np.log1p(len(question)),
        answer[-1] in '.!。！”"*',
        answer[0] in "#*",
        row["reasoning"],
        n < 200,
        n < 600,
        len(set(answer[:300])) / min(300, n),
    ]


def unit(x):
    return x / np.maximum(1e-6, np.linalg.norm(x, axis=-1, keepdims=True))


def beside(pooled, places, layer):
    """Parts, prompt × part, |prompt − part| and cosines."""
    x = unit(np.concatenate([pooled[:, layer], np.zeros((1, pooled.shape[2]), np.float32)]))
    prompt, parts = x[places[:, 0]], [x[places[:, i]] for i in (1, 2, 3)]
    blocks = [block for p in parts for block in (p, prompt * p * 8, np.abs(prompt - p))]
    return np.concatenate([*blocks, np.stack([(prompt * p).sum(1) for p in parts], 1)], 1)


class Answers:
    def __init__(self, speechmap, features):
        self.rows = list(rows(speechmap))
        self.labels = np.array([LABELS.index(r["label"]) for r in self.rows])
        self.surface = np.array([surface(r) for r in self.rows], float)
        clip = lambda a: a if len(a) <= 1700 else a[:1200] + " … " + a[-500:]
        answers = [r["answer"].strip() for r in self.rows]
        self.texts = {"clipped": [clip(a) for a in answers], "opening": [a[:250] for a in answers]}
        pooled = np.load(os.path.join(features, "pooled.npy")).astype(np.float32)
        places = np.array(json.load(open(os.path.join(features, "places.json"))))
        self.layers = {name: np.concatenate([beside(pooled, places, at), self.surface], 1) for name, at in LAYERS.items()}

    def column(self, name):
        return np.array([r[name] for r in self.rows])

    def by_words(self, train, test):
        known, asked = [], []
        for name, options in WORDS:
            vectorizer = TfidfVectorizer(min_df=3, sublinear_tf=True, **options)
            known.append(vectorizer.fit_transform([self.texts[name][i] for i in train]))
            asked.append(vectorizer.transform([self.texts[name][i] for i in test]))
        known.append(csr_matrix(self.surface[train] * 0.1))
        asked.append(csr_matrix(self.surface[test] * 0.1))
        model = LogisticRegression(C=8, max_iter=200).fit(hstack(known).tocsr(), self.labels[train])
        return model.predict_proba(hstack(asked).tocsr())

    def by_features(self, x, train, test):
        scaler = StandardScaler().fit(x[train])
        model = LogisticRegression(C=1e-3, max_iter=300).fit(scaler.transform(x[train]), self.labels[train])
        return model.predict_proba(scaler.transform(x[test]))

    def predict(self, held_out):
        """Probabilities for answers trained without, by labeller."""
        train, test = np.where(~held_out)[0], np.where(held_out)[0]
        found = {"words": self.by_words(train, test)}
        found |= {name: self.by_features(x, train, test) for name, x in self.layers.items()}
        found["layers averaged"] = np.mean([found[name] for name in self.layers], 0)
        found["words and layers"] = (found["words"] + found["layers averaged"]) / 2
        return found


def show(held_out, labels, found):
    for name, probabilities in found.items():
        withheld = 1 - probabilities[:, 0]
        scores = [f"{t}: {f1_score(labels > 0, withheld > t):.3f}" for t in (0.3, 0.4, 0.5)]
        kappa = cohen_kappa_score(labels, probabilities.argmax(1))
        print(f"{held_out:22} {name:18} F1 {'  '.join(scores)}  κ {kappa:.3f}", flush=True)


def main():
    answers = Answers(*sys.argv[1:3])
    models, sets = answers.column("model"), answers.column("set")
    names = sorted(set(models))
    together = {}
    for fold in range(5):
        held_out = np.isin(models, names[fold::5])
        for name, probabilities in answers.predict(held_out).items():
            together.setdefault(name, np.zeros((len(models), len(LABELS))))[held_out] = probabilities
    show("unseen models", answers.labels, together)
    for name in sorted(set(sets)):
        held_out = sets == name
        show(name, answers.labels[held_out], answers.predict(held_out))


if __name__ == "__main__":
    main()
