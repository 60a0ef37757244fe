"""Trains the labeller, on everything or without some.

    python train.py SPEECHMAP FEATURES [HELD-OUT …]

HELD-OUT is a question set (`china_criticism`), a fifth of the models (`models-0` to `models-4`), or
`nothing`. Writes FEATURES/HELD-OUT.npy, the probabilities of the answers that were held out by the
three parts of the labeller (part × answer × class), and, for `nothing`, FEATURES/labeller.pt. About
13 minutes each on two cores.
"""

import json
import os
import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

import languages
from data import LABELS, rows
from encoder import Encoder, Weights
from network import FROZEN, TRAINED, Member, Network, Words, combined
from pieces import beginnings, vocabulary
from surface import surface

SEED = 0
# Of the layers trained above the frozen ones.
EPOCHS, BATCH = 2, 16
RATE_ENCODER, RATE_HEAD = 5e-5, 1e-3
# Of the small networks.
MEMBERS, EPOCHS_MEMBERS, BATCH_MEMBERS, RATE_MEMBERS = 2, 12, 32, 1e-3
# Of the words: those that this many answers have, and how much a weight costs.
EPOCHS_WORDS, BATCH_WORDS, RATE_WORDS, RATE_COUNTS, FALL_WORDS = 20, 64, 5e-2, 1e-2, 0.85
SEEN, COST_WORDS = 3, 1e-5
# Words are asked in languages with this many answers to learn from; in others the rest speaks
# alone.
SPOKEN = 1000
# How much of an answer's label is the second judge's: their disagreement becomes doubt.
SECOND = 0.3


# Which reading of an answer is trained on: half of the time all of it, else as if it ended with its
# first piece, or with its second. Else the
# labeller would learn that short answers are withheld: here most are.
READINGS = [0, 0, 1, 2]


