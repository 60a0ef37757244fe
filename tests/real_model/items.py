"""Writes the log-likelihood items that a chat model is held against Transformers on: each question of the small shipped suites, with its
target and the target of the next question as continuations. `python3 items.py OUT.json [EVERY]` takes every question, or every EVERYth."""

import json
import sys
from pathlib import Path

SUITES = Path(__file__).resolve().parents[2] / "suites"


def main():
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    prompts = []
    for suite in ["facts", "arithmetic", "control-demo"]:
        lines = (SUITES / suite / "items.jsonl").read_text("utf8").splitlines()
        items = [json.loads(line) for line in lines]
        for item, after in zip(items, items[1:] + items[:1]):
            continuations = list(dict.fromkeys(f" {i['target']}" for i in (item, after)))
            text = f"Question: {item['question']}\nAnswer:"
            prompts.append({"text": text, "continuations": continuations})
    prompts = prompts[::every]
    Path(sys.argv[1]).write_text(json.dumps(prompts, ensure_ascii=False), "utf8")
    print(len(prompts), "questions,", sum(len(p["continuations"]) for p in prompts), "items")


main()
