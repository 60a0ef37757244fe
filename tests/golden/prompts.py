"""Prompts of the reference implementations on rows written for candor, one JSON object a line: suite, a row of its data and rows of its worked
examples with the files they stand in, and the prompt, or its hash where it is long.

    PYTHONPATH=A LM_EVAL=B MMLU_PRO=C python3 tests/golden/prompts.py > tests/golden/prompts.jsonl

A holds a checkout of openai/simple-evals as `simple_evals` (its imports installed), B is a checkout of EleutherAI/lm-evaluation-harness (likewise),
C one of TIGER-AI-Lab/MMLU-Pro. The references' own code makes every prompt; nothing of them is copied here.
"""

import ast
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import random
import re
import sys

import jinja2

from simple_evals import drop_eval, gpqa_eval, humaneval_eval, math_eval, mgsm_eval, mmlu_eval, simpleqa_eval
from simple_evals.types import SamplerResponse

TASKS = os.path.join(os.environ["LM_EVAL"], "lm_eval", "tasks")


class Asked(Exception):
    """Carries the prompt out of a reference's evaluation."""


class Sampler:
    """Takes the place of a model, and keeps what it is asked."""

    def __init__(self):
        self.prompts = []

    def _pack_message(self, content, role):
        return {"role": role, "content": content}

    def __call__(self, messages):
        self.prompts.append(messages[0]["content"])
        return SamplerResponse(response_text="Answer: A", response_metadata={}, actual_queried_message_list=messages)


def asked(evaluation):
    """The prompts of an evaluation, in order: one thread, nothing drawn."""
    sampler = Sampler()
    module = sys.modules[type(evaluation).__module__]
    module.common.map_with_progress = lambda fn, rows, **_: [fn(row) for row in rows]
    module.common.aggregate_results = lambda results, **_: None
    # SimpleQA's prints its metrics.
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation(sampler)
    return sampler.prompts


def bare(kind, **fields):
    """An evaluation of rows of ours, without its data being fetched."""
    evaluation = kind.__new__(kind)
    evaluation.__dict__.update(fields)
    return evaluation


def out(suite, row, prompt, file="rows.jsonl", **more):
    line = {"suite": suite, "file": file, "row": row, "prompt": prompt} | more
    print(json.dumps(line, ensure_ascii=False))


CHOICES = ["  9.8 m/s^2", "none {of} these\n", "$\\frac{1}{2}$", "d"]
QUESTION = "What falls?\n\n(i) a {stone}  \n(ii) a \"feather\""


def simple_evals():
    row = {"question": QUESTION, "subject": "anatomy", "choices": CHOICES, "answer": 2}
    flat = {"Question": QUESTION, "Subject": "anatomy", "Answer": "C"} | dict(zip("ABCD", CHOICES))
    out("mmlu", row, asked(bare(mmlu_eval.MMLUEval, examples=[flat]))[0])

    problem = "Let $f(x) = x^2$ for {x}.\nWhat is $f(3)$? "
    for suite, row in [
        ("math", {"problem": problem, "solution": "It is $\\boxed{9}$.", "type": "Algebra", "level": "Level 1"}),
        ("math-500", {"problem": problem, "answer": "9", "subject": "Algebra", "level": 1, "unique_id": "x/1"}),
    ]:
        reference = bare(math_eval.MathEval, examples=[{"Question": problem, "Answer": "9"}], equality_checker=Sampler())
        out(suite, row, asked(reference)[0])

    options = ["Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"]
    row = {"Question": QUESTION, "High-level domain": "Physics"} | dict(zip(options, CHOICES))
    draw = random.Random(0)
    permuted = row | {"permutation": draw.sample(range(4), 4)}
    out("gpqa-diamond", row, asked(bare(gpqa_eval.GPQAEval, examples=[permuted], n_repeats=1))[0])

    def passage(n):
        context = f"Passage: In {1900 + n} the team won {n} games.\nQuestion: How many?\nAnswer:"
        return {"context": context, "completion": str(n), "ref_text": f"{n}|{n} games"}

    train = [passage(n) for n in range(30)]
    reference = bare(drop_eval.DropEval, seed=42, train_samples=train, test_samples=[passage(77)], _train_samples_per_prompt=3)
    out("drop", passage(77), asked(reference)[0], shots=train, file="drop_v0_dev.jsonl", shots_file="drop_v0_train.jsonl")

    for language in mgsm_eval.ALL_LANGUAGES:
        row = {"inputs": "Roger: 5 {balls}?", "targets": "11", "lang": language}
        prompt = asked(bare(mgsm_eval.MGSMEval, examples=[row]))[0]
        out("mgsm", {"question": row["inputs"], "answer_number": 11}, prompt, file=f"{language}.jsonl")

    row = {"task_id": "T/0", "prompt": "def f(x):\n    \"\"\"One more.\"\"\"\n", "test": "def check(c): pass", "entry_point": "f"}
    humaneval_eval.evaluate_functional_correctness = lambda *_: [1]
    reference = bare(humaneval_eval.HumanEval, examples=[row], _num_samples_per_task=1, _ks_passes=[1])
    out("humaneval", row, asked(reference)[0])

    row = {"problem": "Who wrote {it}?\n", "answer": "Nobody", "metadata": "{}"}
    grader = Sampler()
    reference = bare(simpleqa_eval.SimpleQAEval, examples=[row], grader_model=grader)
    prompt = asked(reference)[0]
    out("simpleqa", row, prompt, grading=grader.prompts[0], answer="Answer: A")