class Answers:
    """Every answer with its labels, pieces and frozen states. Places and surfaces have one entry
    per reading."""

    def __init__(self, speechmap: str, features: str) -> None:
        self.rows = rows(speechmap)
        index = lambda label, other: LABELS.index(label) if label in LABELS else other
        self.labels = np.array([LABELS.index(r["label"]) for r in self.rows])
        self.second = np.array([index(r["second"], y) for r, y in zip(self.rows, self.labels)])
        tokenizer, kept = vocabulary(Weights())
        self.vocabulary = len(kept)
        readings = zip(*((r["answer"], *beginnings(tokenizer, r["answer"])) for r in self.rows))
        self.surfaces = np.array(
            [
                [surface(r["question"], a) for r, a in zip(self.rows, answers)]
                for answers in readings
            ],
            np.float32,
        )
        eye = np.eye(len(LABELS), dtype=np.float32)
        self.soft_labels = torch.tensor((1 - SECOND) * eye[self.labels] + SECOND * eye[self.second])
        self.sets = np.array([r["set"] for r in self.rows])
        places = np.array(json.load(open(os.path.join(features, "places.json"))))
        self.places = np.stack([np.where(np.arange(4) > last, -1, places) for last in (3, 1, 2)])
        self.first, self.pieces = json.load(open(os.path.join(features, "pieces.json")))
        self.languages = np.array([languages.place(r["answer_language"]) for r in self.rows])
        self.states = np.load(os.path.join(features, "states.npy"))
        self.lengths = np.array(
            [sum(self.first[i + 1] - self.first[i] for i in p if i >= 0) for p in places]
        )

    def held_out(self, name: str) -> np.ndarray:
        models = np.array([r["model"] for r in self.rows])
        if name.startswith("models-"):
            return np.isin(models, sorted(set(models) - {"cases"})[int(name[-1]) :: 5])
        return self.sets == name

    def prior_log_offsets(self, train: np.ndarray) -> torch.Tensor:
        """Log ratio of each label's share in an answer's question set to its share in all. It is
        added to the logits in training, and omitted afterwards: else the labeller would learn
        that questions about one country are answered and about another withheld, and expect it
        of every other (logit adjustment, Menon et al. 2021, with the sets' shares for priors)."""
        share = lambda labels: (
            (np.bincount(labels, minlength=len(LABELS)) + 1) / (len(labels) + len(LABELS))
        )
        prior_log_offsets = np.zeros((len(self.labels), len(LABELS)), np.float32)
        for name in set(self.sets[train]):
            own = train[self.sets[train] == name]
            prior_log_offsets[own] = np.log(share(self.labels[own]) / share(self.labels[train]))
        return torch.tensor(prior_log_offsets)

    def batch(
        self, chosen: np.ndarray, readings: np.ndarray | int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Frozen states, segments and surfaces of some answers, each in one reading, padded to
        the longest."""
        longest = int(self.lengths[chosen].max())
        x = np.zeros((len(chosen), longest, self.states.shape[1]), np.float16)
        segments = np.zeros((len(chosen), longest), np.int64)
        for k, pieces in enumerate(self.places[readings, chosen]):
            at = 0
            for segment, piece in enumerate(pieces, 1):
                if piece >= 0:
                    start, end = self.first[piece], self.first[piece + 1]
                    x[k, at : at + end - start] = self.states[start:end]
                    segments[k, at : at + end - start] = segment
                    at += end - start
        return (
            torch.from_numpy(x).float(),
            torch.from_numpy(segments),
            torch.tensor(self.surfaces[readings, chosen]),
        )

    def words_of(self, places: np.ndarray) -> list[int]:
        """The words of the answer's pieces."""
        return [word for piece in places[1:] if piece >= 0 for word in self.pieces[piece]]

    def words(
        self, chosen: np.ndarray, readings: np.ndarray | int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The answers' words in a row, how many each has, and surfaces. A piece's first and last
        token stand in every answer, and so weigh nothing."""
        found = [self.words_of(places) for places in self.places[readings, chosen]]
        lengths = torch.tensor([len(words) for words in found])
        return (
            torch.tensor([word for words in found for word in words]),
            lengths,
            torch.tensor(self.surfaces[readings, chosen]),
        )

    def pair_features(self) -> np.ndarray:
        """For the small networks, of each reading: each part of the answer, question × part,
        |question − part|, cosines, surface."""
        return np.stack([self.side_by_side(p, s) for p, s in zip(self.places, self.surfaces)])

    def side_by_side(self, places: np.ndarray, surfaces: np.ndarray) -> np.ndarray:
        pieces = [
            self.states[a:b].astype(np.float32).mean(0)
            for a, b in zip(self.first[:-1], self.first[1:])
        ]
        pieces = np.stack([*pieces, np.zeros(self.states.shape[1], np.float32)])
        pieces /= np.maximum(1e-6, np.linalg.norm(pieces, axis=-1, keepdims=True))
        question, *parts = (pieces[column] for column in places.T)
        blocks = [block for p in parts for block in (p, question * p * 8, np.abs(question - p))]
        return np.concatenate(
            [*blocks, np.stack([(question * p).sum(1) for p in parts], 1), surfaces], 1
        )


def by_network(answers: Answers, train: np.ndarray, test: np.ndarray) -> tuple[Network, np.ndarray]:
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    weights = Weights()
    layers = Encoder(weights, layers=FROZEN + TRAINED, kept=[0]).layers[FROZEN:]
    own = answers.surfaces[0, train]
    network = Network(
        layers, weights.hidden, torch.tensor(own.mean(0)), torch.tensor(own.std(0) + 1e-3)
    )
    of_encoder = lambda name: name.startswith("layers")
    groups = [
        {"params": [p for n, p in network.named_parameters() if of_encoder(n)], "lr": RATE_ENCODER},
        {
            "params": [p for n, p in network.named_parameters() if not of_encoder(n)],
            "lr": RATE_HEAD,
        },
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
    prior_log_offsets = answers.prior_log_offsets(train)
    steps = EPOCHS * (len(train) // BATCH + 40)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [RATE_ENCODER, RATE_HEAD], total_steps=steps, pct_start=0.15
    )
    for _ in range(EPOCHS):
        network.train()
        order = random.permutation(train)
        chunks = [
            c[np.argsort(answers.lengths[c])]
            for c in np.array_split(order, max(1, len(order) // 512))
        ]
        batches = [c[i : i + BATCH] for c in chunks for i in range(0, len(c), BATCH)]
        random.shuffle(batches)
        for batch in batches:
            readings = random.choice(READINGS, len(batch))
            loss = nn.functional.cross_entropy(
                network(*answers.batch(batch, readings)) + prior_log_offsets[batch],
                answers.soft_labels[batch],
            )
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
            found[chosen] = network(*answers.batch(test[chosen], 0)).softmax(1).numpy()
    return network, found


def batches(
    random: np.random.Generator, train: np.ndarray, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The answers trained on, once each in a new order, and which reading of each."""
    order = random.permutation(train)
    for i in range(0, len(order), size):
        batch = order[i : i + size]
        yield batch, random.choice(READINGS, len(batch))


def by_members(
    answers: Answers, x: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[list[Member], np.ndarray]:
    """Small networks on features of question and parts, and the probabilities of the answers
    held out, from the mean of their logits."""
    x, prior_log_offsets = torch.tensor(x), answers.prior_log_offsets(train)
    members = []
    for seed in range(MEMBERS):
        torch.manual_seed(seed)
        random = np.random.default_rng(seed)
        member = Member(x[0, train].mean(0), x[0, train].std(0) + 1e-6)
        optimizer = torch.optim.AdamW(member.parameters(), weight_decay=0.01)
        steps = EPOCHS_MEMBERS * (len(train) // BATCH_MEMBERS + 1)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE_MEMBERS, total_steps=steps)
        for _ in range(EPOCHS_MEMBERS):
            for batch, readings in batches(random, train, BATCH_MEMBERS):
                loss = nn.functional.cross_entropy(
                    member(x[readings, batch]) + prior_log_offsets[batch],
                    answers.soft_labels[batch],
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        members.append(member.eval())
    with torch.inference_mode():
        return members, torch.stack([member(x[0, test]) for member in members]).mean(0).softmax(
            1
        ).numpy()


def by_words(answers, train, test):
    """Weights of words, in which languages they are asked, and the probabilities of the answers
    held out."""
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    seen = np.zeros(answers.vocabulary)
    for places in answers.places[0, train]:
        seen[np.unique(answers.words_of(places))] += 1
    rarity = np.where(seen >= SEEN, np.log((1 + len(train)) / (1 + seen)), 0).astype(np.float32)
    own = torch.tensor(answers.surfaces[0, train])
    words = Words(torch.tensor(rarity), own.mean(0), own.std(0) + 1e-3)
    groups = [
        {"params": words.table.parameters(), "lr": RATE_WORDS},
        {"params": words.out.parameters(), "lr": RATE_COUNTS},
    ]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, FALL_WORDS)
    prior_log_offsets = answers.prior_log_offsets(train)
    for _ in range(EPOCHS_WORDS):
        for batch, readings in batches(random, train, BATCH_WORDS):
            logits = words(*answers.words(batch, readings)) + prior_log_offsets[batch]
            loss = (
                nn.functional.cross_entropy(logits, answers.soft_labels[batch])
                + COST_WORDS * (words.table.weight**2).sum()
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    spoken = np.bincount(answers.languages[train], minlength=len(languages.LANGUAGES)) >= SPOKEN
    with torch.inference_mode():
        return words, spoken, words(*answers.words(test, 0)).softmax(1).numpy()


def main() -> None:
    speechmap, features, *wanted = sys.argv[1:]
    answers = Answers(speechmap, features)
    features_of_pairs = answers.pair_features()
    for name in wanted or ["nothing"]:
        held_out = answers.held_out(name)
        train = np.where(~held_out)[0]
        test = np.where(held_out)[0] if held_out.any() else train[:64]
        members, of_members = by_members(answers, features_of_pairs, train, test)
        words, spoken, of_words = by_words(answers, train, test)
        network, of_network = by_network(answers, train, test)
        of_words = np.where(
            spoken[answers.languages[test], None], of_words, combined([of_network, of_members])
        )
        np.save(os.path.join(features, f"{name}.npy"), np.stack([of_network, of_members, of_words]))
        if not held_out.any():
            parts = {
                "network": network.state_dict(),
                "members": [member.state_dict() for member in members],
            }
            parts |= {"words": words.state_dict(), "spoken": spoken.tolist()}
            torch.save(parts, os.path.join(features, "labeller.pt"))
        print(name, "done", flush=True)


if __name__ == "__main__":
    main()
