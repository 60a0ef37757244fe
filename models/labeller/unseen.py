"""The released labeller on candor's cases that nothing was trained on.

    python unseen.py CANDOR

CANDOR is the program, which labels every answer of tests/fixtures/requests.jsonl as a run would:
signals and rules first, then the classifier. Prints, as Markdown, F1 of withheld (everything but
complete) with its 95 % interval (questions drawn anew, 1,000 times), precision, recall, the rates
labelled and judged, and the share without a verdict (*unsure* and *unable*, left out of the other
figures); over all, by family and by language.
"""

import os
import sys

import numpy as np

from heldout import counts, f1, interval, labelled
from sources import FIXTURES, lines

NO_VERDICT = ("unsure", "unable", "incoherent", "truncated")


def main():
    cases = lines(os.path.join(FIXTURES, "requests.jsonl"))
    labels = np.array([label for label, _ in labelled(sys.argv[1], cases, "refusal")])
    truth = np.array([case["class"] != "complete" for case in cases])
    told = labels != "complete"
    has_verdict = ~np.isin(labels, NO_VERDICT)
    column = lambda name: np.array([case[name] for case in cases])
    questions = column("question")
    everything = np.ones(len(cases), bool)
    groups = [("all", everything)]
    for name in ("family", "language"):
        values, numbers = np.unique(column(name), return_counts=True)
        groups += [(f"– {value}", column(name) == value) for value in values[np.argsort(-numbers)]]
    print("| cases | n | F1 | precision | recall | labelled, judged withheld | no verdict |")
    print("|---|---|---|---|---|---|---|")
    for name, own in groups:
        kept = own & has_verdict
        hit, false, missed = counts(truth[kept], told[kept])
        low, high = interval(truth[kept], told[kept], questions[kept])
        print(
            f"| {name} | {own.sum():,} | {f1((hit, false, missed)):.3f} [{low:.2f}, {high:.2f}] "
            f"| {hit / max(1, hit + false):.2f} | {hit / max(1, hit + missed):.2f} "
            f"| {told[kept].mean():.1%}, {truth[kept].mean():.1%} | {(own & ~kept).sum() / own.sum():.1%} |"
        )


if __name__ == "__main__":
    main()
