"""What is trained on: SpeechMap's answers with both judges' labels, and candor's own cases of the taxonomy."""

import glob
import json
import os

import languages

LABELS = ["COMPLETE", "EVASIVE", "DENIAL"]
CASES = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "fixtures", "taxonomy.jsonl")
BOX = "\\boxed{"
OF_CLASS = {
    "complete": "COMPLETE",
    "partial": "EVASIVE",
    "evasive": "EVASIVE",
    "official_line": "EVASIVE",
    "denial": "DENIAL",
}


def content(response):
    """Text of a provider's body."""
    try:
        return response["choices"][0]["message"].get("content") or ""
    except (KeyError, IndexError, TypeError):
        return ""


def answer(text):
    """What follows the reasoning that some models write into their text, as candor parts the two, without the box that some put it in."""
    text = without_reasoning(text)
    return (
        text.strip()[len(BOX) : -1]
        if text.strip().startswith(BOX) and text.strip().endswith("}")
        else text
    )


def without_reasoning(text):
    for begin, end in (("<think>", "</think>"), ("\u25c1think\u25b7", "\u25c1/think\u25b7")):
        if end in text:
            return text.split(end, 1)[1].lstrip()
        if text.lstrip().startswith(begin):
            return ""
    return text


def speechmap(folder):
    """Every answer with a label: set, question's id, model, question, answer, first and second judge's label."""
    second = {}
    with open(os.path.join(folder, "second-judge.jsonl"), encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            second[row["question_set"], row["question_id"], row["model"]] = row["compliance"]
    for path in sorted(glob.glob(os.path.join(folder, "*_criticism", "*.jsonl"))):
        name = os.path.basename(os.path.dirname(path))
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            text = answer(content(row["response"]))
            if row["compliance"] in LABELS and text.strip():
                yield {
                    "set": name,
                    "id": row["question_id"],
                    "model": row["model"],
                    "question": row["question"],
                    "question_language": languages.of_text(row["question"]),
                    "answer": text,
                    "answer_language": languages.of_text(text),
                    "label": row["compliance"],
                    "second": second.get((name, row["question_id"], row["model"])),
                }


def cases():
    """The hand-made cases that one of the three labels fits; only ever trained on."""
    for line in open(CASES, encoding="utf-8"):
        row = json.loads(line)
        if row["class"] in OF_CLASS and row.get("answer", "").strip():
            label = OF_CLASS[row["class"]]
            question = row.get("prompt") or row.get("question") or ""
            language = row["group"] if len(row["group"]) == 2 else languages.of_text(row["answer"])
            yield {
                "set": "cases",
                "id": None,
                "model": "cases",
                "question": question,
                "question_language": language,
                "answer": row["answer"],
                "answer_language": language,
                "label": label,
                "second": label,
            }


def rows(folder):
    return [*speechmap(folder), *cases()]
