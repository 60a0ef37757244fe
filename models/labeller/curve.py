"""What more cases of our own are worth to the second reader: its learning curve.

    python curve.py DATA FEATURES GRAPH

as `general.py`, whose features of every answer it takes from FEATURES/general.npz. To those it adds
none, a quarter, half and all of tests/fixtures/requests.jsonl (whole questions; their features are
kept in FEATURES/requests.npz), trains with each part of FOLDS held out, and prints, as Markdown, how
well the reader alone orders the answers held out that are not among those cases: the average
precision of withheld, and the F1 at the best threshold. Then the same on the cases themselves: on a
fifth of their questions, with as large a share of the others added, five times.
"""

import os
import sys

import numpy as np
import torch
from sklearn.metrics import average_precision_score, f1_score

from general import FOLDS, Answers, Graph, read, readers
from sources import cases, rows

SHARES = (0, 0.25, 0.5, 1)
THRESHOLDS = np.linspace(0.05, 0.98, 60)


def features(path, features_of):
    if not os.path.exists(path):
        np.savez(path, **features_of())
    return dict(np.load(path))


def joined(kept, more):
    """The features of all, in one; places of other questions are counted on."""
    more["other"] = np.where(more["other"] >= 0, more["other"] + len(kept["other"]), -1)
    axis = lambda name: 1 if name == "surfaces" else 0
    return {name: np.concatenate([kept[name], more[name]], axis(name)) for name in kept}


def groups(answers, test):
    """Names of what is held out, with which answers these are."""
    kind, model = answers.kind[test], answers.model[test]
    yield from (
        (f"XSTest, {name}", (kind == "xstest") & (model == name))
        for name in np.unique(model[kind == "xstest"])
    )
    yield from ((name, kind == name) for name in ("cases", "speechmap"))


def trained(answers, train, test):
    """The truth of some answers, and the probability of withheld by a reader of others."""
    [reader] = readers(answers, train)
    with torch.inference_mode():
        said = reader(torch.from_numpy(answers.x[0, test].astype(np.float32)))
    return answers.labels[test] != 0, 1 - said[:, :3].softmax(1)[:, 0].numpy()


def line(name, added, pairs):
    truth, withheld = (np.concatenate(of) for of in zip(*pairs))
    best = max(f1_score(truth, withheld > threshold) for threshold in THRESHOLDS)
    precision = average_precision_score(truth, withheld)
    print(f"| {name} | {len(truth):,} | {added:,} | {precision:.3f} | {best:.3f} |", flush=True)


def main():
    data, folder, graph = sys.argv[1:]
    old, new = rows(data), list(cases("requests"))
    kept = joined(
        dict(np.load(os.path.join(folder, "general.npz"))),
        features(os.path.join(folder, "requests.npz"), lambda: read(new, Graph(graph))),
    )
    answers = Answers(old + new, kept)
    is_new = np.arange(len(old) + len(new)) >= len(old)
    asked = np.array([row["question"] for row in old + new])
    order = np.random.default_rng(0).permutation(np.unique(asked[is_new]))
    print("| held out | n | our cases added | average precision | best F1 |")
    print("|---|---|---|---|---|")
    for share in SHARES:
        added = is_new & np.isin(asked, order[: int(len(order) * share)])
        found = {}
        for name in (fold for fold in FOLDS if fold != "nothing"):
            out = answers.held_out(name)
            test = np.where(out & ~is_new)[0]
            truth, withheld = trained(answers, np.where(~out & (added | ~is_new))[0], test)
            part = "unseen models, languages" if name.startswith("fifth") else f"all of {name}"
            for group, own in groups(answers, test):
                if own.any():
                    found.setdefault(f"{group}; {part}", []).append((truth[own], withheld[own]))
        for name, pairs in sorted(found.items()):
            line(name, added.sum(), pairs)
    for share in SHARES:
        pairs, numbers = [], []
        for fifth in range(5):
            out = is_new & np.isin(asked, order[fifth::5])
            rest = np.setdiff1d(order, order[fifth::5])
            added = is_new & np.isin(asked, rest[: int(len(rest) * share)])
            numbers.append(added.sum())
            train = np.where(~out & (added | ~is_new))[0]
            pairs.append(trained(answers, train, np.where(out)[0]))
        line("these cases; unseen questions", round(np.mean(numbers)), pairs)


if __name__ == "__main__":
    main()
