"""What the labeller reads of a question and its answer: at most 64 tokens of the question, and
of the answer the first 128, the next 64 and the last 64.
`src/score/refusal/classifier/pieces.rs` cuts the same way."""

import re

import numpy as np
from tokenizers import Tokenizer

from encoder import META, Weights

QUESTION, OPENING, MIDDLE, CLOSING = 64, 128, 64, 64
# Characters that are tokenized at most, from either end of an answer.
FROM_START, FROM_END = 2000, 700

# Pieces of the vocabulary that are kept: this many of the commonest, and every single character.
COMMONEST = 120_000

SENTENCE = re.compile(r"""[.!?]["”*]*(?=\s)|[。！？]["”]*|\n""")


def vocabulary(weights: Weights) -> tuple[Tokenizer, list[int]]:
    """The tokenizer over the kept pieces of the vocabulary, and their numbers in the whole one."""
    specials = 4
    common = (
        np.argsort(-weights.scores[specials : weights.pieces], kind="stable")[:COMMONEST] + specials
    )
    single = [i for i in range(weights.pieces) if len(weights.words[i].removeprefix(META)) <= 1]
    return weights.tokenizer([*common.tolist(), *single])


def pieces(tokenizer: Tokenizer, question: str, answer: str) -> list[list[int]]:
    """Token numbers of the question and of the answer's one to three pieces."""
    number = lambda text: tokenizer.encode(text).ids
    answer = answer.strip()
    start = number(answer[:FROM_START])
    found = [
        number(question.strip())[:QUESTION],
        start[:OPENING],
        start[OPENING : OPENING + MIDDLE],
    ]
    if len(answer) > FROM_START:
        found.append(number(answer[-FROM_END:])[-CLOSING:])
    else:
        found.append(start[OPENING + MIDDLE :][-CLOSING:])
    return found


def beginnings(tokenizer: Tokenizer, answer: str) -> list[str]:
    """The answer as if it ended with its first piece, and with its second: up to the last
    sentence that ends there. Itself where it is no longer."""
    answer = answer.strip()
    start = tokenizer.encode(answer[:FROM_START])
    found = []
    for tokens in (OPENING, OPENING + MIDDLE):
        if len(start.ids) <= tokens:
            found.append(answer)
            continue
        begun = answer[: start.offsets[tokens - 1][1]]
        ends = [end.end() for end in SENTENCE.finditer(begun) if end.end() > len(begun) // 2]
        found.append((begun[: ends[-1]] if ends else begun).strip())
    return found
