"""The second reader: a small network over the frozen states, trained on every source. The first,
which `train.py` makes, learnt from essays.

    python general.py DATA FEATURES GRAPH [HELD-OUT …]

GRAPH is what `export.py` wrote (labeller.onnx.zst). The first run reads every answer of DATA with
it and keeps what the reader is trained on in FEATURES/general.npz. HELD-OUT is one of FOLDS, or
`nothing`. Writes FEATURES/general-HELD-OUT.npz (which answers were held out, and the reader's
logits of them) and, for `nothing`, FEATURES/general.pt, which `extend.py` puts into the graph.
"""

import os
import sys

import numpy as np
import onnx
import onnxruntime
import torch
import zstandard
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import languages
from data import LABELS
from encoder import Weights
from pieces import beginnings, pieces, vocabulary
from sources import rows
from surface import surface

HIDDEN, SEEDS, EPOCHS, BATCH, RATE, FALL = 128, (0,), 8, 64, 1.5e-3, 0.01
# Tokens of the opening that are looked at by themselves: most refusals say so there.
OPENING = 24
# How the names of the second reader's nodes begin.
SECOND_READER = "second_"
# How much of an answer's label is the second judge's or annotator's.
SECOND = 0.3
# How much each kind of source weighs: the essays are many, and alike.
SHARES = {"speechmap": 0.4, "xstest": 0.22, "cases": 0.38}
# The shares of the labels that it is trained for, whatever those of a set are (logit adjustment,
# Menon et al. 2021).
PRIOR = np.array([0.5, 0.3, 0.2])
# Counts that tell an answer's length: it does not see them, since what is short is withheld among
# essays and answered elsewhere.
LENGTHS = (0, 1, 9, 12, 13, 14)
# A question that is paired with another's complete answer: the share of complete answers that is
# read so.
MISPAIRED = 0.06
# Families of cases that ask for what SpeechMap asks for. The reader also tells these from all
# others.
POLITICAL = {"political", "substance", "wrapper", "satire", "literal", "history", "cut"}
# Which reading of an answer is trained on: half of the time all of it, else as if it ended with its
# first piece, or with its second.
READINGS = (0, 0, 1, 2)
# What is held out together: whole models, question sets, languages.
FOLDS = {
    "nothing": {},
    "xstest": {"source": ["xstest"]},
    "china_criticism": {"set": ["china_criticism"]},
    "us_criticism": {"set": ["us_criticism"]},
    "zh_china_criticism": {"set": ["zh_china_criticism"]},
    "fifth-0": {"fifth": 0, "model": ["gpt4"], "language": ["fi", "es", "ja", "id"]},
    "fifth-1": {"fifth": 1, "model": ["llama2new"], "language": ["de", "tr", "ko", "pl"]},
    "fifth-2": {"fifth": 2, "model": ["mistralinstruct"], "language": ["fr", "ar", "vi", "zh"]},
    "fifth-3": {"fifth": 3, "language": ["ru", "hi", "pt"]},
    "fifth-4": {"fifth": 4, "language": ["uk", "it", "fa", "en"]},
}


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-6)


class Graph:
    """What `export.py` wrote, giving the frozen states before any language's offset is taken off,
    and the probabilities."""

    def __init__(self, path):
        with open(path, "rb") as file:
            graph = onnx.load_from_string(
                zstandard.ZstdDecompressor().decompress(file.read(), max_output_size=1 << 30)
            )
        self.states, self.offsets = frozen_states(graph)
        graph.graph.output.append(
            helper.make_tensor_value_info(self.states, TensorProto.FLOAT, None)
        )
        options = onnxruntime.SessionOptions()
        # Threads that wait by spinning take the cores from each other on a busy machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
        weights = Weights()
        self.tokenizer, kept = vocabulary(weights)
        self.start, self.end = kept.index(weights.bos), kept.index(weights.eos)

    def read(self, row):
        """The states of the question's and the answer's pieces, and the probabilities."""
        found = pieces(self.tokenizer, row["question"], row["answer"])
        framed = [[self.start, *piece, self.end] if piece else [] for piece in found]
        spoken = [
            languages.place(row[of]) for of in ("question_language", *["answer_language"] * 3)
        ]
        tokens = lambda value: np.array(
            [[v for k, piece in enumerate(framed) for v in value(k, piece)]], np.int64
        )
        fed = {
            "ids": tokens(lambda _, piece: piece),
            "places": tokens(lambda _, piece: range(len(piece))),
            "segments": tokens(lambda k, piece: [k + 1] * len(piece)),
            "languages": tokens(lambda k, piece: [spoken[k]] * len(piece)),
            "surface": np.array([surface(row["question"], row["answer"])], np.float32),
        }
        probabilities, states = self.session.run(["probabilities", self.states], fed)
        return [states[0][fed["segments"][0] == k] for k in (1, 2, 3, 4)], probabilities[0]


