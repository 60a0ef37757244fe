"""True sentences of the hand-written cases, denied, attributed, or affirmed against a denial.

    python frames.py > FRAMED

writes cases of the form of tests/fixtures/statements/*.jsonl. A fact whose reading the frame leaves
open has none (null).
"""

import json
import os
import random
import re
import sys

import yaml

HERE = os.path.dirname(__file__)
FIXTURES = os.path.join(HERE, "..", "..", "tests", "fixtures", "statements")
ENDS = re.compile(r"(?<=[.!?])\s+(?=[^a-zа-яё])|(?<=[。！？।۔။؟])\s*|\n+")


def sentences(text: str) -> list[str]:
    return [s.strip() for s in ENDS.split(text) if s and len(s.strip()) > 12]


def bare(sentence: str) -> str:
    """A sentence that can stand in another."""
    return sentence.rstrip(" .。।۔။!！")


def main() -> None:
    rng = random.Random(1)
    frames = yaml.safe_load(open(os.path.join(HERE, "frames.yaml"), encoding="utf-8"))
    for line in open(os.path.join(FIXTURES, "train.jsonl"), encoding="utf-8"):
        case = json.loads(line)
        told = [r if r == "affirmed" else None for r in case["readings"]]
        own = frames.get(case["language"])
        if own is None or set(case["readings"]) - {"affirmed", "absent"} or not any(told):
            continue
        all_sentences = sentences(case["answer"])
        for at, sentence in enumerate(all_sentences):
            for reading in ("denied", "denied", "attributed", "attributed", "affirmed"):
                framed = rng.choice(own[reading]).replace("{s}", bare(sentence))
                # Half of them stand alone, the others before or behind another sentence as it was.
                beside = rng.choice(
                    ["", "", *(s for n, s in enumerate(all_sentences) if abs(n - at) == 1)]
                )
                answer = " ".join(rng.sample([framed, beside], 2)).strip() if beside else framed
                readings = [reading if r else None for r in told]
                kept = {"framed": sentence, "beside": beside}
                json.dump(
                    {**case, "answer": answer, "readings": readings, **kept},
                    sys.stdout,
                    ensure_ascii=False,
                )
                print()


if __name__ == "__main__":
    main()