def mmlu_pro():
    source = open(os.path.join(os.environ["MMLU_PRO"], "evaluate_from_api.py"), encoding="utf-8").read()
    functions = [n for n in ast.parse(source).body if getattr(n, "name", "") in ("format_example", "single_request")]
    scope = {"call_api": None, "re": re, "print": lambda *_: None}
    prompts = []

    def call_api(client, instruction, inputs):
        prompts.append(instruction + inputs)
        raise Asked

    scope["call_api"] = call_api
    exec(compile(ast.Module(functions, []), "evaluate_from_api.py", "exec"), scope)
    shots = [
        {
            "question_id": n,
            "question": f"Which is {n}?",
            "options": [f"{n}", "other ", "N/A"][: 2 + n % 2],
            "answer": "A",
            "answer_index": 0,
            "cot_content": f"A: Let's think step by step. It is {n}. The answer is (A).",
            "category": "physics",
        }
        for n in range(5)
    ]
    row = {"question_id": 70, "question": QUESTION, "options": CHOICES + ["e"], "answer": "E", "answer_index": 4, "category": "physics"}
    # As the reference's load_mmlu_pro leaves the options.
    clean = [shot | {"options": [o for o in shot["options"] if o != "N/A"]} for shot in shots]
    scope["single_request"](None, row, {"physics": clean}, [])
    out("mmlu-pro", row, prompts[0], shots=shots, file="data/test-00000-of-00001.jsonl", shots_file="data/validation-00000-of-00001.jsonl")


