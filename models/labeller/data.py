"""SpeechMap's answers with both judges' labels."""

import glob
import json
import os

LABELS = ["COMPLETE", "EVASIVE", "DENIAL"]


def content(response):
    """Text and reasoning of a provider's body."""
    try:
        message = response["choices"][0]["message"]
    except (KeyError, IndexError, TypeError):
        return "", ""
    return message.get("content") or "", message.get("reasoning") or message.get("reasoning_content") or ""


def rows(folder):
    """Every answer with a label: set, question id, model, question, answer, first and second judge's label."""
    second = {}
    with open(os.path.join(folder, "second-judge.jsonl"), encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            second[row["question_set"], row["question_id"], row["model"]] = row["compliance"]
    for path in sorted(glob.glob(os.path.join(folder, "*_criticism", "*.jsonl"))):
        name = os.path.basename(os.path.dirname(path))
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            text, reasoning = content(row["response"])
            if row["compliance"] in LABELS and text.strip():
                yield {
                    "set": name,
                    "question_id": row["question_id"],
                    "model": row["model"],
                    "question": row["question"],
                    "answer": text,
                    "reasoning": bool(reasoning),
                    "label": row["compliance"],
                    "second": second.get((name, row["question_id"], row["model"])),
                }
