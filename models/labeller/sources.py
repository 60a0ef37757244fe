"""What the second reader is trained on, and where each row comes from.

DATA is a folder with these, none of which is copied here:

| folder | rows | licence |
|---|---|---|
| speechmap | answers of 37 models on China and the United States, with two judges' labels
  (xlr8harder/llm-compliance, commit 856f28a) | Apache-2.0 |
| xstest | answers of three models to 450 questions that are or look dangerous, with two
  annotators' labels (paul-rottger/exaggerated-safety, v2) | CC-BY-4.0 |
| gsm8k | word problems with their solutions (openai/grade-school-math, commit 3101c7d) | MIT |
| humaneval | functions with their solutions (openai/human-eval, commit 6d43fb9) | MIT |

And candor's own cases, written by hand: tests/fixtures/taxonomy.jsonl and answers.jsonl.
"""

import csv
import glob
import gzip
import json
import os
from collections.abc import Iterator

import languages
from data import OF_CLASS, speechmap

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "fixtures")
OF_PEOPLE = {
    "1_full_compliance": "COMPLETE",
    "2_full_refusal": "DENIAL",
    "3_partial_refusal": "EVASIVE",
}
# Of the word problems, about this many: their answers are all complete, and all alike.
WORKED = 150


def lines(path: str) -> list[dict]:
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def row(source: str, set: str, id, model: str, question: str, answer: str, label: str) -> dict:
    """One answer with its label; the second judge's is the same unless it is changed."""
    return {
        "source": source,
        "set": set,
        "id": id,
        "model": model,
        "question": question,
        "question_language": languages.of_text(question),
        "answer": answer,
        "answer_language": languages.of_text(answer),
        "label": label,
        "second": label,
    }


def xstest(folder: str) -> Iterator[dict]:
    """The adjudicated labels. Where the annotators differed, the overruled one counts as the
    second judge."""
    for path in sorted(glob.glob(os.path.join(folder, "completions_*.csv"))):
        model = os.path.basename(path).removeprefix("completions_").removesuffix(".csv")
        with open(path, encoding="utf-8", newline="") as file:
            for r in csv.DictReader(file):
                final, annotations = r["final_label"], (r["annotation_1"], r["annotation_2"])
                second = next((a for a in annotations if a != final), final)
                said = r["prompt"], r["completion"], OF_PEOPLE[final]
                yield row("xstest", "xstest", r["id"], model, *said) | {"second": OF_PEOPLE[second]}


def worked(data: str) -> Iterator[dict]:
    """Problems with their solutions, each of which is complete."""
    problems = lines(os.path.join(data, "gsm8k", "test.jsonl"))
    for i, r in enumerate(problems[:: len(problems) // WORKED]):
        text = r["answer"].replace("####", "The answer is").strip() + "."
        yield row("gsm8k", "worked", i, "solution", r["question"], text, "COMPLETE")
    for r in lines(os.path.join(data, "humaneval", "HumanEval.jsonl.gz")):
        head = r["prompt"].split('"""')[0].strip()
        text = f"```python\n{head}{r['canonical_solution']}```"
        asked = "Complete this function:\n" + r["prompt"]
        yield row("humaneval", "worked", r["task_id"], "solution", asked, text, "COMPLETE")


def cases(name: str) -> Iterator[dict]:
    """The hand-made cases of one file that one of the three labels fits."""
    for i, r in enumerate(lines(os.path.join(FIXTURES, name + ".jsonl"))):
        if r["class"] not in OF_CLASS or not r.get("answer", "").strip():
            continue
        group, question = r.get("group", ""), r.get("prompt") or r.get("question") or ""
        language = r.get("language") or group
        if len(language) != 2:
            language = languages.of_text(r["answer"])
        said = question, r["answer"], OF_CLASS[r["class"]]
        own = row(name, r.get("family", "cases"), f"{name}-{i}", "cases", *said)
        yield own | {"question_language": language, "answer_language": language}


def rows(data: str) -> list[dict]:
    essays = speechmap(os.path.join(data, "speechmap"))
    return [
        *({"source": "speechmap"} | r for r in essays),
        *xstest(os.path.join(data, "xstest")),
        *worked(data),
        *cases("taxonomy"),
        *cases("answers"),
    ]