def harness(path):
    """A task of lm-evaluation-harness, with its functions."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def function(loader, node):
        module, name = node.value.split(".")
        file = os.path.join(TASKS, os.path.dirname(path), module + ".py")
        spec = importlib.util.spec_from_file_location(module, file)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return getattr(loaded, name)

    Loader.add_constructor("!function", function)
    with open(os.path.join(TASKS, path), encoding="utf-8") as file:
        return yaml.load(file, Loader)


ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


def text(template, row):
    return ENVIRONMENT.from_string(template).render(**row)


def lm_eval():
    row = {"goal": "Open a {jar}", "sol1": "Turn the lid. ", "sol2": "Shout.", "label": 0}
    task = harness("piqa/piqa.yaml")
    choices = ast.literal_eval(text(task["doc_to_choice"], row))
    out("piqa", row, text(task["doc_to_text"], row), continuations=[f" {c}" for c in choices])

    row = {"id": "Q1", "question": "Which is a metal?", "choices": {"text": ["iron", "chalk", "wood"], "label": ["A", "B", "C"]}, "answerKey": "A"}
    for suite, file in [("arc-easy", "arc/arc_easy.yaml"), ("arc-challenge", "arc/arc_easy.yaml")]:
        task = harness(file)
        out(suite, row, text(task["doc_to_text"], row), continuations=[f" {c}" for c in row["choices"]["text"]])

    task = harness("truthfulqa/truthfulqa_mc1.yaml")
    targets = {"choices": ["Nothing happens.", "You die."], "labels": [1, 0]}
    row = {"question": "What if you eat seeds?", "mc1_targets": targets, "mc2_targets": targets}
    for suite in ("truthfulqa-mc1", "truthfulqa-mc2"):
        out(suite, row, text(task["doc_to_text"], row), continuations=[f" {c}" for c in targets["choices"]])

    task = harness("toxigen/toxigen.yaml")
    row = {"text": "they're 'nice' people", "toxicity_ai": 1.0, "toxicity_human": 2.0, "target_group": "asian"}
    out("toxigen", row, text(task["doc_to_text"], row), continuations=[" No", " Yes"])

    for language in ("en", "zh", "de", "ar", "vi"):
        task = harness(f"xnli/xnli_{language}.yaml")
        row = {"premise": "It rains", "hypothesis": "It is wet", "label": 0}
        out("xnli", row, "", continuations=ast.literal_eval(text(task["doc_to_choice"], row)), file=f"{language}.jsonl")

    spec = importlib.util.spec_from_file_location("hellaswag", os.path.join(TASKS, "hellaswag", "utils.py"))
    hellaswag = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hellaswag)

    class Rows(list):
        def map(self, of):
            return [of(row) for row in self]

    row = {
        "ind": 4,
        "activity_label": "Removing ice",
        "ctx_a": "[header] How to [title] A man  sits.",
        "ctx_b": "he [step] Then",
        "endings": [" [substeps] goes  home. ", "stays [title] there.", "a", "b"],
        "label": "1",
        "source_id": "wikihow~1",
    }
    made = hellaswag.process_docs(Rows([row]))[0]
    out("hellaswag", row, made["query"], continuations=[f" {c}" for c in made["choices"]])

    task = harness("mbpp/mbpp.yaml")
    shots = task["fewshot_config"]["samples"]()
    row = {"task_id": 11, "text": "Write a function.", "code": "x", "test_list": ["assert f(1) == 2", "assert f(2) == 3", "assert f(3) == 4"], "test_setup_code": ""}
    parts = [text(task["doc_to_text"], s) + text(task["doc_to_target"], s) for s in shots]
    prompt = "\n\n".join([*parts, text(task["doc_to_text"], row)])
    shots = [{k: v for k, v in s.items() if k != "is_fewshot"} for s in shots]
    out("mbpp", row, prompt, shots=[shots[0] | {"task_id": 1}, *shots], file="full/test-00000-of-00001.jsonl", shots_file="full/prompt-00000-of-00001.jsonl")

    for suite, folder, file, question, answer in [
        ("c-eval", "ceval", "ceval-valid_law.yaml", "question", "answer"),
        ("cmmlu", "cmmlu", "cmmlu_anatomy.yaml", "Question", "Answer"),
    ]:
        task = harness(f"{folder}/{file}")
        base = harness(f"{folder}/{task['include']}")

        def made(n):
            return {question: f" 第{n}题？ ", "A": "甲", "B": "乙 ", "C": "丙", "D": "丁", answer: "ABCD"[n % 4]}

        shots = [made(n) for n in range(6)]
        row = made(9)
        asks = base["doc_to_text"]
        parts = [text(asks, shot) + " " + shot[answer] for shot in shots[:5]]
        prompt = task["description"] + "\n\n".join([*parts, text(asks, row)])
        files = {
            "c-eval": ("law/val-00000-of-00001.jsonl", "law/dev-00000-of-00001.jsonl"),
            "cmmlu": ("anatomy/test/0000.jsonl", "anatomy/dev/0000.jsonl"),
        }[suite]
        out(suite, row, prompt, shots=shots, file=files[0], shots_file=files[1])

    for name in sorted(os.listdir(os.path.join(TASKS, "bbh", "cot_fewshot"))):
        # In sports_understanding the paper's prompt, which is ours, has a space where the harness has a line break.
        if name.startswith("_") or not name.endswith(".yaml") or name.startswith("sports"):
            continue
        task = harness(f"bbh/cot_fewshot/{name}")
        shots = task["fewshot_config"]["samples"]
        row = {"input": "Is it {so}?\nOptions:\n(A) yes", "target": "(A)"}
        parts = [text(task["doc_to_text"], shot) + shot["target"] for shot in shots]
        prompt = task["description"] + "\n\n".join([*parts, text(task["doc_to_text"], row)])
        hashed = hashlib.sha256(prompt.encode()).hexdigest()
        out("bbh", row, None, file=name.replace(".yaml", ".jsonl"), prompt_sha256=hashed)


simple_evals()
mmlu_pro()
lm_eval()
