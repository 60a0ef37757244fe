"""Answers written for candor with the verdicts of openai/simple-evals and MMLU-Pro, one JSON object a line.

    PYTHONPATH=A MMLU_PRO=C python3 tests/golden/readings.py > tests/golden/readings.jsonl

A and C as for prompts.py. The rows are those of prompts.jsonl.
"""

import ast
import json
import os
import re

from simple_evals import common, drop_eval, mgsm_eval

LETTERS = [
    "Answer: {}",
    "So it falls.\n\nAnswer: {}",
    "**Answer:** {}",
    "Answer: **{}**",
    "Answer: ${}$",
    "Answer: $\\boxed{{{}}}$",
    "\\boxed{{{}}}",
    "answer:{}",
    "ANSWER : {}",
    "Answer:\n{}",
    "The answer is {}.",
    "The answer is ({}).",
    "Answer: A is wrong.\nAnswer: {}",
    "Final Answer: {}) because",
    "Antwort: {}",
    "答案：{}",
    "正解は\n答え: {}",
    "Réponse : {}",
    "{}",
    "I cannot tell.",
    "Answer: none of them, {}",
]
DIALECTS = ["A", "B", "C", "D", "c", "E", "e", "Ｃ", "ج", "ড", "أ", "ব"]


def mmlu(answer):
    text = common.normalize_response(answer)
    for pattern in common.MULTILINGUAL_ANSWER_REGEXES:
        found = re.search(common.MULTILINGUAL_ANSWER_PATTERN_TEMPLATE.format(pattern), text)
        if found:
            return common.normalize_extracted_answer(found.group(1))
    return None


def gpqa(answer):
    found = re.search(common.ANSWER_PATTERN_MULTICHOICE, answer)
    return found.group(1) if found else None


def pro():
    source = open(os.path.join(os.environ["MMLU_PRO"], "evaluate_from_api.py"), encoding="utf-8").read()
    names = ("extract_answer", "extract_again", "extract_final")
    functions = [n for n in ast.parse(source).body if getattr(n, "name", "") in names]
    scope = {"re": re, "print": lambda *_: None}
    exec(compile(ast.Module(functions, []), "evaluate_from_api.py", "exec"), scope)
    return lambda answer: scope["extract_answer"](answer.replace("**", ""))


def out(suite, answer, value, **more):
    print(json.dumps({"suite": suite, "answer": answer, "value": float(value)} | more, ensure_ascii=False))


def main():
    mmlu_pro = pro()
    for template in LETTERS:
        for letter in DIALECTS:
            answer = template.format(letter)
            out("mmlu", answer, mmlu(answer) == "C")
            if letter in "ABCDEce":
                # The order that seed 0 gives the choices has the right one third.
                out("gpqa-diamond", answer, gpqa(answer) == "C")
                out("mmlu-pro", answer, mmlu_pro(answer) == "E")

    for language, word in mgsm_eval.LANG_TO_ANSWER_PREFIX.items():
        for answer in [f"{word}: 11", f"{word}: 11.0", f"{word}: $11.", f"{word}: 5 + 6 = 11 {{}}", f"{word}: 1,1", "11", f"{word}: 12", f"{word}: 11\n{word}: 10", f"{word}:\n**11**"]:
            value = mgsm_eval.score_mgsm("11", mgsm_eval.parse_answer(answer, word))
            out("mgsm", answer, value, file=f"{language}.jsonl")

    for answer in ["Answer: 77", "Answer: 77 games", "Answer: seventy-seven", "77 games in all", "Answer: 78 games", "Answer: the 77.0 Games!", "So.\nAnswer: 76\nAnswer: 77", "Answer: games"]:
        found = re.search(common.ANSWER_PATTERN, answer)
        em, f1 = drop_eval.drop_metric(found.group(1) if found else answer, ["77", "77 games"])
        out("drop", answer, f1 / 100)


main()
