"""Trains the labeller, on everything or without some.

    python train.py SPEECHMAP FEATURES [HELD-OUT …]

HELD-OUT is a question set (`china_criticism`), a fifth of the models (`models-0` to `models-4`), or `nothing`. Writes FEATURES/HELD-OUT.npy, the
probabilities of the answers that were held out by both parts of the labeller (part × answer × class), and, for `nothing`, FEATURES/labeller.pt.
About 13 minutes each on two cores.
"""

import json
import os
import sys

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from data import LABELS, rows
from encoder import Encoder, Weights
from network import FROZEN, TRAINED, Network
from surface import surface

EPOCHS, BATCH, SEED = 2, 16, 0
RATE_ENCODER, RATE_HEAD = 5e-5, 1e-3
# How much of an answer's label is the second judge's: their disagreement becomes doubt.
SECOND = 0.3
# Of the logistic regression.
STRENGTH = 1e-3
# How far the answers of a language are weighed so that as much is withheld in each: 0 not at all, 1 wholly. Else the labeller would learn
# that English answers, most of which are about the United States here, are complete, and expect it of every other country.
EVENNESS = 0.5


class Answers:
    """Every answer with its labels, pieces and frozen states."""

    def __init__(self, speechmap, features):
        self.rows = rows(speechmap)
        index = lambda label, other: LABELS.index(label) if label in LABELS else other
        self.labels = np.array([LABELS.index(r["label"]) for r in self.rows])
        self.second = np.array([index(r["second"], y) for r, y in zip(self.rows, self.labels)])
        self.surface = np.array([surface(r["question"], r["answer"]) for r in self.rows], np.float32)
        kind = lambda r: "cases" if r["set"] == "cases" else "zh" if r["set"].startswith("zh") else "en"
        self.languages = np.array([kind(r) for r in self.rows])
        self.places = json.load(open(os.path.join(features, "places.json")))
        self.first, _ = json.load(open(os.path.join(features, "pieces.json")))
        self.states = np.load(os.path.join(features, f"states-{FROZEN}.npy"))
        self.lengths = np.array([sum(self.first[i + 1] - self.first[i] for i in p if i >= 0) for p in self.places])

    def held_out(self, name):
        models = np.array([r["model"] for r in self.rows])
        if name.startswith("models-"):
            return np.isin(models, sorted(set(models) - {"cases"})[int(name[-1]) :: 5])
        return np.array([r["set"] == name for r in self.rows])

    def weights(self, train):
        """A weight an answer: of each language as much is withheld."""
        withheld, weights = self.labels > 0, np.ones(len(self.labels), np.float32)
        share = withheld[train].mean()
        for language in set(self.languages[train]):
            own = train[self.languages[train] == language]
            here = withheld[own].mean()
            if 0 < here < 1:
                weights[own] = np.where(withheld[own], share / here, (1 - share) / (1 - here)) ** EVENNESS
        return weights

    def batch(self, chosen):
        """Frozen states and segments of some answers, padded to the longest."""
        longest = int(self.lengths[chosen].max())
        x = np.zeros((len(chosen), longest, self.states.shape[1]), np.float16)
        segments = np.zeros((len(chosen), longest), np.int64)
        for k, answer in enumerate(chosen):
            at = 0
            for segment, piece in enumerate(self.places[answer], 1):
                if piece >= 0:
                    start, end = self.first[piece], self.first[piece + 1]
                    x[k, at : at + end - start] = self.states[start:end]
                    segments[k, at : at + end - start] = segment
                    at += end - start
        return torch.from_numpy(x).float(), torch.from_numpy(segments), torch.tensor(self.surface[chosen])

    def beside(self):
        """For the logistic regression: each part of the answer, question × part, |question − part|, cosines, surface."""
        pieces = [self.states[a:b].astype(np.float32).mean(0) for a, b in zip(self.first[:-1], self.first[1:])]
        pieces = np.stack([*pieces, np.zeros(self.states.shape[1], np.float32)])
        pieces /= np.maximum(1e-6, np.linalg.norm(pieces, axis=-1, keepdims=True))
        question, *parts = (pieces[column] for column in np.array(self.places).T)
        blocks = [block for p in parts for block in (p, question * p * 8, np.abs(question - p))]
        return np.concatenate([*blocks, np.stack([(question * p).sum(1) for p in parts], 1), self.surface], 1)


def by_network(answers, train, test):
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    weights = Weights()
    layers = Encoder(weights, layers=FROZEN + TRAINED, kept=[0]).layers[FROZEN:]
    own = answers.surface[train]
    network = Network(layers, weights.hidden, torch.tensor(own.mean(0)), torch.tensor(own.std(0) + 1e-3))
    of_encoder = lambda name: name.startswith("layers")
    groups = [
        {"params": [p for n, p in network.named_parameters() if of_encoder(n)], "lr": RATE_ENCODER},
        {"params": [p for n, p in network.named_parameters() if not of_encoder(n)], "lr": RATE_HEAD},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
    eye = np.eye(len(LABELS), dtype=np.float32)
    wanted = torch.tensor((1 - SECOND) * eye[answers.labels] + SECOND * eye[answers.second])
    even = torch.tensor(answers.weights(train))
    steps = EPOCHS * (len(train) // BATCH + 40)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE_ENCODER, RATE_HEAD], total_steps=steps, pct_start=0.15)
    for _ in range(EPOCHS):
        network.train()
        order = random.permutation(train)
        chunks = [c[np.argsort(answers.lengths[c])] for c in np.array_split(order, max(1, len(order) // 512))]
        batches = [c[i : i + BATCH] for c in chunks for i in range(0, len(c), BATCH)]
        random.shuffle(batches)
        for batch in batches:
            losses = nn.functional.cross_entropy(network(*answers.batch(batch)), wanted[batch], reduction="none")
            loss = (losses * even[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if schedule.last_epoch < steps - 2:
                schedule.step()
    network.eval()
    found = np.zeros((len(test), len(LABELS)))
    order = np.argsort(answers.lengths[test])
    with torch.inference_mode():
        for i in range(0, len(order), 32):
            chosen = order[i : i + 32]
            found[chosen] = network(*answers.batch(test[chosen])).softmax(1).numpy()
    return network, found


def by_regression(answers, x, train, test):
    scaler = StandardScaler().fit(x[train])
    model = LogisticRegression(C=STRENGTH, max_iter=200)
    model.fit(scaler.transform(x[train]), answers.labels[train], sample_weight=answers.weights(train)[train])
    return scaler, model, model.predict_proba(scaler.transform(x[test]))


def main():
    speechmap, features, *wanted = sys.argv[1:]
    answers = Answers(speechmap, features)
    beside = answers.beside()
    for name in wanted or ["nothing"]:
        held_out = answers.held_out(name)
        train = np.where(~held_out)[0]
        test = np.where(held_out)[0] if held_out.any() else train[:64]
        scaler, regression, by_words = by_regression(answers, beside, train, test)
        network, by_network_ = by_network(answers, train, test)
        np.save(os.path.join(features, f"{name}.npy"), np.stack([by_network_, by_words]))
        if not held_out.any():
            parts = {
                "network": network.state_dict(),
                "weight": torch.tensor(regression.coef_ / scaler.scale_, dtype=torch.float32),
                "bias": torch.tensor(regression.intercept_ - (regression.coef_ / scaler.scale_) @ scaler.mean_, dtype=torch.float32),
            }
            torch.save(parts, os.path.join(features, "labeller.pt"))
        print(name, "done", flush=True)


if __name__ == "__main__":
    main()
