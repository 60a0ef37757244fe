"""Writes translation.jsonl: generated pairs with what sacreBLEU gives each of them and all of them together.

Run with sacrebleu 2.6 installed:  python translation.py > translation.jsonl
"""

import json
import random

import sacrebleu

WORDS = (
    "the a cat dog river stone walked slowly across old bridge, and then it didn't rain. "
    'She said: "No!" (twice) at 3.14 km/h – 1,200 people; co-op &amp; sons <tag> '
    "über naïve Straße 猫 は 走る 12-15 e.g. U.S. it's J.R.R. $5.00 100% #1 a/b x_y"
).split()


def sentence(draw: random.Random) -> list[str]:
    return [draw.choice(WORDS) for _ in range(draw.randint(1, 24))]


def changed(draw: random.Random, words: list[str]) -> list[str]:
    """The words with some dropped, replaced, doubled, and a phrase moved."""
    out = []
    for word in words:
        kind = draw.random()
        if kind < 0.1:
            continue
        out.append(draw.choice(WORDS) if kind < 0.25 else word)
        if kind > 0.95:
            out.append(word)
    if len(out) > 4 and draw.random() < 0.6:
        start = draw.randrange(len(out) - 2)
        end = min(len(out), start + draw.randint(1, 4))
        phrase = out[start:end]
        rest = out[:start] + out[end:]
        at = draw.randrange(len(rest) + 1)
        out = rest[:at] + phrase + rest[at:]
    return out


def figures(answers: list[str], references: list[str]) -> dict[str, float]:
    return {
        "bleu": sacrebleu.corpus_bleu(answers, [references]).score,
        "chrf": sacrebleu.corpus_chrf(answers, [references]).score,
        "chrf++": sacrebleu.corpus_chrf(answers, [references], word_order=2).score,
        "ter": sacrebleu.corpus_ter(answers, [references]).score,
    }


def main() -> None:
    draw = random.Random(7)
    answers, references = [], []
    for i in range(200):
        words = sentence(draw)
        other = sentence(draw) if draw.random() < 0.15 else changed(draw, words)
        separator = "\n" if i % 40 == 13 else " "
        references.append(" ".join(words))
        answers.append(separator.join(other) + (" \n" if i % 25 == 7 else ""))
    answers[5] = ""
    for answer, reference in zip(answers, references):
        row = {"answer": answer, "reference": reference, **figures([answer], [reference])}
        print(json.dumps(row, ensure_ascii=False))
    print(json.dumps({"corpus": figures(answers, references)}))


if __name__ == "__main__":
    main()
