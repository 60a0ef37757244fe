"""candor beside `lm_eval --model hf` on the same weights: the argmax of every multiple-choice item, greedy answers, perplexity.

    [ITEMS=40] [THREADS=2] venv/bin/python tests/real_model/beside_lm_eval.py MODEL_FOLDER OUT_FOLDER CANDOR

MODEL_FOLDER holds a model as it is published (config.json, model.safetensors, tokenizer), CANDOR is the binary; venv has lm-eval 0.4.13 and
Transformers. Tasks and documents are made of the shipped suites' items and of sentences about them, and written into OUT_FOLDER, as is what
either made of them. Exits with 1 where they differ.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ITEMS = int(os.environ.get("ITEMS", "40"))
GREEDY = 8
TEXTS = 6
# Nats per word by which perplexities may differ, relatively.
TOLERANCE = 1e-3
# Log-likelihoods of one item that are nearer than this are a tie.
TIE = 1e-3

CHOICES = """task: {name}
dataset_path: own/{name}
test_split: test
output_type: multiple_choice
doc_to_text: "{text}"
doc_to_choice: {choices}
doc_to_target: answer
metric_list:
  - metric: acc
  - metric: acc_norm
"""
GENERATE = """task: own_greedy
dataset_path: own/own_greedy
test_split: test
output_type: generate_until
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{target}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 24, do_sample: false}
metric_list:
  - metric: exact_match
"""
ROLLING = """task: own_texts
dataset_path: own/own_texts
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - metric: word_perplexity
  - metric: byte_perplexity
  - metric: bits_per_byte
"""


def items(suite: str) -> list[dict]:
    lines = (ROOT / "suites" / suite / "items.jsonl").read_text("utf8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def documents() -> dict[str, tuple[str, list[dict]]]:
    """Every task's YAML and documents, by its name."""
    draw = random.Random(7)
    tasks = {}
    forms = {
        "facts": ("Question: {{question}}\\nAnswer:", '"{{choices}}"'),
        "arithmetic": (
            "{{question}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nC. {{choices[2]}}\\nD. {{choices[3]}}\\nAnswer:",
            '["A", "B", "C", "D"]',
        ),
        "control-demo": ("{{question}} ", '"{{choices}}"'),
    }
    for suite, (text, choices) in forms.items():
        own = [item for item in items(suite) if item.get("target") and item.get("question")]
        targets = sorted({str(item["target"]) for item in own})
        rows = []
        for item in own[:ITEMS]:
            target = str(item["target"])
            others = draw.sample([t for t in targets if t != target], 3)
            options = draw.sample([target, *others], 4)
            rows.append({"question": item["question"], "choices": options, "answer": options.index(target)})
        name = f"own_{suite.replace('-', '_')}"
        tasks[name] = (CHOICES.format(name=name, text=text, choices=choices), rows)
    asked = [{"question": i["question"], "target": str(i["target"])} for i in items("arithmetic")[-GREEDY:]]
    tasks["own_greedy"] = (GENERATE, asked)
    facts = [f"{i['question']} {i['target']}." for i in items("facts")]
    size = max(1, len(facts) // TEXTS)
    texts = [{"text": " ".join(facts[i : i + size])} for i in range(0, size * TEXTS, size)]
    tasks["own_texts"] = (ROLLING, texts)
    return tasks


def write(out: Path) -> list[str]:
    tasks = documents()
    for name, (yaml, rows) in tasks.items():
        for folder, file, text in [
            (out / "tasks", f"{name}.yaml", yaml),
            (out / "docs" / name, "test.jsonl", "".join(json.dumps(row) + "\n" for row in rows)),
        ]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, "utf8")
    return list(tasks)


