"""lm-evaluation-harness, for the tests of exchange: `run FOLDER` runs three small tasks with its dummy model; `read FOLDER` finds and loads samples
and results as the harness itself does. Both print one JSON object."""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

DOCUMENTS = [
    {"q": "1 + 1", "a": "2", "choices": ["1", "2"], "gold": 1, "text": "one two three"},
    {"q": "1 + 2", "a": "3", "choices": ["3", "4"], "gold": 0, "text": "four five"},
    {"q": "2 + 2", "a": "lol", "choices": ["3", "4"], "gold": 1, "text": "six seven eight nine"},
]
TASKS = {
    "tiny_mc": {"output_type": "multiple_choice", "doc_to_text": "{{q}} =", "doc_to_target": "gold", "doc_to_choice": "choices",
                "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}, {"metric": "f1"}]},
    "tiny_gen": {"output_type": "generate_until", "doc_to_text": "{{q}} =", "doc_to_target": "a", "generation_kwargs": {"until": ["\n"]},
                 "filter_list": [{"name": "strict", "filter": [{"function": "regex", "regex_pattern": "(l.l)"}, {"function": "take_first"}]},
                                 {"name": "upper", "filter": [{"function": "uppercase"}, {"function": "take_first"}]}],
                 "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}, {"metric": "chrf"}]},
    "tiny_roll": {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "text",
                  "metric_list": [{"metric": "word_perplexity"}, {"metric": "byte_perplexity"}, {"metric": "bits_per_byte"}]},
}


def run(folder):
    import lm_eval
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    tasks = Path(folder) / "tasks"
    tasks.mkdir()
    data = tasks / "d.jsonl"
    data.write_text("".join(json.dumps(d) + "\n" for d in DOCUMENTS))
    for name, task in TASKS.items():
        whole = {"task": name, "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}}, "test_split": "test",
                 "metadata": {"version": 1.0}, **task}
        (tasks / f"{name}.yaml").write_text(json.dumps(whole))
    tracker = EvaluationTracker(output_path=folder + "/out")
    results = lm_eval.simple_evaluate(model="dummy", model_args="pretrained=acme/dummy", tasks=list(TASKS), log_samples=True, bootstrap_iters=0,
                                      task_manager=TaskManager(include_path=str(tasks), include_defaults=False), evaluation_tracker=tracker)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for name in results["configs"]:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    print(json.dumps(results["results"]))


def read(folder):
    from datasets import load_dataset
    from lm_eval.utils import get_file_datetime, get_file_task_name, get_results_filenames, get_sample_results_filenames

    files = [str(p) for p in Path(folder).rglob("*") if p.is_file()]
    told = {"samples": {}, "results": []}
    for path in get_sample_results_filenames(files):
        name = Path(path).name
        rows = load_dataset("json", data_files=path, split="train", cache_dir=folder + "/cache")
        told["samples"][get_file_task_name(name)] = {
            "date": get_file_datetime(name), "rows": len(rows), "columns": rows.column_names,
            "means": {m: sum(r[m] for r in rows if r[m] is not None) / sum(r[m] is not None for r in rows) for m in rows[0]["metrics"]},
        }
    for path in get_results_filenames(files):
        results = json.load(open(path))
        told["results"].append({"model": results["model_name"], "tasks": results["results"]})
    print(json.dumps(told))


{"run": run, "read": read}[sys.argv[1]](sys.argv[2])