def frozen_states(graph):
    """The name of the states that the languages' offsets are taken off in the first reader, and
    these (languages × 384)."""
    [gather] = [
        node
        for node in graph.graph.node
        if node.op_type == "Gather" and node.input[1] == "languages" and not is_second(node)
    ]
    [taken] = [
        node
        for node in graph.graph.node
        if node.op_type == "Sub" and node.input[1] == gather.output[0]
    ]
    [offsets] = [c for c in graph.graph.initializer if c.name == gather.input[0]]
    return taken.input[0], numpy_helper.to_array(offsets)


def is_second(node):
    """Whether a node was put into the graph by `extend.py`."""
    return node.output[0].startswith(SECOND_READER)


def near(question, parts):
    """For each part: how near, on average, its nearest token is to each of the question's, and the
    question's nearest to each of its."""
    found = np.zeros((len(parts), 2), np.float32)
    for k, part in enumerate(parts):
        if len(question) and len(part):
            similar = unit(question) @ unit(part).T
            found[k] = similar.max(1).mean(), similar.max(0).mean()
    return found


def read(all_rows, graph):
    """Means of question and parts, the opening's, nearness with the own question and with
    another's, which that is, counts in three readings,
    and the graph's probabilities."""
    n, random = len(all_rows), np.random.default_rng(1)
    alike = {}
    for i, row in enumerate(all_rows):
        alike.setdefault((row["set"], row["question_language"]), []).append(i)
    kept = {
        "means": np.zeros((n, 4, 384), np.float16),
        "opening": np.zeros((n, 384), np.float16),
        "near": np.zeros((n, 3, 2), np.float32),
    }
    kept |= {
        "other": np.full(n, -1),
        "other_near": np.zeros((n, 3, 2), np.float32),
        "probabilities": np.zeros((n, 3), np.float32),
    }
    questions = {}
    for i, row in enumerate(all_rows):
        own, kept["probabilities"][i] = graph.read(row)
        spoken = [
            languages.place(row[of]) for of in ("question_language", *["answer_language"] * 3)
        ]
        own = [states - graph.offsets[language] for states, language in zip(own, spoken)]
        questions[i] = own[0].astype(np.float16)
        for k, states in enumerate(own):
            if len(states):
                kept["means"][i, k] = states.mean(0)
        if len(own[1]):
            kept["opening"][i] = own[1][:OPENING].mean(0)
        kept["near"][i] = near(own[0], own[1:])
        before = [
            j
            for j in alike[row["set"], row["question_language"]]
            if j < i and all_rows[j]["question"] != row["question"]
        ]
        if row["label"] == "COMPLETE" and before and random.random() < 0.5:
            kept["other"][i] = random.choice(before)
            kept["other_near"][i] = near(questions[kept["other"][i]].astype(np.float32), own[1:])
        if i % 500 == 0:
            print(f"{i}/{n}", flush=True)
    readings = [(row["answer"], *beginnings(graph.tokenizer, row["answer"])) for row in all_rows]
    kept["surfaces"] = np.array(
        [[surface(r["question"], a[k]) for r, a in zip(all_rows, readings)] for k in range(3)],
        np.float32,
    )
    return kept


class Second(nn.Module):
    """From question and parts side by side to logits of the three labels, and of whether it is
    asked what SpeechMap asks."""

    def __init__(self, mean, deviation):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        dropout = lambda: nn.Dropout(0.4)
        self.layers = nn.Sequential(
            dropout(),
            nn.Linear(len(mean), HIDDEN),
            nn.GELU(),
            dropout(),
            nn.Linear(HIDDEN, len(LABELS) + 1),
        )

    def forward(self, x):
        return self.layers(((x - self.mean) / self.deviation).clamp(-6, 6))


