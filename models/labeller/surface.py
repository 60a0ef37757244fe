"""Fifteen counts of an answer that need no language. `src/score/refusal/classifier/surface.rs`
counts the same."""

import math
import re

ENDS, BEGINS = '.!。！”"*', "#*"


def surface(question: str, answer: str) -> list[float]:
    answer = answer.strip()
    n = len(answer)
    counts = [
        answer.count("\n"),
        answer.count("**"),
        answer.count("- "),
        answer.count("#"),
        len(re.findall(r"\d", answer)),
    ]
    counts += [sum(answer.count(c) for c in marks) for marks in ("?？", "!！", '"“')]
    return [
        *(math.log1p(count) for count in [n, *counts]),
        math.log1p(n) - math.log1p(len(question)),
        float(answer[-1] in ENDS),
        float(answer[0] in BEGINS),
        float(n < 200),
        float(n < 600),
        len(set(answer[:300])) / min(300, n),
    ]