def of_lm_eval(model: Path, out: Path, names: list[str]) -> dict:
    """Answers by task and document: log-likelihoods, texts; and figures by task."""
    import datasets
    import lm_eval
    import torch
    from lm_eval.tasks import TaskManager

    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    # The tasks name the datasets that candor finds in docs/.
    load = datasets.load_dataset

    def own(path, *more, **options):
        if not path.startswith("own/"):
            return load(path, *more, **options)
        file = str(out / "docs" / path.removeprefix("own/") / "test.jsonl")
        return load("json", data_files={"test": file})

    datasets.load_dataset = own
    found = lm_eval.simple_evaluate(
        model="hf",
        model_args=f"pretrained={model},dtype=float32,device=cpu",
        tasks=names,
        task_manager=TaskManager(include_path=str(out / "tasks"), include_defaults=False),
        batch_size=4,
        bootstrap_iters=0,
        log_samples=True,
    )
    answers = {
        name: {str(s["doc_id"]): [r[0] if isinstance(r, (list, tuple)) else r for r in s["resps"]] for s in samples}
        for name, samples in found["samples"].items()
    }
    return {"answers": answers, "figures": found["results"]}


def of_candor(model: Path, out: Path, candor: str, names: list[str]) -> dict:
    run = out / "run"
    shutil.rmtree(run, ignore_errors=True)
    spec = f"lm-eval:{out / 'tasks'}#{','.join(names)}?data={out / 'docs'}"
    subprocess.run(
        [candor, "run", "--no-cache", "--offline", "-o", run, "-s", spec, "-m", f"onnx:{model}?threads={os.environ.get('THREADS', '2')}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    answers: dict[str, dict] = {}
    for line in (run / "journal.jsonl").read_text("utf8").splitlines():
        trial = json.loads(line)
        if "sample" not in trial:
            continue
        completion = trial["completion"]
        scores = [c["log_likelihood"] for c in completion.get("continuations", [])]
        answers.setdefault(trial["suite"], {})[trial["sample"]] = scores or [completion["text"]]
    return answers


def likeliest(scores: list[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)


def compare(theirs: dict, ours: dict) -> int:
    wrong = 0
    for name, documents in theirs["answers"].items():
        same, ties, worst = 0, 0, 0.0
        for document, wanted in documents.items():
            found = ours[name][document]
            if name == "own_greedy":
                wanted, found = [str(wanted[0]).strip()], [found[0].strip()]
                same += wanted == found
                if wanted != found:
                    print(f"  {name} {document}: {found[0]!r}, not {wanted[0]!r}")
                continue
            wanted = [w[0] if isinstance(w, (list, tuple)) else w for w in wanted]
            worst = max(worst, max(abs(a - b) for a, b in zip(wanted, found, strict=True)))
            agree = likeliest(wanted) == likeliest(found)
            ordered = sorted(wanted, reverse=True)
            tie = len(ordered) > 1 and ordered[0] - ordered[1] < TIE
            same += agree
            ties += tie and not agree
        print(f"{name}: {same} of {len(documents)} alike, {ties} ties, log-likelihoods at most {worst:.2e} apart")
        wrong += len(documents) - same - ties
    words = {d: len(json.loads(line)["text"].split()) for d, line in enumerate(open_texts())}
    total = -sum(ours["own_texts"][str(d)][0] for d in words)
    own = 2.718281828459045 ** (total / sum(words.values()))
    figure = theirs["figures"]["own_texts"]["word_perplexity,none"]
    print(f"word perplexity: {own:.6f}, lm-eval {figure:.6f}, relative difference {abs(own / figure - 1):.1e}")
    return wrong + (abs(own / figure - 1) > TOLERANCE)


def open_texts() -> list[str]:
    return (OUT / "docs/own_texts/test.jsonl").read_text("utf8").splitlines()


if __name__ == "__main__":
    MODEL, OUT, CANDOR = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3]
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    NAMES = write(OUT)
    reference = OUT / "lm_eval.json"
    if not reference.exists():
        reference.write_text(json.dumps(of_lm_eval(MODEL, OUT, NAMES), default=str))
    sys.exit(compare(json.loads(reference.read_text()), of_candor(MODEL, OUT, CANDOR, NAMES)) > 0)
