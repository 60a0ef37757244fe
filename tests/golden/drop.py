"""Cases of DROP's metrics with the values of its official script, as openai/simple-evals carries it.

    PYTHONPATH=FOLDER_OF_SIMPLE_EVALS python3 tests/golden/drop.py > tests/golden/drop.jsonl

FOLDER_OF_SIMPLE_EVALS holds a checkout of openai/simple-evals as `simple_evals`, with the packages that it imports installed.
"""

import json
import random

from simple_evals.drop_eval import get_drop_metrics

NAMES = ["Tom Brady", "the Patriots", "St. Louis Rams", "A. J. Smith-Lee", "O'Neill", "Müller", "the U.S. Army"]
NUMBERS = ["3", "3.0", "12", "1,234", "1_234", "-5", "$40", "40%", "2nd", "1e3", "inf", ".5", "7-yard", "nan", "0", "-0"]
WORDS = ["yards", "a touchdown", "field goal", "The", "an", "in the third quarter", "of", "women's", "", " ", "tie-breaker", "(two)", "the-a"]


def span(draw):
    parts = [draw.choice(draw.choice([NAMES, NUMBERS, WORDS])) for _ in range(draw.randint(1, 4))]
    return draw.choice([" ", "-", ", "]).join(parts)


def main():
    draw = random.Random(16)
    for case in range(240):
        gold = [span(draw) for _ in range(draw.choice([1, 1, 1, 2, 3, 5]))]
        kind = draw.random()
        if kind < 0.25:
            predicted = [g.upper() if draw.random() < 0.5 else g + "." for g in gold]
            draw.shuffle(predicted)
        elif kind < 0.6:
            predicted = [g + " " + span(draw) if draw.random() < 0.7 else span(draw) for g in gold]
        else:
            predicted = [span(draw) for _ in range(draw.choice([1, 1, 2, 4]))]
        exact_match, f1 = get_drop_metrics(predicted, gold)
        row = {"predicted": predicted, "gold": gold, "exact_match": exact_match, "f1": float(f1)}
        print(json.dumps(row, ensure_ascii=False))


main()