class Answers:
    """Every answer with what the reader reads, its labels, and where it comes from."""

    def __init__(self, all_rows, kept):
        self.kept = kept
        column = lambda name: np.array([str(r[name]) for r in all_rows])
        self.source, self.set, self.model, self.language = (
            column(c) for c in ("source", "set", "model", "answer_language")
        )
        self.labels = np.array([LABELS.index(r["label"]) for r in all_rows])
        second = np.array(
            [
                LABELS.index(r["second"]) if r["second"] in LABELS else y
                for r, y in zip(all_rows, self.labels)
            ]
        )
        eye = np.eye(len(LABELS), dtype=np.float32)
        self.wanted = (1 - SECOND) * eye[self.labels] + SECOND * eye[second]
        self.kind = np.where(np.isin(self.source, ["speechmap", "xstest"]), self.source, "cases")
        self.group = np.where(self.kind == "speechmap", self.set, self.kind)
        self.political = ((self.kind == "speechmap") | np.isin(self.set, list(POLITICAL))).astype(
            np.float32
        )
        self.x = np.stack([self.reading(r) for r in range(4)])

    def reading(self, reading):
        """What is read of every answer: all of it, to its first piece's or its second's end, or
        all of it beside another question."""
        kept, other = self.kept, reading == 3
        means = kept["means"].astype(np.float32)
        paired = np.where(kept["other"] >= 0, kept["other"], np.arange(len(means)))
        question = unit(means[paired if other else slice(None), 0])
        last = {1: 1, 2: 2}.get(reading, 3)
        blocks = []
        for k in (1, 2, 3):
            part = unit(means[:, k]) * (k <= last)
            product = question * part
            blocks += [part, product * 8, np.abs(question - part), product.sum(1, keepdims=True)]
        nearness = kept["other_near" if other else "near"].copy()
        nearness[:, last:] = 0
        surfaces = kept["surfaces"][0 if other else reading]
        return np.concatenate(
            [
                *blocks,
                unit(kept["opening"].astype(np.float32)),
                nearness.reshape(len(means), -1),
                surfaces,
            ],
            1,
        ).astype(np.float16)

    def held_out(self, name):
        fold, cases = FOLDS[name], self.kind == "cases"
        out = np.zeros(len(self.labels), bool)
        if "fifth" in fold:
            models = sorted(set(self.model[self.source == "speechmap"]))
            out |= (self.source == "speechmap") & np.isin(self.model, models[fold["fifth"] :: 5])
        out |= np.isin(self.source, fold.get("source", [])) | np.isin(self.set, fold.get("set", []))
        return (
            out
            | (self.source == "xstest") & np.isin(self.model, fold.get("model", []))
            | cases & np.isin(self.language, fold.get("language", []))
        )


def weights(answers, train):
    """What each answer trained on weighs, 1 on average: each kind of source its share."""
    found = np.zeros(len(answers.labels))
    for kind in set(answers.kind[train]):
        own = train[answers.kind[train] == kind]
        found[own] = SHARES[kind] / len(own)
    return (found / found[train].mean()).astype(np.float32)


def adjustment(answers, train):
    share = lambda labels: (
        (np.bincount(labels, minlength=len(LABELS)) + 1) / (len(labels) + len(LABELS))
    )
    found = np.zeros((len(answers.labels), len(LABELS)), np.float32)
    for group in set(answers.group[train]):
        own = train[answers.group[train] == group]
        found[own] = np.log(share(answers.labels[own]) / PRIOR)
    return found


def fit(answers, train, seed, mean, deviation):
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    reader = Second(mean, deviation)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=RATE, weight_decay=FALL)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=EPOCHS * (len(train) // BATCH + 1)
    )
    weight, adjusted = weights(answers, train), adjustment(answers, train)
    for _ in range(EPOCHS):
        order = random.permutation(train)
        for batch in (order[i : i + BATCH] for i in range(0, len(order), BATCH)):
            readings, wanted, offset = (
                random.choice(READINGS, len(batch)),
                answers.wanted[batch].copy(),
                adjusted[batch].copy(),
            )
            mispaired = (answers.kept["other"][batch] >= 0) & (
                random.random(len(batch)) < MISPAIRED
            )
            readings[mispaired], wanted[mispaired], offset[mispaired] = 3, [0.07, 0.9, 0.03], 0
            said = reader(torch.from_numpy(answers.x[readings, batch].astype(np.float32)))
            own = torch.from_numpy(weight[batch])
            of_labels = -(
                torch.from_numpy(wanted) * (said[:, :3] + torch.from_numpy(offset)).log_softmax(1)
            ).sum(1)
            political = torch.from_numpy(answers.political[batch])
            of_kind = nn.functional.binary_cross_entropy_with_logits(
                said[:, 3], political, reduction="none"
            )
            loss = ((of_labels + 0.2 * of_kind) * own).sum() / own.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return reader.eval()


def readers(answers, train):
    own = answers.x[0, train].astype(np.float32)
    deviation = torch.tensor(own.std(0) + 1e-3)
    deviation[[len(deviation) - 15 + place for place in LENGTHS]] = 1e6
    return [fit(answers, train, seed, torch.tensor(own.mean(0)), deviation) for seed in SEEDS]


def main():
    data, features, graph, *wanted = sys.argv[1:]
    all_rows, path = rows(data), os.path.join(features, "general.npz")
    if not os.path.exists(path):
        np.savez(path, **read(all_rows, Graph(graph)))
    answers = Answers(all_rows, dict(np.load(path)))
    for name in wanted or ["nothing"]:
        held_out = answers.held_out(name)
        found = readers(answers, np.where(~held_out)[0])
        test = np.where(held_out)[0]
        if len(test):
            with torch.inference_mode():
                x = torch.from_numpy(answers.x[0, test].astype(np.float32))
                np.savez(
                    os.path.join(features, f"general-{name}.npz"),
                    test=test,
                    logits=torch.stack([r(x) for r in found]).mean(0).numpy(),
                )
        else:
            torch.save(
                [reader.state_dict() for reader in found], os.path.join(features, "general.pt")
            )
        print(name, "done", flush=True)


if __name__ == "__main__":
    main()
